package balancer

import (
	"context"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// Balancers has the verbs.
type Balancers struct{ db *store.DB }

// New makes the verbs over a database.
func New(db *store.DB) *Balancers { return &Balancers{db: db} }

func find(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Balancer, error) {
	b := new(Balancer)
	err := tx.NewSelect().Model(b).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("balancer", id)
	}
	return b, err
}

// findLiving finds a balancer that is not being deleted. Changes of one go one after the other.
func findLiving(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Balancer, error) {
	b, err := find(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	if err := lock(ctx, tx, b); err != nil {
		return nil, err
	}
	if b.State == Deleting {
		return nil, fault.Conflicting("balancer", id, "The load balancer is being deleted.")
	}
	return b, nil
}

func lock(ctx context.Context, tx *store.Tx, b *Balancer) error {
	if _, err := tx.NewUpdate().Model(b).Set("revision = revision + 1").WherePK().Exec(ctx); err != nil {
		return err
	}
	return tx.NewSelect().Model(b).WherePK().Scan(ctx)
}

// change changes a balancer that is not being deleted, and tells its site.
func (n *Balancers) change(ctx context.Context, caller *identity.Caller, id string, change func(ctx context.Context, tx *store.Tx, b *Balancer) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := findLiving(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, b); err != nil {
			return err
		}
		if err := put(ctx, tx, b); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, b.UID)
	})
}
