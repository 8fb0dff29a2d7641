package identity

import (
	"context"
	"embed"
	"strings"
	"time"

	"edgecloud/fault"
	"edgecloud/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.MigrationSet { return store.Files("identity", migrations) }

// DefaultRegion is the region, and so the name of every account's first project, unless New is told another.
const DefaultRegion = "region-1"

// Identity gives access to accounts, users and their credentials. It is safe for concurrent use.
type Identity struct {
	db       *store.DB
	ring     *store.Keyring
	region   string
	keys     *cache[Key]
	tokens   *cache[Token]
	hasher   *hasher
	failures *failures
}

var (
	_ Keys   = (*Identity)(nil)
	_ Tokens = (*Identity)(nil)
)

// Option changes how an Identity is made.
type Option func(*Identity)

// WithRegion names the region; every account gets a project of that name.
func WithRegion(name string) Option { return func(i *Identity) { i.region = name } }

// New makes an Identity on a database; ring seals the secret keys.
func New(db *store.DB, ring *store.Keyring, options ...Option) *Identity {
	i := &Identity{db: db, ring: ring, region: DefaultRegion, keys: newCache[Key](), tokens: newCache[Token](), hasher: newHasher(), failures: newFailures()}
	for _, o := range options {
		o(i)
	}
	return i
}

// Region is the name of the region, and of every account's first project.
func (i *Identity) Region() string { return i.region }

// Now is the clock that tokens and signatures are checked by.
func (i *Identity) Now() time.Time { return i.db.Now() }

// newUID makes the 32 hex digits that bec and iec show for accounts, projects and users.
func newUID(tx *store.Tx) string { return strings.ReplaceAll(tx.NewUID(), "-", "") }

// forget drops everything opened, after the commit: what a change of a user or account touches is not worth finding out.
func (i *Identity) forget(tx *store.Tx) {
	tx.AfterCommit(func() {
		i.keys.clear()
		i.tokens.clear()
	})
}

// checkName takes names that stay readable in every dialect: Huawei allows letters, digits, blanks, - and _ in user names; mail-like names are common too.
func checkName(field, name string) error {
	if name == "" || len(name) > 64 {
		return fault.BadField(field, "must have 1 to 64 characters")
	}
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.@", c) >= 0 {
			continue
		}
		return fault.BadField(field, "may hold letters, digits and the characters - _ . @ only")
	}
	return nil
}

// visibleAccount finds an account that the caller may see; any other is not found.
func visibleAccount(ctx context.Context, tx *store.Tx, caller *Caller, uid string) (*Account, error) {
	account := new(Account)
	if !caller.Sees(uid) {
		return nil, fault.Missing("account", uid)
	}
	err := tx.NewSelect().Model(account).Where("uid = ?", uid).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("account", uid)
	}
	return account, err
}

// visibleUser finds a user that the caller may see; any other is not found.
func visibleUser(ctx context.Context, tx *store.Tx, caller *Caller, uid string) (*User, error) {
	user := new(User)
	err := tx.NewSelect().Model(user).Where("uid = ?", uid).Scan(ctx)
	if store.NotFound(err) || (err == nil && !caller.Sees(user.Account)) {
		return nil, fault.Missing("user", uid)
	}
	return user, err
}
