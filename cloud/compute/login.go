package compute

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/GehirnInc/crypt/sha512_crypt"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// Login is how people get into an instance: a password, key pairs, or both.
type Login struct {
	PasswordHash string   // made by HashPassword
	Keys         []string // UIDs, slugs or names of key pairs
	None         bool     // nobody need be let in: the user data may see to it
}

// maxKeys is how many key pairs an instance can have (BEC console guide, lines 1288 and 1727).
const maxKeys = 10

func (l Login) check() error {
	if l.PasswordHash == "" && len(l.Keys) == 0 && !l.None {
		return fault.BadField("adminPass", "a password or a key pair must be given")
	}
	if len(l.Keys) > maxKeys {
		return fault.BadField("keypairId", "at most %d key pairs can be given", maxKeys)
	}
	return nil
}

// saltCharacters are those of crypt(3).
const saltCharacters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// HashPassword makes a crypt(3) SHA-512 hash, the only form in which a guest's password is kept. It takes some milliseconds of a processor: call it outside
// transactions.
func HashPassword(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	for i, b := range salt {
		salt[i] = saltCharacters[int(b)%len(saltCharacters)]
	}
	hash, err := sha512_crypt.New().Generate([]byte(password), append([]byte("$6$"), salt...))
	if err != nil {
		return "", fmt.Errorf("hash a guest's password: %w", err)
	}
	return hash, nil
}

// resolveKeys turns names of key pairs into UIDs.
func resolveKeys(ctx context.Context, tx *store.Tx, caller *identity.Caller, ids []string) ([]string, error) {
	uids := make([]string, 0, len(ids))
	for _, id := range ids {
		k, err := findKeyPair(ctx, tx, caller, id)
		if err != nil {
			return nil, fault.From(err).On("keypairId")
		}
		uids = append(uids, k.UID)
	}
	return uids, nil
}

func findKeyPair(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*KeyPair, error) {
	k := new(KeyPair)
	err := tx.NewSelect().Model(k).Where("account = ?", caller.Account).Where("uid = ? OR slug = ? OR name = ?", id, id, id).
		OrderExpr("CASE WHEN name = ? THEN 0 ELSE 1 END", id).Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("key pair", id)
	}
	return k, err
}
