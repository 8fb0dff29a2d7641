package controlplanetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/store"
)

// makeGateway makes a NAT gateway of the default network at a site.
func (s *simClient) makeGateway(site *place.Site) {
	_, err := s.c.cp.Networks.CreateNATGateways(s.c.ctx, s.caller(), []network.NewNATGateway{{Site: site, Name: "n", Size: network.NATSmall, Mbps: 10}})
	s.refusal("NAT gateway made", err)
}

// natGateways does some things to NAT gateways, or makes the first one.
func (s *simClient) natGateways() {
	for range 1 + s.c.rng.IntN(5) {
		s.natGateway()
	}
}

// natGateway makes, changes or deletes a NAT gateway with rules, routes and addresses.
func (s *simClient) natGateway() {
	r, caller, nets := s.c.rng, s.caller(), s.c.cp.Networks
	found, _, err := nets.ListNATGateways(s.c.ctx, caller, network.NATFilter{}, store.Page{})
	require.NoError(s.c.t, err)
	if len(found) == 0 || len(found) < 3 && r.IntN(5) == 0 {
		s.makeGateway(s.c.sites[r.IntN(len(s.c.sites))])
		return
	}
	g := found[r.IntN(len(found))]
	switch r.IntN(9) {
	case 0, 1:
		source := fmt.Sprintf("172.16.0.0/%d", 20+r.IntN(5))
		_, err = nets.AddSNATRules(s.c.ctx, caller, g.UID, []network.NewSNATRule{{Name: "s", Source: source}})
		s.refusal("SNAT rule made", err)
		if table, _, err := nets.ListRouteTables(s.c.ctx, caller, network.RouteTableFilter{Network: g.Network}, store.Window{}); err == nil {
			_, err = nets.AddRoutes(s.c.ctx, caller, table[0].UID, []network.NewRoute{{Destination: "0.0.0.0/0", HopKind: network.HopNAT, Hop: g.UID}})
			s.refusal("NAT route made", err)
		}
	case 2, 3:
		if len(g.Addresses) > 0 {
			w := network.NewDNATRule{Name: "d", Address: g.Addresses[r.IntN(len(g.Addresses))].Address, Protocol: "tcp", Port: 80 + r.IntN(4), Private: "172.16.0.9", PrivatePort: 80}
			_, err = nets.AddDNATRules(s.c.ctx, caller, g.UID, []network.NewDNATRule{w})
			s.refusal("DNAT rule made", err)
		}
	case 4:
		s.natAddress(g)
	case 5:
		s.dropRules(g)
	case 6:
		s.refusal("NAT gateway limited", nets.LimitNATGateway(s.c.ctx, caller, g.UID, int64(1+r.IntN(50))))
	case 7:
		s.dropNATRoutes(g)
	default:
		s.refusal("NAT gateway deleted", nets.DeleteNATGateways(s.c.ctx, caller, []string{g.UID}))
	}
}

// natAddress binds a free address to a gateway, or unbinds one of its own.
func (s *simClient) natAddress(g *network.NATGatewayDetail) {
	nets, caller := s.c.cp.Networks, s.caller()
	free, _, err := nets.ListPublicIPs(s.c.ctx, caller, network.PublicIPFilter{Site: g.Site, States: []network.IPState{network.IPFree}}, store.Window{})
	require.NoError(s.c.t, err)
	if len(free) == 0 && s.c.rng.IntN(2) == 0 {
		for _, site := range s.c.sites {
			if site.UID == g.Site {
				_, err = nets.CreatePublicIPs(s.c.ctx, caller, network.NewPublicIP{Site: site, Name: "e", Mbps: 5})
				s.refusal("address made", err)
			}
		}
		return
	}
	if len(free) > 0 {
		_, err = nets.BindToGateway(s.c.ctx, caller, free[0].UID, g.UID)
		s.refusal("address bound to a NAT gateway", err)
		return
	}
	if len(g.Addresses) > 0 {
		_, err = nets.BindPublicIP(s.c.ctx, caller, g.Addresses[s.c.rng.IntN(len(g.Addresses))].UID, "")
		s.refusal("address unbound from a NAT gateway", err)
	}
}

func (s *simClient) dropRules(g *network.NATGatewayDetail) {
	nets, caller := s.c.cp.Networks, s.caller()
	_, out, _, err := nets.ListSNATRules(s.c.ctx, caller, g.UID, store.Page{})
	require.NoError(s.c.t, err)
	for _, r := range out {
		s.refusal("SNAT rule deleted", nets.RemoveSNATRules(s.c.ctx, caller, g.UID, []string{r.UID}))
	}
	_, in, _, err := nets.ListDNATRules(s.c.ctx, caller, g.UID, store.Page{})
	require.NoError(s.c.t, err)
	for _, r := range in {
		s.refusal("DNAT rule deleted", nets.RemoveDNATRules(s.c.ctx, caller, g.UID, []string{r.UID}))
	}
}

func (s *simClient) dropNATRoutes(g *network.NATGatewayDetail) {
	nets, caller := s.c.cp.Networks, s.caller()
	tables, _, err := nets.ListRouteTables(s.c.ctx, caller, network.RouteTableFilter{Network: g.Network}, store.Window{})
	require.NoError(s.c.t, err)
	for _, t := range tables {
		routes, err := nets.ListRoutes(s.c.ctx, caller, t.UID)
		require.NoError(s.c.t, err)
		for _, r := range routes {
			if r.HopKind == network.HopNAT {
				_, err = nets.RemoveRoute(s.c.ctx, caller, r.UID)
				s.refusal("NAT route deleted", err)
			}
		}
	}
}

// dropGateways deletes all gateways and the addresses that stand alone.
func (s *simClient) dropGateways() {
	nets, caller := s.c.cp.Networks, s.caller()
	found, _, err := nets.ListNATGateways(s.c.ctx, caller, network.NATFilter{}, store.Page{})
	require.NoError(s.c.t, err)
	for _, g := range found {
		s.dropNATRoutes(g)
		require.NoError(s.c.t, nets.DeleteNATGateways(s.c.ctx, caller, []string{g.UID}))
	}
	s.c.converge("after deleting the NAT gateways")
	ips, _, err := nets.ListPublicIPs(s.c.ctx, caller, network.PublicIPFilter{Alone: true}, store.Window{})
	require.NoError(s.c.t, err)
	for _, ip := range ips {
		require.NoError(s.c.t, nets.DeletePublicIP(s.c.ctx, caller, ip.UID))
	}
}
