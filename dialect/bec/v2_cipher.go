package bec

import (
	"context"
	"encoding/hex"

	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2cipher"
	"edgecloud/fault"
)

func (d *Door) v2Ciphers() dialect.Handlers {
	return dialect.Handlers{wire.OpEncryptCipher: d.v2Encrypt}
}

// maxRaw is the longest plaintext that is encrypted: no password is longer than 32 characters, but their rule is the business call's to check.
const maxRaw = 256

// v2Encrypt encrypts with the secret of the key that signed the call. It keeps nothing, so that the same text gives the same cipher again.
func (d *Door) v2Encrypt(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.EncryptRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	plain, err := hex.DecodeString(in.RawHex)
	if err != nil || len(plain) == 0 || len(plain) > maxRaw {
		return nil, fault.BadField("rawHex", "must be the hex digits of 1 to %d bytes", maxRaw)
	}
	if user := scalar.Value(in.UserID); user != "" && user != c.Caller.Account && user != c.Caller.User {
		return nil, fault.Missing("account", user).On("userId")
	}
	key, err := d.Identity.Key(ctx, c.Caller.KeyID)
	if err != nil {
		return nil, err
	}
	sealed, err := encrypt(key.Secret, plain)
	return dialect.OK(wire.EncryptResponse{AccessKeyID: &key.ID, CipherHex: &sealed}), err
}
