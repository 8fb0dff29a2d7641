package identity

import (
	"context"

	"edgecloud/fault"
	"edgecloud/store"
)

const (
	keyIDSize  = 30 // after the prefix: 32 characters together, as bec's are
	secretSize = 40 // its first 16 characters are the AES key of bec's password rule
	keyPrefix  = "EC"
	maxKeys    = 20 // of a user; the vendors allow 2 to 20
)

// CreateKey makes an access key for a user: the caller's own, or, by an operator, any. The secret is in the answer and is never shown again.
func (i *Identity) CreateKey(ctx context.Context, caller *Caller, user string) (*AccessKey, string, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, "", err
	}
	if !caller.Operator && caller.User != user {
		return nil, "", fault.Missing("user", user)
	}
	var key *AccessKey
	var secret string
	err := i.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := visibleUser(ctx, tx, caller, user); err != nil {
			return err
		}
		n, err := tx.NewSelect().Model((*AccessKey)(nil)).Where("user_uid = ?", user).Count(ctx)
		if err != nil {
			return err
		}
		if n >= maxKeys {
			return fault.OverQuota("access keys of a user", int64(n), 1, maxKeys)
		}
		key, secret, err = i.createKey(ctx, tx, user)
		return err
	})
	return key, secret, err
}

func (i *Identity) createKey(ctx context.Context, tx *store.Tx, user string) (*AccessKey, string, error) {
	id, secret := keyPrefix+tx.Token(keyIDSize), tx.Token(secretSize)
	key := &AccessKey{ID: id, User: user, Sealed: i.ring.Seal([]byte(secret), sealedFor(id)), Enabled: true, Created: tx.Time()}
	_, err := tx.NewInsert().Model(key).Exec(ctx)
	return key, secret, err
}

// sealedFor binds a sealed secret to its key, so that one cannot be put in another's place.
func sealedFor(keyID string) []byte { return []byte("identity/access_key/" + keyID) }
