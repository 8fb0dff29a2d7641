package spec

import (
	"net"
	"net/netip"
)

// EUI64 is the address that a guest makes of a range of 64 bits and its MAC (RFC 4291, appendix A). It is invalid if the MAC is none.
func EUI64(p netip.Prefix, mac string) netip.Addr {
	m, err := net.ParseMAC(mac)
	if err != nil || len(m) != 6 {
		return netip.Addr{}
	}
	a := p.Masked().Addr().As16()
	copy(a[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(a)
}
