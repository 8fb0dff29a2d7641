package network

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewSubnet is what a caller says of a subnet.
type NewSubnet struct {
	Network     string // UID or slug
	Site        string // UID; empty: the network's only one
	Name        string
	Description string
	CIDR        string
	Tags        []Tag
}

// CreateSubnet makes a subnet inside a network's range; it must not overlap another.
func (n *Networks) CreateSubnet(ctx context.Context, caller *identity.Caller, w NewSubnet) (s *Subnet, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkName(w.Name); err != nil {
		return nil, err
	}
	if err := checkDescription(w.Description); err != nil {
		return nil, err
	}
	prefix, err := parseCIDR("cidr", w.CIDR, 8, 29)
	if err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		net, err := FindNetwork(ctx, tx, caller, w.Network)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, net.UID); err != nil {
			return err
		}
		if err := mustFit(ctx, tx, net, prefix); err != nil {
			return err
		}
		site, err := siteFor(ctx, tx, net, w.Site)
		if err != nil {
			return err
		}
		s = &Subnet{Site: site, Name: w.Name, Description: w.Description, Kind: Custom, Tags: TagsOf(w.Tags)}
		if err := insertSubnet(ctx, tx, net, s, prefix); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
	return s, err
}

// siteFor decides where a new subnet of a network is to be.
func siteFor(ctx context.Context, tx *store.Tx, net *Network, wanted string) (string, error) {
	if net.Managed {
		return "", fault.New(fault.Denied, "The subnets of this network are made by the system where instances are placed.").About("subnet", "")
	}
	if wanted == "" && net.Site == "" {
		if err := loadSites(ctx, tx, net); err != nil {
			return "", err
		}
		if len(net.Sites) != 1 {
			return "", fault.BadField("site", "is required: the network spans sites")
		}
		return net.Sites[0], nil
	}
	if wanted != "" && net.Site != "" && wanted != net.Site {
		return "", fault.BadField("site", "must be the network's")
	}
	return cmp.Or(wanted, net.Site), nil
}

func mustFit(ctx context.Context, tx *store.Tx, net *Network, prefix netip.Prefix) error {
	if whole := net.Prefix(); prefix.Bits() < whole.Bits() || !whole.Contains(prefix.Addr()) {
		return fault.BadField("cidr", "must lie inside the network's range %s", net.CIDR)
	}
	var others []*Subnet
	if err := tx.NewSelect().Model(&others).Where("network = ?", net.UID).Scan(ctx); err != nil {
		return err
	}
	for _, o := range others {
		if o.Prefix().Overlaps(prefix) {
			return fault.New(fault.Conflict, "The range %s overlaps the subnet %s (%s).", prefix, o.Name, o.CIDR).On("cidr")
		}
	}
	return nil
}

func insertSubnet(ctx context.Context, tx *store.Tx, net *Network, s *Subnet, prefix netip.Prefix) error {
	s.UID, s.Slug, s.Created = tx.NewUID(), tx.NewSlug(), tx.Time()
	s.Account, s.Network, s.CIDR = net.Account, net.UID, prefix.String()
	s.Gateway, s.DNS, s.Cursor = prefix.Addr().Next().String(), defaultDNS, firstOffset
	if s.Kind != Default { // those that the system makes do not use the tenant's quota up, so that the whole default range can be had
		if err := quota.Count(ctx, tx, s.Account, quota.Change{Name: quota.Subnets, Scope: net.UID, Delta: 1}); err != nil {
			return err
		}
	}
	if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
		return fmt.Errorf("add subnet: %w", err)
	}
	if err := addRouter(ctx, tx, net, s.Site); err != nil {
		return err
	}
	return putSubnet(ctx, tx, s)
}

// addOwnSubnet gives a network whose subnets the system makes its next one at a site.
func addOwnSubnet(ctx context.Context, tx *store.Tx, net *Network, site string) (*Subnet, error) {
	bits := max(defaultSubnetBits, net.Prefix().Bits())
	prefix := netip.PrefixFrom(net.Prefix().Addr(), bits)
	for net.Prefix().Contains(prefix.Addr()) {
		err := mustFit(ctx, tx, net, prefix)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if err == nil {
			s := &Subnet{Site: site, Name: defaultName, Kind: Default}
			return s, insertSubnet(ctx, tx, net, s, prefix)
		}
		prefix = netip.PrefixFrom(lastOf(prefix).Next(), bits)
	}
	return nil, fault.New(fault.Capacity, "The network %s has no address left.", net.Name)
}

// FindSubnet finds the caller's subnet by UID or slug inside a transaction.
func FindSubnet(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Subnet, error) {
	s := new(Subnet)
	err := tx.NewSelect().Model(s).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("subnet", id)
	}
	return s, err
}

// SubnetFilter narrows a list of subnets. Empty fields match any; Network and Site are UIDs.
type SubnetFilter struct {
	Network string
	Site    string
	Keyword string
}

func (f SubnetFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.Network != "" {
		q = q.Where("network = ?", f.Network)
	}
	if f.Site != "" {
		q = q.Where("site = ?", f.Site)
	}
	if f.Keyword != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
	}
	return q
}

// ListSubnets gives a page of the caller's subnets with the total, newest first.
func (n *Networks) ListSubnets(ctx context.Context, caller *identity.Caller, f SubnetFilter, page store.Page) (found []*Subnet, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Subnet)(nil)).Where("account = ?", caller.Account)).OrderExpr("uid DESC")
		found, total, err = store.List[*Subnet](ctx, q, page)
		return err
	})
	return found, total, err
}

// ListSubnetsFrom gives the caller's subnets from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListSubnetsFrom(ctx context.Context, caller *identity.Caller, f SubnetFilter, m store.Marker) (found []*Subnet, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Subnet)(nil)).Where("account = ?", caller.Account))
		found, next, err = store.ListFrom(ctx, q, m, "slug", func(x *Subnet) string { return x.Slug })
		return err
	})
	return found, next, err
}

// SubnetUse tells how many addresses a subnet has for ports, and how many are taken.
type SubnetUse struct {
	Total int64
	Used  int64
}

// GetSubnet gives one subnet with its network and use.
func (n *Networks) GetSubnet(ctx context.Context, caller *identity.Caller, id string) (s *Subnet, net *Network, use SubnetUse, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = FindSubnet(ctx, tx, caller, id); err != nil {
			return err
		}
		if net, err = FindNetwork(ctx, tx, caller, s.Network); err != nil {
			return err
		}
		used, err := tx.NewSelect().Model((*Port)(nil)).Where("subnet = ?", s.UID).Count(ctx)
		use = SubnetUse{Total: usable(s.Prefix()), Used: int64(used)}
		return err
	})
	return s, net, use, err
}

// UpdateSubnet changes a subnet's name or description.
func (n *Networks) UpdateSubnet(ctx context.Context, caller *identity.Caller, id string, t Text) (s *Subnet, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = FindSubnet(ctx, tx, caller, id); err != nil {
			return err
		}
		s.Name, s.Description = t.apply(s.Name, s.Description)
		if _, err := tx.NewUpdate().Model(s).Column("name", "description").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
	return s, err
}

// DeleteSubnet removes a subnet that no port is on.
func (n *Networks) DeleteSubnet(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSubnet(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, s.Network); err != nil {
			return err
		}
		used, err := tx.NewSelect().Model((*Port)(nil)).Where("subnet = ?", s.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflicting("subnet", id, "The subnet has instances and cannot be deleted.")
		}
		if err := dropSubnet(ctx, tx, s); err != nil {
			return err
		}
		if s.Kind != Default {
			if err := quota.Count(ctx, tx, s.Account, quota.Change{Name: quota.Subnets, Scope: s.Network, Delta: -1}); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
}

func dropSubnet(ctx context.Context, tx *store.Tx, s *Subnet) error {
	if _, err := tx.NewDelete().Model(s).WherePK().Exec(ctx); err != nil {
		return err
	}
	return link.Delete(ctx, tx, spec.SiteTarget(s.Site), spec.KindSubnet, s.UID)
}
