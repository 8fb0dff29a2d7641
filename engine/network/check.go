package network

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"

	"edgecloud/link/spec"
)

// uidPattern is what every engine can use in a name: no underscore, so that "-" can be written as "_" where an engine has no "-".
var uidPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,49}$`)

// MinMTU and MaxMTU bound a network's MTU, in bytes: what every IPv4 host takes, and what fits a tunnel over a jumbo-frame underlay.
const (
	MinMTU = 576
	MaxMTU = 8942
)

// checker collects the first thing that is wrong with a spec.
type checker struct {
	kind, uid string
	err       error
}

func (c *checker) fail(field, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s %q: %s: %s", ErrInvalid, c.kind, c.uid, field, fmt.Sprintf(format, args...))
	}
}

func (c *checker) id(field, uid string) {
	if !uidPattern.MatchString(uid) {
		c.fail(field, "%q is not 1 to 50 letters, digits and hyphens", uid)
	}
}

func (c *checker) number(field string, n, low, high int) {
	if n < low || n > high {
		c.fail(field, "%d is not in %d to %d", n, low, high)
	}
}

func (c *checker) prefix(field string, p netip.Prefix) {
	if !p.IsValid() || p != p.Masked() {
		c.fail(field, "%q is not a prefix without host bits", p)
	}
}

func (c *checker) address(field string, a netip.Addr) {
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || a.Is4In6() {
		c.fail(field, "%q is not a host's address", a)
	}
}

func (c *checker) inside(field string, a netip.Addr, p netip.Prefix) {
	c.address(field, a)
	if !p.Contains(a) {
		c.fail(field, "%s is not in %s", a, p)
	}
}

// second checks a range of IPv6 that stands beside one of IPv4.
func (c *checker) second(first, p netip.Prefix, gateway netip.Addr) {
	if !p.IsValid() {
		if gateway.IsValid() {
			c.fail("gateway6", "%s needs prefix6", gateway)
		}
		return
	}
	c.prefix("prefix6", p)
	if !p.Addr().Is6() || p.Bits() != 64 || !first.Addr().Is4() {
		c.fail("prefix6", "%s is not 64 bits of IPv6 beside a prefix of IPv4", p)
	}
	c.inside("gateway6", gateway, p)
}

func (c *checker) mac(field, text string) {
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 || mac.String() != text || mac[0]&1 != 0 {
		c.fail(field, "%q is not a unicast address in lower case with colons", text)
	}
}

// CheckUplink tells, with the field's name, why an uplink can never be applied. All Check functions wrap ErrInvalid.
func CheckUplink(s spec.Uplink) error {
	c := &checker{kind: spec.KindUplink, uid: s.UID}
	c.id("uid", s.UID)
	if s.PhysicalNetwork == "" {
		c.fail("physical_network", "is empty")
	}
	c.number("vlan", s.VLAN, 0, 4094)
	c.prefix("prefix", s.Prefix)
	if s.Gateway.IsValid() {
		c.inside("gateway", s.Gateway, s.Prefix)
	}
	c.second(s.Prefix, s.Prefix6, s.Gateway6)
	return c.err
}

// CheckNetwork is CheckUplink for a network.
func CheckNetwork(s spec.Network) error {
	c := &checker{kind: spec.KindNetwork, uid: s.UID}
	c.id("uid", s.UID)
	if s.Uplink != "" {
		c.id("uplink", s.Uplink)
		c.address("address", s.Address)
	}
	if s.SNAT && s.Uplink == "" {
		c.fail("snat", "needs an uplink")
	}
	if s.MTU != 0 {
		c.number("mtu", s.MTU, MinMTU, MaxMTU)
	}
	return c.err
}

// CheckSubnet is CheckUplink for a subnet.
func CheckSubnet(s spec.Subnet) error {
	c := &checker{kind: spec.KindSubnet, uid: s.UID}
	c.id("uid", s.UID)
	c.id("network", s.Network)
	c.prefix("prefix", s.Prefix)
	if !s.NoGateway || s.DHCP {
		// DHCP answers come from the gateway's address, also where no router has it.
		c.inside("gateway", s.Gateway, s.Prefix)
	}
	if s.GatewayMAC != "" {
		c.mac("gateway_mac", s.GatewayMAC)
	}
	c.second(s.Prefix, s.Prefix6, s.Gateway6)
	for i, a := range s.DNS {
		c.address(fmt.Sprintf("dns[%d]", i), a)
	}
	if s.ACL != "" {
		c.id("acl", s.ACL)
	}
	c.routes(s)
	return c.err
}

// CheckPort is CheckUplink for a port.
func CheckPort(s spec.Port) error {
	c := &checker{kind: spec.KindPort, uid: s.UID}
	c.id("uid", s.UID)
	c.id("network", s.Network)
	c.id("subnet", s.Subnet)
	c.mac("mac", s.MAC)
	if len(s.Addresses) == 0 && !s.Unfiltered {
		c.fail("addresses", "is empty")
	}
	for i, a := range s.Addresses {
		c.address(fmt.Sprintf("addresses[%d]", i), a)
	}
	seen := map[string]bool{}
	for i, g := range s.SecurityGroups {
		c.id(fmt.Sprintf("security_groups[%d]", i), g)
		if seen[g] {
			c.fail(fmt.Sprintf("security_groups[%d]", i), "%q is there twice", g)
		}
		seen[g] = true
	}
	for i, p := range s.AllowedPairs {
		c.prefix(fmt.Sprintf("allowed_pairs[%d].prefix", i), p.Prefix)
		if p.MAC != "" {
			c.mac(fmt.Sprintf("allowed_pairs[%d].mac", i), p.MAC)
		}
	}
	c.number("egress_mbps", s.EgressMbps, 0, maxMbps)
	c.number("ingress_mbps", s.IngressMbps, 0, maxMbps)
	return c.err
}

// maxMbps is OVN's limit of a rate, 4294967295 kbit/s, in round figures.
const maxMbps = 4_000_000

// CheckSecurityGroup is CheckUplink for a security group and its rules.
func CheckSecurityGroup(s spec.SecurityGroup) error {
	c := &checker{kind: spec.KindSecurityGroup, uid: s.UID}
	c.id("uid", s.UID)
	seen := map[string]bool{}
	for i, r := range s.Rules {
		field := func(name string) string { return fmt.Sprintf("rules[%d].%s", i, name) }
		if r.UID == "" || seen[r.UID] {
			c.fail(field("uid"), "%q is empty or there twice", r.UID)
		}
		seen[r.UID] = true
		c.rule(field, r)
	}
	return c.err
}

func (c *checker) rule(field func(string) string, r spec.Rule) {
	if r.Direction != spec.Ingress && r.Direction != spec.Egress {
		c.fail(field("direction"), "%q is neither ingress nor egress", r.Direction)
	}
	if r.Remote.IsValid() && r.RemoteGroup != "" {
		c.fail(field("remote_group"), "is set beside remote")
	}
	c.version(field("remote"), r.Remote, r.IPv6)
	if r.RemoteGroup != "" {
		c.id(field("remote_group"), r.RemoteGroup)
	}
	c.number(field("priority"), r.Priority, 0, maxPriority)
	c.protocol(field, r)
}

func (c *checker) protocol(field func(string) string, r spec.Rule) {
	switch r.Protocol {
	case "tcp", "udp":
		if r.PortMin == 0 && r.PortMax == 0 {
			return
		}
		c.number(field("port_min"), r.PortMin, 1, 65535)
		c.number(field("port_max"), r.PortMax, r.PortMin, 65535)
		return
	case "icmp", "icmpv6":
		if (r.Protocol == "icmpv6") != r.IPv6 {
			c.fail(field("protocol"), "%s is not of the rule's IP version", r.Protocol)
		}
		c.number(field("port_min"), r.PortMin, -1, 255)
		c.number(field("port_max"), r.PortMax, -1, 255)
		return
	case "":
	default:
		c.protocolNumber(field("protocol"), r.Protocol)
	}
	if r.PortMin != 0 || r.PortMax != 0 {
		c.fail(field("port_min"), "ports need protocol tcp or udp")
	}
}

// maxPriority is the number of the last rule to be asked.
const maxPriority = 100

// CheckVirtualIP is CheckUplink for a virtual IP.
func CheckVirtualIP(s spec.VirtualIP) error {
	c := &checker{kind: spec.KindVirtualIP, uid: s.UID}
	c.id("uid", s.UID)
	c.id("network", s.Network)
	c.id("subnet", s.Subnet)
	c.mac("mac", s.MAC)
	c.address("address", s.Address)
	for i, p := range s.Ports {
		c.id(fmt.Sprintf("ports[%d]", i), p)
	}
	return c.err
}

// CheckPublicIP is CheckUplink for a public address.
func CheckPublicIP(s spec.PublicIP) error {
	c := &checker{kind: spec.KindPublicIP, uid: s.UID}
	c.id("uid", s.UID)
	c.id("uplink", s.Uplink)
	c.id("network", s.Network)
	c.id("port", s.Port)
	c.address("address", s.Address)
	c.address("private", s.Private)
	if s.Address.Is4() != s.Private.Is4() {
		c.fail("private", "%s is not of the IP version of %s", s.Private, s.Address)
	}
	c.number("mbps", s.Mbps, 0, maxMbps)
	if s.Bandwidth != "" {
		c.id("bandwidth", s.Bandwidth)
		if s.Mbps != 0 {
			c.fail("mbps", "is set beside bandwidth")
		}
		if !s.Address.Is4() {
			c.fail("bandwidth", "is for IPv4 addresses")
		}
	}
	return c.err
}

// CheckBandwidth is CheckUplink for a shared bandwidth.
func CheckBandwidth(s spec.Bandwidth) error {
	c := &checker{kind: spec.KindBandwidth, uid: s.UID}
	c.id("uid", s.UID)
	c.number("mbps", s.Mbps, 1, maxMbps)
	return c.err
}
