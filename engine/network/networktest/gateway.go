package networktest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// newGateway is the World's NAT gateway: of nested ranges, a whole address and ports.
func newGateway() spec.NATGateway {
	one, two, inside := netip.MustParseAddr("203.0.113.30"), netip.MustParseAddr("203.0.113.31"), netip.MustParseAddr("10.1.0.11")
	return spec.NATGateway{UID: "nat-1", Network: "net-1", Uplink: "up-1", Address: one, Mbps: 100,
		Sources: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("10.1.0.11/32")},
		Forwards: []spec.Forward{{Protocol: "tcp", Address: one, Port: 80, Private: inside, PrivatePort: 8080}, {Protocol: "udp", Address: one, Port: 80, Private: inside, PrivatePort: 53},
			{Address: two, Private: inside}}}
}

// drawGateway draws a NAT gateway whose ranges meet subnets' and public addresses' own.
func drawGateway(t *rapid.T, uid func(string, string) string) spec.NATGateway {
	s := newGateway()
	s.UID, s.Network, s.Uplink, s.Mbps = uid("nat", "uid"), uid("net", "network"), uid("upl", "uplink"), rapid.IntRange(0, 2).Draw(t, "mbps")
	s.Sources = s.Sources[rapid.IntRange(0, 3).Draw(t, "sources"):]
	s.Forwards = s.Forwards[rapid.IntRange(0, 3).Draw(t, "forwards"):]
	if len(s.Sources) == 0 && rapid.Bool().Draw(t, "silent") {
		s.Address = netip.Addr{}
	}
	return s
}

func (w *wanted) gateway(s spec.NATGateway) error {
	if n, ok := w.networks[s.Network]; !ok || n.Uplink != s.Uplink {
		return network.ErrMissing
	}
	if old, ok := w.gateways[s.UID]; ok && old.Network != s.Network {
		return network.ErrInvalid
	}
	w.gateways[s.UID] = s
	return nil
}

func testGatewayStays(t *testing.T, e network.Network) {
	w, ctx := NewWorld(), t.Context()
	require.NoError(t, w.Apply(ctx, e))
	other := w.Network
	other.UID, other.Address = "net-2", netip.MustParseAddr("203.0.113.11")
	require.NoError(t, e.EnsureNetwork(ctx, other))
	w.Gateway.Network = "net-2"
	require.ErrorIs(t, e.EnsureNATGateway(ctx, w.Gateway), network.ErrInvalid)
	w.Gateway.UID = "nat-2"
	require.NoError(t, e.EnsureNATGateway(ctx, w.Gateway))
	require.ErrorIs(t, e.Remove(ctx, network.Object{Kind: spec.KindNetwork, UID: "net-2"}), network.ErrInUse)
}

func testInvalidGateways(t *testing.T, e network.Network) {
	require.NoError(t, NewWorld().Apply(t.Context(), e))
	for field, change := range map[string]func(*spec.NATGateway){
		"address":                  func(g *spec.NATGateway) { g.Address = netip.MustParseAddr("fd00::1") },
		"mbps":                     func(g *spec.NATGateway) { g.Mbps = -1 },
		"sources[1]":               func(g *spec.NATGateway) { g.Sources[1] = g.Sources[0] },
		"sources[2]":               func(g *spec.NATGateway) { g.Sources[2] = netip.MustParsePrefix("10.1.0.1/24") },
		"forwards[0].port":         func(g *spec.NATGateway) { g.Forwards[0].Port = 65536 },
		"forwards[0].private_port": func(g *spec.NATGateway) { g.Forwards[0].PrivatePort = 0 },
		"forwards[0].protocol":     func(g *spec.NATGateway) { g.Forwards[0].Protocol = "icmp" },
		"forwards[1]":              func(g *spec.NATGateway) { g.Forwards[1] = g.Forwards[0] },
		"forwards[2].port":         func(g *spec.NATGateway) { g.Forwards[2].Port = 80 },
		"forwards[2].private":      func(g *spec.NATGateway) { g.Forwards[2].Private = netip.Addr{} },
	} {
		g := newGateway()
		change(&g)
		err := e.EnsureNATGateway(t.Context(), g)
		require.ErrorIs(t, err, network.ErrInvalid, field)
		require.ErrorContains(t, err, field+":")
	}
}

// gateway proves a NAT gateway by packets: out by ranges, in by ports and by a whole address, and nothing of it left behind.
func (x *tenant) gateway(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	one := x.f.Uplink.Gateway
	for range 70 {
		one = one.Next()
	}
	two, router := one.Next(), x.f.Uplink.Gateway
	for range 10 {
		router = router.Next()
	}
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "web", Direction: spec.Ingress, Protocol: "tcp", PortMin: 8080, PortMax: 8081})
	require.NoError(t, e.EnsureSecurityGroup(ctx, open))
	defer func() { require.NoError(t, e.EnsureSecurityGroup(ctx, x.group)) }()
	serveNamed(t, x.ra, 8080, "a")
	serveNamed(t, x.rc, 8080, "c")
	serveNamed(t, x.rc, 8081, "c1")
	servePeer(t, x.f.Outside, 9000)
	seen := func(r Runner) string { return answers(r, x.f.Uplink.Gateway.String(), 9000) }
	eventually(t, "without a gateway the router's address is seen", func() bool { return seen(x.ra) == router.String()+"\n" })

	g := spec.NATGateway{UID: "nat", Network: "one", Uplink: x.f.Uplink.UID, Address: one, Sources: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")}, Mbps: 50}
	require.NoError(t, e.EnsureNATGateway(ctx, g))
	eventually(t, "a's range is seen as the gateway's address", func() bool { return seen(x.ra) == one.String()+"\n" })
	require.Equal(t, router.String()+"\n", seen(x.rc), "c is in no range")

	inside := func(r string) netip.Addr { return netip.MustParseAddr(r) }
	g.Forwards = []spec.Forward{{Protocol: "tcp", Address: one, Port: 80, Private: inside("10.1.0.11"), PrivatePort: 8080},
		{Protocol: "tcp", Address: two, Port: 81, Private: inside("10.1.0.11"), PrivatePort: 8080}, {Address: two, Private: inside("10.2.0.11")}}
	require.NoError(t, e.EnsureNATGateway(ctx, g))
	eventually(t, "a port leads in", func() bool { return answers(x.f.Outside, one.String(), 80) == "a\n" })
	require.Empty(t, answers(x.f.Outside, one.String(), 8080), "another port of the same address does not")
	eventually(t, "a whole address leads in", func() bool { return answers(x.f.Outside, two.String(), 8081) == "c1\n" })
	require.Equal(t, "c\n", answers(x.f.Outside, two.String(), 8080))
	require.Equal(t, "a\n", answers(x.f.Outside, two.String(), 81), "a port goes before the whole address")
	require.Equal(t, one.String()+"\n", seen(x.ra), "the way out is as before")

	eip := spec.PublicIP{UID: "nat-eip", Uplink: x.f.Uplink.UID, Address: two.Next(), Network: "one", Port: "pa", Private: inside("10.1.0.11")}
	g.Sources = append(g.Sources, netip.MustParsePrefix("10.1.0.11/32"))
	require.NoError(t, e.EnsureNATGateway(ctx, g))
	require.NoError(t, e.EnsurePublicIP(ctx, eip))
	eventually(t, "a port's own address goes before the gateway's", func() bool { return seen(x.ra) == eip.Address.String()+"\n" })
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: eip.UID}))
	eventually(t, "without it the gateway's is seen again", func() bool { return seen(x.ra) == one.String()+"\n" })

	silent := g
	silent.Address, silent.Sources, silent.Forwards = netip.Addr{}, nil, g.Forwards[2:]
	require.NoError(t, e.EnsureNATGateway(ctx, silent))
	eventually(t, "a gateway without an address lets nobody out", func() bool { return seen(x.ra) == router.String()+"\n" })
	require.Equal(t, "c1\n", answers(x.f.Outside, two.String(), 8081), "and leads in as before")

	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindNATGateway, UID: g.UID}))
	eventually(t, "the router's address is seen again", func() bool { return seen(x.ra) == router.String()+"\n" })
	eventually(t, "nothing leads in", func() bool {
		return answers(x.f.Outside, one.String(), 80) == "" && answers(x.f.Outside, two.String(), 8081) == ""
	})
}

// servePeer answers every connection with the address that it comes from, until the test ends.
func servePeer(t *testing.T, r Runner, port int) {
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.Command(ctx, "env", fmt.Sprintf("%s=peer :%d", meterVariable, port), self)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
}

// tellPeers is servePeer's other side.
func tellPeers(at string) error {
	listener, err := net.Listen("tcp4", at)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(conn, host) // who hangs up has heard enough
		_ = conn.Close()
	}
}
