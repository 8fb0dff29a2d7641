package place

import (
	"context"
	"encoding/binary"
	"net/netip"

	"edgecloud/fault"
	"edgecloud/store"
)

// Block6 is a line's range of public IPv6 addresses.
type Block6 struct {
	Prefix      netip.Prefix // of 64 bits; zero: the line has no IPv6
	Gateway     netip.Addr   // the carrier's router in it
	First, Last netip.Addr   // that may be given out; zero: four thousand million addresses after the gateway
}

// maxBlock6 is how many addresses of a block can be given out. The rest, where addresses are made of MACs, is left to routers.
const maxBlock6 = 1 << 32

// HasIPv6 tells whether the line brings public IPv6 addresses.
func (l *Line) HasIPv6() bool { return l.Prefix6 != "" }

// Range6 gives the parsed IPv6 range.
func (l *Line) Range6() netip.Prefix { return netip.MustParsePrefix(l.Prefix6) }

// setIPv6 checks a block and takes it into the row.
func (l *Line) setIPv6(b Block6) error {
	if !b.Prefix.IsValid() {
		if b.Gateway.IsValid() || b.First.IsValid() || b.Last.IsValid() {
			return fault.BadField("ipv6.prefix", "is required")
		}
		return nil
	}
	if !b.Prefix.Addr().Is6() || b.Prefix.Addr().Is4In6() || b.Prefix.Bits() != 64 || b.Prefix != b.Prefix.Masked() {
		return fault.BadField("ipv6.prefix", "must be an IPv6 network address with a mask of /64")
	}
	if !b.Prefix.Contains(b.Gateway) || b.Gateway == b.Prefix.Addr() {
		return fault.BadField("ipv6.gateway", "must be an address of %s", b.Prefix)
	}
	first, last := b.First, b.Last
	if !first.IsValid() {
		first = b.Gateway.Next()
	}
	if !last.IsValid() {
		last = after6(first, maxBlock6-1)
	}
	if !b.Prefix.Contains(first) || !b.Prefix.Contains(last) || last.Less(first) || low(last)-low(first) >= maxBlock6 {
		return fault.BadField("ipv6.first", "first and last must lie in %s, in this order, less than %d addresses apart", b.Prefix, int64(maxBlock6))
	}
	if first == b.Prefix.Addr() || !b.Gateway.Less(first) && !last.Less(b.Gateway) {
		return fault.BadField("ipv6.first", "the gateway and the first address of all cannot be given out")
	}
	l.Prefix6, l.Gateway6, l.First6, l.Last6 = b.Prefix.String(), b.Gateway.String(), first.String(), last.String()
	return nil
}

func low(a netip.Addr) uint64 { b := a.As16(); return binary.BigEndian.Uint64(b[8:]) }

func after6(a netip.Addr, n uint64) netip.Addr {
	b := a.As16()
	binary.BigEndian.PutUint64(b[8:], low(a)+n)
	return netip.AddrFrom16(b)
}

// ExtendLine gives a line of a site that has no IPv6 a block, inside a transaction of an operator's. What else is said
// of the line must be as it is.
func (p *Place) ExtendLine(ctx context.Context, tx *store.Tx, site string, n NewLine) (l *Line, err error) {
	l = new(Line)
	err = tx.NewSelect().Model(l).Where("site = ? AND carrier = ?", site, n.Carrier).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("line", string(n.Carrier))
	}
	if err != nil {
		return nil, err
	}
	if l.HasIPv6() || !n.IPv6.Prefix.IsValid() || !l.is(n) {
		return nil, fault.Conflicting("site", site, "The site has a line of %s, whose addresses may be in use. A line that has no IPv6 can be given it; all else must be as it is.", n.Carrier).On("lines")
	}
	if err := l.setIPv6(n.IPv6); err != nil {
		return nil, err
	}
	tx.AfterCommit(p.forget)
	_, err = tx.NewUpdate().Model(l).Column("prefix6", "gateway6", "first6", "last6").WherePK().Exec(ctx)
	return l, err
}

// is tells whether a line is as said, IPv6 left aside.
func (l *Line) is(n NewLine) bool {
	asked := &Line{UID: l.UID, Site: l.Site, Carrier: l.Carrier, Cursor: l.Cursor, Cursor6: l.Cursor6}
	return asked.set(n) == nil && *asked == *l
}
