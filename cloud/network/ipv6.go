package network

import (
	"context"
	"crypto/sha256"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// AddIPv6 gives each of the ports of one network and site, which have public IPv4 addresses, a public IPv6 address on each of the lines that are wanted (empty: all) and
// have IPv6. Inside, the port has an address of its subnet's own range, which is made of its MAC: the guest makes the same one from what the router announces.
func AddIPv6(ctx context.Context, tx *store.Tx, caller *identity.Caller, ports []*Port, carriers []place.Carrier, mbps int64) ([]*PublicIP, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	site := ports[0].Site
	lines, err := linesOf(ctx, tx, site, carriers)
	if err != nil {
		return nil, err
	}
	router, err := ensureRouterAddress(ctx, tx, ports[0].Network, lines[0])
	if err != nil {
		return nil, err
	}
	if lines, err = withIPv6(ctx, tx, site, router, lines); err != nil {
		return nil, err
	}
	if err := addAddresses6(ctx, tx, ports); err != nil {
		return nil, err
	}
	return lease(ctx, tx, caller, lines, &PublicIP{Site: site, Uplink: router.Line, IPv6: true, Mbps: mbps}, ports)
}

// withIPv6 leaves the lines that have IPv6. The router's own line must be able to carry it.
func withIPv6(ctx context.Context, tx *store.Tx, site string, router *Router, lines []*place.Line) (found []*place.Line, err error) {
	all, err := place.Lines(ctx, tx, site)
	if err != nil {
		return nil, err
	}
	carried := false
	for _, l := range all {
		carried = carried || l.UID == router.Line && l.HasIPv6()
	}
	for _, l := range lines {
		if l.HasIPv6() {
			found = append(found, l)
		}
	}
	if !carried || len(found) == 0 {
		return nil, fault.New(fault.Capacity, "The node has no line with IPv6 addresses.").About("IPv6", site)
	}
	return found, nil
}

// addAddresses6 gives ports IPv6 addresses, and their subnets ranges, unless they have them.
func addAddresses6(ctx context.Context, tx *store.Tx, ports []*Port) error {
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.Subnet
	}
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("uid IN (?)", bun.In(uids)).Order("uid").Scan(ctx); err != nil {
		return err
	}
	ranges := map[string]netip.Prefix{}
	for _, s := range subnets {
		if err := addRange6(ctx, tx, s); err != nil {
			return err
		}
		ranges[s.UID] = netip.MustParsePrefix(s.Prefix6)
	}
	for _, p := range ports {
		if p.Address6 != "" {
			continue
		}
		p.Address6 = spec.EUI64(ranges[p.Subnet], p.MAC).String()
		if _, err := tx.NewUpdate().Model(p).Column("address6").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// addRange6 gives a subnet a range of IPv6 unless it has one.
func addRange6(ctx context.Context, tx *store.Tx, s *Subnet) error {
	if s.Prefix6 != "" {
		return nil
	}
	s.Prefix6 = rangeOf(s.UID).String()
	if _, err := tx.NewUpdate().Model(s).Column("prefix6").WherePK().Exec(ctx); err != nil {
		return err
	}
	return renewSubnet(ctx, tx, s)
}

// rangeOf makes a subnet's range of unique local addresses (RFC 4193): fd00::/8 and bits of its UID's hash. None of its groups is zero, so that the range and its
// addresses begin with the same text.
func rangeOf(uid string) netip.Prefix {
	sum := sha256.Sum256([]byte(uid))
	var b [16]byte
	b[0] = 0xfd
	copy(b[1:8], sum[:])
	for _, low := range []int{3, 5, 7} {
		b[low] |= 1
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

// AddLine gives a site a further uplink, or one that it has IPv6. For operators.
func (n *Networks) AddLine(ctx context.Context, caller *identity.Caller, site string, w place.NewLine) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		l, err := n.place.ExtendLine(ctx, tx, site, w)
		if fault.Is(err, fault.NotFound) {
			return n.place.AddLine(store.Join(ctx, tx), caller, site, w)
		}
		if err != nil {
			return err
		}
		used, err := tx.NewSelect().Model((*lineUse)(nil)).Where("line = ?", l.UID).Exists(ctx)
		if err != nil || !used {
			return err
		}
		return putUplink(ctx, tx, l)
	})
}
