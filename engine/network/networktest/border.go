package networktest

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// networkACL guards the subnet s2 (c's); a and b are beyond its border.
func (x *tenant) networkACL(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	for _, port := range []int{80, 81} {
		serve(t, x.rc, port)
	}
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "web", Direction: spec.Ingress, Protocol: "tcp", PortMin: 80, PortMax: 80})
	require.NoError(t, e.EnsureSecurityGroup(ctx, open))
	defer func() { require.NoError(t, e.EnsureSecurityGroup(context.Background(), x.group)) }()
	reaches(t, x.ra, "10.2.0.11")
	eventually(t, "port 80 answers without an ACL", func() bool { return tcp(x.ra, "10.2.0.11", 80) })

	acl := spec.NetworkACL{UID: "acl"}
	change := func(ingress, egress []spec.ACLRule) {
		t.Helper()
		acl.Ingress, acl.Egress = ingress, egress
		require.NoError(t, e.EnsureNetworkACL(ctx, acl))
	}
	change(nil, nil)
	s2 := subnetOf("s2", "one", "10.2.0")
	s2.ACL = acl.UID
	require.NoError(t, e.EnsureSubnet(ctx, s2))
	eventually(t, "an ACL without rules cuts the subnet off", func() bool { return !ping(x.ra, "10.2.0.11") })
	require.False(t, tcp(x.ra, "10.2.0.11", 80))
	require.False(t, ping(x.rc, x.f.Uplink.Gateway.String()), "the way out too")
	require.ErrorIs(t, e.Remove(ctx, network.Object{Kind: spec.KindNetworkACL, UID: "acl"}), network.ErrInUse)

	x.stateless(t, change)
	x.ordered(t, change)
	x.inside(t)

	change(allowed("in", "", 0), allowed("out", "", 0))
	eventually(t, "an open ACL lets port 80 through", func() bool { return tcp(x.ra, "10.2.0.11", 80) })
	require.False(t, tcp(x.ra, "10.2.0.11", 81), "the security group does not allow 81, whatever the ACL says")
	reaches(t, x.rc, x.f.Uplink.Gateway.String())

	change(nil, nil)
	eventually(t, "closed again", func() bool { return !tcp(x.ra, "10.2.0.11", 80) })
	s2.ACL = ""
	require.NoError(t, e.EnsureSubnet(ctx, s2))
	eventually(t, "unbound, it is as before", func() bool { return tcp(x.ra, "10.2.0.11", 80) && ping(x.rc, x.f.Uplink.Gateway.String()) })
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindNetworkACL, UID: "acl"}))
}

func allowed(uid, protocol string, port int) []spec.ACLRule {
	return []spec.ACLRule{{UID: uid, Action: spec.Allow, Protocol: protocol, DestinationPorts: spec.PortRange{Min: port, Max: port}}}
}

// stateless: an answer needs a rule of its own, in the other direction.
func (x *tenant) stateless(t *testing.T, change func(in, out []spec.ACLRule)) {
	change(allowed("in", "icmp", 0), nil)
	require.Never(t, func() bool { return ping(x.ra, "10.2.0.11") }, 5*time.Second, time.Second, "no rule lets the answer out")
	change(allowed("in", "icmp", 0), allowed("out", "icmp", 0))
	reaches(t, x.ra, "10.2.0.11")
	change(nil, allowed("out", "icmp", 0))
	for _, address := range []string{x.f.Uplink.Gateway.String(), "10.1.0.12"} {
		eventually(t, "no rule lets the answer in", func() bool { return !ping(x.rc, address) })
		silent(t, x.rc, address)
	}
	answers := []spec.ACLRule{{UID: "out", Action: spec.Allow, Protocol: "tcp", SourcePorts: spec.PortRange{Min: 80, Max: 80}}}
	change(allowed("in", "tcp", 80), answers)
	eventually(t, "a rule for the port and one for its answers", func() bool { return tcp(x.ra, "10.2.0.11", 80) })
	require.False(t, ping(x.ra, "10.2.0.11"), "nothing allows a ping any more")
}

// ordered: the first rule that matches decides.
func (x *tenant) ordered(t *testing.T, change func(in, out []spec.ACLRule)) {
	from := func(action spec.Action, address string) spec.ACLRule {
		return spec.ACLRule{UID: string(action) + address, Action: action, Source: netip.MustParsePrefix(address)}
	}
	out := allowed("out", "", 0)
	change([]spec.ACLRule{from(spec.Deny, "10.1.0.11/32"), from(spec.Allow, "10.1.0.0/24")}, out)
	eventually(t, "b passes by the second rule", func() bool { return ping(x.rb, "10.2.0.11") })
	require.False(t, ping(x.ra, "10.2.0.11"), "a is denied by the first")
	change([]spec.ACLRule{from(spec.Allow, "10.1.0.0/24"), from(spec.Deny, "10.1.0.11/32")}, out)
	eventually(t, "the other way round a passes", func() bool { return ping(x.ra, "10.2.0.11") })
	change([]spec.ACLRule{from(spec.Reject, "10.1.0.11/32"), from(spec.Allow, "0.0.0.0/0")}, out)
	eventually(t, "a rejected connection is told so at once", func() bool {
		began := time.Now()
		ok := tcp(x.ra, "10.2.0.11", 80)
		return !ok && time.Since(began) < 700*time.Millisecond
	})
	require.True(t, tcp(x.rb, "10.2.0.11", 80), "b is not rejected")
}

// inside: what stays inside the subnet is not asked.
func (x *tenant) inside(t *testing.T) {
	p := spec.Port{UID: "pd", Network: "one", Subnet: "s2", MAC: "0a:00:0a:02:00:0c", Addresses: []netip.Addr{netip.MustParseAddr("10.2.0.12")}, SecurityGroups: []string{"sg-open"}}
	require.NoError(t, x.f.Engine.EnsurePort(t.Context(), p))
	r := x.f.Attach(t, 0, p, netip.MustParsePrefix("10.2.0.12/24"), netip.MustParseAddr("10.2.0.1"))
	require.NoError(t, x.f.Engine.EnsureNetworkACL(t.Context(), spec.NetworkACL{UID: "acl"}))
	eventually(t, "the border is closed", func() bool { return !ping(x.rb, "10.2.0.11") })
	reaches(t, r, "10.2.0.11")
}

// routes lead s1's packets to a machine on s2 that forwards for others.
func (x *tenant) routes(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	far, prefix := "172.20.1.1", netip.MustParsePrefix("172.20.0.0/16")
	hop := spec.Port{UID: "hop", Network: "one", Subnet: "s2", MAC: "0a:00:0a:02:00:14", Addresses: []netip.Addr{netip.MustParseAddr("10.2.0.20")},
		SecurityGroups: []string{"sg-open"}, AllowedPairs: []spec.Pair{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}}}
	require.NoError(t, e.EnsurePort(ctx, hop))
	r := x.f.Attach(t, 1, hop, netip.MustParsePrefix("10.2.0.20/24"), netip.MustParseAddr("10.2.0.1"))
	for _, a := range []string{far, "198.51.100.9"} {
		run(t, r, "ip", "addr", "add", a+"/32", "dev", "lo")
	}
	reaches(t, x.ra, "10.2.0.20")
	require.False(t, ping(x.ra, far))

	s1 := subnetOf("s1", "one", "10.1.0")
	lead := func(routes ...spec.Route) {
		t.Helper()
		s1.Routes = routes
		require.NoError(t, e.EnsureSubnet(ctx, s1))
	}
	lead(spec.Route{Destination: prefix, NextHop: hop.Addresses[0]})
	reaches(t, x.ra, far)
	reaches(t, x.ra, x.f.Uplink.Gateway.String())
	reaches(t, x.ra, "10.2.0.11")
	silent(t, x.rc, far) // another subnet of the network has no such route

	hop.AllowedPairs = nil
	require.NoError(t, e.EnsurePort(ctx, hop))
	eventually(t, "who may not forward does not", func() bool { return !ping(x.ra, far) })
	hop.AllowedPairs = []spec.Pair{{Prefix: prefix}}
	require.NoError(t, e.EnsurePort(ctx, hop))
	reaches(t, x.ra, far)

	x.hopMoves(t, lead, prefix, far)
	x.virtualHop(t, lead, prefix, far, r)

	hop.AllowedPairs = []spec.Pair{{Prefix: netip.MustParsePrefix("0.0.0.0/0")}}
	require.NoError(t, e.EnsurePort(ctx, hop))
	require.False(t, ping(x.ra, "198.51.100.9"))
	lead(spec.Route{Destination: netip.MustParsePrefix("0.0.0.0/0"), NextHop: hop.Addresses[0]})
	reaches(t, x.ra, "198.51.100.9")
	reaches(t, x.ra, "10.2.0.11") // a subnet of the network is nearer than everywhere
	lead()
	eventually(t, "without routes it is as before", func() bool { return !ping(x.ra, "198.51.100.9") && ping(x.ra, x.f.Uplink.Gateway.String()) })
	require.False(t, ping(x.ra, far))
}

// virtualHop: a virtual IP is a next hop too, and leads to whoever has it.
func (x *tenant) virtualHop(t *testing.T, lead func(...spec.Route), to netip.Prefix, far string, r Runner) {
	const vip = "10.2.0.77"
	ctx, e := t.Context(), x.f.Engine
	v := spec.VirtualIP{UID: "vhop", Network: "one", Subnet: "s2", MAC: "0a:00:0a:02:00:4d", Address: netip.MustParseAddr(vip), Ports: []string{"hop", "hop2"}}
	require.NoError(t, e.EnsureVirtualIP(ctx, v))
	hop := spec.Port{UID: "hop", Network: "one", Subnet: "s2", MAC: "0a:00:0a:02:00:14", Addresses: []netip.Addr{netip.MustParseAddr("10.2.0.20")},
		SecurityGroups: []string{"sg-open"}, AllowedPairs: []spec.Pair{{Prefix: to}, {Prefix: netip.MustParsePrefix(vip + "/32")}}}
	require.NoError(t, e.EnsurePort(ctx, hop))
	lead(spec.Route{Destination: to, NextHop: v.Address})
	eventually(t, "a virtual IP leads on", func() bool { take(t, r, vip); return ping(x.ra, far) })
	lead(spec.Route{Destination: to, NextHop: hop.Addresses[0]})
	run(t, r, "ip", "addr", "del", vip+"/24", "dev", "eth0")
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindVirtualIP, UID: "vhop"}))
}

// hopMoves: another next hop carries the same destination.
func (x *tenant) hopMoves(t *testing.T, lead func(...spec.Route), to netip.Prefix, far string) {
	p := spec.Port{UID: "hop2", Network: "one", Subnet: "s2", MAC: "0a:00:0a:02:00:15", Addresses: []netip.Addr{netip.MustParseAddr("10.2.0.21")},
		SecurityGroups: []string{"sg-open"}, AllowedPairs: []spec.Pair{{Prefix: to}}}
	require.NoError(t, x.f.Engine.EnsurePort(t.Context(), p))
	r := x.f.Attach(t, 0, p, netip.MustParsePrefix("10.2.0.21/24"), netip.MustParseAddr("10.2.0.1"))
	run(t, r, "ip", "addr", "add", far+"/32", "dev", "lo")
	serve(t, r, 99)
	group := spec.SecurityGroup{UID: "sg-hop", Rules: []spec.Rule{{UID: "in", Direction: spec.Ingress}, {UID: "out", Direction: spec.Egress}}}
	require.NoError(t, x.f.Engine.EnsureSecurityGroup(t.Context(), group))
	p.SecurityGroups = []string{group.UID}
	require.NoError(t, x.f.Engine.EnsurePort(t.Context(), p))
	// The guest asks for its gateway's MAC in its own name now: in the name of what it only forwards, the router does not answer.
	eventually(t, "the second hop is there", func() bool { return ping(r, "10.2.0.1") })
	require.False(t, tcp(x.ra, far, 99), "the first hop serves nothing")
	lead(spec.Route{Destination: to, NextHop: p.Addresses[0]})
	eventually(t, fmt.Sprintf("%s answers behind the second hop", far), func() bool { return tcp(x.ra, far, 99) })
	lead(spec.Route{Destination: to, NextHop: netip.MustParseAddr("10.2.0.20")})
	eventually(t, "and behind the first again", func() bool { return ping(x.ra, far) && !tcp(x.ra, far, 99) })
}
