package place_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// A host is taken from an index and not by sorting all of the site's, of which there may be hundreds.
func TestTakeWalksAnIndex(t *testing.T) {
	db := storetest.OpenSQLite(t, store.Config{Migrations: []store.MigrationSet{place.Migrations()}, Remember: true})
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := place.Take(ctx, tx, "nowhere", place.Demand{VCPUs: 1, MemoryMiB: 1024, DiskGiB: 40}, "")
		return err
	})
	require.True(t, fault.Is(err, fault.Capacity))
	found := false
	for _, s := range db.Statements() {
		if !strings.HasPrefix(s, "UPDATE hosts SET used_vcpus") {
			continue
		}
		found = true
		plan, err := db.Plan(t.Context(), s)
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), "hosts_room")
		require.NotContains(t, strings.Join(plan, "\n"), "TEMP B-TREE")
	}
	require.True(t, found)
}
