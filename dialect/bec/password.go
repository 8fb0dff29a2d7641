package bec

import (
	"bytes"
	"context"
	"crypto/aes"
	"encoding/hex"
	"errors"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/dialect"
	"edgecloud/fault"
)

// cipherKeyHeader names the access key whose secret a password was encrypted with (conventions-v2, section 4).
const cipherKeyHeader = "X-Bce-Accesskey"

// secretPart is how many characters of a secret key are the AES-128 key.
const secretPart = aes.BlockSize

// guestPassword reads a password of a request: it decrypts it, holds the plaintext against the rule, and gives its hash. field names it in errors.
//
// A password is ciphertext: AES-128, key = first 16 characters of the SK, as hex (conventions-v2, section 4). The document names neither mode nor padding; every
// SDK of the vendor uses ECB with PKCS #5 (bce-sdk-go, util/crypto), and so do we. The key is the one that X-Bce-Accesskey names, else the one that signed. API
// 1.0 takes plain text too (NOTES, item 7). The two cannot be mixed up: hex has no symbol, which every password must have.
func (d *Door) guestPassword(ctx context.Context, c *dialect.Call, field, value string) (hash string, err error) {
	plain, err := d.plainPassword(ctx, c, field, value)
	if err != nil {
		return "", err
	}
	if err := checkPassword(field, plain); err != nil {
		return "", err
	}
	return compute.HashPassword(plain)
}

func (d *Door) plainPassword(ctx context.Context, c *dialect.Call, field, value string) (string, error) {
	sealed, err := hex.DecodeString(value)
	isCipher := err == nil && len(sealed) > 0 && len(sealed)%aes.BlockSize == 0
	if !isCipher && strings.HasPrefix(c.Request.URL.Path, "/v1/") {
		return value, nil
	}
	if !isCipher {
		return "", fault.BadField(field, "must be encrypted: hex digits of whole AES blocks, as POST /v2/ciphers/encrypt gives them")
	}
	key, err := d.cipherKey(ctx, c)
	if err != nil {
		return "", err
	}
	plain, err := decrypt(key.Secret, sealed)
	if err != nil {
		return "", fault.BadField(field, "cannot be decrypted with the secret of the access key %s", key.ID)
	}
	return plain, nil
}

// cipherKey finds the access key that a password was encrypted with: one of the caller's own account.
func (d *Door) cipherKey(ctx context.Context, c *dialect.Call) (identity.Key, error) {
	id := c.Request.Header.Get(cipherKeyHeader)
	if id == "" {
		id = c.Caller.KeyID
	}
	key, err := d.Identity.Key(ctx, id)
	if err == nil && key.Account != c.Caller.Account {
		err = fault.Missing("access key", id)
	}
	if fault.Is(err, fault.NotFound) {
		return key, fault.BadField(cipherKeyHeader, "names no access key of the account")
	}
	if err != nil {
		return key, err
	}
	if err := key.Usable(d.DB.Now()); err != nil {
		return key, fault.BadField(cipherKeyHeader, "names an access key that is disabled")
	}
	return key, nil
}

var errPadding = errors.New("the padding is wrong")

func encrypt(secret string, plain []byte) (string, error) {
	block, err := aes.NewCipher([]byte(secret[:min(len(secret), secretPart)]))
	if err != nil {
		return "", err
	}
	n := aes.BlockSize - len(plain)%aes.BlockSize
	out := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	for at := 0; at < len(out); at += aes.BlockSize {
		block.Encrypt(out[at:], out[at:])
	}
	return hex.EncodeToString(out), nil
}

// decrypt undoes encrypt. sealed is whole blocks.
func decrypt(secret string, sealed []byte) (string, error) {
	block, err := aes.NewCipher([]byte(secret[:min(len(secret), secretPart)]))
	if err != nil {
		return "", err
	}
	out := make([]byte, len(sealed))
	for at := 0; at < len(out); at += aes.BlockSize {
		block.Decrypt(out[at:], sealed[at:])
	}
	n := int(out[len(out)-1])
	if n < 1 || n > aes.BlockSize || !bytes.Equal(out[len(out)-n:], bytes.Repeat([]byte{byte(n)}, n)) {
		return "", errPadding
	}
	return string(out[:len(out)-n]), nil
}

const passwordSymbols = "!@#$%^+*()"

// checkPassword holds a guest's password against the rule (conventions-v2, section 4, item 5).
func checkPassword(field, plain string) error {
	var letters, digits, symbols, others int
	for _, r := range plain {
		switch {
		case 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			letters++
		case '0' <= r && r <= '9':
			digits++
		case strings.ContainsRune(passwordSymbols, r):
			symbols++
		default:
			others++
		}
	}
	if total := letters + digits + symbols; others > 0 || total < 8 || total > 32 || letters == 0 || digits == 0 || symbols == 0 {
		return fault.BadField(field, "must have 8 to 32 characters: letters, digits and symbols of %s, at least one of each", passwordSymbols)
	}
	return nil
}
