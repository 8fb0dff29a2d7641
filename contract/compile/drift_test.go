package compile_test

import (
	"archive/zip"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/api"
	"edgecloud/contract/compile"
)

// The embedded index is what api/ compiles to today. Contents are compared, not bytes: another Go version may compress otherwise.
func TestIndexIsUpToDate(t *testing.T) {
	dialects, err := compile.All(api.FS)
	require.NoError(t, err)
	for _, d := range dialects {
		want, order, err := d.Entries()
		require.NoError(t, err)
		have := readArchive(t, "../index/"+d.Name+".zip")
		require.Len(t, have, len(order), d.Name)
		for _, name := range order {
			if have[name] != string(want[name]) {
				t.Errorf("index of %s: %s is out of date; run: make generate", d.Name, name)
			}
		}
	}
	files, err := os.ReadDir("../index")
	require.NoError(t, err)
	require.Len(t, files, len(dialects), "contract/index holds a file of no dialect")
}

func readArchive(t *testing.T, path string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(path)
	require.NoError(t, err, "run: make generate")
	defer z.Close()
	out := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		raw, err := io.ReadAll(r)
		require.NoError(t, err)
		out[f.Name] = string(raw)
	}
	return out
}
