package sim_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network/networktest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

func TestACLDecides(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	networktest.ACLDecides(t, h.Network(), func(p networktest.Packet) bool {
		port := p.DstPort
		if p.Protocol == "icmp" {
			port = 0
		}
		return w.CanReach(p.From.UID, p.Dest, p.Protocol, port)
	})
}

func TestACLsGuardTheBorderAndKeepNoState(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	n, e, s, ctx := topology(t, h.Site()), h.Network(), h.Site(), t.Context()
	outside := netip.MustParseAddr("198.51.100.7")
	subnet := spec.Subnet{UID: "s-web", Network: "net-1", Prefix: netip.MustParsePrefix("10.1.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.1"), ACL: "acl"}
	guard := func(ingress, egress []spec.ACLRule) {
		require.NoError(t, e.EnsureNetworkACL(ctx, spec.NetworkACL{UID: "acl", Ingress: ingress, Egress: egress}))
		require.NoError(t, e.EnsureSubnet(ctx, subnet))
	}
	web := spec.ACLRule{UID: "web", Action: spec.Allow, Protocol: "tcp", DestinationPorts: spec.PortRange{Min: 80, Max: 80}}
	answers := spec.ACLRule{UID: "answers", Action: spec.Allow, Protocol: "tcp", SourcePorts: spec.PortRange{Min: 80, Max: 80}}
	everything := func(uid string) []spec.ACLRule { return []spec.ACLRule{{UID: uid, Action: spec.Allow}} }
	reached := func(want bool, why string) {
		t.Helper()
		require.Equal(t, want, w.CanReach(n.db, n.webAddr, "tcp", 80), why)
		require.Equal(t, want, s.TraceOutside(outside, n.webPublic, "tcp", 80).OK, why)
	}
	guard(nil, nil)
	reached(false, "no rule")
	require.True(t, w.CanReach(n.web, n.openAddr, "udp", 9), "inside the subnet nobody asks")
	require.False(t, w.CanReach(n.web, netip.MustParseAddr("10.1.0.1"), "icmp", 0), "the gateway is beyond the border")
	guard([]spec.ACLRule{web}, nil)
	reached(false, "no rule for the answer")
	guard([]spec.ACLRule{web}, []spec.ACLRule{answers})
	reached(true, "both")
	require.False(t, w.CanReach(n.db, n.webAddr, "tcp", 81), "the group allows it, the ACL does not")
	guard(everything("in"), everything("out"))
	require.False(t, w.CanReach(n.db, n.webAddr, "tcp", 82), "the ACL allows it, the group does not")
	subnet.ACL = ""
	require.NoError(t, e.EnsureSubnet(ctx, subnet))
	require.True(t, w.CanReach(n.db, n.webAddr, "tcp", 81), "unbound")
}

func TestRoutes(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	n, e, ctx := topology(t, h.Site()), h.Network(), t.Context()
	far, prefix, addr := netip.MustParseAddr("172.20.1.1"), netip.MustParsePrefix, netip.MustParseAddr
	subnet := spec.Subnet{UID: "s-web", Network: "net-1", Prefix: prefix("10.1.0.0/24"), Gateway: addr("10.1.0.1")}
	lead := func(routes ...spec.Route) {
		subnet.Routes = routes
		require.NoError(t, e.EnsureSubnet(ctx, subnet))
	}
	hop := spec.Port{UID: "p-hop", Network: "net-1", Subnet: "s-db", MAC: "fa:16:3e:00:00:77", Addresses: []netip.Addr{addr("10.2.0.7")}, SecurityGroups: []string{"g-any"}}
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "g-any", Rules: []spec.Rule{{UID: "in", Direction: spec.Ingress}}}))
	require.NoError(t, e.EnsurePort(ctx, hop))
	lead(spec.Route{Destination: prefix("172.20.0.0/16"), NextHop: hop.Addresses[0]})
	require.False(t, w.CanReach(n.web, far, "tcp", 80), "the next hop forwards only what it is allowed to")
	hop.AllowedPairs = []spec.Pair{{Prefix: prefix("0.0.0.0/0")}}
	require.NoError(t, e.EnsurePort(ctx, hop))
	v := w.Trace(n.web, far, "tcp", 80)
	require.Equal(t, sim.Verdict{OK: true, Port: hop.UID, Source: n.webAddr}, v)
	require.False(t, w.CanReach(n.db, far, "tcp", 80), "another subnet has no such route")
	require.True(t, w.CanReach(n.web, addr("8.8.8.8"), "udp", 53), "the way out stays")
	lead(spec.Route{Destination: prefix("0.0.0.0/0"), NextHop: hop.Addresses[0]})
	require.Equal(t, hop.UID, w.Trace(n.web, addr("8.8.8.8"), "udp", 53).Port, "unless it is led elsewhere")
	require.Equal(t, n.db, w.Trace(n.web, n.dbAddr, "tcp", 5432).Port, "a subnet of the network is nearer")
	lead(spec.Route{Destination: prefix("172.20.0.0/16"), NextHop: addr("10.9.0.1")})
	require.False(t, w.CanReach(n.web, far, "tcp", 80), "nobody's next hop")
	lead()
	require.False(t, w.CanReach(n.web, far, "tcp", 80))
}
