package network_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// TestPortsAreListedByWhatTheyAre holds the states that a list filters by against those that its ports have.
func TestPortsAreListedByWhatTheyAre(t *testing.T) {
	storetest.Each(t, controlplane.Migrations(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		nets, sites := twoSites(t, db)
		caller := &identity.Caller{Account: "a", Dialect: "test"}
		net, err := nets.CreateNetwork(ctx, caller, network.NewNetwork{Name: "n", CIDR: "10.0.0.0/16"})
		require.NoError(t, err)
		s, err := nets.CreateSubnet(ctx, caller, network.NewSubnet{Network: net.UID, Site: "s1", Name: "s", CIDR: "10.0.1.0/24"})
		require.NoError(t, err)
		nic, err := add(t, db, caller, net, sites[0], "i")
		require.NoError(t, err)
		vip, err := nets.CreateVirtualIP(ctx, caller, network.NewVirtualIP{Subnet: s.Slug, Address: netip.MustParseAddr("10.0.1.99")})
		require.NoError(t, err)
		states := func(want map[network.PortKind]network.PortState) {
			t.Helper()
			for _, state := range []network.PortState{network.PortActive, network.PortBuilding, network.PortDown} {
				found, total, err := nets.ListPorts(ctx, caller, network.PortFilter{State: state, Subnets: []string{s.UID}}, store.Window{})
				require.NoError(t, err)
				require.Len(t, found, total)
				for _, p := range found {
					require.Equal(t, state, p.State(), p.Kind)
					require.Equal(t, state, want[p.Kind], p.Kind)
				}
			}
			_, total, err := nets.ListPorts(ctx, caller, network.PortFilter{}, store.Window{})
			require.NoError(t, err)
			require.Equal(t, 3, total)
		}
		states(map[network.PortKind]network.PortState{network.Gateway: network.PortDown, network.NIC: network.PortBuilding, network.Virtual: network.PortDown})
		report := func(kind, uid string, observe func(context.Context, *store.Tx, spec.Report) error) {
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				return observe(ctx, tx, spec.Report{Kind: kind, UID: uid, Generation: 1 << 40, Phase: spec.Applied})
			}))
		}
		report(spec.KindSubnet, s.UID, network.ObserveSubnet)
		report(spec.KindPort, nic.UID, network.ObservePort)
		report(spec.KindVirtualIP, vip.UID, network.ObserveVirtualIP)
		states(map[network.PortKind]network.PortState{network.Gateway: network.PortActive, network.NIC: network.PortActive, network.Virtual: network.PortDown})
		bound, err := nets.UpdatePort(ctx, caller, vip.UID, network.PortChange{Pairs: &[]network.Pair{{Address: nic.Address}, {Address: "10.0.1.200"}}})
		require.NoError(t, err)
		require.Equal(t, 1, bound.Members, "one of the two is a NIC's")
		states(map[network.PortKind]network.PortState{network.Gateway: network.PortActive, network.NIC: network.PortActive, network.Virtual: network.PortActive})

		var told spec.VirtualIP
		require.True(t, specAt(t, db, "s1", spec.KindVirtualIP, vip.UID, &told))
		require.Equal(t, []string{nic.UID}, told.Ports)
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			return network.ReleasePorts(ctx, tx, []*network.Port{nic})
		}))
		told = spec.VirtualIP{}
		require.True(t, specAt(t, db, "s1", spec.KindVirtualIP, vip.UID, &told))
		require.Empty(t, told.Ports, "a NIC that goes is no member any more")
		_, err = nets.GetPort(ctx, &identity.Caller{Account: "b"}, vip.UID)
		require.True(t, fault.Is(err, fault.NotFound), "another account's")
	})
}

// TestAPortOnItsWayIsNotToldOf: a change of a NIC whose site has not been told of it yet, or has been told to destroy it, makes no spec.
func TestAPortOnItsWayIsNotToldOf(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	ctx := t.Context()
	nets, sites := twoSites(t, db)
	caller := &identity.Caller{Account: "a", Dialect: "test"}
	net, err := nets.CreateNetwork(ctx, caller, network.NewNetwork{Name: "n", CIDR: "10.0.0.0/16", Managed: true})
	require.NoError(t, err)
	nic, err := add(t, db, caller, net, sites[0], "i")
	require.NoError(t, err)
	anything := network.PortChange{Pairs: &[]network.Pair{{Address: "1.1.1.1/0"}}}
	var told spec.Port
	_, err = nets.UpdatePort(ctx, caller, nic.UID, anything)
	require.NoError(t, err)
	require.False(t, specAt(t, db, "s1", spec.KindPort, nic.UID, &told), "its instance's life cycle writes it")

	require.NoError(t, nets.Bind(ctx, caller, []string{"i"}, nil, true)) // writes the specs of the instance's ports
	require.True(t, specAt(t, db, "s1", spec.KindPort, nic.UID, &told))
	require.Equal(t, []spec.Pair{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}}, told.AllowedPairs)
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return network.ReleasePorts(ctx, tx, []*network.Port{nic})
	}))
	_, err = nets.UpdatePort(ctx, caller, nic.UID, network.PortChange{Pairs: &[]network.Pair{}})
	require.NoError(t, err)
	require.False(t, specAt(t, db, "s1", spec.KindPort, nic.UID, &told), "it stays a tombstone")
}
