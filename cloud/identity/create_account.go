package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// CreateAccount makes an account with a project named after the region. Operators only. A taken name is fault.Exists.
func (i *Identity) CreateAccount(ctx context.Context, caller *Caller, name string) (*Account, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	var account *Account
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		account, _, err = i.createAccount(ctx, tx, name)
		return err
	})
	return account, exists(err, "account", name)
}

func (i *Identity) createAccount(ctx context.Context, tx *store.Tx, name string) (*Account, *Project, error) {
	var number int64
	err := tx.NewRaw("UPDATE account_numbers SET next = next + 1 WHERE name = 'account' RETURNING next - 1").Scan(ctx, &number)
	if err != nil {
		return nil, nil, err
	}
	account := &Account{UID: newUID(tx), Number: number, Name: name, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(account).Exec(ctx); err != nil {
		return nil, nil, err
	}
	project := &Project{UID: newUID(tx), Account: account.UID, Name: i.region, Created: tx.Time()}
	_, err = tx.NewInsert().Model(project).Exec(ctx)
	return account, project, err
}

// maxProjects is how many projects an account may have.
const maxProjects = 100

// CreateProject makes a project in the caller's account, or, by an operator, in any.
func (i *Identity) CreateProject(ctx context.Context, caller *Caller, account, name string) (*Project, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	var project *Project
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		owner, err := visibleAccount(ctx, tx, caller, account)
		if err != nil {
			return err
		}
		n, err := tx.NewSelect().Model((*Project)(nil)).Where("account = ?", owner.UID).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxProjects {
			return fault.OverQuota("projects", int64(n), 1, maxProjects)
		}
		project = &Project{UID: newUID(tx), Account: owner.UID, Name: name, Created: tx.Time()}
		_, err = tx.NewInsert().Model(project).Exec(ctx)
		return err
	})
	return project, exists(err, "project", name)
}

// exists turns a broken unique index into a fault.
func exists(err error, resource, name string) error {
	if _, broken := store.IsUnique(err); broken {
		return fault.New(fault.Exists, "The %s name %q is taken.", resource, name).About(resource, name).On("name")
	}
	return err
}
