package sim

import (
	"fmt"
	"net/netip"
	"slices"

	"edgecloud/link/spec"
)

// Verdict is what becomes of a packet.
type Verdict struct {
	OK     bool
	Why    string     // it is dropped
	Port   string     // the port that it reaches; empty if that is a router or a host outside
	Source netip.Addr // as the other side sees it
}

func dropped(format string, args ...any) Verdict { return Verdict{Why: fmt.Sprintf(format, args...)} }

// CanReach tells whether the first packet of a connection from a port arrives at an address, and so the answers too. It looks at the networks only: see
// GuestCanReach for whether anybody is at home. proto is tcp, udp, icmp, icmpv6 or a number; port is the destination port (for icmp the type, 0 is an echo
// request). It is what an engine must do, by OVN's rules: a test's oracle.
func (w *World) CanReach(fromPort string, to netip.Addr, proto string, port int) bool {
	return w.Trace(fromPort, to, proto, port).OK
}

// Trace is CanReach with its reason.
func (w *World) Trace(fromPort string, to netip.Addr, proto string, port int) Verdict {
	for _, s := range w.Sites() {
		if _, ok := s.Port(fromPort); ok {
			return s.trace(fromPort, to, proto, port)
		}
	}
	return dropped("port %s does not exist", fromPort)
}

func (s *Site) trace(fromPort string, to netip.Addr, proto string, port int) Verdict {
	p, err := newPacket(to, proto, port)
	if err != nil {
		return dropped("%v", err)
	}
	n := s.net
	n.mu.RLock()
	defer n.mu.RUnlock()
	from, ok := n.ports[fromPort]
	if !ok {
		return dropped("port %s does not exist", fromPort)
	}
	if from.Disabled {
		return dropped("port %s is disabled", fromPort)
	}
	for _, a := range from.Addresses {
		if a.Is4() == to.Is4() {
			p.src = a
			break
		}
	}
	if !p.src.IsValid() {
		return dropped("port %s has no address of that IP version", fromPort)
	}
	if !n.allowed(from, spec.Egress, p.dst, p) {
		return dropped("no egress rule of port %s allows it", fromPort)
	}
	return n.route(from, p)
}

// TraceOutside tells what becomes of a packet from a host beyond the site to one of its addresses.
func (s *Site) TraceOutside(src, to netip.Addr, proto string, port int) Verdict {
	p, err := newPacket(to, proto, port)
	if err != nil {
		return dropped("%v", err)
	}
	p.src = src
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	return s.net.fromUplink(p, "")
}

// AddOutside lets a host beyond the site answer under an address, also one within an uplink's prefix; remove takes it away.
func (s *Site) AddOutside(a netip.Addr) (remove func()) {
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	put(&s.net.outside, a, true)
	return func() {
		s.net.mu.Lock()
		defer s.net.mu.Unlock()
		delete(s.net.outside, a)
	}
}

// route carries a packet that its port let go.
func (n *network) route(from spec.Port, p packet) Verdict {
	sub := n.subnets[from.Subnet]
	if holds(sub, p.dst) && !isGateway(sub, p.dst) {
		return n.deliver(sub, p)
	}
	if sub.NoGateway {
		return dropped("subnet %s has no router", sub.UID)
	}
	if why := n.crosses(sub, spec.Egress, p); why != "" {
		return dropped("%s", why)
	}
	net := n.networks[sub.Network]
	hop, narrow := nextHop(sub.Routes, p.dst)
	for uid := range n.subnetsOf[net.UID] {
		if other := n.subnets[uid]; !other.NoGateway && holds(other, p.dst) && lengthFor(other, p.dst) >= narrow {
			return n.enter(other, p.dst, p)
		}
	}
	if hop.IsValid() {
		return n.hop(net, hop, p)
	}
	return n.leave(from, net, p)
}

// holds tells whether an address is of a subnet, in either of its ranges.
func holds(s spec.Subnet, a netip.Addr) bool { return s.Prefix.Contains(a) || s.Prefix6.Contains(a) }

func isGateway(s spec.Subnet, a netip.Addr) bool {
	return a == s.Gateway || s.Prefix6.IsValid() && a == s.Gateway6
}

// lengthFor is the length of the range of a subnet that an address of it is in.
func lengthFor(s spec.Subnet, a netip.Addr) int {
	if s.Prefix6.Contains(a) {
		return s.Prefix6.Bits()
	}
	return s.Prefix.Bits()
}

// wayOut is where an uplink leads an IP version on, and the range that is its own; an invalid gateway: nowhere.
func wayOut(up spec.Uplink, a netip.Addr) (gateway netip.Addr, own netip.Prefix) {
	if a.Is4() == up.Prefix.Addr().Is4() {
		return up.Gateway, up.Prefix
	}
	return up.Gateway6, up.Prefix6
}

// nextHop is where the longest route to an address leads, and its length in bits; an invalid address and -1: nowhere.
func nextHop(routes []spec.Route, to netip.Addr) (hop netip.Addr, bits int) {
	bits = -1
	for _, r := range routes {
		if r.Destination.Contains(to) && r.Destination.Bits() > bits {
			hop, bits = r.NextHop, r.Destination.Bits()
		}
	}
	return hop, bits
}

// hop hands a packet for somewhere else to an address on one of the network's subnets.
func (n *network) hop(net spec.Network, hop netip.Addr, p packet) Verdict {
	for uid := range n.subnetsOf[net.UID] {
		if sub := n.subnets[uid]; !sub.NoGateway && holds(sub, hop) {
			return n.enter(sub, hop, p)
		}
	}
	return dropped("the next hop %s is on no subnet of network %s", hop, net.UID)
}

// enter hands a packet from the router to who has an address on a subnet.
func (n *network) enter(sub spec.Subnet, to netip.Addr, p packet) Verdict {
	if isGateway(sub, to) {
		return n.deliver(sub, p)
	}
	if why := n.crosses(sub, spec.Ingress, p); why != "" {
		return dropped("%s", why)
	}
	return n.deliverTo(sub, to, p)
}

// deliver hands a packet to whoever has its address on a subnet.
func (n *network) deliver(sub spec.Subnet, p packet) Verdict {
	if isGateway(sub, p.dst) {
		if sub.NoGateway {
			return dropped("subnet %s has no router", sub.UID)
		}
		if !p.echo() {
			return dropped("a router answers echo requests only")
		}
		return Verdict{OK: true, Source: p.src}
	}
	return n.deliverTo(sub, p.dst, p)
}

// deliverTo hands a packet to the port that has an address on a subnet: the packet's own, or a next hop's.
func (n *network) deliverTo(sub spec.Subnet, to netip.Addr, p packet) Verdict {
	found := ""
	for uid := range n.subnetPorts[sub.UID] {
		for _, a := range n.ports[uid].Addresses {
			if a == to && (found == "" || uid < found) {
				found = uid
			}
		}
	}
	if found != "" {
		return n.arrive(n.ports[found], p)
	}
	for uid := range n.subnetVIPs[sub.UID] {
		if n.virtualIPs[uid].Address == to {
			return n.arriveVirtual(uid, p)
		}
	}
	return dropped("nobody has %s on subnet %s", to, sub.UID)
}

// arriveVirtual hands a packet to whoever has a virtual IP now.
func (n *network) arriveVirtual(vip string, p packet) Verdict {
	v, holder := n.virtualIPs[vip], n.holders[vip]
	to, ok := n.ports[holder]
	if !ok || !slices.Contains(v.Ports, holder) || !mayUse(to, v.Address) {
		return dropped("no port has the virtual IP %s", v.Address)
	}
	return n.arrive(to, p)
}

// mayUse tells whether port security lets a port have an address that is not its own.
func mayUse(port spec.Port, a netip.Addr) bool {
	return port.Unfiltered || slices.ContainsFunc(port.AllowedPairs, func(p spec.Pair) bool {
		return (p.MAC == "" || p.MAC == port.MAC) && p.Prefix.Addr().Is4() == a.Is4() && (p.Prefix.Bits() == 0 || p.Prefix.Contains(a))
	})
}

// Announce lets a port's guest say by ARP that it has a virtual IP of its subnet; it tells whether the switch believes it.
func (s *Site) Announce(port string, a netip.Addr) bool {
	n := s.net
	n.mu.Lock()
	defer n.mu.Unlock()
	from, ok := n.ports[port]
	if !ok || from.Disabled || !mayUse(from, a) {
		return false
	}
	for uid := range n.subnetVIPs[from.Subnet] {
		if v := n.virtualIPs[uid]; v.Address == a && slices.Contains(v.Ports, port) {
			put(&n.holders, uid, port)
			return true
		}
	}
	return false
}

// arrive asks the destination port's own rules.
func (n *network) arrive(to spec.Port, p packet) Verdict {
	if to.Disabled {
		return dropped("port %s is disabled", to.UID)
	}
	if !slices.Contains(to.Addresses, p.dst) && !mayUse(to, p.dst) {
		return dropped("port %s takes nothing for %s", to.UID, p.dst)
	}
	if !n.allowed(to, spec.Ingress, p.src, p) {
		return dropped("no ingress rule of port %s allows it from %s", to.UID, p.src)
	}
	return Verdict{OK: true, Port: to.UID, Source: p.src}
}

// leave carries a packet over its network's router to the uplink, where only public sources are answered.
func (n *network) leave(from spec.Port, net spec.Network, p packet) Verdict {
	if net.Uplink == "" {
		return dropped("network %s has no way out", net.UID)
	}
	private := p.src
	p.src = netip.Addr{}
	for uid := range n.portPublics[from.UID] {
		if ip := n.publicIPs[uid]; ip.Private == private && ip.Network == net.UID && (!p.src.IsValid() || ip.Address.Less(p.src)) {
			p.src = ip.Address
		}
	}
	if !p.src.IsValid() {
		p.src = n.translate(net.UID, private)
	}
	if !p.src.IsValid() && net.SNAT && net.Address.Is4() == private.Is4() {
		p.src = net.Address
	}
	if !p.src.IsValid() {
		return dropped("network %s does not translate %s, so that no answer comes back", net.UID, private)
	}
	return n.fromUplink(p, net.Uplink)
}

// fromUplink carries a packet on from a carrier line: to a public address, a router or a host outside. uplink is where it comes from; empty: from outside.
func (n *network) fromUplink(p packet, uplink string) Verdict {
	for uid := range n.publicByAddr[p.dst] {
		ip := n.publicIPs[uid]
		to, ok := n.ports[ip.Port]
		if !ok && !ip.Virtual {
			continue
		}
		subnet := to.Subnet
		if ip.Virtual {
			subnet = n.virtualIPs[ip.Port].Subnet
		}
		p.dst = ip.Private
		if why := n.crosses(n.subnets[subnet], spec.Ingress, p); why != "" {
			return dropped("%s", why)
		}
		if ip.Virtual {
			return n.arriveVirtual(ip.Port, p)
		}
		return n.arrive(to, p)
	}
	if v, ok := n.forward(p); ok {
		return v
	}
	for _, net := range n.networks {
		if net.Uplink == "" || net.Address != p.dst {
			continue
		}
		if !p.echo() {
			return dropped("a router answers echo requests only")
		}
		return Verdict{OK: true, Source: p.src}
	}
	if uplink == "" {
		return dropped("nobody has %s", p.dst)
	}
	return n.beyond(p, n.uplinks[uplink])
}

// beyond tells whether a host outside answers.
func (n *network) beyond(p packet, up spec.Uplink) Verdict {
	arrived := Verdict{OK: true, Source: p.src}
	gateway, own := wayOut(up, p.dst)
	if n.outside[p.dst] || p.dst == gateway {
		if !own.Contains(p.dst) && !gateway.IsValid() {
			return dropped("uplink %s has no gateway", up.UID)
		}
		return arrived
	}
	for _, other := range n.uplinks {
		if other.Prefix.Contains(p.dst) || other.Prefix6.Contains(p.dst) {
			return dropped("nobody has %s", p.dst)
		}
	}
	if !gateway.IsValid() {
		return dropped("uplink %s has no gateway", up.UID)
	}
	if p.dst.IsPrivate() {
		return dropped("%s is nobody's outside", p.dst)
	}
	return arrived
}

// GuestCanReach is CanReach between running guests: the machine at the port must be on, the one that is reached too, and no cable between their hosts cut.
func (w *World) GuestCanReach(fromPort string, to netip.Addr, proto string, port int) bool {
	v := w.Trace(fromPort, to, proto, port)
	if !v.OK {
		return false
	}
	from := w.runs(fromPort)
	if from == nil {
		return false
	}
	if v.Port == "" {
		return !from.IsCut()
	}
	other := w.runs(v.Port)
	return other != nil && (other == from || !from.IsCut() && !other.IsCut())
}

// runs finds the host on which a machine with this port is on.
func (w *World) runs(port string) *Host {
	for _, s := range w.Sites() {
		if h := s.runs(port); h != nil {
			return h
		}
	}
	return nil
}

func (s *Site) runs(port string) *Host {
	for _, h := range s.Hosts() {
		found := false
		h.hv.each(func(m *machine) {
			for _, n := range m.NICs {
				found = found || m.On && n.Port == port
			}
		})
		if found {
			return h
		}
	}
	return nil
}
