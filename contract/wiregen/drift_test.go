package wiregen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/api"
	"edgecloud/contract/compile"
	"edgecloud/contract/wiregen"
)

const root = "../.."

// The wire packages in the tree are what the contract generates today, no more and no less.
func TestWireTypesAreUpToDate(t *testing.T) {
	dialects, err := compile.All(api.FS)
	require.NoError(t, err)
	want, err := wiregen.All(dialects)
	require.NoError(t, err)
	for name := range want {
		require.True(t, strings.HasPrefix(name, "dialect/"), name)
	}
	registry, err := wiregen.Registry(dialects)
	require.NoError(t, err)
	want["contract/wiregen/registry_gen_test.go"] = registry
	for name, src := range want {
		have, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err, "run: make generate")
		if string(have) != string(src) {
			t.Errorf("%s is out of date; run: make generate", name)
		}
	}
	have, err := filepath.Glob(root + "/dialect/*/wire/*/*")
	require.NoError(t, err)
	for _, name := range have {
		name = filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		require.Contains(t, want, strings.TrimPrefix(name, "../../"), "no contract file stands behind %s", name)
	}
}
