package onebox

import (
	"fmt"
	"net"
	"net/netip"

	"edgecloud/cloud/place"
)

// DefaultRange is a documentation range (RFC 5737), so that it collides with nobody's network.
var DefaultRange = netip.MustParsePrefix("203.0.113.0/24")

// defaultBlock6 is a block of addresses that are unique to this machine's own network by chance (RFC 4193), for the public IPv6 addresses of guests.
var defaultBlock6 = place.Block6{Prefix: netip.MustParsePrefix("fd6f:ecc1:0d00::/64"), Gateway: netip.MustParseAddr("fd6f:ecc1:0d00::1")}

// gatewayOf is the machine's own address in the range, with the range's length.
func gatewayOf(p netip.Prefix) netip.Prefix { return netip.PrefixFrom(p.Addr().Next(), p.Bits()) }

// settleRange decides which public addresses the guests have. The range stays what it was at the first start: addresses of it are given out.
func (m *machine) settleRange(asked netip.Prefix) error {
	settled := m.made.Range
	switch {
	case settled.IsValid() && asked.IsValid() && settled != asked:
		return fmt.Errorf("--public-range %s: the cloud's public addresses have been those of %s since its first start; use another --data folder, or edgecloud uninstall", asked, settled)
	case settled.IsValid():
		asked = settled
	case !asked.IsValid():
		asked = DefaultRange
	}
	if err := checkRange(asked); err != nil {
		return err
	}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, l := range links {
		addresses, err := l.Addrs()
		if err != nil {
			return err
		}
		if err := clash(asked, l.Name, addresses); err != nil {
			return err
		}
	}
	m.made.Range = asked // kept with the next thing that is made
	return nil
}

func checkRange(p netip.Prefix) error {
	switch {
	case !p.Addr().Is4() || p.Bits() > 29 || p.Bits() < 8:
		return fmt.Errorf("--public-range %s: must be an IPv4 CIDR from /8 to /29", p)
	case p != p.Masked():
		return fmt.Errorf("--public-range %s: must be a network address, such as %s", p, p.Masked())
	case p.Addr().IsLoopback() || p.Addr().IsMulticast() || p.Addr().IsUnspecified():
		return fmt.Errorf("--public-range %s: must be addresses of hosts", p)
	}
	return nil
}

// clash tells which address of an interface is in the way: what the machine reaches by the one network it would no longer reach by the other.
func clash(p netip.Prefix, link string, addresses []net.Addr) error {
	if link == externalBridge {
		return nil // it has the range's own
	}
	for _, a := range addresses {
		own, err := netip.ParsePrefix(a.String())
		if err == nil && own.Overlaps(p) {
			return fmt.Errorf("--public-range %s: the machine has the address %s on %s; choose a range that is free", p, own, link)
		}
	}
	return nil
}
