package network_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// TestRoutesHoldWhereTheirSourceAndNextHopAre: a source block chooses among the subnets, and a next hop leads nowhere at another site.
func TestRoutesHoldWhereTheirSourceAndNextHopAre(t *testing.T) {
	db, ctx := storetest.SQLite(t, controlplane.Migrations()...), t.Context()
	caller := &identity.Caller{Account: "a", Dialect: "test"}
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, name := range []string{"here", "there"} {
			if _, err := tx.NewInsert().Model(&place.Site{UID: name, Slug: name, Name: name}).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
	nets := network.New(db, place.New(db))
	net, err := nets.CreateNetwork(ctx, caller, network.NewNetwork{Name: "n", CIDR: "10.0.0.0/16"})
	require.NoError(t, err)
	subnet := func(site, cidr string) *network.Subnet {
		s, err := nets.CreateSubnet(ctx, caller, network.NewSubnet{Network: net.UID, Site: site, Name: "s", CIDR: cidr})
		require.NoError(t, err)
		return s
	}
	one, two, far := subnet("here", "10.0.1.0/24"), subnet("here", "10.0.2.0/24"), subnet("there", "10.0.3.0/24")
	vip, err := nets.CreateVirtualIP(ctx, caller, network.NewVirtualIP{Subnet: one.UID})
	require.NoError(t, err)
	table, err := nets.TableOfSubnet(ctx, caller, one.UID)
	require.NoError(t, err)
	tests := []struct {
		source string
		want   []*network.Subnet // nil: refused
	}{
		{"", []*network.Subnet{one, two}}, {"0.0.0.0/0", []*network.Subnet{one, two}}, {"10.0.0.0/16", []*network.Subnet{one, two}}, {"10.0.2.0/24", []*network.Subnet{two}},
		{"10.0.3.7/24", []*network.Subnet{}}, {"10.0.1.0/25", nil}, {"192.168.0.0/16", nil}, {"nonsense", nil},
	}
	for _, tt := range tests {
		routes, err := nets.AddRoutes(ctx, caller, table.UID, []network.NewRoute{{Source: tt.source, Destination: "10.50.0.0/16", HopKind: network.HopVirtual, Hop: vip.Address}})
		if tt.want == nil {
			require.True(t, fault.Is(err, fault.Invalid), "%s: %v", tt.source, err)
			require.Equal(t, "source", fault.From(err).Field)
			continue
		}
		require.NoError(t, err, tt.source)
		var got []*network.Subnet
		for _, s := range []*network.Subnet{one, two, far} {
			var body string
			require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
				return tx.NewRaw("SELECT body FROM link_specs WHERE kind = ? AND uid = ?", spec.KindSubnet, s.UID).Scan(ctx, &body)
			}))
			if strings.Contains(body, `"next_hop":"`+vip.Address+`"`) {
				got = append(got, s)
			}
		}
		require.ElementsMatch(t, tt.want, got, tt.source)
		_, err = nets.RemoveRoute(ctx, caller, routes[0].Slug)
		require.NoError(t, err)
	}
	found, err := check.Rows(ctx, db)
	require.NoError(t, err)
	require.Empty(t, found)
}
