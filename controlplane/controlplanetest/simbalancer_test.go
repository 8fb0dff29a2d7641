package controlplanetest

import (
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/place"
	"edgecloud/store"
)

// makeBalancer makes a load balancer in the default network at a site.
func (s *simClient) makeBalancer(site *place.Site) {
	_, err := s.c.cp.Balancers.Create(s.c.ctx, s.caller(), []balancer.Wanted{{Type: balancer.Ordinary, Serves: balancer.Instances, Site: site, Name: "b", Mbps: 10, Count: 1, Public: s.c.rng.IntN(2) == 0}})
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
		s.makeBalancer(s.c.sites[s.c.rng.IntN(len(s.c.sites))])
		return
	}
	b := found[s.c.rng.IntN(len(found))]
	all, caller := s.c.cp.Balancers, s.caller()
	protocol, port := []string{"tcp", "udp"}[s.c.rng.IntN(2)], 80+s.c.rng.IntN(3)
	vm := strings.TrimPrefix(s.one(s.live()), "vm-")
	weighted := []balancer.Weighted{{Instance: vm, Weight: int64(s.c.rng.IntN(101))}}
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
