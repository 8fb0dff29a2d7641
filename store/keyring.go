package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Keyring seals secrets (access keys, BMC passwords) before they become column values, so that a copy of the database alone reveals none.
//
// A sealed value is: version (1 byte), id of the master key (4), salt (32), AES-256-GCM ciphertext with its tag (16 more than the plaintext). Key and nonce
// of each value are derived from master key and salt by HKDF-SHA256 (RFC 5869), so that any number of values may be sealed under one master key.
type Keyring struct {
	path string
	mu   sync.RWMutex
	keys []masterKey // the newest last
}

type masterKey struct {
	ID  uint32 `json:"id"`
	Key []byte `json:"key"` // base64 in the file
}

type keyFile struct {
	Version int         `json:"version"`
	Keys    []masterKey `json:"keys"`
}

const (
	sealVersion = 1
	saltSize    = 32
	sealHeader  = 1 + 4 + saltSize
)

// ErrSealed means that a sealed value cannot be opened: it or its associated data was changed, or its master key is not in the ring.
var ErrSealed = errors.New("store: the sealed value cannot be opened")

// OpenKeyring reads the master keys from a file, and creates it with one key (mode 0600) if it does not exist. It refuses a file that others can read.
// Whoever loses the file loses the secrets: back it up apart from the database.
func OpenKeyring(path string) (*Keyring, error) {
	k := &Keyring{path: path}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, k.Rotate()
	}
	if err != nil {
		return nil, fmt.Errorf("store: the master key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("store: the master key file %s has mode %04o, others can read it: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("store: the master key file: %w", err)
	}
	var file keyFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("store: the master key file %s: %w", path, err)
	}
	if err := file.check(); err != nil {
		return nil, fmt.Errorf("store: the master key file %s: %w", path, err)
	}
	k.keys = file.Keys
	return k, nil
}

// NewKeyring makes a ring with one key that lives in memory only.
func NewKeyring() (*Keyring, error) {
	k := &Keyring{}
	return k, k.Rotate()
}

func (f keyFile) check() error {
	if f.Version != 1 || len(f.Keys) == 0 {
		return fmt.Errorf("version %d with %d keys is not understood", f.Version, len(f.Keys))
	}
	last := uint32(0)
	for _, key := range f.Keys {
		if key.ID <= last || len(key.Key) != 32 {
			return fmt.Errorf("key %d: ids must rise from 1, and a key has 32 bytes, not %d", key.ID, len(key.Key))
		}
		last = key.ID
	}
	return nil
}

// Rotate adds a master key, under which everything is sealed from now on. Older values still open; Stale tells which are worth sealing again.
func (k *Keyring) Rotate() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := masterKey{ID: 1, Key: make([]byte, 32)}
	if n := len(k.keys); n > 0 {
		next.ID = k.keys[n-1].ID + 1
	}
	rand.Read(next.Key) // never fails (crypto/rand)
	keys := append(k.keys[:len(k.keys):len(k.keys)], next)
	if err := k.save(keys); err != nil {
		return err
	}
	k.keys = keys
	return nil
}

// save replaces the file as a whole, durably: a master key must not exist only in memory once something is sealed under it.
func (k *Keyring) save(keys []masterKey) error {
	if k.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(keyFile{Version: 1, Keys: keys}, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(k.path)
	f, err := os.CreateTemp(dir, ".master-key-") // mode 0600
	if err != nil {
		return fmt.Errorf("store: writing the master key file: %w", err)
	}
	defer os.Remove(f.Name()) // no effect after the rename
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("store: writing the master key file: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Seal encrypts a secret. aad is where it belongs ("access_key/AKxxx"): the value opens only with the same aad, so it cannot be moved to another row.
func (k *Keyring) Seal(plaintext, aad []byte) []byte {
	k.mu.RLock()
	key := k.keys[len(k.keys)-1]
	k.mu.RUnlock()
	sealed := make([]byte, sealHeader, sealHeader+len(plaintext)+16)
	sealed[0] = sealVersion
	binary.BigEndian.PutUint32(sealed[1:5], key.ID)
	rand.Read(sealed[5:sealHeader])
	aead, nonce := key.derive(sealed[5:sealHeader])
	return aead.Seal(sealed, nonce, plaintext, bind(sealed[:sealHeader], aad))
}

// Open decrypts what Seal made. Every failure is ErrSealed.
func (k *Keyring) Open(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < sealHeader+16 || sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w: it is not in a known form", ErrSealed)
	}
	key, ok := k.find(binary.BigEndian.Uint32(sealed[1:5]))
	if !ok {
		return nil, fmt.Errorf("%w: its master key is not in the ring", ErrSealed)
	}
	aead, nonce := key.derive(sealed[5:sealHeader])
	plain, err := aead.Open(nil, nonce, sealed[sealHeader:], bind(sealed[:sealHeader], aad))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Stale tells whether a value is sealed under an older master key than the newest: open it and seal it again.
func (k *Keyring) Stale(sealed []byte) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(sealed) < 5 || binary.BigEndian.Uint32(sealed[1:5]) != k.keys[len(k.keys)-1].ID
}

func (k *Keyring) find(id uint32) (masterKey, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.keys {
		if key.ID == id {
			return key, true
		}
	}
	return masterKey{}, false
}

// derive gives the cipher and the nonce of one value.
func (m masterKey) derive(salt []byte) (cipher.AEAD, []byte) {
	material, err := hkdf.Key(sha256.New, m.Key, salt, "edgecloud sealed value v1", 44)
	if err != nil {
		panic("store: " + err.Error()) // only for a length out of range
	}
	block, err := aes.NewCipher(material[:32])
	if err != nil {
		panic("store: " + err.Error()) // only for a wrong length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("store: " + err.Error()) // never with AES
	}
	return aead, material[32:]
}

// bind puts the header under the tag too.
func bind(header, aad []byte) []byte { return bytes.Join([][]byte{header, aad}, nil) }
