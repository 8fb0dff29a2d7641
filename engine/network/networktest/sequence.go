package networktest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// wanted is the model that an engine is compared with: what is there, and who refers to whom.
type wanted struct {
	uplinks   map[string]spec.Uplink
	networks  map[string]spec.Network
	acls      map[string]spec.NetworkACL
	subnets   map[string]spec.Subnet
	groups    map[string]spec.SecurityGroup
	ports     map[string]spec.Port
	virtuals  map[string]spec.VirtualIP
	shared    map[string]spec.Bandwidth
	publicIPs map[string]spec.PublicIP
	gateways  map[string]spec.NATGateway
}

func newWanted() *wanted {
	return &wanted{map[string]spec.Uplink{}, map[string]spec.Network{}, map[string]spec.NetworkACL{}, map[string]spec.Subnet{}, map[string]spec.SecurityGroup{}, map[string]spec.Port{},
		map[string]spec.VirtualIP{}, map[string]spec.Bandwidth{}, map[string]spec.PublicIP{}, map[string]spec.NATGateway{}}
}

func (w *wanted) objects() []network.Object {
	var out []network.Object
	out = append(out, named(spec.KindUplink, w.uplinks)...)
	out = append(out, named(spec.KindNetwork, w.networks)...)
	out = append(out, named(spec.KindNetworkACL, w.acls)...)
	out = append(out, named(spec.KindSubnet, w.subnets)...)
	out = append(out, named(spec.KindSecurityGroup, w.groups)...)
	out = append(out, named(spec.KindPort, w.ports)...)
	out = append(out, named(spec.KindVirtualIP, w.virtuals)...)
	out = append(out, named(spec.KindBandwidth, w.shared)...)
	out = append(out, named(spec.KindPublicIP, w.publicIPs)...)
	return append(out, named(spec.KindNATGateway, w.gateways)...)
}

func named[T any](kind string, of map[string]T) []network.Object {
	var out []network.Object
	for uid := range of {
		out = append(out, network.Object{Kind: kind, UID: uid})
	}
	return out
}

func anyOf[T any](of map[string]T, pick func(T) bool) bool {
	for _, v := range of {
		if pick(v) {
			return true
		}
	}
	return false
}

func has[T any](of map[string]T, uid string) bool { _, ok := of[uid]; return ok }

// inUse tells whether something refers to the object.
func (w *wanted) inUse(o network.Object) bool {
	switch o.Kind {
	case spec.KindUplink:
		return anyOf(w.networks, func(n spec.Network) bool { return n.Uplink == o.UID })
	case spec.KindNetwork:
		return anyOf(w.subnets, func(s spec.Subnet) bool { return s.Network == o.UID }) ||
			anyOf(w.publicIPs, func(p spec.PublicIP) bool { return p.Network == o.UID }) || anyOf(w.gateways, func(g spec.NATGateway) bool { return g.Network == o.UID })
	case spec.KindNetworkACL:
		return anyOf(w.subnets, func(s spec.Subnet) bool { return s.ACL == o.UID })
	case spec.KindSubnet:
		return anyOf(w.ports, func(p spec.Port) bool { return p.Subnet == o.UID }) || anyOf(w.virtuals, func(v spec.VirtualIP) bool { return v.Subnet == o.UID })
	case spec.KindSecurityGroup:
		return anyOf(w.ports, func(p spec.Port) bool { return slices.Contains(p.SecurityGroups, o.UID) })
	case spec.KindPort, spec.KindVirtualIP:
		return anyOf(w.publicIPs, func(p spec.PublicIP) bool { return p.Port == o.UID })
	case spec.KindBandwidth:
		return anyOf(w.publicIPs, func(p spec.PublicIP) bool { return p.Bandwidth == o.UID })
	}
	return false
}

func (w *wanted) remove(o network.Object) error {
	if w.inUse(o) {
		return network.ErrInUse
	}
	switch o.Kind {
	case spec.KindUplink:
		delete(w.uplinks, o.UID)
	case spec.KindNetwork:
		delete(w.networks, o.UID)
	case spec.KindNetworkACL:
		delete(w.acls, o.UID)
	case spec.KindSubnet:
		delete(w.subnets, o.UID)
	case spec.KindSecurityGroup:
		delete(w.groups, o.UID)
	case spec.KindPort:
		delete(w.ports, o.UID)
	case spec.KindVirtualIP:
		delete(w.virtuals, o.UID)
	case spec.KindBandwidth:
		delete(w.shared, o.UID)
	case spec.KindPublicIP:
		delete(w.publicIPs, o.UID)
	case spec.KindNATGateway:
		delete(w.gateways, o.UID)
	}
	return nil
}

func (w *wanted) network(s spec.Network) error {
	if s.Uplink != "" && !has(w.uplinks, s.Uplink) {
		return network.ErrMissing
	}
	if anyOf(w.publicIPs, func(p spec.PublicIP) bool { return p.Network == s.UID && p.Uplink != s.Uplink }) ||
		anyOf(w.gateways, func(g spec.NATGateway) bool { return g.Network == s.UID && g.Uplink != s.Uplink }) {
		return network.ErrInUse
	}
	w.networks[s.UID] = s
	return nil
}

func (w *wanted) subnet(s spec.Subnet) error {
	if old, ok := w.subnets[s.UID]; ok && old.Network != s.Network {
		return network.ErrInvalid
	}
	if !has(w.networks, s.Network) || s.ACL != "" && !has(w.acls, s.ACL) {
		return network.ErrMissing
	}
	w.subnets[s.UID] = s
	return nil
}

func (w *wanted) port(s spec.Port) error {
	if old, ok := w.ports[s.UID]; ok && old.Subnet != s.Subnet {
		return network.ErrInvalid
	}
	if !has(w.subnets, s.Subnet) || slices.ContainsFunc(s.SecurityGroups, func(g string) bool { return !has(w.groups, g) }) {
		return network.ErrMissing
	}
	w.ports[s.UID] = s
	return nil
}

func (w *wanted) virtualIP(s spec.VirtualIP) error {
	if old, ok := w.virtuals[s.UID]; ok && old.Subnet != s.Subnet {
		return network.ErrInvalid
	}
	if !has(w.subnets, s.Subnet) {
		return network.ErrMissing
	}
	w.virtuals[s.UID] = s
	return nil
}

func (w *wanted) publicIP(s spec.PublicIP) error {
	n, ok := w.networks[s.Network]
	if !ok || n.Uplink != s.Uplink || s.Virtual && !has(w.virtuals, s.Port) || !s.Virtual && !has(w.ports, s.Port) || s.Bandwidth != "" && !has(w.shared, s.Bandwidth) {
		return network.ErrMissing
	}
	w.publicIPs[s.UID] = s
	return nil
}

// step draws one call, makes it on the engine and on the model, and compares the answers.
func (w *wanted) step(t *rapid.T, e network.Network) {
	ctx, uid := context.Background(), func(prefix, label string) string {
		return fmt.Sprintf("%s-%d", prefix, rapid.IntRange(1, 2).Draw(t, label))
	}
	if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
		kinds := []string{spec.KindUplink, spec.KindNetwork, spec.KindNetworkACL, spec.KindSubnet, spec.KindSecurityGroup, spec.KindPort, spec.KindVirtualIP, spec.KindBandwidth, spec.KindPublicIP, spec.KindNATGateway}
		o := network.Object{Kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
		o.UID = uid(o.Kind[:3], "uid")
		if o.Kind == spec.KindNetworkACL {
			o.UID = uid("acl", "uid")
		}
		same(t, w.remove(o), e.Remove(ctx, o), "remove %v", o)
		return
	}
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		s := NewWorld().Uplink
		s.UID, s.VLAN = uid("upl", "uid"), rapid.IntRange(0, 2).Draw(t, "vlan")
		w.uplinks[s.UID] = s
		same(t, nil, e.EnsureUplink(ctx, s), "ensure %+v", s)
	case 1:
		s := drawNetwork(t, uid)
		same(t, w.network(s), e.EnsureNetwork(ctx, s), "ensure %+v", s)
	case 2:
		s := drawSubnet(t, uid)
		same(t, w.subnet(s), e.EnsureSubnet(ctx, s), "ensure %+v", s)
	case 3:
		s := drawGroup(t, uid)
		w.groups[s.UID] = s
		same(t, nil, e.EnsureSecurityGroup(ctx, s), "ensure %+v", s)
	case 4:
		s := drawPort(t, uid)
		s.Network = "net-1"
		if sub, ok := w.subnets[s.Subnet]; ok {
			s.Network = sub.Network
		}
		same(t, w.port(s), e.EnsurePort(ctx, s), "ensure %+v", s)
	case 5:
		s := NewWorld().PublicIP
		s.UID, s.Uplink, s.Network, s.Port = uid("pub", "uid"), uid("upl", "uplink"), uid("net", "network"), uid("por", "port")
		s.Address = netip.AddrFrom4([4]byte{203, 0, 113, byte(100) + s.UID[4]})
		s.Mbps = rapid.IntRange(0, 2).Draw(t, "mbps")
		if s.Virtual = rapid.Bool().Draw(t, "virtual"); s.Virtual {
			s.Port = uid("vir", "virtual IP")
		}
		if rapid.Bool().Draw(t, "shared") {
			s.Mbps, s.Bandwidth = 0, uid("ban", "bandwidth")
		}
		same(t, w.publicIP(s), e.EnsurePublicIP(ctx, s), "ensure %+v", s)
	case 6:
		s := NewWorld().VirtualIP
		s.UID, s.Subnet, s.Network = uid("vir", "uid"), uid("sub", "subnet"), "net-1"
		s.Ports = rapid.SampledFrom([][]string{nil, {"por-1"}, {"por-1", "por-2"}}).Draw(t, "ports")
		if sub, ok := w.subnets[s.Subnet]; ok {
			s.Network = sub.Network
		}
		same(t, w.virtualIP(s), e.EnsureVirtualIP(ctx, s), "ensure %+v", s)
	case 7:
		s := spec.Bandwidth{UID: uid("ban", "uid"), Mbps: rapid.IntRange(1, 3).Draw(t, "mbps")}
		w.shared[s.UID] = s
		same(t, nil, e.EnsureBandwidth(ctx, s), "ensure %+v", s)
	case 9:
		s := drawGateway(t, uid)
		same(t, w.gateway(s), e.EnsureNATGateway(ctx, s), "ensure %+v", s)
	case 8:
		s := spec.NetworkACL{UID: uid("acl", "uid"), Ingress: drawACLRules(t, "in"), Egress: drawACLRules(t, "out")}
		w.acls[s.UID] = s
		same(t, nil, e.EnsureNetworkACL(ctx, s), "ensure %+v", s)
	}
}

func drawNetwork(t *rapid.T, uid func(string, string) string) spec.Network {
	s := spec.Network{UID: uid("net", "uid"), MTU: rapid.SampledFrom([]int{0, 1400}).Draw(t, "mtu")}
	if rapid.Bool().Draw(t, "out") {
		s.Uplink, s.SNAT = uid("upl", "uplink"), rapid.Bool().Draw(t, "snat")
		s.Address = netip.AddrFrom4([4]byte{203, 0, 113, s.UID[4]})
	}
	return s
}

func drawSubnet(t *rapid.T, uid func(string, string) string) spec.Subnet {
	s := NewWorld().Subnet
	s.UID, s.Network = uid("sub", "uid"), uid("net", "network")
	s.ACL, s.Routes = "", nil
	if rapid.Bool().Draw(t, "guarded") {
		s.ACL = uid("acl", "acl")
	}
	s.DHCP, s.NoGateway = rapid.Bool().Draw(t, "dhcp"), rapid.Bool().Draw(t, "no gateway")
	if rapid.Bool().Draw(t, "ipv6") {
		s.Prefix6, s.Gateway6 = netip.Prefix{}, netip.Addr{}
		s.Prefix, s.Gateway, s.DNS = netip.MustParsePrefix("fd00:1::/64"), netip.MustParseAddr("fd00:1::1"), nil
	}
	if rapid.Bool().Draw(t, "ipv4 alone") {
		s.Prefix6, s.Gateway6 = netip.Prefix{}, netip.Addr{}
	}
	if !s.NoGateway && rapid.Bool().Draw(t, "routes") {
		to := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if s.Prefix.Addr().Is6() {
			to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		s.Routes = []spec.Route{{Destination: to, NextHop: s.Gateway.Next()}}
	}
	return s
}

func drawGroup(t *rapid.T, uid func(string, string) string) spec.SecurityGroup {
	s := spec.SecurityGroup{UID: uid("sec", "uid")}
	for i := range rapid.IntRange(0, 3).Draw(t, "rules") {
		r := spec.Rule{UID: fmt.Sprint(i), Deny: rapid.Bool().Draw(t, "deny"), Priority: rapid.IntRange(0, 3).Draw(t, "priority"), Direction: rapid.SampledFrom([]spec.Direction{spec.Ingress, spec.Egress}).Draw(t, "direction")}
		if rapid.Bool().Draw(t, "remote group") {
			r.RemoteGroup = uid("sec", "remote")
		}
		if rapid.Bool().Draw(t, "tcp") {
			r.Protocol, r.PortMin, r.PortMax = "tcp", 80, rapid.IntRange(80, 90).Draw(t, "port")
		}
		s.Rules = append(s.Rules, r)
	}
	return s
}

func drawPort(t *rapid.T, uid func(string, string) string) spec.Port {
	s := NewWorld().Port
	s.UID, s.Subnet, s.SecurityGroups = uid("por", "uid"), uid("sub", "subnet"), nil
	for _, g := range []string{"sec-1", "sec-2"} {
		if rapid.Bool().Draw(t, g) {
			s.SecurityGroups = append(s.SecurityGroups, g)
		}
	}
	s.Unfiltered, s.Disabled = rapid.Bool().Draw(t, "unfiltered"), rapid.Bool().Draw(t, "disabled")
	s.EgressMbps, s.IngressMbps = rapid.IntRange(0, 2).Draw(t, "egress"), rapid.IntRange(0, 2).Draw(t, "ingress")
	return s
}

func same(t *rapid.T, want, got error, format string, args ...any) {
	if want == nil {
		require.NoError(t, got, fmt.Sprintf(format, args...))
		return
	}
	require.ErrorIs(t, got, want, fmt.Sprintf(format, args...))
}

// testAnySequence makes random calls in random order; the engine must end with exactly what the model wants, and with nothing once all is removed.
func testAnySequence(t *testing.T, e network.Network) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWanted()
		// Also when a check fails: rapid repeats on the same engine to shrink.
		defer func() { _ = clear(e) }()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			w.step(rt, e)
		}
		requireList(rt, e, w.objects())
		require.NoError(rt, clear(e))
		requireList(rt, e, nil)
	})
}

// clear removes all objects in the opposite order of application.
func clear(e network.Network) error {
	objects, err := e.List(context.Background())
	if err != nil {
		return err
	}
	kinds := spec.Kinds()
	slices.SortFunc(objects, func(a, b network.Object) int { return slices.Index(kinds, b.Kind) - slices.Index(kinds, a.Kind) })
	var errs []error
	for _, o := range objects {
		errs = append(errs, e.Remove(context.Background(), o))
	}
	return errors.Join(errs...)
}
