package network

import (
	"context"
	"net"
	"net/netip"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// PortChange changes a port; nil leaves a field. An address never changes.
type PortChange struct {
	Name   *string
	Pairs  *[]Pair   // replaces all
	Groups *[]string // UIDs or slugs of security groups; replaces all
}

func (c PortChange) check() error {
	if c.Name != nil && len([]rune(*c.Name)) > 255 {
		return fault.BadField("name", "must have at most 255 characters")
	}
	if c.Pairs == nil {
		return nil
	}
	for _, p := range *c.Pairs {
		if _, err := p.prefix(); err != nil {
			return err
		}
		if p.MAC != "" {
			if _, err := net.ParseMAC(p.MAC); err != nil {
				return fault.BadField("allowed_pairs.mac", "must be a MAC address, not %q", p.MAC)
			}
		}
	}
	return nil
}

// anySource is how a caller says that a port may send from, and get packets for, any address (IEC updatePort, "source/destination check off").
const anySource = "1.1.1.1/0"

// prefix reads the address of a pair. Any address is written 1.1.1.1/0 and in no other way.
func (p Pair) prefix() (netip.Prefix, error) {
	if a, err := netip.ParseAddr(p.Address); err == nil && a.Zone() == "" && !a.IsUnspecified() {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	r, err := netip.ParsePrefix(p.Address)
	if err != nil || r.Bits() == 0 && p.Address != anySource {
		return r, fault.BadField("allowed_pairs.address", "must be an address or a CIDR other than 0.0.0.0/0, not %q", p.Address)
	}
	return r.Masked(), nil
}

// UpdatePort changes the name, the allowed address pairs or the security groups of a NIC or a virtual IP. The pairs of a virtual IP name the NICs that may have it;
// those of a NIC, what it may send from and be sent besides its own address, a virtual IP's for one.
func (n *Networks) UpdatePort(ctx context.Context, caller *identity.Caller, id string, c PortChange) (p *PortDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		port, err := FindPort(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if port.Kind == Gateway {
			return fault.Conflicting("port", id, "A subnet's gateway port cannot be changed.")
		}
		if err := changePort(ctx, tx, caller, port, c); err != nil {
			return err
		}
		if p, err = findDetail(ctx, tx, caller, port.UID); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "port", port.UID)
	})
	return p, err
}

func changePort(ctx context.Context, tx *store.Tx, caller *identity.Caller, p *Port, c PortChange) error {
	set(&p.Name, c.Name)
	set(&p.Pairs.V, c.Pairs)
	if _, err := tx.NewUpdate().Model(p).Column("name", "allowed_pairs").WherePK().Exec(ctx); err != nil {
		return err
	}
	if c.Groups != nil {
		if err := setGroups(ctx, tx, caller, p, *c.Groups); err != nil {
			return err
		}
	}
	if p.Kind == NIC {
		return putLiving(ctx, tx, p)
	}
	if c.Pairs == nil {
		return nil
	}
	var addresses []string
	for _, pair := range *c.Pairs {
		if r, err := pair.prefix(); err == nil && r.IsSingleIP() {
			addresses = append(addresses, r.Addr().String())
		}
	}
	return bindTo(ctx, tx, p, addresses)
}

// setGroups puts a port into exactly the named groups. A NIC is in at least one.
func setGroups(ctx context.Context, tx *store.Tx, caller *identity.Caller, p *Port, ids []string) error {
	if len(ids) == 0 && p.Kind == NIC {
		return fault.Conflicting("port", p.UID, "An instance must stay in at least one security group.").On("security_groups")
	}
	if _, err := tx.NewDelete().Model((*PortGroup)(nil)).Where("port = ?", p.UID).Exec(ctx); err != nil {
		return err
	}
	for k, id := range ids {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return fault.From(err).On("security_groups")
		}
		if _, err := tx.NewInsert().Model(&PortGroup{Port: p.UID, Group: g.UID, Position: k}).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
		if p.Kind != NIC {
			continue
		}
		if err := useGroup(ctx, tx, g, p.Site); err != nil {
			return err
		}
	}
	return nil
}

// putLiving writes the spec of a NIC that its site has been told of. One that has none yet gets it by its instance's life cycle, and one with a tombstone is on
// its way out.
func putLiving(ctx context.Context, tx *store.Tx, p *Port) error {
	var body spec.Port
	living, err := link.Get(ctx, tx, spec.SiteTarget(p.Site), spec.KindPort, p.UID, &body)
	if err != nil || living == 0 {
		return err
	}
	return put(ctx, tx, []*Port{p})
}
