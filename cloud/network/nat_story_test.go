package network_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/network"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// natStory is the model of two gateways of one network: their rules, and which of them each subnet's way out leads to.
type natStory struct {
	*natBench
	gateways []*network.NATGatewayDetail
	tables   []*network.RouteTable
	ranges   []map[string]string       // SNAT rules' UIDs by source, by gateway
	doors    []map[spec.Forward]string // DNAT rules' UIDs by what the site is told, by gateway
	routes   []map[string]int          // gateway by source, by table
	in       map[string]int            // table by subnet
	looks    int
}

// sources are what subnets may be led by: all of them, or one.
var sources = []string{"", "10.5.1.0/24", "10.5.2.0/24"}

// snat adds or removes a range.
func (s *natStory) snat(r *rapid.T) {
	k, from := rapid.IntRange(0, 1).Draw(r, "gateway"), rapid.SampledFrom([]string{"10.5.0.0/16", "10.5.1.0/24", "10.5.1.128/25", "10.5.2.7/32"}).Draw(r, "range")
	uid, there := s.ranges[k][from]
	if there && rapid.Bool().Draw(r, "remove") {
		require.NoError(r, s.nets.RemoveSNATRules(context.Background(), s.caller, s.gateways[k].UID, []string{uid}))
		delete(s.ranges[k], from)
		return
	}
	added, err := s.nets.AddSNATRules(context.Background(), s.caller, s.gateways[k].UID, []network.NewSNATRule{{Name: "s", Source: from}})
	if there {
		require.True(r, fault.Is(err, fault.Exists), "%v", err)
		return
	}
	require.NoError(r, err)
	s.ranges[k][from] = added[0].UID
}

// dnat adds, moves or removes what leads in.
func (s *natStory) dnat(r *rapid.T) {
	k := rapid.IntRange(0, 1).Draw(r, "gateway")
	address := s.gateways[k].Outward().Address
	w := network.NewDNATRule{Name: "d", Address: address, Private: rapid.SampledFrom([]string{"10.5.1.9", "10.5.2.9"}).Draw(r, "private"),
		Protocol: rapid.SampledFrom([]string{"", "tcp", "udp"}).Draw(r, "protocol")}
	if w.Protocol != "" {
		w.Port, w.PrivatePort = rapid.IntRange(80, 81).Draw(r, "port"), 8080
	}
	f := spec.Forward{Protocol: w.Protocol, Address: netip.MustParseAddr(address), Port: w.Port, Private: netip.MustParseAddr(w.Private), PrivatePort: w.PrivatePort}
	var old *spec.Forward
	for door := range s.doors[k] {
		if door.Protocol == f.Protocol && door.Port == f.Port {
			old = &door
		}
	}
	ctx, gateway := context.Background(), s.gateways[k].UID
	switch how := rapid.IntRange(0, 2).Draw(r, "how"); {
	case old != nil && how == 0:
		require.NoError(r, s.nets.RemoveDNATRules(ctx, s.caller, gateway, []string{s.doors[k][*old]}))
		delete(s.doors[k], *old)
	case old != nil && how == 1:
		uid := s.doors[k][*old]
		require.NoError(r, s.nets.UpdateDNATRule(ctx, s.caller, gateway, uid, w))
		delete(s.doors[k], *old)
		s.doors[k][f] = uid
	default:
		added, err := s.nets.AddDNATRules(ctx, s.caller, gateway, []network.NewDNATRule{w})
		if old != nil {
			require.True(r, fault.Is(err, fault.Exists), "%v", err)
			return
		}
		require.NoError(r, err)
		s.doors[k][f] = added[0].UID
	}
}

// route leads a source's way out to a gateway, or takes that away.
func (s *natStory) route(r *rapid.T) {
	k, from, to := rapid.IntRange(0, 1).Draw(r, "table"), rapid.SampledFrom(sources).Draw(r, "source"), rapid.IntRange(0, 1).Draw(r, "gateway")
	ctx := context.Background()
	if _, there := s.routes[k][from]; there && rapid.Bool().Draw(r, "remove") {
		routes, err := s.nets.ListRoutes(ctx, s.caller, s.tables[k].UID)
		require.NoError(r, err)
		at := slices.IndexFunc(routes, func(x *network.Route) bool { return x.HopKind == network.HopNAT && x.Source == from })
		_, err = s.nets.RemoveRoute(ctx, s.caller, routes[at].UID)
		require.NoError(r, err)
		delete(s.routes[k], from)
		return
	}
	_, err := s.nets.AddRoutes(ctx, s.caller, s.tables[k].UID, []network.NewRoute{{Source: from, Destination: "0.0.0.0/0", HopKind: network.HopNAT, Hop: s.gateways[to].Slug}})
	if _, there := s.routes[k][from]; there {
		require.True(r, fault.Is(err, fault.Exists), "%v", err)
		return
	}
	require.NoError(r, err)
	s.routes[k][from] = to
}

// join moves a subnet to a table.
func (s *natStory) join(r *rapid.T) {
	subnet, k := rapid.SampledFrom(s.subnets).Draw(r, "subnet"), rapid.IntRange(0, 1).Draw(r, "table")
	_, err := s.nets.JoinRouteTable(context.Background(), s.caller, s.tables[k].UID, []string{subnet.UID})
	require.NoError(r, err)
	s.in[subnet.UID] = k
}

// end tries to delete a gateway that routes lead to.
func (s *natStory) end(r *rapid.T) {
	k, led := rapid.IntRange(0, 1).Draw(r, "gateway"), false
	for _, routes := range s.routes {
		led = led || slices.Contains(slices.Collect(maps.Values(routes)), k)
	}
	if led {
		require.True(r, fault.Is(s.nets.DeleteNATGateways(context.Background(), s.caller, []string{s.gateways[k].UID}), fault.Conflict))
	}
}

// leaves tells by which gateway the model lets an address out; -1: by none.
func (s *natStory) leaves(subnet *network.Subnet, a netip.Addr) int {
	routes := s.routes[s.in[subnet.UID]]
	k, led := routes[subnet.CIDR]
	if !led {
		if k, led = routes[""]; !led {
			return -1
		}
	}
	for from := range s.ranges[k] {
		if netip.MustParsePrefix(from).Contains(a) {
			return k
		}
	}
	return -1
}

// same holds what the site is told against the model, for addresses of all parts of the subnets.
func (s *natStory) same(r *rapid.T) {
	s.t = r
	if s.looks++; s.looks%16 == 0 { // the checker reads all that earlier stories have left
		s.sound()
	}
	told := []spec.NATGateway{s.told(s.gateways[0].UID), s.told(s.gateways[1].UID)}
	for _, subnet := range s.subnets {
		for _, last := range []byte{2, 7, 129, 200} {
			b := subnet.Prefix().Addr().As4()
			b[3] = last
			a, want := netip.AddrFrom4(b), s.leaves(subnet, netip.AddrFrom4(b))
			for k := range told {
				has := slices.ContainsFunc(told[k].Sources, func(p netip.Prefix) bool { return p.Contains(a) })
				require.Equal(r, want == k, has, "%s by gateway %d: %v", a, k, told[k].Sources)
			}
		}
	}
	for k := range told {
		require.ElementsMatch(r, slices.Collect(maps.Keys(s.doors[k])), told[k].Forwards)
	}
}

// TestGatewaysDoWhatTheirRulesAndRoutesSay holds random rules, routes and tables against a model, step by step (network.md, test idea 11).
func TestGatewaysDoWhatTheirRulesAndRoutesSay(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenSQLite(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()})
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		s := &natStory{natBench: newNATBench(r, db, clock, fmt.Sprint("site-", round)), in: map[string]int{}}
		for range 2 {
			s.gateways = append(s.gateways, s.create())
			s.ranges, s.doors, s.routes = append(s.ranges, map[string]string{}), append(s.doors, map[spec.Forward]string{}), append(s.routes, map[string]int{})
		}
		s.settle()
		standard, err := s.nets.TableOfSubnet(context.Background(), s.caller, s.subnets[0].UID)
		require.NoError(r, err)
		own, err := s.nets.CreateRouteTable(context.Background(), s.caller, network.NewRouteTable{Network: s.net.UID, Name: "own"})
		require.NoError(r, err)
		s.tables = []*network.RouteTable{standard, own}
		r.Repeat(map[string]func(*rapid.T){"snat": s.snat, "dnat": s.dnat, "route": s.route, "join": s.join, "end": s.end, "": s.same})
	})
}
