package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"edgecloud/link/spec"
)

// packet is the first one of a connection.
type packet struct {
	src, dst netip.Addr
	proto    int // IANA's number
	port     int // destination port; for ICMP the type
	from     int // source port
}

// clientPort is where connections come from (IANA's first dynamic port).
const clientPort = 49152

// IP protocol numbers (IANA).
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// Types of echo requests.
const (
	echoRequest   = 8
	echoRequestV6 = 128
)

func protocolNumber(name string) (int, error) {
	switch name {
	case "tcp":
		return protoTCP, nil
	case "udp":
		return protoUDP, nil
	case "icmp":
		return protoICMP, nil
	case "icmpv6":
		return protoICMPv6, nil
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 0 || n > 255 {
		return 0, fmt.Errorf("protocol: %q is not tcp, udp, icmp, icmpv6 or a number in 0 to 255", name)
	}
	return n, nil
}

func newPacket(to netip.Addr, proto string, port int) (packet, error) {
	n, err := protocolNumber(proto)
	if err != nil {
		return packet{}, err
	}
	if n == protoICMP && to.Is6() {
		n = protoICMPv6 // "icmp" names a ping of either version
	}
	if port == 0 && n == protoICMP {
		port = echoRequest
	}
	if port == 0 && n == protoICMPv6 {
		port = echoRequestV6
	}
	return packet{dst: to, proto: n, port: port, from: clientPort}, nil
}

func (p packet) echo() bool {
	return p.proto == protoICMP && p.port == echoRequest || p.proto == protoICMPv6 && p.port == echoRequestV6
}

// allowed tells whether a port's groups let a packet through: of all rules that match, the one with the lowest number decides, and of equal ones a denial. Groups
// are stateful, so the first packet decides for the answers.
func (n *network) allowed(port spec.Port, way spec.Direction, remote netip.Addr, p packet) bool {
	if port.Unfiltered {
		return true
	}
	first, open := 0, false
	for _, uid := range port.SecurityGroups {
		for _, r := range n.groups[uid].Rules {
			if r.Direction != way || !n.matches(r, remote, p) {
				continue
			}
			if rank := max(r.Priority, 1); first == 0 || rank < first || rank == first && r.Deny {
				first, open = rank, !r.Deny
			}
		}
	}
	return open
}

func (n *network) matches(r spec.Rule, remote netip.Addr, p packet) bool {
	if r.IPv6 != remote.Is6() {
		return false
	}
	if r.Remote.IsValid() && !r.Remote.Contains(remote) {
		return false
	}
	if r.RemoteGroup != "" && !n.member(r.RemoteGroup, remote) {
		return false
	}
	return matchesProtocol(r, p)
}

// member tells whether an address belongs to a port of a group.
func (n *network) member(group string, a netip.Addr) bool {
	for uid := range n.groupPorts[group] {
		if slices.Contains(n.ports[uid].Addresses, a) {
			return true
		}
	}
	return false
}

func matchesProtocol(r spec.Rule, p packet) bool {
	if r.Protocol == "" {
		return true
	}
	number, err := protocolNumber(r.Protocol)
	if err != nil || number != p.proto {
		return false
	}
	switch number {
	case protoTCP, protoUDP:
		return r.PortMin == 0 && r.PortMax == 0 || r.PortMin <= p.port && p.port <= r.PortMax
	case protoICMP, protoICMPv6:
		if r.PortMin == 0 && r.PortMax == 0 {
			return true // empty fields allow any; nobody allows echo replies alone
		}
		return (r.PortMin < 0 || r.PortMin == p.port) && r.PortMax <= 0 // the code of all requests here is 0
	}
	return true
}
