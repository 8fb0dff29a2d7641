package controlplanetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/fault"
	"edgecloud/store"
)

// What BEC has no words for, simulated clients do by the cloud's verbs: networks that span sites, and virtual IPs.

func (s *simClient) caller() *identity.Caller {
	return &identity.Caller{Account: s.c.admin.Account.UID, User: s.c.admin.User.UID, Role: identity.Admin, Dialect: "test", Operation: "simulate"}
}

// refusal is what a verb may answer while others delete what it names, or nothing is left; all else fails the test.
func (s *simClient) refusal(what string, err error) bool {
	if err == nil {
		s.c.stats[what]++
		return false
	}
	f := fault.From(err)
	require.Contains(s.c.t, []fault.Kind{fault.NotFound, fault.Conflict, fault.Capacity, fault.Quota, fault.Exists}, f.Kind, "%s: %v", what, err)
	s.c.stats[what+" refused: "+f.Kind.String()]++
	return true
}

// managedNetwork makes a network that spans sites and follows its instances.
func (s *simClient) managedNetwork() {
	s.calls++
	n, err := s.c.cp.Networks.CreateNetwork(s.c.ctx, s.caller(), network.NewNetwork{Name: fmt.Sprintf("m-%d-%d", s.name, s.calls), CIDR: "10.128.0.0/20", Managed: true})
	if !s.refusal("managed network made", err) {
		s.networks["vpc-"+n.Slug], s.managed["vpc-"+n.Slug] = true, true
	}
}

// virtualIP makes, binds, unbinds or deletes a virtual IP on a subnet where an instance is.
func (s *simClient) virtualIP() {
	nets, r := s.c.cp.Networks, s.c.rng
	nics, _, err := nets.ListPorts(s.c.ctx, s.caller(), network.PortFilter{Kind: network.NIC}, store.Window{})
	require.NoError(s.c.t, err)
	if len(nics) == 0 {
		return
	}
	if len(s.vips) == 0 || r.IntN(4) == 0 {
		p, err := nets.CreateVirtualIP(s.c.ctx, s.caller(), network.NewVirtualIP{Subnet: nics[r.IntN(len(nics))].Subnet})
		if s.refusal("virtual IP made", err) {
			return
		}
		s.vips[p.UID] = true
	}
	id := s.one(s.vips)
	if r.IntN(5) == 0 {
		s.dropVirtualIP(id)
		return
	}
	pairs := []network.Pair{}
	for range 1 + r.IntN(3) {
		nic := nics[r.IntN(len(nics))]
		pairs = append(pairs, network.Pair{Address: nic.Address})
		_, err := nets.UpdatePort(s.c.ctx, s.caller(), nic.UID, network.PortChange{Pairs: &[]network.Pair{{Address: "1.1.1.1/0"}}})
		s.refusal("NIC opened", err)
	}
	_, err = nets.UpdatePort(s.c.ctx, s.caller(), id, network.PortChange{Pairs: &pairs})
	s.refusal("virtual IP bound", err)
}

func (s *simClient) dropVirtualIP(id string) {
	_, err := s.c.cp.Networks.UpdatePort(s.c.ctx, s.caller(), id, network.PortChange{Pairs: &[]network.Pair{}})
	s.refusal("virtual IP unbound", err)
	if !s.refusal("virtual IP deleted", s.c.cp.Networks.DeleteVirtualIP(s.c.ctx, s.caller(), id)) {
		delete(s.vips, id)
	}
}

func (s *simClient) dropVirtualIPs() {
	for _, id := range slices.Sorted(maps.Keys(s.vips)) {
		s.dropVirtualIP(id)
	}
	require.Empty(s.c.t, s.vips)
}
