package identity

import (
	"context"
	"fmt"

	"edgecloud/fault"
	"edgecloud/store"
)

// The first operator.
const (
	AdminAccount = "edgecloud"
	AdminUser    = "admin"
)

// FirstAdmin is the first operator with its credentials.
type FirstAdmin struct {
	Account  *Account
	Project  *Project
	User     *User
	Password string // empty once it was changed
	Key      Key    // the oldest access key that is enabled
}

// EnsureAdmin makes the first operator with an account, a random password and an access key, or finds what it made before: `edgecloud up` shows the same
// credentials at every start. The password rests sealed until the operator changes it. A first operator whose keys were all switched off or removed on
// purpose gets a new one, since whoever starts the server holds its master key anyway.
func (i *Identity) EnsureAdmin(ctx context.Context) (*FirstAdmin, error) {
	found, err := i.findAdmin(ctx)
	if err != nil || found != nil {
		return found, err
	}
	password := i.db.Token(20)
	phc, err := i.hashNew(ctx, password)
	if err != nil {
		return nil, err
	}
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		account, _, err := i.createAccount(ctx, tx, AdminAccount)
		if err != nil {
			return err
		}
		uid := newUID(tx)
		sealed := i.ring.Seal([]byte(password), initialFor(uid))
		user := &User{UID: uid, Account: account.UID, Name: AdminUser, Role: Admin, Password: phc, Initial: sealed, Created: tx.Time()}
		_, err = tx.NewInsert().Model(user).Exec(ctx)
		return err
	})
	// Another server that starts at the same time may have been first: then its operator is the one.
	if _, taken := store.IsUnique(err); err != nil && !taken {
		return nil, err
	}
	found, err = i.findAdmin(ctx)
	if err == nil && found == nil {
		err = fault.New(fault.Conflict, "The account %q exists without its user %q.", AdminAccount, AdminUser)
	}
	return found, err
}

// findAdmin gives nil if there is none yet.
func (i *Identity) findAdmin(ctx context.Context) (*FirstAdmin, error) {
	f := &FirstAdmin{Account: new(Account), Project: new(Project), User: new(User)}
	var key AccessKey
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.NewSelect().Model(f.Account).Where("name = ?", AdminAccount).Scan(ctx); err != nil {
			return err
		}
		if err := tx.NewSelect().Model(f.User).Where("account = ?", f.Account.UID).Where("name = ?", AdminUser).Scan(ctx); err != nil {
			return err
		}
		if err := i.ensureProject(ctx, tx, f); err != nil {
			return err
		}
		err := tx.NewSelect().Model(&key).Where("user_uid = ?", f.User.UID).Where("enabled").Order("created", "id").Limit(1).Scan(ctx)
		if !store.NotFound(err) {
			return err
		}
		made, _, err := i.createKey(ctx, tx, f.User.UID)
		if err == nil {
			key = *made
		}
		return err
	})
	if store.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return f, i.openAdmin(ctx, f, key.ID)
}

// ensureProject follows a region that got another name since.
func (i *Identity) ensureProject(ctx context.Context, tx *store.Tx, f *FirstAdmin) error {
	err := tx.NewSelect().Model(f.Project).Where("account = ?", f.Account.UID).Where("name = ?", i.region).Scan(ctx)
	if !store.NotFound(err) {
		return err
	}
	*f.Project = Project{UID: newUID(tx), Account: f.Account.UID, Name: i.region, Created: tx.Time()}
	_, err = tx.NewInsert().Model(f.Project).Exec(ctx)
	return err
}

func (i *Identity) openAdmin(ctx context.Context, f *FirstAdmin, keyID string) error {
	if len(f.User.Initial) > 0 {
		password, err := i.ring.Open(f.User.Initial, initialFor(f.User.UID))
		if err != nil {
			return fmt.Errorf("identity: opening the first password: %w", err)
		}
		f.Password = string(password)
	}
	var err error
	f.Key, err = i.Key(ctx, keyID)
	return err
}

func initialFor(user string) []byte { return []byte("identity/initial_password/" + user) }
