package networktest

import (
	"context"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// denies lets all rules of both of a port's groups compete.
func (x *tenant) denies(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	serve(t, x.rb, 82)
	web := func(uid string, deny bool, priority int, remote string) spec.Rule {
		return spec.Rule{UID: uid, Direction: spec.Ingress, Protocol: "tcp", PortMin: 82, PortMax: 82, Remote: netip.MustParsePrefix(remote), Deny: deny, Priority: priority}
	}
	set := func(rules ...spec.Rule) {
		require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "sg-order", Rules: rules}))
	}
	set(web("allow", false, 50, "0.0.0.0/0"))
	b := x.b
	b.SecurityGroups = []string{"sg-open", "sg-order"}
	require.NoError(t, e.EnsurePort(ctx, b))
	eventually(t, "an allowance opens", func() bool { return tcp(x.ra, "10.1.0.12", 82) })
	set(web("allow", false, 50, "0.0.0.0/0"), web("deny", true, 50, "10.1.0.11/32"))
	eventually(t, "a denial of the same priority closes", func() bool { return !tcp(x.ra, "10.1.0.12", 82) })
	require.True(t, tcp(x.rc, "10.1.0.12", 82), "others still get through")
	set(web("allow", false, 49, "0.0.0.0/0"), web("deny", true, 50, "10.1.0.11/32"))
	eventually(t, "a lower number goes first", func() bool { return tcp(x.ra, "10.1.0.12", 82) })
	set(web("allow", false, 1, "0.0.0.0/0"), web("deny", true, 1, "0.0.0.0/0"))
	eventually(t, "all is closed", func() bool { return !tcp(x.rc, "10.1.0.12", 82) })
	require.NoError(t, e.EnsurePort(ctx, x.b))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindSecurityGroup, UID: "sg-order"}))
}

// virtualIP moves an address from one host to the other, seen from the same subnet, from a routed one, and from outside through a public address.
func (x *tenant) virtualIP(t *testing.T) {
	const vip = "10.1.0.77"
	ctx, e := t.Context(), x.f.Engine
	v := spec.VirtualIP{UID: "vip", Network: "one", Subnet: "s1", MAC: "0a:00:0a:01:00:4d", Address: netip.MustParseAddr(vip), Ports: []string{"pa", "pb"}}
	require.NoError(t, e.EnsureVirtualIP(ctx, v))
	watcher := spec.Port{UID: "pw", Network: "one", Subnet: "s1", MAC: "0a:00:0a:01:00:0d", Addresses: []netip.Addr{netip.MustParseAddr("10.1.0.13")}, SecurityGroups: []string{"sg-open"}}
	require.NoError(t, e.EnsurePort(ctx, watcher))
	rw := x.f.Attach(t, 0, watcher, netip.MustParsePrefix("10.1.0.13/24"), netip.MustParseAddr("10.1.0.1"))
	reaches(t, rw, "10.1.0.11")
	address := x.f.Uplink.Gateway
	for range 60 {
		address = address.Next()
	}
	require.NoError(t, e.EnsurePublicIP(ctx, spec.PublicIP{UID: "vip-eip", Uplink: x.f.Uplink.UID, Address: address, Network: "one", Port: "vip", Virtual: true, Private: v.Address}))

	serveNamed(t, x.ra, 83, "a")
	serveNamed(t, x.rb, 83, "b")
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "named", Direction: spec.Ingress, Protocol: "tcp", PortMin: 83, PortMax: 83})
	require.NoError(t, e.EnsureSecurityGroup(ctx, open))

	take(t, x.ra, vip)
	require.False(t, ping(rw, vip, "-c", "3"), "port security does not let pa have the address yet")
	for _, p := range []*spec.Port{&x.a, &x.b} {
		p.AllowedPairs = append(p.AllowedPairs, spec.Pair{Prefix: netip.MustParsePrefix("0.0.0.0/0")}) // what IEC writes 1.1.1.1/0
		require.NoError(t, e.EnsurePort(ctx, *p))
	}
	from := map[string]Runner{"the same subnet": rw, "a routed subnet": x.rc, "outside": x.f.Outside}
	to := map[string]string{"the same subnet": vip, "a routed subnet": vip, "outside": address.String()}
	for name, r := range from {
		eventually(t, "from "+name+" it is at a", func() bool { take(t, x.ra, vip); return answers(r, to[name], 83) == "a\n" })
	}
	run(t, x.ra, "ip", "addr", "del", vip+"/24", "dev", "eth0")
	for name, r := range from {
		eventually(t, "from "+name+" it has moved to b", func() bool { take(t, x.rb, vip); return answers(r, to[name], 83) == "b\n" })
	}
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "vip-eip"}))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindVirtualIP, UID: "vip"}))
	// While b may have any address, it keeps this one as an ordinary neighbour of the router's.
	x.b.AllowedPairs = nil
	require.NoError(t, e.EnsurePort(ctx, x.b))
	eventually(t, "from a routed subnet it is gone", func() bool { return answers(x.rc, vip, 83) == "" })
	run(t, x.rb, "ip", "addr", "del", vip+"/24", "dev", "eth0")
	require.NoError(t, e.EnsureSecurityGroup(ctx, x.group))
}

// take puts an address on a guest and announces it by ARP, as keepalived does.
func take(t *testing.T, r Runner, address string) {
	_ = r.Command(t.Context(), "ip", "addr", "replace", address+"/24", "dev", "eth0").Run()
	_ = r.Command(t.Context(), "busybox", "arping", "-U", "-c", "1", "-w", "1", "-I", "eth0", "-s", address, address).Run() // an answer is none of its success
}

// serveNamed answers every connection with a name, until the test ends.
func serveNamed(t *testing.T, r Runner, port int, name string) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.Command(ctx, "busybox", "nc", "-ll", "-p", strconv.Itoa(port), "-e", "busybox", "echo", name)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
}
