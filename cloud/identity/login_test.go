package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

func login() identity.Login {
	return identity.Login{UserName: "someone", AccountName: "acme", Password: tenantPassword, Scope: identity.AccountScope, ScopeAccountName: "acme"}
}

func TestLogin(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		w.tenant(t, "globex", identity.Member)
		projects, err := w.Projects(ctx, caller, caller.Account, "")
		require.NoError(t, err)
		foreign, err := w.Projects(ctx, w.root, w.root.Account, "")
		require.NoError(t, err)
		cases := map[string]struct {
			change func(l *identity.Login)
			reason identity.Reason
		}{
			"names":        {func(l *identity.Login) {}, ""},
			"user id":      {func(l *identity.Login) { l.User, l.UserName, l.AccountName = caller.User, "", "" }, ""},
			"account id":   {func(l *identity.Login) { l.Account, l.AccountName = caller.Account, "" }, ""},
			"scope id":     {func(l *identity.Login) { l.ScopeAccount, l.ScopeAccountName = caller.Account, "" }, ""},
			"project name": {func(l *identity.Login) { l.Scope, l.ScopeProjectName = identity.ProjectScope, "cn-test-1" }, ""},
			"project id": {func(l *identity.Login) {
				l.Scope, l.ScopeAccountName, l.ScopeProject = identity.ProjectScope, "", projects[0].UID
			}, ""},
			"unscoped":        {func(l *identity.Login) { l.Scope = identity.Unscoped }, ""},
			"wrong password":  {func(l *identity.Login) { l.Password = "guess" }, identity.WrongPassword},
			"empty password":  {func(l *identity.Login) { l.Password = "" }, identity.WrongPassword},
			"unknown user":    {func(l *identity.Login) { l.UserName = "nobody" }, identity.WrongPassword},
			"another account": {func(l *identity.Login) { l.AccountName = "edgecloud" }, identity.WrongPassword},
			"no account":      {func(l *identity.Login) { l.AccountName = "" }, identity.WrongPassword},
			"foreign scope":   {func(l *identity.Login) { l.ScopeAccountName = "globex" }, identity.ScopeDenied},
			"absent scope":    {func(l *identity.Login) { l.ScopeAccountName = "none" }, identity.ScopeDenied},
			"empty scope":     {func(l *identity.Login) { l.ScopeAccountName = "" }, identity.ScopeDenied},
			"foreign project": {func(l *identity.Login) { l.Scope, l.ScopeProject = identity.ProjectScope, foreign[0].UID }, identity.ScopeDenied},
			"absent project":  {func(l *identity.Login) { l.Scope, l.ScopeProjectName = identity.ProjectScope, "none" }, identity.ScopeDenied},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				l := login()
				c.change(&l)
				bearer, token, err := w.Login(ctx, l)
				require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
				if c.reason != "" {
					require.Empty(t, bearer)
					return
				}
				require.NoError(t, err)
				require.Equal(t, w.clock.Now().Add(24*time.Hour), token.ExpiresAt)
				require.Equal(t, l.Scope, token.Scope)
				require.Equal(t, caller.User, token.User)
				require.Equal(t, l.Scope == identity.ProjectScope, token.Project == projects[0].UID && token.ProjectName == "cn-test-1")
				proven, err := w.Token(ctx, bearer)
				require.NoError(t, err)
				require.Equal(t, token, proven)
				require.Equal(t, []string{"password"}, token.Methods)
			})
		}
	})
}

func TestATokenSurvivesARestartAndEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		bearer, _, err := w.Login(ctx, login())
		require.NoError(t, err)
		restarted := identity.New(w.db, w.ring)
		token, err := restarted.Token(ctx, bearer)
		require.NoError(t, err)
		require.Equal(t, caller.Account, token.Account)

		w.clock.Advance(time.Hour)
		second, younger, err := w.Login(ctx, identity.Login{Bearer: bearer, Scope: identity.AccountScope, ScopeAccount: caller.Account})
		require.NoError(t, err)
		require.Equal(t, token.ExpiresAt, younger.ExpiresAt, "a token from a token lives no longer")
		require.Equal(t, []string{"token"}, younger.Methods)

		require.NoError(t, w.Revoke(ctx, caller, bearer))
		_, err = w.Token(ctx, bearer)
		require.Equal(t, identity.InvalidToken, identity.ReasonOf(err))
		require.Equal(t, identity.InvalidToken, identity.ReasonOf(w.Revoke(ctx, caller, bearer)))

		w.clock.Advance(23*time.Hour - time.Microsecond)
		_, err = w.Token(ctx, second)
		require.NoError(t, err)
		w.clock.Advance(time.Microsecond)
		_, err = w.Token(ctx, second)
		require.Equal(t, identity.ExpiredToken, identity.ReasonOf(err))
		_, _, err = w.Login(ctx, login())
		require.NoError(t, err)
		require.NoError(t, w.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.NewSelect().Table("tokens").Count(ctx)
			require.Equal(t, 1, n, "expired tokens are removed")
			return err
		}))
	})
}

func TestWhatEndsAToken(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		caller, _ := w.tenant(t, "acme", identity.Member)
		stranger, _ := w.tenant(t, "globex", identity.Member)
		bearer, _, err := w.Login(ctx, login())
		require.NoError(t, err)
		require.Equal(t, identity.InvalidToken, identity.ReasonOf(w.Revoke(ctx, stranger, bearer)))
		require.NoError(t, w.SuspendAccount(ctx, w.root, caller.Account, true))
		_, err = w.Token(ctx, bearer)
		require.Equal(t, identity.SuspendedAccount, identity.ReasonOf(err))
		_, _, err = w.Login(ctx, login())
		require.Equal(t, identity.SuspendedAccount, identity.ReasonOf(err))
		require.NoError(t, w.SuspendAccount(ctx, w.root, caller.Account, false))
		_, err = w.Token(ctx, bearer)
		require.NoError(t, err)
		require.NoError(t, w.SetPassword(ctx, caller, caller.User, "another password"))
		_, err = w.Token(ctx, bearer)
		require.Equal(t, identity.InvalidToken, identity.ReasonOf(err))
		_, _, err = w.Login(ctx, login())
		require.Equal(t, identity.WrongPassword, identity.ReasonOf(err))
		_, err = w.Token(ctx, "")
		require.Equal(t, identity.InvalidToken, identity.ReasonOf(err))
	})
}

func TestGuessingIsSlowedDown(t *testing.T) {
	clock := storetest.NewClock()
	w := newWorld(t, storetest.OpenSQLite(t, config(clock)), clock)
	w.tenant(t, "acme", identity.Member)
	wrong := login()
	wrong.Password = "guess"
	for range 5 {
		_, _, err := w.Login(ctx, wrong)
		require.Equal(t, identity.WrongPassword, identity.ReasonOf(err))
	}
	_, _, err := w.Login(ctx, login())
	require.Equal(t, identity.TooManyLoginFailures, identity.ReasonOf(err))
	w.clock.Advance(time.Second)
	_, _, err = w.Login(ctx, wrong)
	require.Equal(t, identity.WrongPassword, identity.ReasonOf(err))
	w.clock.Advance(time.Second)
	_, _, err = w.Login(ctx, login())
	require.Equal(t, identity.TooManyLoginFailures, identity.ReasonOf(err))
	w.clock.Advance(time.Second)
	_, _, err = w.Login(ctx, login())
	require.NoError(t, err)
	_, _, err = w.Login(ctx, wrong)
	require.Equal(t, identity.WrongPassword, identity.ReasonOf(err), "a good login ends the row")
}

func TestAUserWithoutPasswordCannotLogIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		_, err := w.CreateUser(ctx, w.root, identity.NewUser{Account: w.root.Account, Name: "robot", Role: identity.Member})
		require.NoError(t, err)
		for _, password := range []string{"", "anything"} {
			_, _, err = w.Login(ctx, identity.Login{UserName: "robot", AccountName: identity.AdminAccount, Password: password})
			require.Equal(t, identity.WrongPassword, identity.ReasonOf(err))
		}
	})
}

func TestTheFirstOperatorLogsIn(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		_, token, err := w.Login(ctx, identity.Login{UserName: identity.AdminUser, AccountName: identity.AdminAccount, Password: w.first.Password, Scope: identity.AccountScope,
			ScopeAccount: w.first.Account.UID})
		require.NoError(t, err)
		require.True(t, token.Caller("admin").Operator)
	})
}

func TestTheOldestTokenOfAThousandEnds(t *testing.T) {
	clock := storetest.NewClock()
	w := newWorld(t, storetest.OpenSQLite(t, config(clock)), clock)
	w.tenant(t, "acme", identity.Member)
	oldest, _, err := w.Login(ctx, login())
	require.NoError(t, err)
	newest := oldest
	for range 999 {
		newest, _, err = w.Login(ctx, identity.Login{Bearer: newest})
		require.NoError(t, err)
	}
	_, err = w.Token(ctx, oldest)
	require.NoError(t, err)
	newest, _, err = w.Login(ctx, identity.Login{Bearer: newest})
	require.NoError(t, err)
	clock.Advance(5 * time.Second)
	_, err = w.Token(ctx, oldest)
	require.Equal(t, identity.InvalidToken, identity.ReasonOf(err))
	_, err = w.Token(ctx, newest)
	require.NoError(t, err)
}
