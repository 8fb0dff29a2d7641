package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// addresses are all of a port's: the first one is its primary, which it never loses, and the last one that of IPv6, if it has one.
func (p *Port) addresses() []netip.Addr {
	all := []netip.Addr{netip.MustParseAddr(p.Address)}
	for _, a := range p.Further.V {
		all = append(all, netip.MustParseAddr(a))
	}
	if p.Address6 != "" {
		all = append(all, netip.MustParseAddr(p.Address6))
	}
	return all
}

// AddFurther gives a NIC more addresses of its subnet, an invalid one being any that is free; it may have at most limit, the primary one included. The guest learns
// nothing of them: whoever runs it gives them to the interface.
func AddFurther(ctx context.Context, tx *store.Tx, p *Port, wanted []netip.Addr, limit int) (added []string, err error) {
	if len(wanted) == 0 {
		return nil, fault.BadField("addresses", "must name at least one, or how many")
	}
	s := new(Subnet)
	if err := tx.NewSelect().Model(s).Where("uid = ?", p.Subnet).Scan(ctx); err != nil {
		return nil, err
	}
	if added, err = hold(ctx, tx, s, p, wanted, limit); err != nil {
		return nil, err
	}
	if _, err := tx.NewUpdate().Model(p).Column("further").WherePK().Exec(ctx); err != nil {
		return nil, err
	}
	return added, putLiving(ctx, tx, p)
}

// hold takes further addresses for a port, in the order in which they are wanted. Chosen ones come first, so that none of them is given out as a free one.
func hold(ctx context.Context, tx *store.Tx, s *Subnet, p *Port, wanted []netip.Addr, limit int) ([]string, error) {
	if have := len(p.Further.V) + 1; have+len(wanted) > limit {
		return nil, fault.OverQuota("addresses of the network interface", int64(have), int64(len(wanted)), int64(limit))
	}
	texts := make([]string, len(wanted))
	for k, a := range wanted {
		if !a.IsValid() {
			continue
		}
		if err := checkChosen(s, a); err != nil {
			return nil, err
		}
		if a.String() == p.Address || slices.Contains(texts, a.String()) {
			return nil, fault.New(fault.Exists, "The address %s is in use.", a).About("address", a.String()).On("address")
		}
		texts[k] = a.String()
		if err := holdOne(ctx, tx, p, texts[k]); err != nil {
			return nil, err
		}
	}
	for k, a := range wanted {
		if a.IsValid() {
			continue
		}
		free, err := allocate(ctx, tx, s, 1)
		if err != nil {
			return nil, err
		}
		texts[k] = free[0].String()
		if err := holdOne(ctx, tx, p, texts[k]); err != nil {
			return nil, err
		}
	}
	p.Further.V = append(p.Further.V, texts...)
	return texts, nil
}

func holdOne(ctx context.Context, tx *store.Tx, p *Port, address string) error {
	uid := tx.NewUID()
	one := &Port{UID: uid, Slug: tx.NewSlug(), Account: p.Account, Network: p.Network, Subnet: p.Subnet, Site: p.Site, Kind: Further, MAC: macOf(uid), Address: address,
		Phase: spec.Pending, Of: p.UID, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(one).Exec(ctx); err != nil {
		return addressTaken(fmt.Errorf("hold an address: %w", err), address)
	}
	return nil
}

// RemoveFurther takes further addresses from a NIC. They are free again once its site has confirmed.
func RemoveFurther(ctx context.Context, tx *store.Tx, p *Port, addresses []string) error {
	if len(addresses) == 0 {
		return fault.BadField("addresses", "must name at least one")
	}
	for _, a := range addresses {
		if a == p.Address {
			return fault.Conflicting("address", a, "The address %s is the primary one of the network interface, which it keeps.", a).On("address")
		}
		at := slices.Index(p.Further.V, a)
		if at < 0 {
			return fault.Missing("address", a).On("address")
		}
		p.Further.V = slices.Delete(p.Further.V, at, at+1)
	}
	unknown, err := link.Gone(ctx, tx, spec.SiteTarget(p.Site), spec.KindPort, p.UID)
	if err != nil {
		return err
	}
	p.Yielding = p.Yielding || !unknown
	if _, err := tx.NewUpdate().Model(p).Column("further", "yielding").WherePK().Exec(ctx); err != nil {
		return err
	}
	if unknown { // the site has none of it
		_, err := tx.NewDelete().Model((*Port)(nil)).Where("nic <> '' AND nic = ? AND address IN (?)", p.UID, bun.In(addresses)).Exec(ctx)
		return err
	}
	if _, err := tx.NewRaw("UPDATE ports SET doomed = TRUE WHERE nic <> '' AND nic = ? AND address IN (?)", p.UID, bun.In(addresses)).Exec(ctx); err != nil {
		return err
	}
	return putLiving(ctx, tx, p)
}

// yield frees the addresses that a NIC has lost.
func yield(ctx context.Context, tx *store.Tx, port string) error {
	if _, err := tx.NewRaw("DELETE FROM ports WHERE nic <> '' AND nic = ? AND doomed", port).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewRaw("UPDATE ports SET yielding = FALSE WHERE uid = ?", port).Exec(ctx)
	return err
}
