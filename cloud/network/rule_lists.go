package network

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/store"
)

// ListRules gives some of the caller's rules with the total, oldest first. group is the UID or slug of their security group; empty: of all.
func (n *Networks) ListRules(ctx context.Context, caller *identity.Caller, group string, w store.Window) (found []*Rule, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*Rule)(nil)).Join("JOIN security_groups AS g ON g.uid = rule.grp").Where("g.account = ?", caller.Account).OrderExpr("rule.uid")
		if group != "" {
			q = q.Where("g.uid = ? OR g.slug = ?", group, group)
		}
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
