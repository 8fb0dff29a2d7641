package admin

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/accounts"
	"edgecloud/fault"
)

func (d *Door) users() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListUsers:       d.listUsers,
		wire.OpCreateUser:      d.createUser,
		wire.OpUpdateUser:      d.updateUser,
		wire.OpListAccessKeys:  d.listKeys,
		wire.OpCreateAccessKey: d.createKey,
		wire.OpUpdateAccessKey: d.updateKey,
		wire.OpDeleteAccessKey: d.deleteKey,
	}
}

func user(u *identity.User) wire.User {
	return wire.User{ID: u.UID, Account: u.Account, Name: u.Name, Role: string(u.Role), Disabled: u.Disabled, Created: stamp(u.Created)}
}

func (d *Door) listUsers(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	a, err := d.Identity.Account(ctx, c.Caller, c.Path("accountId")) // an account that is not visible is not found, rather than empty
	if err != nil {
		return nil, err
	}
	all, err := d.Identity.Users(ctx, c.Caller, a.UID, "")
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(u *identity.User) string { return u.UID })
	out := wire.UserList{Next: next}
	for _, u := range some {
		out.Users = append(out.Users, user(u))
	}
	return dialect.OK(out), nil
}

func (d *Door) createUser(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateUserRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var made *identity.User
	err := d.noted(ctx, c, "user", func(ctx context.Context) (_ string, err error) {
		made, err = d.Identity.CreateUser(ctx, c.Caller, identity.NewUser{Account: c.Path("accountId"), Name: in.Name, Role: identity.Role(in.Role), Password: scalar.Value(in.Password)})
		if err != nil {
			return "", err
		}
		return made.UID, nil
	})
	if err != nil {
		return nil, err
	}
	return created(user(made)), nil
}

func (d *Door) updateUser(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateUserRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	id := c.Path("userId")
	err := d.noted(ctx, c, "user", func(ctx context.Context) (string, error) {
		return id, d.changeUser(ctx, c.Caller, id, in)
	})
	if err != nil {
		return nil, err
	}
	u, err := d.findUser(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	return dialect.OK(user(u)), nil
}

func (d *Door) changeUser(ctx context.Context, caller *identity.Caller, id string, in wire.UpdateUserRequest) error {
	if in.Role == nil && in.Password == nil && in.Disabled == nil {
		return fault.BadField("role", "name what shall change: role, password or disabled")
	}
	if in.Role != nil {
		if err := d.Identity.SetRole(ctx, caller, id, identity.Role(*in.Role)); err != nil {
			return err
		}
	}
	if in.Password != nil {
		if err := d.Identity.SetPassword(ctx, caller, id, *in.Password); err != nil {
			return err
		}
	}
	if in.Disabled != nil {
		return d.Identity.DisableUser(ctx, caller, id, bool(*in.Disabled))
	}
	return nil
}

// findUser looks in the accounts that the caller sees.
func (d *Door) findUser(ctx context.Context, caller *identity.Caller, id string) (*identity.User, error) {
	accounts, err := d.Identity.Accounts(ctx, caller)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		users, err := d.Identity.Users(ctx, caller, a.UID, "")
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if u.UID == id {
				return u, nil
			}
		}
	}
	return nil, fault.Missing("user", id)
}

func key(k *identity.AccessKey) wire.AccessKey {
	return wire.AccessKey{ID: k.ID, User: k.User, Enabled: k.Enabled, Created: stamp(k.Created)}
}

func (d *Door) listKeys(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	all, err := d.Identity.AccessKeys(ctx, c.Caller, c.Path("userId"))
	if err != nil {
		return nil, err
	}
	var out wire.AccessKeyList
	for _, k := range all {
		out.AccessKeys = append(out.AccessKeys, key(k))
	}
	return dialect.OK(out), nil
}

func (d *Door) createKey(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var out wire.CreatedAccessKey
	err := d.noted(ctx, c, "access_key", func(ctx context.Context) (string, error) {
		k, secret, err := d.Identity.CreateKey(ctx, c.Caller, c.Path("userId"))
		if err != nil {
			return "", err
		}
		out = wire.CreatedAccessKey{ID: k.ID, Secret: secret, User: k.User, Created: stamp(k.Created)}
		return k.ID, nil
	})
	if err != nil {
		return nil, err
	}
	return created(out), nil
}

func (d *Door) updateKey(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateAccessKeyRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	id := c.Path("accessKeyId")
	err := d.noted(ctx, c, "access_key", func(ctx context.Context) (string, error) {
		return id, d.Identity.EnableKey(ctx, c.Caller, id, bool(in.Enabled))
	})
	if err != nil {
		return nil, err
	}
	k, err := d.Identity.AccessKey(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	return dialect.OK(key(k)), nil
}

func (d *Door) deleteKey(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id := c.Path("accessKeyId")
	err := d.noted(ctx, c, "access_key", func(ctx context.Context) (string, error) {
		return id, d.Identity.DeleteKey(ctx, c.Caller, id)
	})
	if err != nil {
		return nil, err
	}
	return gone(), nil
}
