package sim

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	netengine "edgecloud/engine/network"
	"edgecloud/link/spec"
)

// network is what a site's network engine was told: specs, and the indexes that removal and reachability need.
type network struct {
	site *Site

	mu         sync.RWMutex
	uplinks    map[string]spec.Uplink
	networks   map[string]spec.Network
	acls       map[string]spec.NetworkACL
	subnets    map[string]spec.Subnet
	groups     map[string]spec.SecurityGroup
	ports      map[string]spec.Port
	virtualIPs map[string]spec.VirtualIP
	shared     map[string]spec.Bandwidth
	publicIPs  map[string]spec.PublicIP
	gateways   map[string]spec.NATGateway

	subnetPorts  map[string]map[string]struct{} // by subnet
	groupPorts   map[string]map[string]struct{} // by security group
	aclSubnets   map[string]map[string]struct{} // by network ACL
	portPublics  map[string]map[string]struct{} // by port or virtual IP
	subnetVIPs   map[string]map[string]struct{} // by subnet
	members      map[string]map[string]struct{} // public addresses by shared bandwidth
	subnetsOf    map[string]map[string]struct{} // by network
	publicByAddr map[netip.Addr]map[string]struct{}
	outside      map[netip.Addr]bool // hosts beyond the site that answer
	holders      map[string]string   // by virtual IP: the port that announced it last
}

func newNetwork(s *Site) *network { return &network{site: s} }

func put[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

func link[K comparable](m *map[K]map[string]struct{}, k K, uid string) {
	if (*m)[k] == nil {
		put(m, k, map[string]struct{}{})
	}
	(*m)[k][uid] = struct{}{}
}

func unlink[K comparable](m map[K]map[string]struct{}, k K, uid string) {
	delete(m[k], uid)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

func missing(kind, uid string) error {
	return fmt.Errorf("%w: %s %q", netengine.ErrMissing, kind, uid)
}

func inUse(o netengine.Object, by string) error {
	return fmt.Errorf("%w: %s %q by %s", netengine.ErrInUse, o.Kind, o.UID, by)
}

func (n *network) ensureUplink(s spec.Uplink) error {
	put(&n.uplinks, s.UID, s)
	return nil
}

func (n *network) ensureNetwork(s spec.Network) error {
	if _, ok := n.uplinks[s.Uplink]; s.Uplink != "" && !ok {
		return missing(spec.KindUplink, s.Uplink)
	}
	if old, ok := n.networks[s.UID]; ok && old.Uplink != s.Uplink {
		if uid := n.gatewayOf(s.UID); uid != "" {
			return inUse(netengine.Object{Kind: spec.KindUplink, UID: old.Uplink}, "nat_gateway "+uid)
		}
		for uid, p := range n.publicIPs {
			if p.Network == s.UID {
				return inUse(netengine.Object{Kind: spec.KindUplink, UID: old.Uplink}, "public_ip "+uid)
			}
		}
	}
	put(&n.networks, s.UID, s)
	return nil
}

func (n *network) ensureSubnet(s spec.Subnet) error {
	old, known := n.subnets[s.UID]
	if known && old.Network != s.Network {
		return fmt.Errorf("%w: subnet %q: network: cannot change from %q to %q", netengine.ErrInvalid, s.UID, old.Network, s.Network)
	}
	if _, ok := n.networks[s.Network]; !ok {
		return missing(spec.KindNetwork, s.Network)
	}
	if _, ok := n.acls[s.ACL]; s.ACL != "" && !ok {
		return missing(spec.KindNetworkACL, s.ACL)
	}
	if old.ACL != "" {
		unlink(n.aclSubnets, old.ACL, s.UID)
	}
	if s.ACL != "" {
		link(&n.aclSubnets, s.ACL, s.UID)
	}
	s.DNS, s.Routes = slices.Clone(s.DNS), slices.Clone(s.Routes)
	put(&n.subnets, s.UID, s)
	link(&n.subnetsOf, s.Network, s.UID)
	return nil
}

func (n *network) ensureACL(s spec.NetworkACL) error {
	s.Ingress, s.Egress = slices.Clone(s.Ingress), slices.Clone(s.Egress)
	put(&n.acls, s.UID, s)
	return nil
}

func (n *network) ensureGroup(s spec.SecurityGroup) error {
	s.Rules = slices.Clone(s.Rules)
	put(&n.groups, s.UID, s)
	return nil
}

func (n *network) ensurePort(s spec.Port) error {
	old, known := n.ports[s.UID]
	if known && old.Subnet != s.Subnet {
		return fmt.Errorf("%w: port %q: subnet: cannot change from %q to %q", netengine.ErrInvalid, s.UID, old.Subnet, s.Subnet)
	}
	subnet, ok := n.subnets[s.Subnet]
	if !ok {
		return missing(spec.KindSubnet, s.Subnet)
	}
	if subnet.Network != s.Network {
		return fmt.Errorf("%w: port %q: network: subnet %q is of network %q", netengine.ErrInvalid, s.UID, s.Subnet, subnet.Network)
	}
	for _, g := range s.SecurityGroups {
		if _, ok := n.groups[g]; !ok {
			return missing(spec.KindSecurityGroup, g)
		}
	}
	for _, g := range old.SecurityGroups {
		unlink(n.groupPorts, g, s.UID)
	}
	s.SecurityGroups, s.Addresses, s.AllowedPairs = slices.Clone(s.SecurityGroups), slices.Clone(s.Addresses), slices.Clone(s.AllowedPairs)
	for _, g := range s.SecurityGroups {
		link(&n.groupPorts, g, s.UID)
	}
	link(&n.subnetPorts, s.Subnet, s.UID)
	put(&n.ports, s.UID, s)
	return nil
}

func (n *network) ensureVirtualIP(s spec.VirtualIP) error {
	old, known := n.virtualIPs[s.UID]
	if known && old.Subnet != s.Subnet {
		return fmt.Errorf("%w: virtual_ip %q: subnet: cannot change from %q to %q", netengine.ErrInvalid, s.UID, old.Subnet, s.Subnet)
	}
	subnet, ok := n.subnets[s.Subnet]
	if !ok {
		return missing(spec.KindSubnet, s.Subnet)
	}
	if subnet.Network != s.Network {
		return fmt.Errorf("%w: virtual_ip %q: network: subnet %q is of network %q", netengine.ErrInvalid, s.UID, s.Subnet, subnet.Network)
	}
	s.Ports = slices.Clone(s.Ports)
	link(&n.subnetVIPs, s.Subnet, s.UID)
	put(&n.virtualIPs, s.UID, s)
	return nil
}

func (n *network) ensureBandwidth(s spec.Bandwidth) error {
	put(&n.shared, s.UID, s)
	return nil
}

func (n *network) ensurePublicIP(s spec.PublicIP) error {
	net, ok := n.networks[s.Network]
	if !ok {
		return missing(spec.KindNetwork, s.Network)
	}
	if net.Uplink != s.Uplink {
		return missing("network's uplink", s.Uplink)
	}
	_, port := n.ports[s.Port]
	_, virtual := n.virtualIPs[s.Port]
	if s.Virtual && !virtual || !s.Virtual && !port {
		return missing(s.PortKind(), s.Port)
	}
	if _, ok := n.shared[s.Bandwidth]; s.Bandwidth != "" && !ok {
		return missing(spec.KindBandwidth, s.Bandwidth)
	}
	if old, ok := n.publicIPs[s.UID]; ok {
		unlink(n.members, old.Bandwidth, s.UID)
		unlink(n.portPublics, old.Port, s.UID)
		unlink(n.publicByAddr, old.Address, s.UID)
	}
	if s.Bandwidth != "" {
		link(&n.members, s.Bandwidth, s.UID)
	}
	link(&n.portPublics, s.Port, s.UID)
	link(&n.publicByAddr, s.Address, s.UID)
	put(&n.publicIPs, s.UID, s)
	return nil
}

// usedBy names what keeps an object from being removed; empty if nothing does.
func (n *network) usedBy(o netengine.Object) string {
	switch o.Kind {
	case spec.KindUplink:
		for uid, net := range n.networks {
			if net.Uplink == o.UID {
				return "network " + uid
			}
		}
	case spec.KindNetwork:
		if len(n.subnetsOf[o.UID]) > 0 {
			return "subnets"
		}
		for uid, p := range n.publicIPs {
			if p.Network == o.UID {
				return "public_ip " + uid
			}
		}
		if uid := n.gatewayOf(o.UID); uid != "" {
			return "nat_gateway " + uid
		}
	case spec.KindNetworkACL:
		if len(n.aclSubnets[o.UID]) > 0 {
			return "subnets"
		}
	case spec.KindSubnet:
		if len(n.subnetPorts[o.UID]) > 0 {
			return "ports"
		}
		if len(n.subnetVIPs[o.UID]) > 0 {
			return "virtual IPs"
		}
	case spec.KindSecurityGroup:
		if len(n.groupPorts[o.UID]) > 0 {
			return "ports"
		}
	case spec.KindPort, spec.KindVirtualIP:
		if len(n.portPublics[o.UID]) > 0 {
			return "public addresses"
		}
	case spec.KindBandwidth:
		if len(n.members[o.UID]) > 0 {
			return "public addresses"
		}
	}
	return ""
}

func (n *network) remove(o netengine.Object) error {
	if by := n.usedBy(o); by != "" {
		return inUse(o, by)
	}
	switch o.Kind {
	case spec.KindUplink:
		delete(n.uplinks, o.UID)
	case spec.KindNetwork:
		delete(n.networks, o.UID)
	case spec.KindNetworkACL:
		delete(n.acls, o.UID)
	case spec.KindSubnet:
		unlink(n.subnetsOf, n.subnets[o.UID].Network, o.UID)
		unlink(n.aclSubnets, n.subnets[o.UID].ACL, o.UID)
		delete(n.subnets, o.UID)
	case spec.KindSecurityGroup:
		delete(n.groups, o.UID)
	case spec.KindPort:
		p := n.ports[o.UID]
		unlink(n.subnetPorts, p.Subnet, o.UID)
		for _, g := range p.SecurityGroups {
			unlink(n.groupPorts, g, o.UID)
		}
		delete(n.ports, o.UID)
	case spec.KindVirtualIP:
		unlink(n.subnetVIPs, n.virtualIPs[o.UID].Subnet, o.UID)
		delete(n.virtualIPs, o.UID)
	case spec.KindBandwidth:
		delete(n.shared, o.UID)
	case spec.KindPublicIP:
		p := n.publicIPs[o.UID]
		unlink(n.members, p.Bandwidth, o.UID)
		unlink(n.portPublics, p.Port, o.UID)
		unlink(n.publicByAddr, p.Address, o.UID)
		delete(n.publicIPs, o.UID)
	case spec.KindNATGateway:
		delete(n.gateways, o.UID)
	default:
		return fmt.Errorf("%w: kind: %q is not a network object", netengine.ErrInvalid, o.Kind)
	}
	return nil
}

func (n *network) objects() []netengine.Object {
	all := make([]netengine.Object, 0, len(n.ports)+len(n.subnets)+len(n.groups)+len(n.networks)+len(n.virtualIPs)+len(n.publicIPs)+len(n.uplinks)+len(n.shared)+len(n.acls))
	all = named(all, spec.KindUplink, n.uplinks)
	all = named(all, spec.KindNetwork, n.networks)
	all = named(all, spec.KindNetworkACL, n.acls)
	all = named(all, spec.KindSubnet, n.subnets)
	all = named(all, spec.KindSecurityGroup, n.groups)
	all = named(all, spec.KindPort, n.ports)
	all = named(all, spec.KindVirtualIP, n.virtualIPs)
	all = named(all, spec.KindBandwidth, n.shared)
	all = named(all, spec.KindPublicIP, n.publicIPs)
	return named(all, spec.KindNATGateway, n.gateways)
}

func named[V any](all []netengine.Object, kind string, of map[string]V) []netengine.Object {
	for uid := range of {
		all = append(all, netengine.Object{Kind: kind, UID: uid})
	}
	return all
}

// view is the site's engine as one caller reaches it.
type view struct {
	net  *network
	host *Host // nil: from nowhere in particular
}

func (v view) begin(ctx context.Context, op Op, uid string) (call, error) {
	if v.host == nil {
		return v.net.site.world.begin(ctx, "", op, uid)
	}
	if v.host.IsCut() {
		return call{}, ErrCut
	}
	return v.host.begin(ctx, op, uid)
}

// ensure is what all Ensure calls have in common: the spec is checked, the call may fail, the change is one step and is kept.
func ensure[S any](ctx context.Context, v view, kind, uid string, s S, check error, apply func(*network, S) error) error {
	if check != nil {
		return check
	}
	c, err := v.begin(ctx, OpNetworkEnsure, uid)
	if err != nil {
		return err
	}
	v.net.mu.Lock()
	defer v.net.mu.Unlock()
	if err := apply(v.net, s); err != nil {
		return err
	}
	v.net.site.world.keep(record{Site: v.net.site.name, Kind: kind, UID: uid}, s)
	return c.end()
}

func (v view) EnsureUplink(ctx context.Context, s spec.Uplink) error {
	return ensure(ctx, v, spec.KindUplink, s.UID, s, netengine.CheckUplink(s), (*network).ensureUplink)
}

func (v view) EnsureNetwork(ctx context.Context, s spec.Network) error {
	return ensure(ctx, v, spec.KindNetwork, s.UID, s, netengine.CheckNetwork(s), (*network).ensureNetwork)
}

func (v view) EnsureNetworkACL(ctx context.Context, s spec.NetworkACL) error {
	return ensure(ctx, v, spec.KindNetworkACL, s.UID, s, netengine.CheckNetworkACL(s), (*network).ensureACL)
}

func (v view) EnsureSubnet(ctx context.Context, s spec.Subnet) error {
	return ensure(ctx, v, spec.KindSubnet, s.UID, s, netengine.CheckSubnet(s), (*network).ensureSubnet)
}

func (v view) EnsureSecurityGroup(ctx context.Context, s spec.SecurityGroup) error {
	return ensure(ctx, v, spec.KindSecurityGroup, s.UID, s, netengine.CheckSecurityGroup(s), (*network).ensureGroup)
}

func (v view) EnsurePort(ctx context.Context, s spec.Port) error {
	return ensure(ctx, v, spec.KindPort, s.UID, s, netengine.CheckPort(s), (*network).ensurePort)
}

func (v view) EnsureVirtualIP(ctx context.Context, s spec.VirtualIP) error {
	return ensure(ctx, v, spec.KindVirtualIP, s.UID, s, netengine.CheckVirtualIP(s), (*network).ensureVirtualIP)
}

func (v view) EnsureBandwidth(ctx context.Context, s spec.Bandwidth) error {
	return ensure(ctx, v, spec.KindBandwidth, s.UID, s, netengine.CheckBandwidth(s), (*network).ensureBandwidth)
}

func (v view) EnsurePublicIP(ctx context.Context, s spec.PublicIP) error {
	return ensure(ctx, v, spec.KindPublicIP, s.UID, s, netengine.CheckPublicIP(s), (*network).ensurePublicIP)
}

func (v view) Remove(ctx context.Context, o netengine.Object) error {
	c, err := v.begin(ctx, OpNetworkRemove, o.UID)
	if err != nil {
		return err
	}
	v.net.mu.Lock()
	defer v.net.mu.Unlock()
	if err := v.net.remove(o); err != nil {
		return err
	}
	v.net.site.world.forget(record{Site: v.net.site.name, Kind: o.Kind, UID: o.UID})
	return c.end()
}

func (v view) List(ctx context.Context) ([]netengine.Object, error) {
	c, err := v.begin(ctx, OpNetworkList, "")
	if err != nil {
		return nil, err
	}
	v.net.mu.RLock()
	defer v.net.mu.RUnlock()
	return v.net.objects(), c.end()
}

func (v view) Close() error { return nil }

// Port tells what the engine knows of a port.
func (s *Site) Port(uid string) (spec.Port, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	p, ok := s.net.ports[uid]
	return p, ok
}

// PublicIP tells what the engine knows of a public address.
func (s *Site) PublicIP(uid string) (spec.PublicIP, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	p, ok := s.net.publicIPs[uid]
	return p, ok
}

// Bandwidth tells what the engine knows of a shared bandwidth.
func (s *Site) Bandwidth(uid string) (spec.Bandwidth, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	b, ok := s.net.shared[uid]
	return b, ok
}

// Lease is what a guest learns by DHCP on a port.
type Lease struct {
	Address netip.Addr
	Prefix  netip.Prefix
	Gateway netip.Addr // invalid: no router
	DNS     []netip.Addr
	MTU     int // bytes; 0: the engine's default
}

// DHCP tells what the switch answers to a port that asks; ok is false if nothing answers.
func (s *Site) DHCP(port string) (lease Lease, ok bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	p, ok := s.net.ports[port]
	if !ok || p.Disabled {
		return Lease{}, false
	}
	sub, ok := s.net.subnets[p.Subnet]
	if !ok || !sub.DHCP {
		return Lease{}, false
	}
	for _, a := range p.Addresses {
		if !sub.Prefix.Contains(a) {
			continue
		}
		lease = Lease{Address: a, Prefix: sub.Prefix, DNS: slices.Clone(sub.DNS), MTU: s.net.networks[sub.Network].MTU}
		if !sub.NoGateway {
			lease.Gateway = sub.Gateway
		}
		return lease, true
	}
	return Lease{}, false
}
