package admin

import (
	"context"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/accounts"
)

func (d *Door) accounts() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateToken:   d.createToken,
		wire.OpListAccounts:  d.listAccounts,
		wire.OpCreateAccount: d.createAccount,
		wire.OpGetAccount:    d.getAccount,
		wire.OpUpdateAccount: d.updateAccount,
	}
}

func (d *Door) createToken(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateTokenRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	bearer, token, err := d.Identity.Login(ctx, identity.Login{UserName: in.User, AccountName: in.Account, Account: in.Account, Password: in.Password,
		Scope: identity.AccountScope, ScopeAccountName: in.Account})
	if err != nil {
		return nil, err
	}
	return created(wire.Token{Token: bearer, Account: token.Account, User: token.User, Expires: token.ExpiresAt.UTC().Format(time.RFC3339)}), nil
}

func (d *Door) listAccounts(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	all, err := d.Identity.Accounts(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(a *identity.Account) string { return a.UID })
	out := wire.AccountList{Next: next}
	for _, a := range some {
		out.Accounts = append(out.Accounts, account(a))
	}
	return dialect.OK(out), nil
}

func account(a *identity.Account) wire.Account {
	return wire.Account{ID: a.UID, Number: a.Number, Name: a.Name, Suspended: a.Suspended, Created: stamp(a.Created)}
}

func (d *Door) createAccount(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateAccountRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var out wire.CreatedAccount
	err := d.noted(ctx, c, "account", func(ctx context.Context) (string, error) {
		a, err := d.Identity.CreateAccount(ctx, c.Caller, in.Name)
		if err != nil {
			return "", err
		}
		out = wire.CreatedAccount{Account: account(a)}
		if in.User == nil {
			return a.UID, nil
		}
		u, err := d.Identity.CreateUser(ctx, c.Caller, identity.NewUser{Account: a.UID, Name: in.User.Name, Role: identity.Role(in.User.Role), Password: scalar.Value(in.User.Password)})
		if err != nil {
			return "", err
		}
		out.User = new(user(u))
		return a.UID, nil
	})
	if err != nil {
		return nil, err
	}
	return created(out), nil
}

func (d *Door) getAccount(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	a, err := d.Identity.Account(ctx, c.Caller, c.Path("accountId"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(account(a)), nil
}

func (d *Door) updateAccount(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateAccountRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	id := c.Path("accountId")
	err := d.noted(ctx, c, "account", func(ctx context.Context) (string, error) {
		return id, d.Identity.SuspendAccount(ctx, c.Caller, id, bool(in.Suspended))
	})
	if err != nil {
		return nil, err
	}
	return d.getAccount(ctx, c)
}
