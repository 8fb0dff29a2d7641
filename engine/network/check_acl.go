package network

import (
	"fmt"
	"net/netip"
	"strconv"

	"edgecloud/link/spec"
)

// MaxACLRules is how many rules a network ACL may have in each direction: engines have room for that many ranks.
const MaxACLRules = 10000

// CheckNetworkACL is CheckUplink for a network ACL and its rules.
func CheckNetworkACL(s spec.NetworkACL) error {
	c := &checker{kind: spec.KindNetworkACL, uid: s.UID}
	c.id("uid", s.UID)
	seen := map[string]bool{}
	c.aclRules("ingress", s.Ingress, seen)
	c.aclRules("egress", s.Egress, seen)
	return c.err
}

func (c *checker) aclRules(list string, rules []spec.ACLRule, seen map[string]bool) {
	c.number(list, len(rules), 0, MaxACLRules)
	for i, r := range rules {
		field := func(name string) string { return fmt.Sprintf("%s[%d].%s", list, i, name) }
		if r.UID == "" || seen[r.UID] {
			c.fail(field("uid"), "%q is empty or there twice", r.UID)
		}
		seen[r.UID] = true
		c.aclRule(field, r)
	}
}

func (c *checker) aclRule(field func(string) string, r spec.ACLRule) {
	if r.Action != spec.Allow && r.Action != spec.Deny && r.Action != spec.Reject {
		c.fail(field("action"), "%q is not allow, deny or reject", r.Action)
	}
	c.version(field("source"), r.Source, r.IPv6)
	c.version(field("destination"), r.Destination, r.IPv6)
	if (r.Protocol == "icmp" || r.Protocol == "icmpv6") && (r.Protocol == "icmpv6") != r.IPv6 {
		c.fail(field("protocol"), "%s is not of the rule's IP version", r.Protocol)
	}
	switch r.Protocol {
	case "tcp", "udp":
		c.ports(field("source_ports"), r.SourcePorts)
		c.ports(field("destination_ports"), r.DestinationPorts)
		return
	case "", "icmp", "icmpv6":
	default:
		c.protocolNumber(field("protocol"), r.Protocol)
	}
	if r.SourcePorts != (spec.PortRange{}) || r.DestinationPorts != (spec.PortRange{}) {
		c.fail(field("destination_ports"), "ports need protocol tcp or udp")
	}
}

// version checks an optional prefix of the IP version.
func (c *checker) version(field string, p netip.Prefix, v6 bool) {
	if p == (netip.Prefix{}) {
		return
	}
	c.prefix(field, p)
	if p.Addr().Is6() != v6 {
		c.fail(field, "%s is not of the rule's IP version", p)
	}
}

// ports checks an optional range: from 0 on, which is a port on the wire although none that a program can have.
func (c *checker) ports(field string, p spec.PortRange) {
	c.number(field+".min", p.Min, 0, 65535)
	c.number(field+".max", p.Max, p.Min, 65535)
}

func (c *checker) protocolNumber(field, text string) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 255 || strconv.Itoa(n) != text {
		c.fail(field, "%q is not tcp, udp, icmp, icmpv6 or a number in 0 to 255", text)
	}
}

// routes checks a subnet's routes. Whether a next hop is on the network changes with the network's subnets, so that is not looked at.
func (c *checker) routes(s spec.Subnet) {
	seen := map[netip.Prefix]bool{}
	for i, r := range s.Routes {
		field := func(name string) string { return fmt.Sprintf("routes[%d].%s", i, name) }
		c.prefix(field("destination"), r.Destination)
		c.address(field("next_hop"), r.NextHop)
		if r.Destination.Addr().Is4() != r.NextHop.Is4() {
			c.fail(field("next_hop"), "%s is not of the IP version of %s", r.NextHop, r.Destination)
		}
		if seen[r.Destination] {
			c.fail(field("destination"), "%s is there twice", r.Destination)
		}
		seen[r.Destination] = true
	}
	if s.NoGateway && len(s.Routes) > 0 {
		c.fail("routes", "need a gateway")
	}
}
