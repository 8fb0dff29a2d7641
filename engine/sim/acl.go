package sim

import (
	"net/netip"

	"edgecloud/link/spec"
)

// answer is what comes back for a packet.
func (p packet) answer() packet {
	return packet{src: p.dst, dst: p.src, proto: p.proto, port: p.from, from: p.port}
}

// crosses tells why a packet may not cross a subnet's border; empty: it may, and its answer may come back. Network ACLs keep no state, so both are asked.
func (n *network) crosses(sub spec.Subnet, way spec.Direction, p packet) string {
	if sub.ACL == "" {
		return ""
	}
	acl := n.acls[sub.ACL]
	there, back := acl.Ingress, acl.Egress
	if way == spec.Egress {
		there, back = back, there
	}
	if !passes(there, p) {
		return "the network ACL of subnet " + sub.UID + " drops it, " + string(way)
	}
	if !passes(back, p.answer()) {
		return "the network ACL of subnet " + sub.UID + " drops the answer"
	}
	return ""
}

// passes asks the rules in their order.
func passes(rules []spec.ACLRule, p packet) bool {
	for _, r := range rules {
		if catches(r, p) {
			return r.Action == spec.Allow
		}
	}
	return false
}

func catches(r spec.ACLRule, p packet) bool {
	if r.IPv6 != p.dst.Is6() || !within(r.Source, p.src) || !within(r.Destination, p.dst) {
		return false
	}
	if r.Protocol == "" {
		return true
	}
	number, err := protocolNumber(r.Protocol)
	if err != nil || number != p.proto {
		return false
	}
	if number != protoTCP && number != protoUDP {
		return true
	}
	return between(r.SourcePorts, p.from) && between(r.DestinationPorts, p.port)
}

func within(p netip.Prefix, a netip.Addr) bool { return !p.IsValid() || p.Contains(a) }

func between(r spec.PortRange, port int) bool {
	return r == (spec.PortRange{}) || r.Min <= port && port <= r.Max
}
