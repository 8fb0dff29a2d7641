package network

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/fault"
	"edgecloud/store"
)

// firstOffset is the first address of a subnet that a port may have: the range's own is before it, the broadcast address after all.
const firstOffset = 1

// beyond is the offset of the broadcast address: the first that no port may have.
func beyond(p netip.Prefix) int64 { return int64(1)<<(32-p.Bits()) - 1 }

// usable tells how many addresses of a subnet its ports may have besides the gateway.
func usable(p netip.Prefix) int64 { return beyond(p) - firstOffset - 1 }

func lastOf(p netip.Prefix) netip.Addr { return at(p, beyond(p)) }

// at gives the address at an offset of a range.
func at(p netip.Prefix, offset int64) netip.Addr {
	b := p.Masked().Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(offset))
	return netip.AddrFrom4(b)
}

// allocate chooses count free addresses of a subnet. The usual case takes the next ones after the cursor, so that an address given back is not given out
// again at once; when the cursor has come to the end, it looks for gaps from the start. The unique index on ports is what makes a choice exclusive: on
// PostgreSQL a transaction that lost a race fails and is run again.
func allocate(ctx context.Context, tx *store.Tx, s *Subnet, count int) ([]netip.Addr, error) {
	prefix := s.Prefix()
	var start int64
	err := tx.NewRaw("UPDATE subnets SET cursor = cursor + ? WHERE uid = ? RETURNING cursor", count, s.UID).Scan(ctx, &start)
	if err != nil {
		return nil, fmt.Errorf("take addresses of subnet %s: %w", s.UID, err)
	}
	start -= int64(count)
	if start+int64(count) <= beyond(prefix) {
		next := make([]netip.Addr, count)
		texts := make([]string, count)
		for i := range next {
			next[i] = at(prefix, start+int64(i))
			texts[i] = next[i].String()
		}
		taken, err := tx.NewSelect().Model((*Port)(nil)).Where("subnet = ? AND address IN (?)", s.UID, bun.In(texts)).Exists(ctx)
		if err != nil || !taken {
			return next, err
		}
	}
	return allocateGaps(ctx, tx, s, count)
}

// allocateGaps looks at every address that is taken, so it is for nearly full subnets only.
func allocateGaps(ctx context.Context, tx *store.Tx, s *Subnet, count int) ([]netip.Addr, error) {
	var taken []string
	if err := tx.NewSelect().Model((*Port)(nil)).Column("address").Where("subnet = ?", s.UID).Scan(ctx, &taken); err != nil {
		return nil, err
	}
	used := make(map[string]bool, len(taken))
	for _, a := range taken {
		used[a] = true
	}
	var free []netip.Addr
	prefix := s.Prefix()
	for offset := int64(firstOffset); offset < beyond(prefix) && len(free) < count; offset++ {
		if a := at(prefix, offset); !used[a.String()] {
			free = append(free, a)
		}
	}
	if len(free) < count {
		return nil, fault.New(fault.Capacity, "The subnet %s has no address left.", s.Name).About("subnet", s.Slug)
	}
	return free, nil
}

// checkChosen tells whether a caller may have an address of a subnet. Whether it is free, the unique index on ports says.
func checkChosen(s *Subnet, a netip.Addr) error {
	p := s.Prefix()
	if !p.Contains(a) || a == p.Addr() || a == lastOf(p) {
		return fault.New(fault.Invalid, "The address %s is none that a port of the subnet %s may have.", a, s.CIDR).About("subnet", s.Slug).On("address")
	}
	return nil
}

// addressTaken tells of a port's address that another port has.
func addressTaken(err error, address string) error {
	if columns, dup := store.IsUnique(err); dup && strings.Contains(columns, "address") {
		return fault.New(fault.Exists, "The address %s is in use.", address).About("address", address).On("address")
	}
	return err
}

// macOf makes a port's address on the wire from its UID: locally administered, and as unique as the UID's random end.
func macOf(uid string) string {
	hex := uid[len(uid)-10:]
	return "fa:" + hex[0:2] + ":" + hex[2:4] + ":" + hex[4:6] + ":" + hex[6:8] + ":" + hex[8:10]
}
