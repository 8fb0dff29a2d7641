package qcow_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/engine/disk/disktest"
	"edgecloud/engine/disk/qcow"
	"edgecloud/link/spec"
)

func qemu(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	require.NoError(t, err, "%s (Debian: qemu-utils): %s", program, out)
}

func open(t *testing.T, dir string) *qcow.Pool {
	t.Helper()
	pool, err := qcow.Open(qcow.Config{Dir: dir})
	require.NoError(t, err)
	return pool
}

func fixture(t *testing.T) disktest.Fixture {
	dir := t.TempDir()
	return disktest.Fixture{
		Pool:      open(t, dir),
		Reopen:    func(t *testing.T) disk.Pool { return open(t, dir) },
		Leftovers: func(t *testing.T) []string { return leftovers(t, dir) },
		Read: func(t *testing.T, source disk.Source, n int) []byte {
			raw := filepath.Join(t.TempDir(), "raw")
			qemu(t, "qemu-img", "convert", "-f", source.Format, "-O", "raw", source.Path, raw)
			data, err := os.ReadFile(raw)
			require.NoError(t, err)
			return data[:n]
		},
		Write: func(t *testing.T, source disk.Source, data []byte) {
			file := filepath.Join(t.TempDir(), "data")
			sector := make([]byte, 512)
			copy(sector, data)
			require.NoError(t, os.WriteFile(file, sector, 0o600))
			qemu(t, "qemu-io", "-f", source.Format, "-c", "write -s "+file+" 0 512", source.Path)
		},
	}
}

// leftovers lists files that are neither an image, its checksum, nor the only epoch of a volume.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	var odd []string
	images, err := os.ReadDir(filepath.Join(dir, "images"))
	require.NoError(t, err)
	for _, e := range images {
		stem := filepath.Join(dir, "images", strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())))
		_, noSum := os.Stat(stem + ".sha256")
		_, noRaw := os.Stat(stem + ".raw")
		_, noQcow := os.Stat(stem + ".qcow2")
		if noSum != nil || (noRaw != nil && noQcow != nil) {
			odd = append(odd, e.Name())
		}
	}
	volumes, err := os.ReadDir(filepath.Join(dir, "volumes"))
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, e := range volumes {
		uid, _, _ := strings.Cut(e.Name(), ".")
		if seen[uid] || !strings.HasSuffix(e.Name(), ".qcow2") {
			odd = append(odd, e.Name())
		}
		seen[uid] = true
	}
	return odd
}

func TestSuite(t *testing.T) { disktest.Suite(t, "qcow", fixture) }

func TestOpenSweepsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	f := disktest.Fixture{Pool: open(t, dir)}
	image := disktest.NewContent("swept")
	require.NoError(t, f.Pool.EnsureImage(t.Context(), image.Image, image.Fetch(nil)))
	uid := uuid.NewString()
	for _, name := range []string{"images/" + uid + ".raw.part", "images/" + uid + ".sha256", "volumes/" + uid + ".e1.qcow2.part"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600))
	}
	require.Len(t, leftovers(t, dir), 3)
	pool := open(t, dir)
	require.Empty(t, leftovers(t, dir))
	require.NoError(t, pool.EnsureImage(t.Context(), image.Image, image.Fetch(nil)), "the whole image is still there")
}

func TestReinstallIsFinishedAfterACrashBetweenItsSteps(t *testing.T) {
	dir := t.TempDir()
	pool := open(t, dir)
	v := spec.Volume{UID: uuid.NewString(), Bytes: disktest.MiB}
	_, err := pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	old := filepath.Join(dir, "volumes", v.UID+".e0.qcow2")
	// The crash: the new epoch is complete, the old one was not removed.
	qemu(t, "qemu-img", "create", "-q", "-f", "qcow2", filepath.Join(dir, "volumes", v.UID+".e1.qcow2"), "1M")
	v.Epoch = 1
	pool = open(t, dir)
	got, err := pool.Get(t.Context(), v.UID)
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Epoch)
	_, err = pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	require.NoFileExists(t, old)
}

func TestImagesThatNameOtherFilesAreRefused(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	secret := filepath.Join(away, "secret.raw")
	require.NoError(t, os.WriteFile(secret, make([]byte, disktest.MiB), 0o600))
	backed, split := filepath.Join(away, "backed"), filepath.Join(away, "split")
	qemu(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", backed)
	qemu(t, "qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file="+filepath.Join(away, "data.raw"), split, "1M")
	whole := filepath.Join(away, "whole")
	qemu(t, "qemu-img", "create", "-q", "-f", "qcow2", whole, "1M")
	pool := open(t, dir)
	for path, want := range map[string]error{backed: disk.ErrFormat, split: disk.ErrFormat, whole: nil} {
		image := fileImage(t, path)
		require.ErrorIs(t, pool.EnsureImage(t.Context(), image.Image, image.Fetch(nil)), want, path)
	}
	require.Empty(t, leftovers(t, dir))
	images, err := pool.Images(t.Context())
	require.NoError(t, err)
	require.Len(t, images, 1)
	_, err = pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: disktest.MiB, Image: images[0]})
	require.NoError(t, err)
}
