package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/store"
)

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

// ListSubnetsWithin gives some of the caller's subnets with the total, oldest first.
func (n *Networks) ListSubnetsWithin(ctx context.Context, caller *identity.Caller, f SubnetFilter, w store.Window) (found []*Subnet, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Subnet)(nil)).Where("account = ?", caller.Account)).OrderExpr("uid")
		found, total, err = store.ListWindow[*Subnet](ctx, q, w)
		return err
	})
	return found, total, err
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
		used, err := tx.NewSelect().Model((*Port)(nil)).Where("subnet = ? AND kind <> ?", s.UID, Gateway).Count(ctx)
		use = SubnetUse{Total: usable(s.Prefix()), Used: int64(used)}
		return err
	})
	return s, net, use, err
}
