package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// SuspendAccount shuts an account's users and keys out, or lets them in again. Its resources stay as they are. Operators only, and not their own account.
func (i *Identity) SuspendAccount(ctx context.Context, caller *Caller, account string, suspended bool) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	if account == caller.Account {
		return fault.Conflicting("account", account, "An operator cannot suspend the own account.")
	}
	return i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := visibleAccount(ctx, tx, caller, account); err != nil {
			return err
		}
		i.forget(tx)
		_, err := tx.NewUpdate().Model((*Account)(nil)).Set("suspended = ?", suspended).Where("uid = ?", account).Exec(ctx)
		return err
	})
}
