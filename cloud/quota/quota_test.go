package quota_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestCountsGoUpAndDown(t *testing.T) {
	storetest.Each(t, []store.MigrationSet{quota.Migrations()}, func(t *testing.T, db *store.DB) {
		count := func(changes ...quota.Change) error {
			return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return quota.Count(ctx, tx, "a", changes...) })
		}
		require.NoError(t, count(quota.Change{Name: quota.Instances, Delta: 3}, quota.Change{Name: quota.VCPUs, Delta: 6}))
		require.NoError(t, count(quota.Change{Name: quota.Instances, Delta: -1}, quota.Change{Name: quota.VCPUs, Delta: -2}))
		require.NoError(t, count(quota.Change{Name: quota.Instances, Delta: -1}, quota.Change{Name: quota.VCPUs, Delta: 1}), "both ways at once")
		require.NoError(t, count(quota.Change{Name: quota.Instances, Delta: -1}, quota.Change{Name: quota.VCPUs, Delta: -5}))
		require.Error(t, count(quota.Change{Name: quota.Instances, Delta: -1}), "below nothing")
		require.Error(t, count(quota.Change{Name: quota.KeyPairs, Delta: -1}), "never counted")
		require.True(t, fault.Is(count(quota.Change{Name: quota.KeyPairs, Delta: 101}), fault.Quota))
		require.NoError(t, count(quota.Change{Name: quota.KeyPairs, Delta: 100}), "a refused change left nothing")
	})
}
