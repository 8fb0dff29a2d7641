package volume

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Filter narrows a list of volumes. Empty fields match any.
type Filter struct {
	Name     string // part of it
	Phase    spec.Phase
	Attached *bool  // whether it is on an instance
	Site     string // UID
	Instance string // UID
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.Name != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Name))
	}
	if f.Phase != "" {
		q = q.Where("phase = ?", f.Phase)
	}
	if f.Attached != nil {
		q = q.Where("(instance <> '') = ?", *f.Attached)
	}
	if f.Site != "" {
		q = q.Where("site = ?", f.Site)
	}
	if f.Instance != "" {
		q = q.Where("instance = ?", f.Instance)
	}
	return q.Where("NOT doomed")
}

// List gives a window of the caller's volumes, oldest first, with the total.
func List(ctx context.Context, db *store.DB, caller *identity.Caller, f Filter, w store.Window) (found []*Volume, total int, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Volume)(nil)).Where("account = ?", caller.Account)).Order("uid")
		found, total, err = store.ListWindow[*Volume](ctx, q, w)
		return err
	})
	return found, total, err
}

// ListFrom gives the caller's volumes from a marker (a slug, inclusive) on, in the order of slugs.
func ListFrom(ctx context.Context, db *store.DB, caller *identity.Caller, f Filter, m store.Marker) (found []*Volume, next string, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Volume)(nil)).Where("account = ?", caller.Account))
		found, next, err = store.ListFrom(ctx, q, m, "slug", func(v *Volume) string { return v.Slug })
		return err
	})
	return found, next, err
}

// Get finds one of the caller's volumes by UID or slug.
func Get(ctx context.Context, db *store.DB, caller *identity.Caller, id string) (v *Volume, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err = Find(ctx, tx, caller, id)
		return err
	})
	return v, err
}

// Find is Get inside a transaction.
func Find(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Volume, error) {
	v := new(Volume)
	err := tx.NewSelect().Model(v).Where("account = ? AND NOT doomed", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("volume", id)
	}
	return v, err
}
