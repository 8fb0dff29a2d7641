package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// Accounts lists the accounts that the caller sees, by number: its own, or all for an operator.
func (i *Identity) Accounts(ctx context.Context, caller *Caller) ([]*Account, error) {
	var accounts []*Account
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&accounts).Order("number")
		if !caller.Operator {
			q = q.Where("uid = ?", caller.Account)
		}
		return q.Scan(ctx)
	})
	return accounts, err
}

// Account finds one account that the caller sees.
func (i *Identity) Account(ctx context.Context, caller *Caller, uid string) (account *Account, err error) {
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, err = visibleAccount(ctx, tx, caller, uid)
		return err
	})
	return account, err
}

// Projects lists the projects of an account that the caller sees, by name; name filters exactly, empty means all. An account that it does not see has none.
func (i *Identity) Projects(ctx context.Context, caller *Caller, account, name string) ([]*Project, error) {
	var projects []*Project
	if !caller.Sees(account) {
		return nil, nil
	}
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&projects).Where("account = ?", account).Order("name")
		if name != "" {
			q = q.Where("name = ?", name)
		}
		return q.Scan(ctx)
	})
	return projects, err
}

// Users lists the users of an account that the caller sees, by name; name filters exactly, empty means all. An account that it does not see has none.
func (i *Identity) Users(ctx context.Context, caller *Caller, account, name string) ([]*User, error) {
	var users []*User
	if !caller.Sees(account) {
		return nil, nil
	}
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&users).ExcludeColumn("password", "initial").Where("account = ?", account).Order("name")
		if name != "" {
			q = q.Where("name = ?", name)
		}
		return q.Scan(ctx)
	})
	return users, err
}

// AccessKeys lists the keys of a user that the caller sees, oldest first, without their secrets.
func (i *Identity) AccessKeys(ctx context.Context, caller *Caller, user string) ([]*AccessKey, error) {
	var keys []*AccessKey
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := visibleUser(ctx, tx, caller, user); err != nil {
			return err
		}
		return tx.NewSelect().Model(&keys).ExcludeColumn("sealed").Where("user_uid = ?", user).Order("created", "id").Scan(ctx)
	})
	return keys, err
}

// AccessKey finds one key that the caller sees: of the own account, or, by an operator, any. Its secret is not shown.
func (i *Identity) AccessKey(ctx context.Context, caller *Caller, id string) (*AccessKey, error) {
	key := new(AccessKey)
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.NewSelect().Model(key).ExcludeColumn("sealed").Where("id = ?", id).Scan(ctx)
		if err == nil {
			_, err = visibleUser(ctx, tx, caller, key.User)
		}
		if store.NotFound(err) || fault.Is(err, fault.NotFound) {
			return fault.Missing("access key", id)
		}
		return err
	})
	return key, err
}
