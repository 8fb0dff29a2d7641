package compute

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// keyBits is the length of the RSA keys made here: what all guests' SSH servers take.
const keyBits = 2048

// CreateKeyPair makes a key pair and gives its private key (PEM, PKCS #1), which is shown once and never kept.
func (c *Compute) CreateKeyPair(ctx context.Context, caller *identity.Caller, name string) (pair *KeyPair, private string, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, "", err
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, "", err
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return nil, "", err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))) + " " + madeHere
	pair, err = c.addKeyPair(ctx, caller, name, line, public)
	return pair, string(block), err
}

// madeHere ends the public keys of pairs that were made here (IEC's examples of key pairs).
const madeHere = "Generated-by-Nova"

// minKeyBits is the least length of an RSA key that may be imported (IEC: 1024, 2048 or 4096).
const minKeyBits = 1024

// ImportKeyPair keeps a public key, an authorized_keys line, under a name. The line stays as it was given, comment and all: clients compare it.
func (c *Compute) ImportKeyPair(ctx context.Context, caller *identity.Caller, name, line string) (*KeyPair, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	line = strings.TrimSpace(line)
	public, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil || len(rest) > 0 || len(options) > 0 {
		return nil, fault.BadField("public_key", "must be one line as in authorized_keys, such as \"ssh-ed25519 AAAA...\"")
	}
	if bits := rsaBits(public); bits > 0 && bits < minKeyBits {
		return nil, fault.BadField("public_key", "must be an RSA key of at least %d bits, not of %d", minKeyBits, bits)
	}
	return c.addKeyPair(ctx, caller, name, line, public)
}

// rsaBits is the length of an RSA key; 0 for keys of other algorithms.
func rsaBits(public ssh.PublicKey) int {
	wrapped, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	key, ok := wrapped.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return 0
	}
	return key.N.BitLen()
}

func (c *Compute) addKeyPair(ctx context.Context, caller *identity.Caller, name, line string, public ssh.PublicKey) (*KeyPair, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	var pair *KeyPair
	err := c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		pair = &KeyPair{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Owner: caller.User, Name: name, Created: tx.Time(),
			PublicKey: line, Fingerprint: ssh.FingerprintSHA256(public)}
		if _, err := tx.NewInsert().Model(pair).Exec(ctx); err != nil {
			if _, dup := store.IsUnique(err); dup {
				return fault.New(fault.Exists, "There is a key pair named %q already.", name).On("name").About("key pair", name)
			}
			return err
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.KeyPairs, Delta: 1}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "key pair", pair.UID)
	})
	return pair, err
}

// KeyPairs lists the caller's key pairs by name.
func (c *Compute) KeyPairs(ctx context.Context, caller *identity.Caller) (pairs []*KeyPair, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&pairs).Where("account = ?", caller.Account).Order("name").Scan(ctx)
	})
	return pairs, err
}

// KeyPair finds one of the caller's key pairs by UID, slug or name.
func (c *Compute) KeyPair(ctx context.Context, caller *identity.Caller, id string) (pair *KeyPair, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		pair, err = findKeyPair(ctx, tx, caller, id)
		return err
	})
	return pair, err
}

// DeleteKeyPair forgets a key pair. Instances that have it keep it.
func (c *Compute) DeleteKeyPair(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		pair, err := findKeyPair(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(pair).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.KeyPairs, Delta: -1}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "key pair", pair.UID)
	})
}
