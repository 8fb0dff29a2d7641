package place

import (
	"context"
	"fmt"
	"net/netip"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// NewSite is what an operator says of a site that is to be added.
type NewSite struct {
	Default
	// Lines are its uplinks; a site without one has no public addresses.
	Lines []NewLine
}

// NewLine is what an operator says of an uplink.
type NewLine struct {
	Carrier         Carrier
	PhysicalNetwork string // OVN's bridge mapping on the gateway hosts
	VLAN            int
	Prefix          netip.Prefix
	Gateway         netip.Addr
	First, Last     netip.Addr // zero: all of the prefix but its first two addresses and the last one
	// SNAT lets ports without a public address reach out by the address of their network's router: each network at the site takes one of the line's.
	SNAT bool
	IPv6 Block6
}

// AddSite adds a site with its lines. For operators.
func (p *Place) AddSite(ctx context.Context, caller *identity.Caller, n NewSite) (*Site, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if n.Name == "" {
		return nil, fault.BadField("name", "a site needs a name, such as cn-hangzhou-cm")
	}
	if !n.Carrier.Known() {
		return nil, fault.BadField("carrier", "must be CHINA_MOBILE, CHINA_UNICOM, CHINA_TELECOM, TRIPLE_LINE or BGP")
	}
	var site *Site
	err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		exists, err := tx.NewSelect().Model((*Site)(nil)).Where("name = ?", n.Name).Exists(ctx)
		if err != nil {
			return err
		}
		if exists {
			return fault.New(fault.Exists, "There is a site named %q already.", n.Name).On("name")
		}
		if site, err = addSite(ctx, tx, n.Default); err != nil {
			return err
		}
		for _, l := range n.Lines {
			if err := addLine(ctx, tx, site.UID, l); err != nil {
				return err
			}
		}
		tx.AfterCommit(p.forget)
		return nil
	})
	return site, err
}

// EnsureLine gives a site an uplink unless it has one of that carrier. Used when a cloud is set up.
func (p *Place) EnsureLine(ctx context.Context, site string, l NewLine) error {
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		exists, err := tx.NewSelect().Model((*Line)(nil)).Where("site = ? AND carrier = ?", site, l.Carrier).Exists(ctx)
		if err != nil || exists {
			return err
		}
		tx.AfterCommit(p.forget)
		return addLine(ctx, tx, site, l)
	})
}

// KeepOnly disables every site but the named ones: a cloud shows the places it really has.
func (p *Place) KeepOnly(ctx context.Context, names []string) error {
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(p.forget)
		return enableOnly(ctx, tx, names)
	})
}

func enableOnly(ctx context.Context, tx *store.Tx, names []string) error {
	var all []*Site
	if err := tx.NewSelect().Model(&all).Scan(ctx); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, n := range names {
		keep[n] = true
	}
	for _, s := range all {
		if s.Enabled == keep[s.Name] {
			continue
		}
		if _, err := tx.NewUpdate().Model((*Site)(nil)).Set("enabled = ?", keep[s.Name]).Where("uid = ?", s.UID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func addLine(ctx context.Context, tx *store.Tx, site string, n NewLine) error {
	l := &Line{UID: tx.NewUID(), Site: site, Carrier: n.Carrier}
	if err := l.set(n); err != nil {
		return err
	}
	if err := l.setIPv6(n.IPv6); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(l).Exec(ctx); err != nil {
		return fmt.Errorf("add line to site %s: %w", site, err)
	}
	return nil
}

// set checks what is said of a line and takes it into the row, IPv6 left aside.
func (l *Line) set(n NewLine) error {
	if !n.Prefix.IsValid() || !n.Prefix.Addr().Is4() || n.Prefix.Bits() > 29 {
		return fault.BadField("prefix", "must be an IPv4 CIDR of /29 or larger")
	}
	if n.Prefix != n.Prefix.Masked() {
		return fault.BadField("prefix", "must be a network address, such as %s", n.Prefix.Masked())
	}
	if !n.Prefix.Contains(n.Gateway) {
		return fault.BadField("gateway", "must lie in %s", n.Prefix)
	}
	first, last := n.First, n.Last
	if !first.IsValid() {
		first = n.Prefix.Addr().Next().Next()
	}
	if !last.IsValid() {
		last = lastAddress(n.Prefix).Prev()
	}
	if !n.Prefix.Contains(first) || !n.Prefix.Contains(last) || last.Less(first) {
		return fault.BadField("first", "first and last must lie in %s, in this order", n.Prefix)
	}
	l.PhysicalNetwork, l.VLAN, l.Prefix, l.Gateway = n.PhysicalNetwork, n.VLAN, n.Prefix.String(), n.Gateway.String()
	l.First, l.Last, l.SNAT = first.String(), last.String(), n.SNAT
	return nil
}

func lastAddress(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// Lines lists the uplinks of a site inside a transaction.
func Lines(ctx context.Context, tx *store.Tx, site string) ([]*Line, error) {
	var lines []*Line
	err := tx.NewSelect().Model(&lines).Where("site = ?", site).Order("carrier").Scan(ctx)
	return lines, err
}
