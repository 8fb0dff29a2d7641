package sim_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

// net names what topology makes.
type net struct {
	web, db, far, lone, open  string // ports
	webAddr, dbAddr, openAddr netip.Addr
	webPublic, router         netip.Addr
}

var any4 = netip.MustParsePrefix("0.0.0.0/0")

// topology: network net-1 with SNAT and two routed subnets (web and open in one, db in the other) and one without a router (lone); network net-2 without a way
// out (far). web has a public address and may be reached on 80 by all; db takes 5432 from web's group; open is unfiltered.
func topology(t *testing.T, s *sim.Site) net {
	t.Helper()
	e, ctx, addr, prefix := s.Network(), t.Context(), netip.MustParseAddr, netip.MustParsePrefix
	n := net{"p-web", "p-db", "p-far", "p-lone", "p-open", addr("10.1.0.4"), addr("10.2.0.4"), addr("10.1.0.9"), addr("203.0.113.50"), addr("203.0.113.10")}
	require.NoError(t, e.EnsureUplink(ctx, spec.Uplink{UID: "up", PhysicalNetwork: "physnet1", Prefix: prefix("203.0.113.0/24"), Gateway: addr("203.0.113.1")}))
	require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "net-1", Uplink: "up", Address: n.router, SNAT: true}))
	require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "net-2"}))
	for _, sub := range []spec.Subnet{
		{UID: "s-web", Network: "net-1", Prefix: prefix("10.1.0.0/24"), Gateway: addr("10.1.0.1"), DHCP: true, DNS: []netip.Addr{addr("223.5.5.5")}},
		{UID: "s-db", Network: "net-1", Prefix: prefix("10.2.0.0/24"), Gateway: addr("10.2.0.1")},
		{UID: "s-lone", Network: "net-1", Prefix: prefix("10.3.0.0/24"), NoGateway: true},
		{UID: "s-far", Network: "net-2", Prefix: prefix("10.1.0.0/24"), Gateway: addr("10.1.0.1")},
	} {
		require.NoError(t, e.EnsureSubnet(ctx, sub))
	}
	out := spec.Rule{UID: "out", Direction: spec.Egress}
	for _, g := range []spec.SecurityGroup{
		{UID: "g-web", Rules: []spec.Rule{out, {UID: "1", Direction: spec.Ingress, Protocol: "tcp", PortMin: 80, PortMax: 81, Remote: any4}}},
		{UID: "g-db", Rules: []spec.Rule{out, {UID: "1", Direction: spec.Ingress, Protocol: "tcp", PortMin: 5432, PortMax: 5432, RemoteGroup: "g-web"},
			{UID: "2", Direction: spec.Ingress, Protocol: "icmp", PortMin: -1, PortMax: -1, Remote: prefix("10.1.0.0/28")}}},
		{UID: "g-none"},
	} {
		require.NoError(t, e.EnsureSecurityGroup(ctx, g))
	}
	for i, p := range []spec.Port{
		{UID: n.web, Network: "net-1", Subnet: "s-web", Addresses: []netip.Addr{n.webAddr}, SecurityGroups: []string{"g-web"}},
		{UID: n.db, Network: "net-1", Subnet: "s-db", Addresses: []netip.Addr{n.dbAddr}, SecurityGroups: []string{"g-db"}},
		{UID: n.open, Network: "net-1", Subnet: "s-web", Addresses: []netip.Addr{n.openAddr}, Unfiltered: true},
		{UID: n.lone, Network: "net-1", Subnet: "s-lone", Addresses: []netip.Addr{addr("10.3.0.4")}, Unfiltered: true},
		{UID: n.far, Network: "net-2", Subnet: "s-far", Addresses: []netip.Addr{n.webAddr}, SecurityGroups: []string{"g-web"}},
	} {
		p.MAC = "fa:16:3e:00:00:0" + string(rune('1'+i))
		require.NoError(t, e.EnsurePort(ctx, p))
	}
	require.NoError(t, e.EnsurePublicIP(ctx, spec.PublicIP{UID: "ip", Uplink: "up", Address: n.webPublic, Network: "net-1", Port: n.web, Private: n.webAddr}))
	return n
}

func TestReach(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	n := topology(t, h.Site())
	addr := netip.MustParseAddr
	tests := []struct {
		name  string
		from  string
		to    netip.Addr
		proto string
		port  int
		want  bool
		see   string // source address at the other side, if it arrives
	}{
		{"db from web's group", n.web, n.dbAddr, "tcp", 5432, true, "10.1.0.4"},
		{"another port", n.web, n.dbAddr, "tcp", 22, false, ""},
		{"another protocol", n.web, n.dbAddr, "udp", 5432, false, ""},
		{"from outside web's group", n.open, n.dbAddr, "tcp", 5432, false, ""},
		{"ping from the prefix", n.web, n.dbAddr, "icmp", 0, true, "10.1.0.4"},
		{"a range of ports", n.db, n.webAddr, "tcp", 81, true, "10.2.0.4"},
		{"beyond the range", n.db, n.webAddr, "tcp", 82, false, ""},
		{"unfiltered", n.web, n.openAddr, "udp", 9, true, "10.1.0.4"},
		{"the gateway answers a ping", n.web, addr("10.1.0.1"), "icmp", 0, true, "10.1.0.4"},
		{"and nothing else", n.web, addr("10.1.0.1"), "tcp", 80, false, ""},
		{"nobody there", n.open, addr("10.2.0.77"), "tcp", 80, false, ""},
		{"a subnet without a router, out", n.lone, n.openAddr, "tcp", 80, false, ""},
		{"a subnet without a router, in", n.open, addr("10.3.0.4"), "tcp", 80, false, ""},
		{"another network with the same addresses", n.far, n.openAddr, "tcp", 80, false, ""},
		{"no way out", n.far, addr("8.8.8.8"), "udp", 53, false, ""},
		{"out by its public address", n.web, addr("8.8.8.8"), "udp", 53, true, "203.0.113.50"},
		{"out by SNAT", n.db, addr("8.8.8.8"), "udp", 53, true, "203.0.113.10"},
		{"a public address from within", n.db, n.webPublic, "tcp", 80, true, "203.0.113.10"},
		{"its group holds", n.db, n.webPublic, "tcp", 22, false, ""},
		{"nobody on the uplink", n.db, addr("203.0.113.99"), "tcp", 80, false, ""},
		{"somebody's private network", n.db, addr("192.168.9.9"), "tcp", 80, false, ""},
		{"no IPv6", n.web, addr("2001:db8::1"), "tcp", 80, false, ""},
		{"no such port", "p-none", n.dbAddr, "tcp", 5432, false, ""},
		{"no such protocol", n.web, n.dbAddr, "sctpp", 5432, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := w.Trace(tt.from, tt.to, tt.proto, tt.port)
			require.Equal(t, tt.want, v.OK, v.Why)
			require.Equal(t, tt.want, v.Why == "")
			if tt.want {
				require.Equal(t, tt.see, v.Source.String())
			}
		})
	}
}

func TestReachFromOutsideAndChanges(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	n, s, ctx := topology(t, h.Site()), h.Site(), t.Context()
	out := netip.MustParseAddr("198.51.100.7")
	require.Equal(t, sim.Verdict{OK: true, Port: n.web, Source: out}, s.TraceOutside(out, n.webPublic, "tcp", 80))
	require.False(t, s.TraceOutside(out, n.webPublic, "tcp", 443).OK)
	require.False(t, s.TraceOutside(out, n.dbAddr, "tcp", 5432).OK)
	require.True(t, s.TraceOutside(out, n.router, "icmp", 0).OK)

	peer := netip.MustParseAddr("203.0.113.99")
	remove := s.AddOutside(peer)
	require.True(t, w.CanReach(n.db, peer, "tcp", 80))
	remove()
	require.False(t, w.CanReach(n.db, peer, "tcp", 80))

	web, _ := s.Port(n.web)
	web.SecurityGroups = []string{"g-none"}
	require.NoError(t, s.Network().EnsurePort(ctx, web))
	require.False(t, w.CanReach(n.web, n.dbAddr, "tcp", 5432), "no egress rule")
	require.False(t, s.TraceOutside(out, n.webPublic, "tcp", 80).OK)
	web.SecurityGroups, web.Disabled = []string{"g-web"}, true
	require.NoError(t, s.Network().EnsurePort(ctx, web))
	require.False(t, s.TraceOutside(out, n.webPublic, "tcp", 80).OK)

	lease, ok := s.DHCP(n.open)
	require.True(t, ok)
	require.Equal(t, []string{"10.1.0.9", "10.1.0.1", "223.5.5.5"}, []string{lease.Address.String(), lease.Gateway.String(), lease.DNS[0].String()})
	_, ok = s.DHCP(n.db)
	require.False(t, ok, "its subnet has no DHCP")
	_, ok = s.DHCP(n.web)
	require.False(t, ok, "it is disabled")
}

func TestGuestsReachEachOtherWhenTheyAreOnAndWired(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	other := w.Host("site-1", "host-2", sim.Capacity{})
	n := topology(t, h.Site())
	var uids []string
	for i, at := range []*sim.Host{h, other} {
		m := rig{w, at}.machine(t)
		m.NICs = []spec.NIC{{Port: []string{n.web, n.db}[i], MAC: "fa:16:3e:00:00:01"}}
		require.NoError(t, at.Hypervisor().Define(t.Context(), m))
		uids = append(uids, m.UID)
	}
	reach := func() bool { return w.GuestCanReach(n.web, n.dbAddr, "tcp", 5432) }
	require.False(t, reach())
	require.NoError(t, h.Hypervisor().Start(t.Context(), uids[0]))
	require.False(t, reach())
	require.NoError(t, other.Hypervisor().Start(t.Context(), uids[1]))
	require.True(t, reach())
	other.Cut(true)
	require.False(t, reach())
	other.Cut(false)
	require.True(t, reach())
	other.PowerCycle()
	require.False(t, reach())
}
