package identity

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"edgecloud/fault"
)

// The cost of a password hash: OWASP's second choice for argon2id, with the memory that lets a server stay within its 80 MB.
const (
	argonMemory  = 19 << 10 // KiB
	argonTime    = 2
	argonThreads = 1
	argonKey     = 32 // bytes
	saltSize     = 22 // characters of [A-Za-z0-9], 130 bits

	maxWaitingHashes = 32
)

// hasher hashes one password at a time: each takes 19 MiB.
type hasher struct {
	slot    chan struct{}
	waiting atomic.Int64
}

func newHasher() *hasher { return &hasher{slot: make(chan struct{}, 1)} }

func (h *hasher) derive(ctx context.Context, password, salt string) ([]byte, error) {
	if h.waiting.Add(1) > maxWaitingHashes {
		h.waiting.Add(-1)
		return nil, fault.New(fault.Throttled, "Too many logins at once; try again.")
	}
	defer func() {
		if h.waiting.Add(-1) == 0 {
			debug.FreeOSMemory() // else the 19 MiB stay resident for minutes
		}
	}()
	select {
	case h.slot <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slot }()
	return argon2.IDKey([]byte(password), []byte(salt), argonTime, argonMemory, argonThreads, argonKey), nil
}

// hash makes a PHC string. Hashing takes tens of milliseconds: never call it inside a transaction.
func (h *hasher) hash(ctx context.Context, password, salt string) (string, error) {
	key, err := h.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, encode([]byte(salt)), encode(key)), nil
}

// nobody is compared with when there is no such user or no password, so that both take the same time.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// fits tells whether the password is the hashed one.
func (h *hasher) fits(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = nobody
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("identity: a stored password hash cannot be read")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("identity: a stored password hash cannot be read: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("identity: a stored password hash cannot be read: %w", err)
	}
	got, err := h.derive(ctx, password, string(salt))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(want, got) == 1 && known, nil
}

// checkPassword asks for 8 to 128 characters that are not all the same.
func checkPassword(password string) error {
	if len(password) < 8 || len(password) > 128 {
		return fault.BadField("password", "must have 8 to 128 characters")
	}
	if strings.Trim(password, password[:1]) == "" {
		return fault.BadField("password", "must not repeat one character")
	}
	return nil
}
