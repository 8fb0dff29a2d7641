package network

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/store"
)

// NetworkFilter narrows a list of networks. Empty fields match any.
type NetworkFilter struct {
	ID      string // UID or slug
	Site    string // UID: only networks that are there
	Keyword string // part of the name
	Name    string // the whole of it
	ACL     string // part of the standard ACL's name
}

// ListStandardACLs is ListNetworks for the standard ACLs, with the number of each network's subnets.
func (n *Networks) ListStandardACLs(ctx context.Context, caller *identity.Caller, f NetworkFilter, page store.Page) (found []*Network, total int, err error) {
	if found, total, err = n.ListNetworks(ctx, caller, f, page); err != nil {
		return nil, 0, err
	}
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error { return countSubnets(ctx, tx, found) })
	return found, total, err
}

// ListNetworks gives a page of the caller's networks with the total, newest first.
func (n *Networks) ListNetworks(ctx context.Context, caller *identity.Caller, f NetworkFilter, page store.Page) (found []*Network, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Network)(nil)).Where("account = ?", caller.Account)).OrderExpr("uid DESC")
		if found, total, err = store.List[*Network](ctx, q, page); err != nil {
			return err
		}
		return loadSites(ctx, tx, found...)
	})
	return found, total, err
}

// ListNetworksFrom gives the caller's networks from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListNetworksFrom(ctx context.Context, caller *identity.Caller, f NetworkFilter, m store.Marker) (found []*Network, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Network)(nil)).Where("account = ?", caller.Account))
		if found, next, err = store.ListFrom(ctx, q, m, "slug", func(x *Network) string { return x.Slug }); err != nil {
			return err
		}
		return loadSites(ctx, tx, found...)
	})
	return found, next, err
}

// ListNetworksWithin gives some of the caller's networks with the number of their subnets and the total, oldest first.
func (n *Networks) ListNetworksWithin(ctx context.Context, caller *identity.Caller, f NetworkFilter, w store.Window) (found []*Network, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Network)(nil)).Where("account = ?", caller.Account)).OrderExpr("uid")
		if found, total, err = store.ListWindow[*Network](ctx, q, w); err != nil {
			return err
		}
		if err := loadSites(ctx, tx, found...); err != nil {
			return err
		}
		return countSubnets(ctx, tx, found)
	})
	return found, total, err
}

// countSubnets fills in how many subnets networks have: one statement for all.
func countSubnets(ctx context.Context, tx *store.Tx, networks []*Network) error {
	if len(networks) == 0 {
		return nil
	}
	byUID := map[string]*Network{}
	uids := make([]string, len(networks))
	for k, n := range networks {
		uids[k], byUID[n.UID] = n.UID, n
	}
	var counts []struct {
		Network string
		N       int
	}
	err := tx.NewSelect().Model((*Subnet)(nil)).Column("network").ColumnExpr("COUNT(*) AS n").Where("network IN (?)", bun.In(uids)).Group("network").Scan(ctx, &counts)
	for _, c := range counts {
		byUID[c.Network].Subnets = c.N
	}
	return err
}

func (f NetworkFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.ID != "" {
		q = q.Where("uid = ? OR slug = ?", f.ID, f.ID)
	}
	if f.Site != "" {
		q = q.Where("uid IN (SELECT r.network FROM routers AS r WHERE r.site = ?)", f.Site)
	}
	if f.Name != "" {
		q = q.Where("name = ?", f.Name)
	}
	if f.Keyword != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
	}
	if f.ACL != "" {
		q = q.Where("(acl_name LIKE ? ESCAPE '!' OR (acl_name = '' AND ?))", store.Contains(f.ACL), strings.Contains(StandardACLName, f.ACL))
	}
	return q
}
