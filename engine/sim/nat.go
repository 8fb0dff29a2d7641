package sim

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	netengine "edgecloud/engine/network"
	"edgecloud/link/spec"
)

func (n *network) ensureGateway(s spec.NATGateway) error {
	net, ok := n.networks[s.Network]
	if !ok {
		return missing(spec.KindNetwork, s.Network)
	}
	if net.Uplink != s.Uplink {
		return missing("network's uplink", s.Uplink)
	}
	if old, ok := n.gateways[s.UID]; ok && old.Network != s.Network {
		return fmt.Errorf("%w: nat_gateway %q: network: cannot change", netengine.ErrInvalid, s.UID)
	}
	s.Sources, s.Forwards = slices.Clone(s.Sources), slices.Clone(s.Forwards)
	put(&n.gateways, s.UID, s)
	return nil
}

// gatewayOf is a NAT gateway of a network; empty if it has none.
func (n *network) gatewayOf(net string) string {
	for uid, g := range n.gateways {
		if g.Network == net {
			return uid
		}
	}
	return ""
}

// translate is the address by which a network's NAT gateways let a private one out: of the longest range that has it. Invalid: none does.
func (n *network) translate(net string, private netip.Addr) netip.Addr {
	best, bits := spec.NATGateway{}, -1
	for _, g := range n.gateways {
		for _, p := range g.Sources {
			if g.Network == net && p.Contains(private) && (p.Bits() > bits || p.Bits() == bits && g.UID < best.UID) {
				best, bits = g, p.Bits()
			}
		}
	}
	return best.Address
}

// forward carries a packet in through a NAT gateway; false: none leads its address anywhere.
func (n *network) forward(p packet) (Verdict, bool) {
	whole, ports := false, false
	var to spec.Forward
	var net string
	for _, g := range n.gateways {
		for _, f := range g.Forwards {
			if f.Address != p.dst {
				continue
			}
			ports = ports || f.Protocol != ""
			if f.Protocol != "" && protocolOf[f.Protocol] == p.proto && f.Port == p.port {
				p.dst, p.port = f.Private, f.PrivatePort
				return n.inside(g.Network, p), true
			}
			if f.Protocol == "" {
				whole, to, net = true, f, g.Network
			}
		}
	}
	if whole {
		p.dst = to.Private
		return n.inside(net, p), true
	}
	if !ports {
		return Verdict{}, false
	}
	if p.echo() { // OVN answers for a load balancer's address
		return Verdict{OK: true, Source: p.src}, true
	}
	return dropped("no rule of a NAT gateway leads protocol %d port %d anywhere", p.proto, p.port), true
}

// protocolOf are the numbers of the protocols that have ports.
var protocolOf = map[string]int{"tcp": protoTCP, "udp": protoUDP}

// inside hands a translated packet to who has its address on a network.
func (n *network) inside(net string, p packet) Verdict {
	for uid := range n.subnetsOf[net] {
		if sub := n.subnets[uid]; !sub.NoGateway && sub.Prefix.Contains(p.dst) {
			return n.enter(sub, p.dst, p)
		}
	}
	return dropped("%s is on no subnet of network %s", p.dst, net)
}

func (v view) EnsureNATGateway(ctx context.Context, s spec.NATGateway) error {
	return ensure(ctx, v, spec.KindNATGateway, s.UID, s, netengine.CheckNATGateway(s), (*network).ensureGateway)
}

// NATGateway tells what the engine knows of a NAT gateway.
func (s *Site) NATGateway(uid string) (spec.NATGateway, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	g, ok := s.net.gateways[uid]
	return g, ok
}
