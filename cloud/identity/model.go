package identity

import (
	"github.com/uptrace/bun"

	"edgecloud/store"
)

// Account owns resources and pays: the tenancy boundary.
type Account struct {
	bun.BaseModel `bun:"table:accounts,alias:account"`

	UID       string     `bun:"uid,pk"` // 32 hex digits, as bec and iec show it
	Number    int64      `bun:"number"` // from 1000000001 and never used again, as tcebms shows it (uin, AppId)
	Name      string     `bun:"name"`
	Suspended bool       `bun:"suspended"`
	Created   store.Time `bun:"created"`
}

// Project is a partition inside an account. Every account has one that is named after the region, since clients look it up by that name.
type Project struct {
	bun.BaseModel `bun:"table:projects,alias:project"`

	UID     string     `bun:"uid,pk"` // 32 hex digits
	Account string     `bun:"account"`
	Name    string     `bun:"name"`
	Created store.Time `bun:"created"`
}

// User signs in with a password and signs requests with access keys.
type User struct {
	bun.BaseModel `bun:"table:users,alias:users"`

	UID      string     `bun:"uid,pk"` // 32 hex digits
	Account  string     `bun:"account"`
	Name     string     `bun:"name"` // unique within the account
	Role     Role       `bun:"role"`
	Password string     `bun:"password" json:"-"` // argon2id, a PHC string; empty: no login
	Initial  []byte     `bun:"initial" json:"-"`  // sealed; see EnsureAdmin
	Disabled bool       `bun:"disabled"`
	Created  store.Time `bun:"created"`
}

// AccessKey is an access key as it is listed: without its secret.
type AccessKey struct {
	bun.BaseModel `bun:"table:access_keys,alias:access_key"`

	ID      string     `bun:"id,pk"`
	User    string     `bun:"user_uid"`
	Sealed  []byte     `bun:"sealed" json:"-"`
	Enabled bool       `bun:"enabled"`
	Created store.Time `bun:"created"`
}

// tokenRow is a token at rest.
type tokenRow struct {
	bun.BaseModel `bun:"table:tokens,alias:token"`

	UID     string     `bun:"uid,pk"`
	Hash    string     `bun:"hash"`
	User    string     `bun:"user_uid"`
	Scope   Scope      `bun:"scope"`
	Project string     `bun:"project,nullzero"`
	Methods string     `bun:"methods"` // joined by commas
	Issued  store.Time `bun:"issued"`
	Expires store.Time `bun:"expires"`
}
