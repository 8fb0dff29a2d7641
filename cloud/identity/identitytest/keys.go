// Package identitytest holds ready-made credentials for the tests of doors, so that signature checks can be tested without a database.
package identitytest

import (
	"context"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
)

// Keys is an identity.Keys in memory, by access key ID.
type Keys map[string]identity.Key

// Key finds a key.
func (k Keys) Key(_ context.Context, id string) (identity.Key, error) {
	key, ok := k[id]
	if !ok {
		return identity.Key{}, fault.Missing("access key", id)
	}
	return key, nil
}

// Tokens is an identity.Tokens in memory, by bearer, on a fixed clock.
type Tokens struct {
	Now    time.Time
	Issued map[string]identity.Token
}

// Token proves a token.
func (t Tokens) Token(_ context.Context, bearer string) (identity.Token, error) {
	token, ok := t.Issued[bearer]
	if !ok {
		return identity.Token{}, identity.Refuse(identity.InvalidToken, "The token is not valid.")
	}
	if !t.Now.Before(token.ExpiresAt) {
		return identity.Token{}, identity.Refuse(identity.ExpiredToken, "The token has expired.")
	}
	return token, nil
}

// The access keys of Set.
const (
	GoodKey      = "EC00000000000000000000000000GOOD"
	DisabledKey  = "EC000000000000000000000DISABLED0"
	OverKey      = "EC0000000000000000000000000OVER0"
	SuspendedKey = "EC00000000000000000000SUSPENDED0"
	ReaderKey    = "EC0000000000000000000000READER00"
	SessionKey   = "EC000000000000000000000SESSION00"
	Secret       = "secret/of+every-key.of.the_set00" // the secret of all of them
	SessionToken = "session-token-of-session-key"
)

// Set gives one key for each state that a key can be in.
func Set() Keys {
	who := identity.Principal{Account: "0a1b2c3d4e5f60718293a4b5c6d7e8f9", AccountNumber: 1000001, AccountName: "acme", User: "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", UserName: "root", Role: identity.Member}
	keys := Keys{}
	add := func(id string, change func(*identity.Key)) {
		k := identity.Key{ID: id, Secret: Secret, Enabled: true, Principal: who}
		change(&k)
		keys[id] = k
	}
	add(GoodKey, func(*identity.Key) {})
	add(DisabledKey, func(k *identity.Key) { k.Enabled = false })
	add(OverKey, func(k *identity.Key) { k.ExpiresAt = time.Unix(1, 0) })
	add(SuspendedKey, func(k *identity.Key) { k.Suspended = true })
	add(ReaderKey, func(k *identity.Key) { k.Role = identity.Reader })
	add(SessionKey, func(k *identity.Key) { k.SecurityToken = SessionToken })
	return keys
}
