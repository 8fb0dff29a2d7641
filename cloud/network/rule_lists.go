package network

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/store"
)

// ListRules gives some of the caller's rules with the total, by group, oldest first. group is the UID or slug of their security group; empty: of all.
func (n *Networks) ListRules(ctx context.Context, caller *identity.Caller, group string, w store.Window) (found []*Rule, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		groups := tx.NewSelect().Model((*SecurityGroup)(nil)).Column("uid").Where("account = ?", caller.Account)
		if group != "" {
			groups = groups.Where("uid = ? OR slug = ?", group, group)
		}
		q := tx.NewSelect().Model((*Rule)(nil)).Where("grp IN (?)", groups).OrderExpr("grp, uid")
		found, total, err = store.ListWindow[*Rule](ctx, q, w)
		return err
	})
	return found, total, err
}

// GetRule gives one rule.
func (n *Networks) GetRule(ctx context.Context, caller *identity.Caller, id string) (r *Rule, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, _, err = findRule(ctx, tx, caller, "", id)
		return err
	})
	return r, err
}
