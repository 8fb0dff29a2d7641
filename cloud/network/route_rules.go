package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// RemoveRoute removes one route, named by UID or slug.
func (n *Networks) RemoveRoute(ctx context.Context, caller *identity.Caller, id string) (r *Route, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		r = new(Route)
		err := tx.NewSelect().Model(r).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
		if store.NotFound(err) {
			return fault.Missing("route", id)
		}
		if err != nil {
			return err
		}
		t, err := lockTable(ctx, tx, caller, r.Table)
		if fault.Is(err, fault.NotFound) {
			return fault.Missing("route", id)
		}
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, t.Account, quota.Change{Name: quota.Routes, Scope: t.UID, Delta: -1}); err != nil {
			return err
		}
		if err := putRoutes(ctx, tx, t); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
	return r, err
}

// CountRoutes tells how many routes tables have, by UID: their own, and one into each subnet of their network.
func (n *Networks) CountRoutes(ctx context.Context, tables []*RouteTable) (map[string]int, error) {
	counts := map[string]int{}
	if len(tables) == 0 {
		return counts, nil
	}
	var uids, networks []string
	for _, t := range tables {
		uids, networks = append(uids, t.UID), append(networks, t.Network)
	}
	type row struct {
		Of    string `bun:"of_what"`
		Count int    `bun:"count"`
	}
	var own, local []row
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.NewSelect().Model((*Route)(nil)).ColumnExpr("tbl AS of_what, COUNT(*) AS count").Where("tbl IN (?)", bun.In(uids)).GroupExpr("tbl").Scan(ctx, &own)
		if err != nil {
			return err
		}
		return tx.NewSelect().Model((*Subnet)(nil)).ColumnExpr("network AS of_what, COUNT(*) AS count").Where("network IN (?)", bun.In(networks)).GroupExpr("network").Scan(ctx, &local)
	})
	for _, r := range own {
		counts[r.Of] = r.Count
	}
	for _, r := range local {
		for _, t := range tables {
			if t.Network == r.Of {
				counts[t.UID] += r.Count
			}
		}
	}
	return counts, err
}
