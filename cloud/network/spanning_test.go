package network_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// twoSites are places for a network, each with a line and a host.
func twoSites(t *testing.T, db *store.DB) (*network.Networks, []*place.Site) {
	p := place.New(db)
	sites := []*place.Site{{UID: "s1", Slug: "s1", Name: "one"}, {UID: "s2", Slug: "s2", Name: "two"}}
	for k, s := range sites {
		prefix := netip.MustParsePrefix([]string{"203.0.113.0/24", "198.51.100.0/24"}[k])
		require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
				return err
			}
			_, err := tx.NewInsert().Model(&place.Host{UID: "h-" + s.UID, Slug: "h-" + s.UID, Site: s.UID, Name: s.Name}).Exec(ctx)
			return err
		}))
		require.NoError(t, p.EnsureLine(t.Context(), s.UID, place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "p", Prefix: prefix, Gateway: prefix.Addr().Next()}))
	}
	return network.New(db, p), sites
}

// add gives an instance at a site a NIC on a network, and a public address.
func add(t *testing.T, db *store.DB, caller *identity.Caller, net *network.Network, site *place.Site, instance string) (port *network.Port, err error) {
	t.Helper()
	err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		r, err := network.Resolve(ctx, tx, caller, network.Attachment{Site: site, Network: net.UID})
		if err != nil {
			return err
		}
		ports, err := r.AddPorts(ctx, tx, caller, 0, []string{instance})
		if err != nil {
			return err
		}
		port = ports[0]
		_, err = network.AddPublicIPs(ctx, tx, caller, r.Network, ports, nil, 5)
		return err
	})
	return port, err
}

func specAt(t *testing.T, db *store.DB, site, kind, uid string, body any) (found bool) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		generation, err := link.Get(ctx, tx, spec.SiteTarget(site), kind, uid, body)
		found = generation > 0
		return err
	}))
	return found
}

// TestAManagedNetworkFollowsItsInstances: the system makes a subnet and a router wherever one is placed, with an address on a line of that place.
func TestAManagedNetworkFollowsItsInstances(t *testing.T) {
	storetest.Each(t, controlplane.Migrations(), func(t *testing.T, db *store.DB) {
		nets, sites := twoSites(t, db)
		caller := &identity.Caller{Account: "a", Dialect: "test"}
		net, err := nets.CreateNetwork(t.Context(), caller, network.NewNetwork{Name: "m", CIDR: "192.168.0.0/23", Managed: true})
		require.NoError(t, err)
		var at []spec.Network
		for k, s := range sites {
			var router spec.Network
			require.False(t, specAt(t, db, s.UID, spec.KindNetwork, net.UID, &router), "nothing is there before an instance is")
			port, err := add(t, db, caller, net, s, "i"+s.UID)
			require.NoError(t, err)
			require.Equal(t, []string{"192.168.0.2", "192.168.1.2"}[k], port.Address, "ranges do not overlap over sites")
			require.True(t, specAt(t, db, s.UID, spec.KindNetwork, net.UID, &router))
			at = append(at, router)
		}
		require.NotEqual(t, at[0].Uplink, at[1].Uplink)
		require.True(t, netip.MustParsePrefix("198.51.100.0/24").Contains(at[1].Address))
		shown, subnets, err := nets.GetNetwork(t.Context(), caller, net.UID)
		require.NoError(t, err)
		require.Equal(t, []string{"s1", "s2"}, shown.Sites)
		require.Len(t, subnets, 2)
		_, err = nets.CreateSubnet(t.Context(), caller, network.NewSubnet{Network: net.UID, Site: "s1", Name: "own", CIDR: "192.168.1.128/26"})
		require.True(t, fault.Is(err, fault.Denied), "%v", err)
		_, err = nets.DeleteNetwork(t.Context(), caller, net.UID)
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		goAway(t, db, nets, caller, net, at)
	})
}

// goAway deletes a network that spans sites; a router's address is free when its own site has confirmed, not when another has.
func goAway(t *testing.T, db *store.DB, nets *network.Networks, caller *identity.Caller, net *network.Network, at []spec.Network) {
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, instance := range []string{"is1", "is2"} {
			ports, err := network.PortsOf(ctx, tx, instance)
			require.NoError(t, err)
			ips, err := network.PublicIPsOf(ctx, tx, instance)
			require.NoError(t, err)
			require.NoError(t, network.ReleasePublicIPs(ctx, tx, ips))
			require.NoError(t, network.DropPublicIPs(ctx, tx, caller.Account, ips))
			require.NoError(t, network.DropPorts(ctx, tx, ports))
		}
		return nil
	}))
	_, err := nets.DeleteNetwork(t.Context(), caller, net.UID)
	require.NoError(t, err, "with the subnets that the system made")
	leased := func() (all []string) {
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NewRaw("SELECT address FROM line_addresses ORDER BY address").Scan(ctx, &all)
		}))
		return all
	}
	require.ElementsMatch(t, []string{at[0].Address.String(), at[1].Address.String()}, leased())
	for k, left := range [][]string{{at[1].Address.String()}, {}} {
		host := []string{"h-s1", "h-s2"}[k]
		require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return network.ObserveNetwork(ctx, tx, spec.Report{Host: host, Kind: spec.KindNetwork, UID: net.UID, Phase: spec.Gone})
		}))
		require.ElementsMatch(t, left, leased())
	}
}

// TestANetworkOfTheCallersNeedsASubnetWhereInstancesAre: no subnet is made for it.
func TestANetworkOfTheCallersNeedsASubnetWhereInstancesAre(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	nets, sites := twoSites(t, db)
	caller := &identity.Caller{Account: "a", Dialect: "test"}
	net, err := nets.CreateNetwork(t.Context(), caller, network.NewNetwork{Name: "own", CIDR: "10.0.0.0/16"})
	require.NoError(t, err)
	_, err = nets.CreateSubnet(t.Context(), caller, network.NewSubnet{Network: net.UID, Name: "s", CIDR: "10.0.1.0/24"})
	require.True(t, fault.Is(err, fault.Invalid), "it does not say where: %v", err)
	_, err = nets.CreateSubnet(t.Context(), caller, network.NewSubnet{Network: net.UID, Site: "s1", Name: "s", CIDR: "10.0.1.0/24"})
	require.NoError(t, err)
	_, err = add(t, db, caller, net, sites[1], "i")
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	port, err := add(t, db, caller, net, sites[0], "i")
	require.NoError(t, err)
	require.Equal(t, "10.0.1.2", port.Address)
	second, err := nets.CreateSubnet(t.Context(), caller, network.NewSubnet{Network: net.UID, Name: "s", CIDR: "10.0.2.0/24"})
	require.NoError(t, err, "it is at one site, so that must be meant")
	require.Equal(t, "s1", second.Site)
}
