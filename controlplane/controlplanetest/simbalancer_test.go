package controlplanetest

import (
	"strings"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/place"
	"edgecloud/store"
)

// makeBalancer makes a load balancer in the default network at a site.
func (s *simClient) makeBalancer(site *place.Site, public bool) {
	kind := []balancer.Type{balancer.Ordinary, balancer.Application}[s.c.rng.IntN(2)]
	_, err := s.c.cp.Balancers.Create(s.c.ctx, s.caller(), []balancer.Wanted{{Type: kind, Serves: balancer.Instances, Site: site, Name: "b", Mbps: 10, Count: 1, Public: public}})
	s.refusal("load balancer made", err)
}

// balancers does some things to load balancers, or makes the first one.
func (s *simClient) balancers() {
	for range 1 + s.c.rng.IntN(5) {
		s.balancer()
	}
}

func (s *simClient) balancer() {
	found, _, err := s.c.cp.Balancers.List(s.c.ctx, s.caller(), balancer.Filter{}, store.Page{Number: 1, Size: 1000})
	s.refusal("load balancers listed", err)
	if len(found) == 0 || len(found) < 4 && s.c.rng.IntN(4) == 0 {
		s.makeBalancer(s.c.sites[s.c.rng.IntN(len(s.c.sites))], s.c.rng.IntN(2) == 0)
		return
	}
	b := found[s.c.rng.IntN(len(found))]
	all, caller := s.c.cp.Balancers, s.caller()
	protocol, port := []string{"tcp", "udp"}[s.c.rng.IntN(2)], 80+s.c.rng.IntN(3)
	vm := strings.TrimPrefix(s.one(s.live()), "vm-")
	weighted := []balancer.Weighted{{Instance: vm, Weight: int64(s.c.rng.IntN(101))}}
	if b.Type == balancer.Application && s.c.rng.IntN(8) > 0 {
		s.appBalancer(b.UID, balancer.Address{Protocol: protocol, Port: port}, weighted)
		return
	}
	switch s.c.rng.IntN(8) {
	case 0:
		_, err = all.Delete(s.c.ctx, caller, b.UID)
		s.refusal("load balancer deleted", err)
	case 1:
		s.refusal("listener deleted", all.DeleteListeners(s.c.ctx, caller, b.UID, []balancer.Address{{Protocol: protocol, Port: port}}))
	case 2:
		s.refusal("load balancer changed", all.Update(s.c.ctx, caller, b.UID, balancer.Change{Mbps: new(int64(1 + s.c.rng.IntN(100)))}))
	case 3, 4:
		s.refusal("listener made", all.CreateListeners(s.c.ctx, caller, b.UID, []balancer.NewListener{{Protocol: protocol, Port: port, BackendPort: 8080}}))
	case 5:
		s.refusal("member weighed", all.Weigh(s.c.ctx, caller, b.UID, weighted))
	case 6:
		s.refusal("member unbound", all.Unbind(s.c.ctx, caller, b.UID, weighted))
	default:
		s.refusal("member bound", all.Bind(s.c.ctx, caller, b.UID, weighted))
	}
}

// dropBalancers deletes all load balancers.
func (s *simClient) dropBalancers() {
	found, _, err := s.c.cp.Balancers.List(s.c.ctx, s.caller(), balancer.Filter{}, store.Page{Number: 1, Size: 1000})
	require.NoError(s.c.t, err)
	for _, b := range found {
		if b.State == balancer.Deleting {
			continue
		}
		_, err := s.c.cp.Balancers.Delete(s.c.ctx, s.caller(), b.UID)
		require.NoError(s.c.t, err)
	}
}

// appBalancer does something to an application balancer's groups, listeners and policies.
func (s *simClient) appBalancer(id string, a balancer.Address, servers []balancer.Weighted) {
	all, caller, ctx := s.c.cp.Balancers, s.caller(), s.c.ctx
	groups, err := all.Groups(ctx, caller, id, balancer.Servers)
	s.refusal("groups listed", err)
	if len(groups) == 0 {
		_, err := all.CreateGroup(ctx, caller, id, balancer.NewGroup{Kind: balancer.Servers, Name: "g", Servers: servers})
		s.refusal("group made", err)
		_, err = all.CreateGroup(ctx, caller, id, balancer.NewGroup{Kind: balancer.Addresses, Name: "a", Addresses: []balancer.NewAddress{{Address: "10.0.0.9", Port: 80, Weight: 1}}})
		s.refusal("group of addresses made", err)
		return
	}
	g := groups[s.c.rng.IntN(len(groups))].UID
	switch s.c.rng.IntN(8) {
	case 0:
		s.refusal("group deleted", all.DeleteGroup(ctx, caller, id, balancer.Servers, g))
	case 1:
		_, err := all.AddGroupPort(ctx, caller, id, balancer.Servers, g, balancer.NewGroupPort{Protocol: "tcp", Port: a.Port, Check: balancer.Check{Protocol: "tcp"}})
		s.refusal("group's port made", err)
	case 2:
		s.refusal("policy made", all.CreatePolicies(ctx, caller, id, a, []balancer.NewPolicy{{Group: g, Priority: 1}}))
	case 3:
		s.refusal("server taken out", all.DropServers(ctx, caller, id, g, servers))
	case 4:
		s.refusal("listener deleted", all.DeleteListeners(ctx, caller, id, []balancer.Address{a}))
	case 5:
		s.refusal("listener made", all.CreateAppListener(ctx, caller, id, balancer.AppListener{Address: a}))
	default:
		s.refusal("server added", all.AddServers(ctx, caller, id, g, servers))
	}
}
