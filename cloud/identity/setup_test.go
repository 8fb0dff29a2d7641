package identity_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// world is an identity on one database, with its first operator.
type world struct {
	*identity.Identity
	db    *store.DB
	ring  *store.Keyring
	clock *storetest.Clock
	first *identity.FirstAdmin
	root  *identity.Caller
}

// onBoth runs a test on each database.
func onBoth(t *testing.T, test func(t *testing.T, w *world)) {
	clock := storetest.NewClock()
	storetest.EachWith(t, config(clock), func(t *testing.T, db *store.DB) { test(t, newWorld(t, db, clock)) })
}

func config(clock *storetest.Clock) store.Config {
	return store.Config{Migrations: []store.MigrationSet{identity.Migrations()}, Now: clock.Now}
}

func newWorld(t *testing.T, db *store.DB, clock *storetest.Clock) *world {
	t.Helper()
	ring, err := store.NewKeyring()
	require.NoError(t, err)
	w := &world{clock: clock, ring: ring, db: db}
	w.Identity = identity.New(db, w.ring, identity.WithRegion("cn-test-1"))
	w.first, err = w.EnsureAdmin(context.Background())
	require.NoError(t, err)
	w.root = w.first.Key.Caller("admin")
	return w
}

// tenant makes an account with a user of a role and a key, and gives the key's caller and secret.
func (w *world) tenant(t *testing.T, account string, role identity.Role) (*identity.Caller, string) {
	t.Helper()
	ctx := context.Background()
	a, err := w.CreateAccount(ctx, w.root, account)
	require.NoError(t, err)
	u, err := w.CreateUser(ctx, w.root, identity.NewUser{Account: a.UID, Name: "someone", Role: role, Password: tenantPassword})
	require.NoError(t, err)
	k, secret, err := w.CreateKey(ctx, w.root, u.UID)
	require.NoError(t, err)
	key, err := w.Key(ctx, k.ID)
	require.NoError(t, err)
	require.Equal(t, secret, key.Secret)
	return key.Caller("bec"), secret
}

const tenantPassword = "correct horse battery"
