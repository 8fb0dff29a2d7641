package identity_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

var ctx = context.Background()

func requireKind(t *testing.T, kind fault.Kind, err error) {
	t.Helper()
	require.True(t, fault.Is(err, kind), "want %v, got %v", kind, err)
}

func TestEnsureAdminGivesTheSameCredentialsAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		again, err := identity.New(w.db, w.ring, identity.WithRegion("cn-test-1")).EnsureAdmin(ctx)
		require.NoError(t, err)
		require.Equal(t, w.first.Password, again.Password)
		require.Equal(t, w.first.Key, again.Key)
		require.Equal(t, w.first.Account.UID, again.Account.UID)
		require.Equal(t, w.first.Project.UID, again.Project.UID)
		require.Regexp(t, regexp.MustCompile(`^[0-9a-f]{32}$`), again.Account.UID)
		require.True(t, again.Key.Caller("admin").Operator)
		require.Len(t, again.Key.ID, 32)
		require.GreaterOrEqual(t, len(again.Key.Secret), 16)

		other, err := identity.New(w.db, w.ring, identity.WithRegion("cn-test-2")).EnsureAdmin(ctx)
		require.NoError(t, err)
		require.Equal(t, "cn-test-2", other.Project.Name)
		require.Equal(t, w.first.Key, other.Key)

		require.NoError(t, w.SetPassword(ctx, w.root, w.first.User.UID, "another password"))
		require.NoError(t, w.EnableKey(ctx, w.root, w.first.Key.ID, false))
		changed, err := w.EnsureAdmin(ctx)
		require.NoError(t, err)
		require.Empty(t, changed.Password)
		require.NotEqual(t, w.first.Key.ID, changed.Key.ID)
		require.NoError(t, changed.Key.Usable(w.db.Now()))
	})
}

func TestEnsureAdminByTwoServersAtOnce(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachWith(t, config(clock), func(t *testing.T, db *store.DB) {
		ring, err := store.NewKeyring()
		require.NoError(t, err)
		type result struct {
			first *identity.FirstAdmin
			err   error
		}
		results := make(chan result, 4)
		for range 4 {
			go func() {
				f, err := identity.New(db, ring).EnsureAdmin(ctx)
				results <- result{f, err}
			}()
		}
		one := <-results
		require.NoError(t, one.err)
		for range 3 {
			r := <-results
			require.NoError(t, r.err)
			require.Equal(t, one.first.Key, r.first.Key)
			require.Equal(t, one.first.Password, r.first.Password)
		}
	})
}

func TestLimits(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		for range 19 {
			_, _, err := w.CreateKey(ctx, caller, caller.User)
			require.NoError(t, err)
		}
		_, _, err := w.CreateKey(ctx, caller, caller.User)
		requireKind(t, fault.Quota, err)
		keys, err := w.AccessKeys(ctx, caller, caller.User)
		require.NoError(t, err)
		require.Len(t, keys, 20)
		require.Empty(t, keys[0].Sealed)
	})
}

func TestAccountsAreNumberedAndNamedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, err := w.CreateAccount(ctx, w.root, "acme")
		require.NoError(t, err)
		b, err := w.CreateAccount(ctx, w.root, "globex")
		require.NoError(t, err)
		require.Equal(t, w.first.Account.Number+1, a.Number)
		require.Equal(t, a.Number+1, b.Number)
		_, err = w.CreateAccount(ctx, w.root, "acme")
		requireKind(t, fault.Exists, err)
		for _, bad := range []string{"", "a b", "ä", string(make([]byte, 65))} {
			_, err = w.CreateAccount(ctx, w.root, bad)
			requireKind(t, fault.Invalid, err)
		}
		projects, err := w.Projects(ctx, w.root, a.UID, "")
		require.NoError(t, err)
		require.Len(t, projects, 1)
		require.Equal(t, "cn-test-1", projects[0].Name)
		_, err = w.CreateProject(ctx, w.root, a.UID, "cn-test-1")
		requireKind(t, fault.Exists, err)
		all, err := w.Accounts(ctx, w.root)
		require.NoError(t, err)
		require.Len(t, all, 3)
	})
}

func TestATenantSeesOnlyItself(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		acme, _ := w.tenant(t, "acme", identity.Member)
		globex, _ := w.tenant(t, "globex", identity.Member)
		require.False(t, acme.Operator)

		accounts, err := w.Accounts(ctx, acme)
		require.NoError(t, err)
		require.Len(t, accounts, 1)
		_, err = w.Account(ctx, acme, acme.Account)
		require.NoError(t, err)
		_, foreign := w.Account(ctx, acme, globex.Account)
		_, absent := w.Account(ctx, acme, "00000000000000000000000000000000")
		requireKind(t, fault.NotFound, foreign)
		requireKind(t, fault.NotFound, absent)

		for _, list := range []func() (int, error){
			func() (int, error) { l, err := w.Projects(ctx, acme, globex.Account, ""); return len(l), err },
			func() (int, error) { l, err := w.Users(ctx, acme, globex.Account, ""); return len(l), err },
		} {
			n, err := list()
			require.NoError(t, err)
			require.Zero(t, n)
		}
		_, err = w.AccessKeys(ctx, acme, globex.User)
		requireKind(t, fault.NotFound, err)
		_, _, err = w.CreateKey(ctx, acme, globex.User)
		requireKind(t, fault.NotFound, err)
		requireKind(t, fault.NotFound, w.DeleteKey(ctx, acme, globex.KeyID))
		requireKind(t, fault.NotFound, w.EnableKey(ctx, acme, globex.KeyID, false))
		requireKind(t, fault.NotFound, w.SetPassword(ctx, acme, globex.User, "a new password"))
		_, err = w.CreateProject(ctx, acme, globex.Account, "p")
		requireKind(t, fault.NotFound, err)

		_, err = w.CreateAccount(ctx, acme, "mine")
		requireKind(t, fault.Denied, err)
		_, err = w.CreateUser(ctx, acme, identity.NewUser{Account: acme.Account, Name: "x", Role: identity.Admin})
		requireKind(t, fault.Denied, err)
		requireKind(t, fault.Denied, w.SuspendAccount(ctx, acme, globex.Account, true))
		requireKind(t, fault.Denied, w.SetRole(ctx, acme, acme.User, identity.Admin))
		requireKind(t, fault.Denied, w.DisableUser(ctx, acme, globex.User, true))

		users, err := w.Users(ctx, acme, acme.Account, "someone")
		require.NoError(t, err)
		require.Len(t, users, 1)
		require.Empty(t, users[0].Password)
	})
}

func TestAReaderChangesNothingButItsPassword(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		reader, _ := w.tenant(t, "acme", identity.Reader)
		require.True(t, reader.ReadOnly)
		_, _, err := w.CreateKey(ctx, reader, reader.User)
		requireKind(t, fault.Denied, err)
		requireKind(t, fault.Denied, w.DeleteKey(ctx, reader, reader.KeyID))
		_, err = w.CreateProject(ctx, reader, reader.Account, "p")
		requireKind(t, fault.Denied, err)
		require.NoError(t, w.SetPassword(ctx, reader, reader.User, "another password"))
		requireKind(t, fault.Invalid, w.SetPassword(ctx, reader, reader.User, "short"))
		requireKind(t, fault.Invalid, w.SetPassword(ctx, reader, reader.User, "aaaaaaaaaaaa"))
	})
}

func TestAKeyStopsWorkingAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		state := func() identity.Reason {
			key, err := w.Key(ctx, caller.KeyID)
			require.NoError(t, err)
			return identity.ReasonOf(key.Usable(w.db.Now()))
		}
		steps := []struct {
			do   func() error
			want identity.Reason
		}{
			{func() error { return nil }, ""},
			{func() error { return w.EnableKey(ctx, w.root, caller.KeyID, false) }, identity.DisabledKey},
			{func() error { return w.EnableKey(ctx, caller, caller.KeyID, true) }, ""},
			{func() error { return w.DisableUser(ctx, w.root, caller.User, true) }, identity.DisabledKey},
			{func() error { return w.DisableUser(ctx, w.root, caller.User, false) }, ""},
			{func() error { return w.SuspendAccount(ctx, w.root, caller.Account, true) }, identity.SuspendedAccount},
			{func() error { return w.SuspendAccount(ctx, w.root, caller.Account, false) }, ""},
		}
		for n, s := range steps {
			require.NoError(t, s.do(), n)
			require.Equal(t, s.want, state(), n)
		}
		require.NoError(t, w.SetRole(ctx, w.root, caller.User, identity.Reader))
		key, err := w.Key(ctx, caller.KeyID)
		require.NoError(t, err)
		require.True(t, key.Caller("bec").ReadOnly)
		require.NoError(t, w.DeleteKey(ctx, w.root, caller.KeyID))
		_, err = w.Key(ctx, caller.KeyID)
		requireKind(t, fault.NotFound, err)
		requireKind(t, fault.NotFound, w.DeleteKey(ctx, w.root, caller.KeyID))

		requireKind(t, fault.Conflict, w.SuspendAccount(ctx, w.root, w.root.Account, true))
		requireKind(t, fault.Conflict, w.DisableUser(ctx, w.root, w.root.User, true))
		requireKind(t, fault.Conflict, w.SetRole(ctx, w.root, w.root.User, identity.Member))
	})
}

func TestAnotherServersChangeIsSeenWithinFiveSeconds(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		other := identity.New(w.db, w.ring)
		_, err := other.Key(ctx, caller.KeyID)
		require.NoError(t, err)
		require.NoError(t, w.EnableKey(ctx, w.root, caller.KeyID, false))
		w.clock.Advance(5 * time.Second)
		key, err := other.Key(ctx, caller.KeyID)
		require.NoError(t, err)
		require.False(t, key.Enabled)
	})
}

func TestACachedKeyCostsNoStatement(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		// Inside a transaction every other one is refused, so whatever answers here did not ask the database.
		require.NoError(t, w.db.Read(ctx, func(ctx context.Context, _ *store.Tx) error {
			_, err := w.Key(ctx, caller.KeyID)
			require.NoError(t, err)
			_, err = w.Key(ctx, "EC404")
			require.ErrorIs(t, err, store.ErrNested)
			return nil
		}))
	})
}

func TestNoSecretRestsInTheClear(t *testing.T) {
	dir := t.TempDir()
	clock := storetest.NewClock()
	cfg := config(clock)
	cfg.DSN = filepath.Join(dir, "identity.db")
	db, err := store.Open(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := newWorld(t, db, clock)
	_, secret := w.tenant(t, "acme", identity.Member)
	bearer, _, err := w.Login(ctx, identity.Login{UserName: "someone", AccountName: "acme", Password: tenantPassword})
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	held := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		if bytes.Contains(data, []byte("acme")) {
			held++
		}
		for name, s := range map[string]string{"secret": secret, "bearer": bearer, "password": tenantPassword, "first secret": w.first.Key.Secret, "first password": w.first.Password} {
			require.False(t, bytes.Contains(data, []byte(s)), "%s holds a %s", file, name)
		}
	}
	require.Positive(t, held, "the files searched must hold the rows")
}

func TestASealedSecretFitsOnlyItsKey(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		a, _ := w.tenant(t, "acme", identity.Member)
		b, _ := w.tenant(t, "globex", identity.Member)
		require.NoError(t, w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE access_keys SET sealed = (SELECT sealed FROM access_keys WHERE id = ?) WHERE id = ?", a.KeyID, b.KeyID)
			return err
		}))
		w.clock.Advance(time.Minute)
		_, err := w.Key(ctx, b.KeyID)
		require.Error(t, err)
		requireKind(t, fault.Internal, fault.From(err))
	})
}
