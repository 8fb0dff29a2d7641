package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

// NewUser says what a user shall be.
type NewUser struct {
	Account  string // uid
	Name     string
	Role     Role
	Password string // empty: the user signs with keys only
}

// CreateUser makes a user. Operators only.
func (i *Identity) CreateUser(ctx context.Context, caller *Caller, n NewUser) (*User, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	if err := checkName("name", n.Name); err != nil {
		return nil, err
	}
	if !n.Role.Valid() {
		return nil, fault.BadField("role", "must be admin, member or reader")
	}
	phc := ""
	if n.Password != "" {
		var err error
		if phc, err = i.hashNew(ctx, n.Password); err != nil {
			return nil, err
		}
	}
	var user *User
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := visibleAccount(ctx, tx, caller, n.Account); err != nil {
			return err
		}
		user = &User{UID: newUID(tx), Account: n.Account, Name: n.Name, Role: n.Role, Password: phc, Created: tx.Time()}
		_, err := tx.NewInsert().Model(user).Exec(ctx)
		return err
	})
	return user, exists(err, "user", n.Name)
}

func (i *Identity) hashNew(ctx context.Context, password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return i.hasher.hash(ctx, password, i.db.Token(saltSize))
}
