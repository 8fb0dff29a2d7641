package quota_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
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

func TestScopedCountsAddUpToATotal(t *testing.T) {
	storetest.Each(t, []store.MigrationSet{quota.Migrations()}, func(t *testing.T, db *store.DB) {
		write := func(do func(ctx context.Context, tx *store.Tx) error) error { return db.Write(t.Context(), do) }
		count := func(scope string, delta int64) error {
			return write(func(ctx context.Context, tx *store.Tx) error {
				return quota.Count(ctx, tx, "a", quota.Change{Name: quota.Subnets, Scope: scope, Delta: delta})
			})
		}
		caller := &identity.Caller{Account: "a"}
		total := func() int64 {
			of, err := quota.Of(t.Context(), db, caller)
			require.NoError(t, err)
			require.NotContains(t, of, quota.Subnets, "scoped quotas are shown by their totals")
			return of[quota.TotalSubnets].Used
		}
		require.NoError(t, count("one", 4))
		require.NoError(t, count("two", 3))
		require.NoError(t, count("two", -1))
		require.EqualValues(t, 6, total())
		require.NoError(t, write(func(ctx context.Context, tx *store.Tx) error { return quota.Drop(ctx, tx, "a", quota.Subnets, "one") }))
		require.NoError(t, write(func(ctx context.Context, tx *store.Tx) error { return quota.Drop(ctx, tx, "a", quota.Subnets, "never") }))
		require.EqualValues(t, 2, total(), "what a dropped scope held is off the total")
		operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
		require.NoError(t, quota.Set(t.Context(), db, operator, "a", quota.TotalSubnets, 5))
		require.True(t, fault.Is(count("three", 4), fault.Quota), "the total has a limit of its own")
		require.EqualValues(t, 2, total())
	})
}
