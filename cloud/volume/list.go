package volume

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Filter narrows a list of volumes. Empty fields match any.
type Filter struct {
	Name     string // part of it
	Phase    spec.Phase
	Attached *bool // whether it is on an instance
}

// List gives a window of the caller's volumes, oldest first, with the total.
func List(ctx context.Context, db *store.DB, caller *identity.Caller, f Filter, w store.Window) (found []*Volume, total int, err error) {
	err = db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*Volume)(nil)).Where("account = ?", caller.Account).Order("uid")
		if f.Name != "" {
			q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Name))
		}
		if f.Phase != "" {
			q = q.Where("phase = ?", f.Phase)
		}
		if f.Attached != nil {
			q = q.Where("(instance <> '') = ?", *f.Attached)
		}
		found, total, err = store.ListWindow[*Volume](ctx, q, w)
		return err
	})
	return found, total, err
}

// Get finds one of the caller's volumes by UID or slug.
func Get(ctx context.Context, db *store.DB, caller *identity.Caller, id string) (*Volume, error) {
	v := new(Volume)
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(v).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	})
	if store.NotFound(err) {
		return nil, fault.Missing("volume", id)
	}
	return v, err
}
