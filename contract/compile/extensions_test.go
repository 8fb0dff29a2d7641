package compile_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/api"
	"edgecloud/contract/compile"
)

// remarks are the extensions of operations that only people read. Any other name that the compiler does not know is a slip of the pen, and a slip in
// x-query-flag would lose a route.
var remarks = []string{"x-covers", "x-doc-section", "x-doc-updated", "x-iam-action", "x-known-queries", "x-rate-limit-per-second", "x-variant"}

func TestNoExtensionIsMisspelt(t *testing.T) {
	dialects, err := compile.All(api.FS)
	require.NoError(t, err)
	for _, d := range dialects {
		for _, f := range d.Files {
			for id, detail := range f.Ops {
				if detail.More == nil {
					continue
				}
				var more map[string]any
				require.NoError(t, json.Unmarshal(detail.More, &more))
				for name := range more {
					require.Contains(t, remarks, name, "%s/%s.%s", d.Name, f.Name, id)
				}
			}
		}
	}
}
