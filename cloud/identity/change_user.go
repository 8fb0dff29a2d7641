package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// SetPassword gives a user a new password and ends its logins. A user may change its own, an operator any. A reader may, too: it changes no resource.
func (i *Identity) SetPassword(ctx context.Context, caller *Caller, user, password string) error {
	if !caller.Operator && caller.User != user {
		return fault.Missing("user", user)
	}
	phc, err := i.hashNew(ctx, password)
	if err != nil {
		return err
	}
	return i.changeUser(ctx, caller, user, func(u *User) error {
		u.Password, u.Initial = phc, nil
		return nil
	})
}

// DisableUser shuts a user and its keys out, or lets them in again. Operators only, and not themselves.
func (i *Identity) DisableUser(ctx context.Context, caller *Caller, user string, disabled bool) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	if caller.User == user {
		return fault.Conflicting("user", user, "An operator cannot disable the own user.")
	}
	return i.changeUser(ctx, caller, user, func(u *User) error {
		u.Disabled = disabled
		return nil
	})
}

// SetRole gives a user another role. Operators only, and not themselves: the last operator must stay one.
func (i *Identity) SetRole(ctx context.Context, caller *Caller, user string, role Role) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	if !role.Valid() {
		return fault.BadField("role", "must be admin, member or reader")
	}
	if caller.User == user {
		return fault.Conflicting("user", user, "An operator cannot change the own role.")
	}
	return i.changeUser(ctx, caller, user, func(u *User) error {
		u.Role = role
		return nil
	})
}

// changeUser changes a user and ends its logins.
func (i *Identity) changeUser(ctx context.Context, caller *Caller, user string, change func(*User) error) error {
	return i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		u, err := visibleUser(ctx, tx, caller, user)
		if err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(u).WherePK().Exec(ctx); err != nil {
			return err
		}
		i.forget(tx)
		_, err = tx.NewDelete().Model((*tokenRow)(nil)).Where("user_uid = ?", user).Exec(ctx)
		return err
	})
}
