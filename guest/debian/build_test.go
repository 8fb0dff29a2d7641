package debian_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/diskimage"
	"edgecloud/guest/debian"
)

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "DEBUGFS_PAGER=__none__")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

// TestADiskIsPutTogether puts a disk together from packages that are only unpacked, which takes a fraction of the time, and looks at it. make test-debian builds
// and starts a real one.
func TestADiskIsPutTogether(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	r, err := debian.Build(t.Context(), debian.Options{Out: filepath.Join(dir, "disk.qcow2"), Packages: []string{}, Variant: "extract", Log: &log})
	require.NoError(t, err, log.String())
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{r.Path}, left)
	f, err := os.Open(r.Path)
	require.NoError(t, err)
	defer f.Close()
	info, err := diskimage.Detect(f, r.Bytes)
	require.NoError(t, err)
	require.Equal(t, diskimage.Info{Format: diskimage.Qcow2, VirtualBytes: debian.VirtualBytes}, info)

	raw := filepath.Join(dir, "disk.raw")
	command(t, "qemu-img", "convert", "-O", "raw", r.Path, raw)
	disk, err := os.Open(raw)
	require.NoError(t, err)
	defer disk.Close()
	head := make([]byte, 1024)
	_, err = disk.ReadAt(head, 0)
	require.NoError(t, err)
	require.Equal(t, []byte{0x55, 0xaa}, head[510:512])
	require.Contains(t, string(head[:440]), "GRUB")
	require.Equal(t, byte(0x80), head[446], "the partition boots")
	require.NotEqual(t, make([]byte, 512), head[512:], "GRUB's core follows")
	part := raw + "?offset=1048576"
	command(t, "e2fsck", "-fn", part)
	for path, holds := range map[string]string{"/boot/grub/grub.cfg": debian.Label, "/etc/fstab": "LABEL=" + debian.Label, "/etc/cloud/cloud.cfg.d/90_edgecloud.cfg": "NoCloud"} {
		require.Contains(t, command(t, "debugfs", "-R", "cat "+path, part), holds, path)
	}
	require.Contains(t, command(t, "debugfs", "-R", "ls /boot", part), "vmlinuz-")
	require.Contains(t, command(t, "debugfs", "-R", "stat /etc/machine-id", part), "Size: 0", "each guest makes its own")
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	_, err := debian.Build(t.Context(), debian.Options{})
	require.ErrorContains(t, err, "Options.Out")
	foreign := filepath.Join(t.TempDir(), "other.list")
	require.NoError(t, os.WriteFile(foreign, []byte("deb http://mirror.example/debian trixie main\n# deb http://mirror.example/debian bookworm main\n"), 0o600))
	_, err = debian.Build(t.Context(), debian.Options{Out: filepath.Join(t.TempDir(), "x"), Sources: []string{foreign}})
	require.ErrorContains(t, err, "no source of the suite "+debian.Suite)
}

func TestOnlySourcesOfTheSuiteAreTaken(t *testing.T) {
	list := "deb http://a.example/debian bookworm main\ndeb-src http://a.example/debian bookworm main\ndeb [arch=amd64] http://tools.example stable main\n"
	require.Equal(t, "deb http://a.example/debian bookworm main\n", debian.Pick(list, false))
	stanza := "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
	others := []string{strings.Replace(stanza, "deb\n", "deb-src\n", 1), stanza + "Enabled: no\n", strings.ReplaceAll(stanza, "bookworm", "nodistro")}
	require.Equal(t, stanza, debian.Pick(strings.Join(append(others, stanza), "\n"), true))
	require.Empty(t, debian.Pick(strings.Join(others, "\n"), true))
}
