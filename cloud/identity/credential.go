package identity

import (
	"context"
	"crypto/subtle"
	"time"
)

// Principal is who a credential speaks for, as it was when the credential was looked up.
type Principal struct {
	Account       string // uid, 32 hex digits
	AccountNumber int64
	AccountName   string
	Project       string // uid; empty means the account's whole
	ProjectName   string
	User          string // uid, 32 hex digits
	UserName      string
	Role          Role
	Disabled      bool // the user is switched off
	Suspended     bool // the account is suspended
}

// Key is an opened access key: what a signature check needs, and whom it speaks for.
type Key struct {
	ID            string
	Secret        string // in the clear, never logged and never sent
	SecurityToken string // of a temporary key; empty for a lasting one
	Enabled       bool
	ExpiresAt     time.Time // of a temporary key; zero for a lasting one
	Principal
}

// Keys finds access keys. An unknown key is a fault of kind NotFound; any other error is ours.
type Keys interface {
	Key(ctx context.Context, accessKeyID string) (Key, error)
}

// Tokens proves bearer tokens. An unknown, revoked or expired one is refused with a Reason.
type Tokens interface {
	Token(ctx context.Context, bearer string) (Token, error)
}

// Usable refuses a key that is switched off or over, or whose user or account is. Call it after the signature was found right, so that nobody without the secret
// learns the key's state.
func (k Key) Usable(now time.Time) error {
	if !k.Enabled || (!k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)) {
		return Refuse(DisabledKey, "The access key is disabled.")
	}
	return k.Principal.usable()
}

// CheckSecurityToken compares the session token that came with a request, in constant time; both are empty for a lasting key.
func (k Key) CheckSecurityToken(sent string) error {
	if subtle.ConstantTimeCompare([]byte(k.SecurityToken), []byte(sent)) != 1 {
		return Refuse(WrongSecurityToken, "The security token does not belong to the access key.")
	}
	return nil
}

// Caller makes the caller that the key speaks for.
func (k Key) Caller(dialect string) *Caller {
	c := k.Principal.caller(dialect)
	c.KeyID = k.ID
	return c
}

func (p Principal) usable() error {
	if p.Disabled {
		return Refuse(DisabledKey, "The user is disabled.")
	}
	if p.Suspended {
		return Refuse(SuspendedAccount, "The account is suspended.")
	}
	return nil
}

func (p Principal) caller(dialect string) *Caller {
	return &Caller{
		Account: p.Account, AccountNumber: p.AccountNumber, AccountName: p.AccountName, Project: p.Project, User: p.User, UserName: p.UserName,
		Role: p.Role, Operator: p.Role == Admin, ReadOnly: p.Role != Admin && p.Role != Member, Dialect: dialect,
	}
}

// Scope says how far a token reaches.
type Scope string

// The scopes of a token (Keystone v3).
const (
	Unscoped     Scope = ""        // proves who, opens nothing but identity's own lists
	AccountScope Scope = "account" // the whole account
	ProjectScope Scope = "project" // one project
)

// Token is a proven bearer token.
type Token struct {
	ID        string // uid of the token's row, not the bearer itself
	Scope     Scope
	IssuedAt  time.Time
	ExpiresAt time.Time
	Methods   []string // how it was got: "password", "token"
	Principal
}

// Caller makes the caller that the token speaks for.
func (t Token) Caller(dialect string) *Caller { return t.Principal.caller(dialect) }
