package agent_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

func TestTheRoleHolderCarriesTheSiteOut(t *testing.T) {
	c := newCloud(t)
	a := c.agent(nil)
	defer a.Close()
	target := spec.SiteTarget(siteUID)
	c.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := link.PutMany(ctx, tx, []link.Spec{
			{Target: target, Kind: spec.KindSubnet, UID: "sub", Body: spec.Subnet{UID: "sub", Network: "net", Prefix: netip.MustParsePrefix("192.168.0.0/24"),
				Gateway: netip.MustParseAddr("192.168.0.1"), DHCP: true}},
			{Target: target, Kind: spec.KindNetwork, UID: "net", Body: spec.Network{UID: "net"}}})
		return err
	})
	require.False(t, step(t, a))
	for _, kind := range []string{"net", "sub"} {
		k := map[string]string{"net": spec.KindNetwork, "sub": spec.KindSubnet}[kind]
		require.Equal(t, spec.Applied, c.report(k, kind).Phase, c.report(k, kind).Error)
	}
	c.write(func(ctx context.Context, tx *store.Tx) error {
		if err := link.Delete(ctx, tx, target, spec.KindNetwork, "net"); err != nil {
			return err
		}
		return link.Delete(ctx, tx, target, spec.KindSubnet, "sub")
	})
	require.False(t, step(t, a))
	require.Equal(t, spec.Gone, c.report(spec.KindNetwork, "net").Phase)
	objects, err := c.host.Network().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, objects)
}

// TestWhatAnotherHolderRemovedStaysAway: the role came back to a host that had not noticed its loss; what is in its ledger may be gone since.
func TestWhatAnotherHolderRemovedStaysAway(t *testing.T) {
	c := newCloud(t)
	a := c.agent(nil)
	defer a.Close()
	target := spec.SiteTarget(siteUID)
	c.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := link.PutMany(ctx, tx, []link.Spec{{Target: target, Kind: spec.KindNetwork, UID: "gone", Body: spec.Network{UID: "gone"}},
			{Target: target, Kind: spec.KindNetwork, UID: "stays", Body: spec.Network{UID: "stays"}}})
		return err
	})
	require.False(t, step(t, a))
	require.Equal(t, spec.Applied, c.report(spec.KindNetwork, "gone").Phase)
	require.NoError(t, c.host.Network().Remove(t.Context(), network.Object{Kind: spec.KindNetwork, UID: "gone"}))
	c.write(func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw("DELETE FROM link_specs WHERE uid = 'gone'").Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewRaw("UPDATE link_roles SET epoch = epoch + 2").Exec(ctx)
		return err
	})
	require.False(t, step(t, a))
	objects, err := c.host.Network().List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []network.Object{{Kind: spec.KindNetwork, UID: "stays"}}, objects)
	require.NotEqual(t, spec.Orphan, c.report(spec.KindNetwork, "gone").Phase)
}
