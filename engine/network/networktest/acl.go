package networktest

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// Packet is what ACLDecides asks about: IPv4, on its way into the subnet that the ACL guards, from a port behind the router.
type Packet struct {
	From     spec.Port  // behind the router
	To       spec.Port  // on the guarded subnet
	Source   netip.Addr // From's
	Dest     netip.Addr // To's
	Protocol string     // tcp, udp or icmp
	SrcPort  int
	DstPort  int
}

// ClientPort is where all packets of ACLDecides come from: engines that follow connections know no other.
const ClientPort = 49152

// ACLDecides holds an engine against the plain reading of an ordered list: for random lists and packets, arrives must say what the first matching rule says.
// The ports' own group allows all, so that only the ACL decides.
func ACLDecides(t *testing.T, e network.Network, arrives func(Packet) bool) {
	a, b := guardedPair(t, e)
	rapid.Check(t, func(rt *rapid.T) {
		acl := spec.NetworkACL{UID: "acl", Ingress: drawACLRules(rt, "in"), Egress: []spec.ACLRule{{UID: "answers", Action: spec.Allow}}}
		require.NoError(rt, e.EnsureNetworkACL(context.Background(), acl))
		for range 4 {
			p := Packet{From: a, To: b, Source: a.Addresses[0], Dest: b.Addresses[0], Protocol: rapid.SampledFrom([]string{"tcp", "udp", "icmp"}).Draw(rt, "protocol"),
				SrcPort: ClientPort, DstPort: rapid.IntRange(79, 84).Draw(rt, "port")}
			require.Equal(rt, first(acl.Ingress, p) == spec.Allow, arrives(p), "%+v of %s %s:%d", acl.Ingress, p.Protocol, p.Dest, p.DstPort)
		}
	})
	require.NoError(t, clear(e))
}

// guardedPair makes two subnets behind one router with a port on each; the second subnet is guarded by the network ACL "acl".
func guardedPair(t *testing.T, e network.Network) (a, b spec.Port) {
	ctx := t.Context()
	require.NoError(t, e.EnsureNetwork(ctx, spec.Network{UID: "n"}))
	require.NoError(t, e.EnsureNetworkACL(ctx, spec.NetworkACL{UID: "acl"}))
	require.NoError(t, e.EnsureSecurityGroup(ctx, spec.SecurityGroup{UID: "all", Rules: []spec.Rule{{UID: "1", Direction: spec.Ingress}, {UID: "2", Direction: spec.Egress}}}))
	port := func(n byte, acl string) spec.Port {
		at := func(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, n, 0, last}) }
		s := spec.Subnet{UID: fmt.Sprintf("s%d", n), Network: "n", Prefix: netip.PrefixFrom(at(0), 24), Gateway: at(1), ACL: acl}
		require.NoError(t, e.EnsureSubnet(ctx, s))
		p := spec.Port{UID: fmt.Sprintf("p%d", n), Network: "n", Subnet: s.UID, MAC: fmt.Sprintf("0a:00:00:00:00:%02x", n), Addresses: []netip.Addr{at(11)}, SecurityGroups: []string{"all"}}
		require.NoError(t, e.EnsurePort(ctx, p))
		return p
	}
	return port(1, ""), port(2, "acl")
}

// first is the action of the first rule that a packet matches; what none matches is denied.
func first(rules []spec.ACLRule, p Packet) spec.Action {
	covers := func(r spec.PortRange, port int) bool {
		return r == (spec.PortRange{}) || port >= r.Min && port <= r.Max
	}
	for _, r := range rules {
		switch {
		case r.IPv6:
		case r.Source.IsValid() && !r.Source.Contains(p.Source):
		case r.Destination.IsValid() && !r.Destination.Contains(p.Dest):
		case r.Protocol != "" && r.Protocol != p.Protocol && !(r.Protocol == "17" && p.Protocol == "udp"):
		case (r.Protocol == "tcp" || r.Protocol == "udp") && !(covers(r.SourcePorts, p.SrcPort) && covers(r.DestinationPorts, p.DstPort)):
		default:
			return r.Action
		}
	}
	return spec.Deny
}

// drawACLRules draws a list in which the packets of ACLDecides match some rules and miss others.
func drawACLRules(t *rapid.T, label string) []spec.ACLRule {
	prefixes := []string{"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/24", "10.2.0.0/24", "10.1.0.11/32", "10.2.0.11/32", "10.3.0.0/16"}
	optional := func(label string) netip.Prefix {
		if rapid.Bool().Draw(t, label) {
			return netip.Prefix{}
		}
		return netip.MustParsePrefix(rapid.SampledFrom(prefixes).Draw(t, label))
	}
	var out []spec.ACLRule
	for i := range rapid.IntRange(0, 5).Draw(t, label) {
		r := spec.ACLRule{UID: fmt.Sprintf("%s-%d", label, i), Action: rapid.SampledFrom([]spec.Action{spec.Allow, spec.Deny, spec.Reject}).Draw(t, "action"),
			Protocol: rapid.SampledFrom([]string{"", "tcp", "udp", "icmp", "17", "47"}).Draw(t, "protocol"), Source: optional("source"), Destination: optional("destination")}
		if r.Protocol == "tcp" || r.Protocol == "udp" {
			if low := rapid.IntRange(79, 84).Draw(t, "low"); low != 79 {
				r.DestinationPorts = spec.PortRange{Min: low, Max: low + rapid.IntRange(0, 3).Draw(t, "width")}
			}
			if rapid.IntRange(0, 3).Draw(t, "source port") == 0 {
				r.SourcePorts = spec.PortRange{Min: ClientPort - rapid.IntRange(0, 1).Draw(t, "below"), Max: ClientPort - rapid.IntRange(0, 1).Draw(t, "under")}
				r.SourcePorts.Max = max(r.SourcePorts.Min, r.SourcePorts.Max)
			}
		}
		if rapid.IntRange(0, 7).Draw(t, "ipv6") == 0 {
			r = spec.ACLRule{UID: r.UID, Action: r.Action, IPv6: true}
		}
		out = append(out, r)
	}
	return out
}
