package identity

import (
	"context"
	"time"

	"edgecloud/store"
)

// Login says who wants a token, by what, and for what. Names count within an account, so a user name comes with its account.
type Login struct {
	User        string // uid; or UserName with Account or AccountName
	UserName    string
	Account     string
	AccountName string
	Password    string
	Bearer      string // instead of user and password: a token of the same user; the new one lives no longer

	Scope            Scope
	ScopeAccount     string // AccountScope: uid or name of the account; ProjectScope: of the project's account, may be empty
	ScopeAccountName string
	ScopeProject     string // ProjectScope: uid, or name within the account
	ScopeProjectName string
}

// Login proves a user and gives a token for 24 hours: the bearer, which is kept nowhere, and what it stands for. A scope other than the user's own account is
// refused with ScopeDenied.
func (i *Identity) Login(ctx context.Context, l Login) (string, Token, error) {
	user, methods, expires, err := i.prove(ctx, l)
	if err != nil {
		return "", Token{}, err
	}
	var bearer string
	err = i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		project, err := scopeProject(ctx, tx, user, l)
		if err != nil {
			return err
		}
		bearer, _, err = i.issue(ctx, tx, user.User, l.Scope, project, methods, expires)
		return err
	})
	if err != nil {
		return "", Token{}, err
	}
	token, err := i.Token(ctx, bearer)
	return bearer, token, err
}

func (i *Identity) prove(ctx context.Context, l Login) (p Principal, methods []string, expires time.Time, err error) {
	if l.Bearer != "" {
		old, err := i.Token(ctx, l.Bearer)
		return old.Principal, []string{"token"}, old.ExpiresAt, err
	}
	p, err = i.provePassword(ctx, l)
	return p, []string{"password"}, i.db.Now().Add(TokenLife), err
}

// provePassword says the same, in the same time, about an unknown user and a wrong password.
func (i *Identity) provePassword(ctx context.Context, l Login) (Principal, error) {
	name := l.User + "\n" + l.UserName + "\n" + l.Account + "\n" + l.AccountName
	if i.failures.wait(name, i.db.Now()) > 0 {
		return Principal{}, Refuse(TooManyLoginFailures, "Too many failed logins; try again later.")
	}
	var row struct {
		principalRow
		Password string `bun:"password"`
	}
	err := i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().TableExpr("users").ColumnExpr("users.password, " + principalColumns).Join("JOIN accounts AS account ON account.uid = users.account")
		if l.User != "" {
			q = q.Where("users.uid = ?", l.User)
		} else {
			q = q.Where("users.name = ?", l.UserName).Where("account.uid = ? OR account.name = ?", l.Account, l.AccountName)
		}
		return q.Limit(1).Scan(ctx, &row)
	})
	if err != nil && !store.NotFound(err) {
		return Principal{}, err
	}
	fits, err := i.hasher.fits(ctx, l.Password, row.Password)
	if err != nil {
		return Principal{}, err
	}
	if !fits {
		i.failures.failed(name, i.db.Now())
		return Principal{}, Refuse(WrongPassword, "The username or password is wrong.")
	}
	i.failures.succeeded(name)
	p := row.principal()
	return p, p.usable()
}

// scopeProject finds the project that a login asks for, and refuses what is not the user's.
func scopeProject(ctx context.Context, tx *store.Tx, p Principal, l Login) (project string, err error) {
	denied := Refuse(ScopeDenied, "The scope is not the user's.")
	if l.Scope == Unscoped {
		return "", nil
	}
	named := l.ScopeAccount != "" || l.ScopeAccountName != ""
	if (l.ScopeAccount != "" && l.ScopeAccount != p.Account) || (l.ScopeAccountName != "" && l.ScopeAccountName != p.AccountName) {
		return "", denied
	}
	if l.Scope == AccountScope {
		if !named {
			return "", denied
		}
		return "", nil
	}
	q := tx.NewSelect().Model((*Project)(nil)).Column("uid").Where("account = ?", p.Account)
	if l.ScopeProject != "" {
		q = q.Where("uid = ?", l.ScopeProject)
	} else {
		q = q.Where("name = ?", l.ScopeProjectName)
	}
	err = q.Scan(ctx, &project)
	if store.NotFound(err) {
		return "", denied
	}
	return project, err
}
