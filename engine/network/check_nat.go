package network

import (
	"fmt"
	"net/netip"

	"edgecloud/link/spec"
)

// CheckNATGateway is CheckUplink for a NAT gateway.
func CheckNATGateway(s spec.NATGateway) error {
	c := &checker{kind: spec.KindNATGateway, uid: s.UID}
	c.id("uid", s.UID)
	c.id("network", s.Network)
	c.id("uplink", s.Uplink)
	if s.Address.IsValid() || len(s.Sources) > 0 {
		c.ipv4("address", s.Address)
	}
	c.number("mbps", s.Mbps, 0, maxMbps)
	sources := map[netip.Prefix]bool{}
	for i, p := range s.Sources {
		field := fmt.Sprintf("sources[%d]", i)
		c.prefix(field, p)
		if !p.Addr().Is4() {
			c.fail(field, "%s is not IPv4", p)
		}
		if sources[p] {
			c.fail(field, "%s is there twice", p)
		}
		sources[p] = true
	}
	type door struct {
		protocol string
		address  netip.Addr
		port     int
	}
	doors := map[door]bool{}
	for i, f := range s.Forwards {
		field := fmt.Sprintf("forwards[%d]", i)
		c.forward(field, f)
		d := door{f.Protocol, f.Address, f.Port}
		if doors[d] {
			c.fail(field, "%s %s:%d is there twice", f.Protocol, f.Address, f.Port)
		}
		doors[d] = true
	}
	return c.err
}

func (c *checker) forward(field string, f spec.Forward) {
	c.ipv4(field+".address", f.Address)
	c.ipv4(field+".private", f.Private)
	switch f.Protocol {
	case "":
		c.number(field+".port", f.Port, 0, 0)
		c.number(field+".private_port", f.PrivatePort, 0, 0)
	case "tcp", "udp":
		c.number(field+".port", f.Port, 1, 65535)
		c.number(field+".private_port", f.PrivatePort, 1, 65535)
	default:
		c.fail(field+".protocol", "%q is none of tcp, udp and nothing", f.Protocol)
	}
}

func (c *checker) ipv4(field string, a netip.Addr) {
	c.address(field, a)
	if !a.Is4() {
		c.fail(field, "%s is not IPv4", a)
	}
}
