package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// EnableKey switches an access key on or off: the caller's own, or, by an operator, any.
func (i *Identity) EnableKey(ctx context.Context, caller *Caller, id string, enabled bool) error {
	return i.changeKey(ctx, caller, id, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewUpdate().Model((*AccessKey)(nil)).Set("enabled = ?", enabled).Where("id = ?", id).Exec(ctx)
		return err
	})
}

// DeleteKey removes an access key: the caller's own, or, by an operator, any.
func (i *Identity) DeleteKey(ctx context.Context, caller *Caller, id string) error {
	return i.changeKey(ctx, caller, id, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewDelete().Model((*AccessKey)(nil)).Where("id = ?", id).Exec(ctx)
		return err
	})
}

func (i *Identity) changeKey(ctx context.Context, caller *Caller, id string, change func(context.Context, *store.Tx) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		key := new(AccessKey)
		err := tx.NewSelect().Model(key).ExcludeColumn("sealed").Where("id = ?", id).Scan(ctx)
		if store.NotFound(err) || (err == nil && !caller.Operator && key.User != caller.User) {
			return fault.Missing("access key", id)
		}
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { i.keys.drop(id) })
		return change(ctx, tx)
	})
}
