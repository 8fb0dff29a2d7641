package networktest

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// Runner runs commands inside a network namespace.
type Runner interface {
	Command(ctx context.Context, args ...string) *exec.Cmd
}

// Fixture is a real engine and the hosts that carry its ports out.
type Fixture struct {
	Engine network.Network
	Uplink spec.Uplink // of the provider network; its gateway is the outside
	// Attach makes a namespace with one interface eth0, bound to the port, on host number 0 or 1. Empty address: the test asks DHCP.
	Attach  func(t testing.TB, host int, port spec.Port, address netip.Prefix, gateway netip.Addr) Runner
	Outside Runner
	// CrashSwitch lets the program that forwards the packets of host 0 die of a fault of its own, and returns when there is another.
	CrashSwitch func(t testing.TB)
}

// effect bounds how long a change may take to reach the packets: OVN needs seconds on a busy machine.
const effect = time.Minute

// tenant is two subnets of one network, with ports on both hosts.
type tenant struct {
	f              Fixture
	a, b, c, other spec.Port // a and b share a subnet, c is on the network's other one, other is on another network
	group          spec.SecurityGroup
	ra, rb, rc, ro Runner
}

// Traffic checks an engine by packets.
func Traffic(t *testing.T, f Fixture) {
	x := newTenant(t, f)
	for _, step := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"SameSubnetAcrossHosts", func(t *testing.T) { reaches(t, x.ra, "10.1.0.12") }},
		{"RoutedBetweenSubnets", func(t *testing.T) { reaches(t, x.ra, "10.2.0.11") }},
		{"OtherNetworkIsOut", func(t *testing.T) { silent(t, x.ra, "10.9.0.11") }},
		{"SNATToTheOutside", func(t *testing.T) { reaches(t, x.ra, f.Uplink.Gateway.String()) }},
		{"SpoofedSourceIsDropped", x.spoof},
		{"DHCP", x.dhcp},
		{"GroupLetsThroughAndCuts", x.groups},
		{"ClosingCutsEstablishedConnections", x.established},
		{"RemoteGroup", x.remoteGroup},
		{"DenialAndPriority", x.denies},
		{"VirtualIPMoves", x.virtualIP},
		{"PublicIP", x.publicIP},
		{"NATGateway", x.gateway},
		{"IPv6", x.ipv6},
		{"Limits", x.limits},
		{"NetworkACL", x.networkACL},
		{"Routes", x.routes},
		{"FurtherAddress", x.furtherAddress},
		{"SwitchCrashes", x.switchCrashes},
	} {
		if !t.Run(step.name, step.run) {
			t.FailNow() // what a failed step leaves behind would fail the others, each after minutes
		}
	}
	t.Run("NothingIsLeft", func(t *testing.T) {
		require.NoError(t, clear(f.Engine))
		requireList(t, f.Engine, nil)
	})
}

func newTenant(t *testing.T, f Fixture) *tenant {
	ctx, e := t.Context(), f.Engine
	x := &tenant{f: f, group: spec.SecurityGroup{UID: "sg-open", Rules: []spec.Rule{
		{UID: "ping", Direction: spec.Ingress, Protocol: "icmp", PortMin: -1, PortMax: -1}, {UID: "out", Direction: spec.Egress},
	}}}
	require.NoError(t, e.EnsureUplink(ctx, f.Uplink))
	require.NoError(t, e.EnsureSecurityGroup(ctx, x.group))
	for i, n := range []string{"one", "two"} {
		address := f.Uplink.Gateway
		for range 10 + i {
			address = address.Next()
		}
		require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: n, Uplink: f.Uplink.UID, Address: address, SNAT: true}))
	}
	for _, s := range []struct{ uid, network, base string }{{"s1", "one", "10.1.0"}, {"s2", "one", "10.2.0"}, {"s9", "two", "10.9.0"}} {
		require.NoError(t, e.EnsureSubnet(ctx, subnetOf(s.uid, s.network, s.base)))
	}
	port := func(uid, network, subnet, address string, host int) (spec.Port, Runner) {
		a := netip.MustParseAddr(address)
		p := spec.Port{UID: uid, Network: network, Subnet: subnet, MAC: fmt.Sprintf("0a:00:%02x:%02x:%02x:%02x", a.As4()[0], a.As4()[1], a.As4()[2], a.As4()[3]),
			Addresses: []netip.Addr{a}, SecurityGroups: []string{"sg-open"}}
		require.NoError(t, e.EnsurePort(ctx, p))
		prefix, _ := a.Prefix(24)
		return p, f.Attach(t, host, p, netip.PrefixFrom(a, 24), prefix.Addr().Next())
	}
	x.a, x.ra = port("pa", "one", "s1", "10.1.0.11", 0)
	x.b, x.rb = port("pb", "one", "s1", "10.1.0.12", 1)
	x.c, x.rc = port("pc", "one", "s2", "10.2.0.11", 1)
	x.other, x.ro = port("po", "two", "s9", "10.9.0.11", 1)
	reaches(t, x.ro, f.Uplink.Gateway.String())
	return x
}

func subnetOf(uid, network, base string) spec.Subnet {
	return spec.Subnet{UID: uid, Network: network, Prefix: netip.MustParsePrefix(base + ".0/24"), Gateway: netip.MustParseAddr(base + ".1"), DHCP: true,
		DNS: []netip.Addr{netip.MustParseAddr("223.5.5.5")}}
}

func ping(r Runner, address string, more ...string) bool {
	args := append([]string{"ping", "-n", "-c", "1", "-i", "0.2", "-W", "1"}, more...)
	_, err := output(context.Background(), r, append(args, address)...)
	return err == nil
}

// tcp tells whether a connection gets an answer.
func tcp(r Runner, address string, port int) bool { return answers(r, address, port) == "hello\n" }

// answers is what a connection says; empty if nothing does.
func answers(r Runner, address string, port int) string {
	// -w bounds the connecting only: an answer that is cut off later would be waited for.
	out, err := output(context.Background(), r, "timeout", "3", "busybox", "nc", "-w", "1", address, fmt.Sprint(port))
	if err != nil {
		return ""
	}
	return out
}

// output runs a command that is over soon, and would be killed if it were not.
func output(ctx context.Context, r Runner, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, effect)
	defer cancel()
	cmd := r.Command(ctx, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = fmt.Errorf("%v: still running after %s: %w", args, effect, err)
	}
	return string(out), err
}

// serve answers "hello" to every connection, until the test ends.
func serve(t *testing.T, r Runner, port int) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.Command(ctx, "busybox", "nc", "-ll", "-p", fmt.Sprint(port), "-e", "busybox", "echo", "hello")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > effect {
			t.Fatalf("%s: not after %s", what, effect)
		}
	}
	t.Logf("%s after %s", what, time.Since(began).Round(time.Millisecond))
}

func reaches(t *testing.T, r Runner, address string) {
	t.Helper()
	eventually(t, "reaches "+address, func() bool { return ping(r, address) })
}

func silent(t *testing.T, r Runner, address string) {
	t.Helper()
	require.False(t, ping(r, address, "-c", "3"), "%s answers", address)
}

func run(t *testing.T, r Runner, args ...string) {
	t.Helper()
	out, err := output(t.Context(), r, args...)
	require.NoError(t, err, "%v: %s", args, out)
}

func (x *tenant) spoof(t *testing.T) {
	reaches(t, x.ra, "10.1.0.12")
	run(t, x.ra, "ip", "addr", "add", "10.1.0.99/24", "dev", "eth0")
	// The other side knows the way back, so that only port security can be what drops it.
	run(t, x.rb, "ip", "neigh", "replace", "10.1.0.99", "lladdr", x.a.MAC, "dev", "eth0")
	require.False(t, ping(x.ra, "10.1.0.12", "-I", "10.1.0.99", "-c", "3"))
	x.a.AllowedPairs = []spec.Pair{{Prefix: netip.MustParsePrefix("10.1.0.99/32")}}
	require.NoError(t, x.f.Engine.EnsurePort(t.Context(), x.a))
	eventually(t, "an allowed source passes", func() bool { return ping(x.ra, "10.1.0.12", "-I", "10.1.0.99") })
}

func (x *tenant) dhcp(t *testing.T) {
	eventually(t, "a lease", func() bool {
		out, _ := output(t.Context(), x.ra, "busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "2", "-T", "1", "-s", "/bin/true")
		t.Logf("%s", out)
		return strings.Contains(out, "lease of 10.1.0.11 obtained")
	})
}

func (x *tenant) groups(t *testing.T) {
	serve(t, x.rb, 80)
	reaches(t, x.ra, "10.1.0.12")
	require.False(t, tcp(x.ra, "10.1.0.12", 80), "no rule allows port 80")
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "web", Direction: spec.Ingress, Protocol: "tcp", PortMin: 80, PortMax: 80})
	require.NoError(t, x.f.Engine.EnsureSecurityGroup(t.Context(), open))
	eventually(t, "port 80 opens", func() bool { return tcp(x.ra, "10.1.0.12", 80) })
	require.NoError(t, x.f.Engine.EnsureSecurityGroup(t.Context(), x.group))
	eventually(t, "port 80 closes", func() bool { return !tcp(x.ra, "10.1.0.12", 80) })
}

func (x *tenant) remoteGroup(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	serve(t, x.rb, 81)
	friends := spec.SecurityGroup{UID: "sg-friends", Rules: []spec.Rule{
		{UID: "in", Direction: spec.Ingress, Protocol: "tcp", PortMin: 81, PortMax: 81, RemoteGroup: "sg-friends"}}}
	require.NoError(t, e.EnsureSecurityGroup(ctx, friends))
	x.a.SecurityGroups = []string{"sg-open", "sg-friends"}
	x.b.SecurityGroups = x.a.SecurityGroups
	require.NoError(t, e.EnsurePort(ctx, x.b))
	require.False(t, tcp(x.ra, "10.1.0.12", 81), "not a member yet")
	require.NoError(t, e.EnsurePort(ctx, x.a))
	eventually(t, "a member gets through", func() bool { return tcp(x.ra, "10.1.0.12", 81) })
	require.False(t, tcp(x.rc, "10.1.0.12", 81), "who is no member does not")
}

func (x *tenant) publicIP(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	address := x.f.Uplink.Gateway
	for range 50 {
		address = address.Next()
	}
	require.False(t, ping(x.f.Outside, address.String()))
	ip := spec.PublicIP{UID: "eip", Uplink: x.f.Uplink.UID, Address: address, Network: "one", Port: "pa", Private: netip.MustParseAddr("10.1.0.11"), Mbps: 10}
	require.NoError(t, e.EnsurePublicIP(ctx, ip))
	eventually(t, "a public address answers", func() bool { return ping(x.f.Outside, address.String()) })
	reaches(t, x.ra, x.f.Uplink.Gateway.String())
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "eip"}))
	eventually(t, "a removed public address is silent", func() bool { return !ping(x.f.Outside, address.String()) })
}

// established holds one connection open over the removal of the rule that let it in.
func (x *tenant) established(t *testing.T) {
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "echo", Direction: spec.Ingress, Protocol: "tcp", PortMin: 90, PortMax: 90})
	require.NoError(t, x.f.Engine.EnsureSecurityGroup(t.Context(), open))
	server := x.rb.Command(t.Context(), "busybox", "nc", "-ll", "-p", "90", "-e", "cat")
	require.NoError(t, server.Start())
	var lines chan string
	var say func()
	eventually(t, "a connection", func() bool {
		lines, say = dial(t, x.ra, "10.1.0.12", "90")
		return hears(lines, say, time.Second)
	})
	require.True(t, hears(lines, say, 5*time.Second), "it goes on")
	require.NoError(t, x.f.Engine.EnsureSecurityGroup(t.Context(), x.group))
	eventually(t, "the connection is cut", func() bool { return !hears(lines, say, time.Second) })
}

// dial opens a connection that echoes.
func dial(t *testing.T, r Runner, address, port string) (lines chan string, say func()) {
	cmd := r.Command(t.Context(), "busybox", "nc", address, port)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines = make(chan string, 1000)
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	return lines, func() { _, _ = in.Write([]byte("hello\n")) }
}

// hears tells whether a line comes back in time.
func hears(lines chan string, say func(), limit time.Duration) bool {
	say()
	select {
	case <-lines:
		return true
	case <-time.After(limit):
		return false
	}
}

// switchCrashes: whoever supervises the switch brings it back, with all that it was told.
func (x *tenant) switchCrashes(t *testing.T) {
	reaches(t, x.ra, "10.1.0.12")
	x.f.CrashSwitch(t)
	reaches(t, x.ra, "10.1.0.12")
	reaches(t, x.ra, "10.2.0.11")
	reaches(t, x.ra, x.f.Uplink.Gateway.String())
}
