package network

import (
	"context"
	"encoding/binary"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// pool is a line's public addresses of one IP version.
type pool struct {
	line        *place.Line
	first, last netip.Addr
	advance     string // statement that moves its cursor on
}

func poolOf(l *place.Line, ipv6 bool) pool {
	if ipv6 {
		return pool{l, netip.MustParseAddr(l.First6), netip.MustParseAddr(l.Last6), "UPDATE lines SET cursor6 = cursor6 + ? WHERE uid = ? RETURNING cursor6"}
	}
	return pool{l, netip.MustParseAddr(l.First), netip.MustParseAddr(l.Last), "UPDATE lines SET cursor = cursor + ? WHERE uid = ? RETURNING cursor"}
}

func (p pool) size() int64 { return number(p.last) - number(p.first) + 1 }

// take chooses free public addresses, the next ones after the cursor first.
func (p pool) take(ctx context.Context, tx *store.Tx, count int) ([]netip.Addr, error) {
	var start int64
	if err := tx.NewRaw(p.advance, count, p.line.UID).Scan(ctx, &start); err != nil {
		return nil, err
	}
	start -= int64(count)
	if start+int64(count) <= p.size() {
		next := make([]netip.Addr, count)
		texts := make([]string, count)
		for i := range next {
			next[i] = plus(p.first, start+int64(i))
			texts[i] = next[i].String()
		}
		taken, err := tx.NewSelect().Model((*lineAddress)(nil)).Where("line = ? AND address IN (?)", p.line.UID, bun.In(texts)).Exists(ctx)
		if err != nil || !taken {
			return next, err
		}
	}
	return p.takeGaps(ctx, tx, count)
}

func (p pool) takeGaps(ctx context.Context, tx *store.Tx, count int) ([]netip.Addr, error) {
	var taken []string
	if err := tx.NewSelect().Model((*lineAddress)(nil)).Column("address").Where("line = ?", p.line.UID).Scan(ctx, &taken); err != nil {
		return nil, err
	}
	used := make(map[string]bool, len(taken))
	for _, a := range taken {
		used[a] = true
	}
	var free []netip.Addr
	for offset := int64(0); offset < p.size() && len(free) < count; offset++ {
		if a := plus(p.first, offset); !used[a.String()] {
			free = append(free, a)
		}
	}
	if len(free) < count {
		return nil, fault.New(fault.Capacity, "The node has no public address left on the line of %s.", p.line.Carrier)
	}
	return free, nil
}

// number is an address as a number; of an IPv6 address the lower half, which is what differs inside a range.
func number(a netip.Addr) int64 {
	if a.Is4() {
		b := a.As4()
		return int64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return int64(binary.BigEndian.Uint64(b[8:])) //nolint:gosec // differences alone count, and wrapping keeps them
}

func plus(a netip.Addr, n int64) netip.Addr {
	if a.Is4() {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(number(a)+n))
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	binary.BigEndian.PutUint64(b[8:], uint64(number(a)+n)) //nolint:gosec // as in number
	return netip.AddrFrom16(b)
}
