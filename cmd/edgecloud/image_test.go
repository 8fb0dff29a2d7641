package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"
)

func TestImagesAreBuiltAndImported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cloud")
	p := up(t, dir, "--listen", "127.0.0.1:0")
	out, code := run(t, "image", "build", "tiny", "--data", dir, "--quiet")
	require.Equal(t, 0, code, out)
	require.Contains(t, out, "tiny ")
	file := filepath.Join(t.TempDir(), "own.qcow2")
	out, code = run(t, "image", "build", "tiny", "--out", file)
	require.Equal(t, 0, code, out)
	out, code = run(t, "admin", "--data", dir, "image", "import", file, "--name", "own", "--os-name", "opensuse", "--public-name", "Ubuntu 16.04 server 64bit")
	require.Equal(t, 1, code)
	require.Contains(t, out, "say replace")
	out, code = run(t, "admin", "--data", dir, "image", "import", file, "--name", "own", "--os-name", "opensuse", "--public-name", "Ubuntu 16.04 server 64bit", "--replace")
	require.Equal(t, 0, code, out)
	list, err := p.client(t).ListVmImage(&api.ListVmImageArgs{Type: "becCommon", OsName: "opensuse"})
	require.NoError(t, err)
	var names []string
	for _, i := range list.Result {
		names = append(names, i.Name)
	}
	require.ElementsMatch(t, []string{"own", "Ubuntu 16.04 server 64bit"}, names)
	left, err := filepath.Glob(filepath.Join(dir, "build-*"))
	require.NoError(t, err)
	require.Empty(t, left)

	require.NoError(t, os.WriteFile(file, []byte("no image"), 0o600))
	out, code = run(t, "admin", "--data", dir, "image", "import", file, "--name", "bad")
	require.Equal(t, 1, code)
	require.Contains(t, out, "neither qcow2 nor a raw disk")
	out, code = run(t, "image", "build", "beos", "--data", dir)
	require.Equal(t, 1, code)
	require.True(t, strings.Contains(out, "debian-12") && strings.Contains(out, "tiny"), out)
	require.NoError(t, p.end(t, syscall.SIGTERM))
}
