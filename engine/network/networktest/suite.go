package networktest

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// Suite runs the tests of the Network interface. newEngine makes an engine with an empty world behind it, and cleans up by t.Cleanup.
func Suite(t *testing.T, name string, newEngine func(t *testing.T) network.Network) {
	tests := []struct {
		name string
		run  func(t *testing.T, e network.Network)
	}{
		{"EmptyAtFirst", testEmpty},
		{"EverythingIsListedOnce", testListed},
		{"EnsureTwiceIsEnsureOnce", testIdempotent},
		{"EnsureChanges", testChanges},
		{"MissingReferences", testMissing},
		{"WhatIsInUseStays", testInUse},
		{"RemoveOfTheAbsent", testRemoveAbsent},
		{"RemoveInReverseLeavesNothing", testRemoveAll},
		{"GroupsMayNameEachOther", testMutualGroups},
		{"PublicIPMoves", testPublicIPMoves},
		{"BandwidthIsShared", testShared},
		{"NATGatewayStaysOnItsNetwork", testGatewayStays},
		{"InvalidNATGateways", testInvalidGateways},
		{"ACLIsFreeWhenItsSubnetsAre", testACLMoves},
		{"InvalidSpecs", testInvalid},
		{"Concurrent", testConcurrent},
		{"CancelledContext", testCancelled},
	}
	for _, tt := range tests {
		t.Run(name+"/"+tt.name, func(t *testing.T) { tt.run(t, newEngine(t)) })
	}
	t.Run(name+"/AnySequence", func(t *testing.T) { testAnySequence(t, newEngine(t)) })
}

// World is one object of every kind, that refer to each other.
type World struct {
	Uplink    spec.Uplink
	Network   spec.Network
	ACL       spec.NetworkACL
	Subnet    spec.Subnet
	Group     spec.SecurityGroup
	Port      spec.Port
	VirtualIP spec.VirtualIP
	PublicIP  spec.PublicIP
	Gateway   spec.NATGateway
}

// NewWorld makes a valid World.
func NewWorld() World {
	return World{
		Uplink: spec.Uplink{UID: "up-1", PhysicalNetwork: "physnet1", Prefix: netip.MustParsePrefix("203.0.113.0/24"), Gateway: netip.MustParseAddr("203.0.113.1"),
			Prefix6: netip.MustParsePrefix("2001:db8::/64"), Gateway6: netip.MustParseAddr("2001:db8::1")},
		Network: spec.Network{UID: "net-1", Uplink: "up-1", Address: netip.MustParseAddr("203.0.113.10"), SNAT: true},
		ACL: spec.NetworkACL{UID: "acl-1", Ingress: []spec.ACLRule{
			{UID: "a1", Action: spec.Deny, Protocol: "tcp", Source: netip.MustParsePrefix("198.51.100.0/24"), DestinationPorts: spec.PortRange{Min: 22, Max: 23}},
			{UID: "a2", Action: spec.Allow},
		}, Egress: []spec.ACLRule{{UID: "a3", Action: spec.Allow}}},
		Subnet: spec.Subnet{UID: "sub-1", Network: "net-1", Prefix: netip.MustParsePrefix("10.1.0.0/24"), Gateway: netip.MustParseAddr("10.1.0.1"), DHCP: true,
			DNS: []netip.Addr{netip.MustParseAddr("223.5.5.5")}, ACL: "acl-1",
			Prefix6: netip.MustParsePrefix("fd00:1::/64"), Gateway6: netip.MustParseAddr("fd00:1::1"),
			Routes: []spec.Route{{Destination: netip.MustParsePrefix("172.20.0.0/16"), NextHop: netip.MustParseAddr("10.1.0.11")}}},
		Group: spec.SecurityGroup{UID: "sg-1", Rules: []spec.Rule{
			{UID: "r1", Direction: spec.Ingress, Protocol: "tcp", PortMin: 22, PortMax: 22, Remote: netip.MustParsePrefix("0.0.0.0/0")},
			{UID: "r2", Direction: spec.Egress},
		}},
		Port: spec.Port{UID: "port-1", Network: "net-1", Subnet: "sub-1", MAC: "0a:00:00:00:00:01", Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.11")},
			SecurityGroups: []string{"sg-1"}, EgressMbps: 100, IngressMbps: 50},
		VirtualIP: spec.VirtualIP{UID: "vip-1", Network: "net-1", Subnet: "sub-1", MAC: "0a:00:00:00:00:99", Address: netip.MustParseAddr("10.1.0.99"), Ports: []string{"port-1"}},
		PublicIP: spec.PublicIP{UID: "ip-1", Uplink: "up-1", Address: netip.MustParseAddr("203.0.113.20"), Network: "net-1", Port: "port-1",
			Private: netip.MustParseAddr("10.1.0.11"), Mbps: 5},
		Gateway: newGateway(),
	}
}

// Objects names the objects of a World in the order of application.
func (w World) Objects() []network.Object {
	return []network.Object{
		{Kind: spec.KindUplink, UID: w.Uplink.UID}, {Kind: spec.KindNetwork, UID: w.Network.UID}, {Kind: spec.KindNetworkACL, UID: w.ACL.UID},
		{Kind: spec.KindSubnet, UID: w.Subnet.UID}, {Kind: spec.KindSecurityGroup, UID: w.Group.UID}, {Kind: spec.KindPort, UID: w.Port.UID},
		{Kind: spec.KindVirtualIP, UID: w.VirtualIP.UID}, {Kind: spec.KindPublicIP, UID: w.PublicIP.UID}, {Kind: spec.KindNATGateway, UID: w.Gateway.UID},
	}
}

// Apply ensures all objects of the World.
func (w World) Apply(ctx context.Context, e network.Network) error {
	for _, step := range []func() error{
		func() error { return e.EnsureUplink(ctx, w.Uplink) },
		func() error { return e.EnsureNetwork(ctx, w.Network) },
		func() error { return e.EnsureNetworkACL(ctx, w.ACL) },
		func() error { return e.EnsureSubnet(ctx, w.Subnet) },
		func() error { return e.EnsureSecurityGroup(ctx, w.Group) },
		func() error { return e.EnsurePort(ctx, w.Port) },
		func() error { return e.EnsureVirtualIP(ctx, w.VirtualIP) },
		func() error { return e.EnsurePublicIP(ctx, w.PublicIP) },
		func() error { return e.EnsureNATGateway(ctx, w.Gateway) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func requireList(t require.TestingT, e network.Network, want []network.Object) {
	got, err := e.List(context.Background())
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
}

func testEmpty(t *testing.T, e network.Network) { requireList(t, e, nil) }

func testListed(t *testing.T, e network.Network) {
	w := NewWorld()
	require.NoError(t, w.Apply(t.Context(), e))
	requireList(t, e, w.Objects())
}

func testIdempotent(t *testing.T, e network.Network) {
	w := NewWorld()
	for range 3 {
		require.NoError(t, w.Apply(t.Context(), e))
	}
	requireList(t, e, w.Objects())
}

func testChanges(t *testing.T, e network.Network) {
	w := NewWorld()
	require.NoError(t, w.Apply(t.Context(), e))
	w.Uplink.VLAN = 100
	w.Uplink.Prefix6, w.Uplink.Gateway6, w.Subnet.Prefix6, w.Subnet.Gateway6 = netip.Prefix{}, netip.Addr{}, netip.Prefix{}, netip.Addr{}
	w.Network.MTU, w.Network.SNAT = 1400, false
	w.ACL.Ingress, w.ACL.Egress = w.ACL.Ingress[1:], nil
	w.Subnet.DNS, w.Subnet.DHCP, w.Subnet.ACL, w.Subnet.Routes = nil, false, "", nil
	w.Group.Rules = w.Group.Rules[:1]
	w.Port.SecurityGroups, w.Port.Disabled, w.Port.EgressMbps = nil, true, 0
	w.Port.AllowedPairs = []spec.Pair{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}, {MAC: "0a:00:00:00:00:55", Prefix: netip.MustParsePrefix("10.1.0.99/32")}}
	w.VirtualIP.Ports = nil
	w.PublicIP.Mbps = 0
	w.Gateway.Sources, w.Gateway.Forwards, w.Gateway.Mbps = w.Gateway.Sources[1:], w.Gateway.Forwards[2:], 0
	require.NoError(t, w.Apply(t.Context(), e))
	requireList(t, e, w.Objects())
	require.NoError(t, NewWorld().Apply(t.Context(), e))
	requireList(t, e, w.Objects())
}

func testMissing(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.ErrorIs(t, e.EnsureNetwork(ctx, w.Network), network.ErrMissing)
	require.ErrorIs(t, e.EnsureSubnet(ctx, w.Subnet), network.ErrMissing)
	require.ErrorIs(t, e.EnsurePort(ctx, w.Port), network.ErrMissing)
	require.ErrorIs(t, e.EnsureVirtualIP(ctx, w.VirtualIP), network.ErrMissing)
	require.ErrorIs(t, e.EnsurePublicIP(ctx, w.PublicIP), network.ErrMissing)
	require.ErrorIs(t, e.EnsureNATGateway(ctx, w.Gateway), network.ErrMissing)
	requireList(t, e, nil)
	require.NoError(t, e.EnsureUplink(ctx, w.Uplink))
	require.NoError(t, e.EnsureNetwork(ctx, w.Network))
	require.ErrorIs(t, e.EnsureSubnet(ctx, w.Subnet), network.ErrMissing, "its ACL is missing")
	require.NoError(t, e.EnsureNetworkACL(ctx, w.ACL))
	require.NoError(t, e.EnsureSubnet(ctx, w.Subnet))
	require.ErrorIs(t, e.EnsurePort(ctx, w.Port), network.ErrMissing, "its group is missing")
	require.ErrorIs(t, e.EnsurePublicIP(ctx, w.PublicIP), network.ErrMissing, "its port is missing")
	requireList(t, e, w.Objects()[:4])
}

func testInUse(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	objects := w.Objects()
	for _, o := range objects[:len(objects)-3] { // nothing is on the virtual IP, the public address and the NAT gateway
		require.ErrorIs(t, e.Remove(ctx, o), network.ErrInUse, o.Kind)
	}
	moved := w.PublicIP
	moved.Port, moved.Virtual, moved.Private = w.VirtualIP.UID, true, w.VirtualIP.Address
	require.NoError(t, e.EnsurePublicIP(ctx, moved))
	require.ErrorIs(t, e.Remove(ctx, objects[len(objects)-3]), network.ErrInUse, "it has a public address now")
	requireList(t, e, w.Objects())
	cut := w.Network
	cut.Uplink, cut.SNAT, cut.Address = "", false, netip.Addr{}
	require.ErrorIs(t, e.EnsureNetwork(ctx, cut), network.ErrInUse, "its public address needs the uplink")
	require.NoError(t, e.Remove(ctx, objects[len(objects)-2]))
	require.ErrorIs(t, e.EnsureNetwork(ctx, cut), network.ErrInUse, "its NAT gateway needs the uplink")
	require.NoError(t, e.Remove(ctx, objects[len(objects)-1]))
	require.NoError(t, e.EnsureNetwork(ctx, cut))
	require.NoError(t, e.Remove(ctx, objects[0]), "nothing is on the uplink now")
	require.ErrorIs(t, e.EnsurePublicIP(ctx, w.PublicIP), network.ErrMissing)
}

func testRemoveAbsent(t *testing.T, e network.Network) {
	for _, o := range NewWorld().Objects() {
		require.NoError(t, e.Remove(t.Context(), o), o.Kind)
	}
	require.ErrorIs(t, e.Remove(t.Context(), network.Object{Kind: "teapot", UID: "x"}), network.ErrInvalid)
}

func testRemoveAll(t *testing.T, e network.Network) {
	w := NewWorld()
	require.NoError(t, w.Apply(t.Context(), e))
	objects := w.Objects()
	for i := len(objects) - 1; i >= 0; i-- {
		require.NoError(t, e.Remove(t.Context(), objects[i]))
		requireList(t, e, objects[:i])
		require.NoError(t, e.Remove(t.Context(), objects[i]), "a second time")
	}
}

func testMutualGroups(t *testing.T, e network.Network) {
	ctx := t.Context()
	rule := func(remote string) []spec.Rule {
		return []spec.Rule{{UID: "r", Direction: spec.Ingress, RemoteGroup: remote}}
	}
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "a", Rules: rule("b")}))
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "b", Rules: rule("a")}))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindSecurityGroup, UID: "a"}))
	requireList(t, e, []network.Object{{Kind: spec.KindSecurityGroup, UID: "b"}})
}

func testPublicIPMoves(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	other := w.Network
	other.UID, other.Address = "net-2", netip.MustParseAddr("203.0.113.11")
	subnet := w.Subnet
	subnet.UID, subnet.Network = "sub-2", "net-2"
	port := w.Port
	port.UID, port.Network, port.Subnet = "port-2", "net-2", "sub-2"
	require.NoError(t, e.EnsureNetwork(ctx, other))
	require.NoError(t, e.EnsureSubnet(ctx, subnet))
	require.NoError(t, e.EnsurePort(ctx, port))
	w.PublicIP.Network, w.PublicIP.Port = "net-2", "port-2"
	require.NoError(t, e.EnsurePublicIP(ctx, w.PublicIP))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPort, UID: "port-1"}), "it has no public address any more")
	require.ErrorIs(t, e.Remove(ctx, network.Object{Kind: spec.KindPort, UID: "port-2"}), network.ErrInUse)
}

// testShared puts two addresses into a bandwidth, moves one to another and out, and takes all away.
func testShared(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	one, two := w.PublicIP, w.PublicIP
	two.UID, two.Address = "ip-2", netip.MustParseAddr("203.0.113.21")
	one.Mbps, one.Bandwidth, two.Mbps, two.Bandwidth = 0, "bw-1", 0, "bw-1"
	require.ErrorIs(t, e.EnsurePublicIP(ctx, one), network.ErrMissing, "its bandwidth is missing")
	require.NoError(t, e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw-1", Mbps: 10}))
	require.NoError(t, e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw-2", Mbps: 10}))
	for range 2 {
		require.NoError(t, e.EnsurePublicIP(ctx, one))
		require.NoError(t, e.EnsurePublicIP(ctx, two))
	}
	require.NoError(t, e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw-1", Mbps: 20}))
	first, second := network.Object{Kind: spec.KindBandwidth, UID: "bw-1"}, network.Object{Kind: spec.KindBandwidth, UID: "bw-2"}
	requireList(t, e, append(w.Objects(), first, second, network.Object{Kind: spec.KindPublicIP, UID: "ip-2"}))
	one.Bandwidth = "bw-2"
	require.NoError(t, e.EnsurePublicIP(ctx, one))
	require.ErrorIs(t, e.Remove(ctx, first), network.ErrInUse)
	require.ErrorIs(t, e.Remove(ctx, second), network.ErrInUse)
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "ip-2"}))
	require.NoError(t, e.Remove(ctx, first), "its last address is gone")
	require.NoError(t, e.EnsurePublicIP(ctx, w.PublicIP), "with a limit of its own again")
	require.NoError(t, e.Remove(ctx, second))
	requireList(t, e, w.Objects())
}

func testACLMoves(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	other := w.ACL
	other.UID = "acl-2"
	require.NoError(t, e.EnsureNetworkACL(ctx, other))
	w.Subnet.ACL, w.Subnet.NoGateway, w.Subnet.Routes = "acl-2", true, nil
	require.NoError(t, e.EnsureSubnet(ctx, w.Subnet))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindNetworkACL, UID: "acl-1"}))
	require.ErrorIs(t, e.Remove(ctx, network.Object{Kind: spec.KindNetworkACL, UID: "acl-2"}), network.ErrInUse, "also of a subnet without a border")
	w.Subnet.ACL = ""
	require.NoError(t, e.EnsureSubnet(ctx, w.Subnet))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindNetworkACL, UID: "acl-2"}))
}

func testInvalid(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	tests := []struct {
		field string
		run   func(w World) error
	}{
		{"uid", func(w World) error { w.Uplink.UID = "a_b"; return e.EnsureUplink(ctx, w.Uplink) }},
		{"physical_network", func(w World) error { w.Uplink.PhysicalNetwork = ""; return e.EnsureUplink(ctx, w.Uplink) }},
		{"vlan", func(w World) error { w.Uplink.VLAN = 4095; return e.EnsureUplink(ctx, w.Uplink) }},
		{"gateway", func(w World) error { w.Uplink.Gateway = w.Subnet.Gateway; return e.EnsureUplink(ctx, w.Uplink) }},
		{"prefix6", func(w World) error {
			w.Uplink.Prefix6 = netip.MustParsePrefix("2001:db8::/56")
			return e.EnsureUplink(ctx, w.Uplink)
		}},
		{"gateway6", func(w World) error { w.Uplink.Gateway6 = w.Uplink.Gateway; return e.EnsureUplink(ctx, w.Uplink) }},
		{"gateway6", func(w World) error { w.Subnet.Gateway6 = w.Uplink.Gateway6; return e.EnsureSubnet(ctx, w.Subnet) }},
		{"prefix6", func(w World) error {
			w.Subnet.Prefix, w.Subnet.Gateway, w.Subnet.Routes = w.Uplink.Prefix6, w.Uplink.Gateway6, nil
			return e.EnsureSubnet(ctx, w.Subnet)
		}},
		{"address", func(w World) error { w.Network.Address = netip.Addr{}; return e.EnsureNetwork(ctx, w.Network) }},
		{"snat", func(w World) error { w.Network.Uplink = ""; return e.EnsureNetwork(ctx, w.Network) }},
		{"mtu", func(w World) error { w.Network.MTU = 100; return e.EnsureNetwork(ctx, w.Network) }},
		{"prefix", func(w World) error { w.Subnet.Prefix = netip.Prefix{}; return e.EnsureSubnet(ctx, w.Subnet) }},
		{"gateway", func(w World) error { w.Subnet.Gateway = w.Uplink.Gateway; return e.EnsureSubnet(ctx, w.Subnet) }},
		{"routes[0].next_hop", func(w World) error {
			w.Subnet.Routes = []spec.Route{{Destination: netip.MustParsePrefix("fd00::/16"), NextHop: w.Subnet.Gateway}}
			return e.EnsureSubnet(ctx, w.Subnet)
		}},
		{"routes[1].destination", func(w World) error {
			w.Subnet.Routes = append(w.Subnet.Routes, w.Subnet.Routes...)
			return e.EnsureSubnet(ctx, w.Subnet)
		}},
		{"routes[0].destination", func(w World) error {
			w.Subnet.Routes = []spec.Route{{Destination: netip.MustParsePrefix("172.20.0.1/16"), NextHop: w.Subnet.Gateway}}
			return e.EnsureSubnet(ctx, w.Subnet)
		}},
		{"ingress[0].action", func(w World) error {
			w.ACL.Ingress = []spec.ACLRule{{UID: "r", Action: "pass"}}
			return e.EnsureNetworkACL(ctx, w.ACL)
		}},
		{"egress[0].destination_ports", func(w World) error {
			w.ACL.Egress = []spec.ACLRule{{UID: "r", Action: spec.Allow, Protocol: "icmp", SourcePorts: spec.PortRange{Min: 1, Max: 2}}}
			return e.EnsureNetworkACL(ctx, w.ACL)
		}},
		{"egress[0].source", func(w World) error {
			w.ACL.Egress = []spec.ACLRule{{UID: "r", Action: spec.Allow, IPv6: true, Source: w.Subnet.Prefix}}
			return e.EnsureNetworkACL(ctx, w.ACL)
		}},
		{"ingress[0].source_ports", func(w World) error {
			w.ACL.Ingress = []spec.ACLRule{{UID: "r", Action: spec.Deny, Protocol: "udp", SourcePorts: spec.PortRange{Min: 5, Max: 4}}}
			return e.EnsureNetworkACL(ctx, w.ACL)
		}},
		{"mac", func(w World) error { w.Port.MAC = "0A:00:00:00:00:01"; return e.EnsurePort(ctx, w.Port) }},
		{"addresses", func(w World) error { w.Port.Addresses = nil; return e.EnsurePort(ctx, w.Port) }},
		{"security_groups[1]", func(w World) error {
			w.Port.SecurityGroups = []string{"sg-1", "sg-1"}
			return e.EnsurePort(ctx, w.Port)
		}},
		{"rules[0].direction", func(w World) error {
			w.Group.Rules = []spec.Rule{{UID: "r", Direction: "up"}}
			return e.EnsureSecurityGroup(ctx, w.Group)
		}},
		{"rules[0].port_max", func(w World) error {
			w.Group.Rules = []spec.Rule{{UID: "r", Direction: spec.Ingress, Protocol: "tcp", PortMin: 5, PortMax: 4}}
			return e.EnsureSecurityGroup(ctx, w.Group)
		}},
		{"allowed_pairs[0].mac", func(w World) error {
			w.Port.AllowedPairs = []spec.Pair{{MAC: "0A:00:00:00:00:01", Prefix: w.Subnet.Prefix}}
			return e.EnsurePort(ctx, w.Port)
		}},
		{"rules[0].priority", func(w World) error {
			w.Group.Rules = []spec.Rule{{UID: "r", Direction: spec.Ingress, Priority: 101}}
			return e.EnsureSecurityGroup(ctx, w.Group)
		}},
		{"gateway_mac", func(w World) error { w.Subnet.GatewayMAC = "x"; return e.EnsureSubnet(ctx, w.Subnet) }},
		{"address", func(w World) error { w.VirtualIP.Address = netip.Addr{}; return e.EnsureVirtualIP(ctx, w.VirtualIP) }},
		{"ports[0]", func(w World) error { w.VirtualIP.Ports = []string{"a_b"}; return e.EnsureVirtualIP(ctx, w.VirtualIP) }},
		{"network", func(w World) error { w.VirtualIP.Network = "net-9"; return e.EnsureVirtualIP(ctx, w.VirtualIP) }},
		{"mbps", func(w World) error { return e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw-1"}) }},
		{"mbps", func(w World) error { w.PublicIP.Bandwidth = "bw-1"; return e.EnsurePublicIP(ctx, w.PublicIP) }},
		{"private", func(w World) error {
			w.PublicIP.Private = netip.MustParseAddr("fd00::1")
			return e.EnsurePublicIP(ctx, w.PublicIP)
		}},
		{"network", func(w World) error {
			require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "net-9"}))
			defer func() { require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindNetwork, UID: "net-9"})) }()
			w.Subnet.Network = "net-9"
			return e.EnsureSubnet(ctx, w.Subnet)
		}},
		{"network", func(w World) error { w.Port.Network = "net-9"; return e.EnsurePort(ctx, w.Port) }},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d-%s", i, tt.field), func(t *testing.T) {
			err := tt.run(w)
			require.ErrorIs(t, err, network.ErrInvalid)
			require.ErrorContains(t, err, tt.field)
			requireList(t, e, w.Objects())
		})
	}
}

func testConcurrent(t *testing.T, e network.Network) {
	const ports = 24
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	want := w.Objects()
	errs := make(chan error, 2*ports)
	var wg sync.WaitGroup
	for i := range ports {
		p := w.Port
		p.UID, p.MAC = fmt.Sprintf("many-%d", i), fmt.Sprintf("0a:00:00:00:01:%02x", i)
		p.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 1, 0, byte(100 + i)})}
		want = append(want, network.Object{Kind: spec.KindPort, UID: p.UID})
		// Two at once for each port: the second finds the first's or makes it itself, never both.
		for range 2 {
			wg.Go(func() { errs <- e.EnsurePort(ctx, p) })
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	requireList(t, e, want)
}

func testCancelled(t *testing.T, e network.Network) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, e.EnsureUplink(ctx, NewWorld().Uplink), context.Canceled)
	requireList(t, e, nil)
}
