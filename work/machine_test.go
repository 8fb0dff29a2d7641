package work_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

type state = work.State[string]

// life is a machine over the table things, whose resource is its uid.
func life(states map[string]state, failed string) work.Machine[string] {
	return work.Machine[string]{Kind: "thing", States: states, Failed: failed,
		Load: func(ctx context.Context, tx *store.Tx, uid string) (string, string, error) {
			var s string
			err := tx.NewSelect().Table("things").Column("state").Where("uid = ?", uid).Scan(ctx, &s)
			return uid, s, err
		},
		SetState: func(ctx context.Context, tx *store.Tx, uid, s string) error { return setState(ctx, tx, uid, s) },
	}
}

func setState(ctx context.Context, tx *store.Tx, uid, s string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO things (uid, wanted, got, state) VALUES (?, 0, 0, ?) ON CONFLICT (uid) DO UPDATE SET state = EXCLUDED.state", uid, s)
	return err
}

func enter(t *testing.T, db *store.DB, s string) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(setState(ctx, tx, "a", s), work.Wake(ctx, tx, "thing", "a"))
	})
}

func stateOf(t *testing.T, db *store.DB) (s string) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Table("things").Column("state").Where("uid = 'a'").Scan(ctx, &s)
	}))
	return s
}

func does(next work.Next) func(context.Context, *store.Tx, string) (work.Next, error) {
	return func(context.Context, *store.Tx, string) (work.Next, error) { return next, nil }
}

func TestABadMachineIsNotBuilt(t *testing.T) {
	rest := state{Terminal: true}
	for want, m := range map[string]work.Machine[string]{
		"no deadline":    life(map[string]state{"creating": {Step: does(work.Done())}, "failed": rest}, "failed"),
		"no step":        life(map[string]state{"creating": {Deadline: 1}, "failed": rest}, "failed"),
		"no OnDeadline":  life(map[string]state{"creating": {Deadline: 1, Step: does(work.Done())}}, ""),
		"not declare":    life(map[string]state{"running": rest}, "failed"),
		"without a name": life(map[string]state{"": rest}, ""),
		"lacks":          {Kind: "thing"},
	} {
		_, err := m.Build()
		require.ErrorContains(t, err, want)
	}
	require.Panics(t, func() { life(nil, "").MustBuild() })
	l := life(map[string]state{"creating": {Deadline: time.Minute, Step: does(work.Goto("failed"))}, "failed": rest}, "failed").MustBuild()
	require.Equal(t, []work.StateInfo{{Name: "creating", Deadline: time.Minute}, {Name: "failed", Terminal: true}}, l.States())
}

func TestAStepInThreeLines(t *testing.T) {
	l := life(map[string]state{"creating": {Deadline: time.Minute, Step: does(work.Goto("running"))}, "starting": {Deadline: time.Minute, Step: does(work.Wait("x", time.Second))},
		"running": {Terminal: true}}, "running").MustBuild()
	db := storetest.SQLite(t, tables...)
	for from, want := range map[string]work.Next{"creating": work.Again(0), "running": work.Done(), "starting": work.Wait("x", 0)} {
		enter(t, db, from)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			next, err := l.Step(ctx, tx, "a")
			require.Equal(t, want, next)
			return err
		})
	}
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		next, err := l.Step(ctx, tx, "gone")
		require.Equal(t, work.Done(), next)
		return err
	})
}

func TestDeadlinesHoldAcrossRestartsFailuresAndWakeUps(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		var late []work.Overdue
		ways := map[string]func(context.Context, *store.Tx, string) (work.Next, error){
			"waiting": does(work.Wait("report", 0)),
			"looking": does(work.Again(time.Second)),
			"failing": func(context.Context, *store.Tx, string) (work.Next, error) { return work.Next{}, errors.New("no host") },
			"looping": nil, // below: it enters itself anew
			"resting": does(work.Done()),
		}
		ways["looping"] = does(work.Goto("looping"))
		states := map[string]state{"failed": {Terminal: true}}
		for name, step := range ways {
			states[name] = state{Deadline: 10 * time.Minute, Step: step}
		}
		runner := func() *work.Runner { // a new one each time, as after a restart
			return &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{life(states, "failed").MustBuild()},
				OnOverdue: func(_ context.Context, _ *store.Tx, o work.Overdue) error { late = append(late, o); return nil }}
		}
		for name := range ways {
			late = nil
			enter(t, db, name)
			began := clock.Now()
			for stateOf(t, db) == name {
				require.LessOrEqual(t, clock.Now().Sub(began), 10*time.Minute+7*time.Second, name)
				_, _ = runner().RunOne(t.Context())
				clock.Advance(7 * time.Second)
				wake(t, db, "thing", "a")
			}
			require.Equal(t, "failed", stateOf(t, db), name)
			require.GreaterOrEqual(t, clock.Now().Sub(began), 10*time.Minute, name)
			require.Len(t, late, 1, name)
			require.Equal(t, name, late[0].State)
			require.Equal(t, store.At(began), late[0].Since, name)
			if name == "failing" {
				require.Equal(t, "no host", late[0].LastError)
			}
			_, err := runner().RunDue(t.Context())
			require.NoError(t, err)
			_, ok := status(t, db, "thing", "a")
			require.False(t, ok, "a resting state needs no row")
		}
	})
}

func TestWithoutAWakeUpTheDeadlineItselfIsDue(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{life(map[string]state{
			"waiting": {Deadline: 10 * time.Minute, Step: does(work.Wait("report", 3*time.Minute)), OnDeadline: does(work.Goto("failed"))},
			"failed":  {Terminal: true},
		}, "").MustBuild()}}
		enter(t, db, "waiting")
		_, err := r.RunDue(t.Context())
		require.NoError(t, err)
		at, ok, err := r.NextDue(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, 3*time.Minute, at.Sub(clock.Now()), "a wait may be shorter than its state")
		clock.Advance(3 * time.Minute)
		_, err = r.RunDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, "failed", stateOf(t, db))
	})
}

func TestGotoNowhereIsRefused(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{life(map[string]state{
			"creating": {Deadline: time.Minute, Step: does(work.Goto("nowhere"))}, "failed": {Terminal: true},
		}, "failed").MustBuild()}}
		enter(t, db, "creating")
		_, err := r.RunOne(t.Context())
		require.ErrorIs(t, err, work.ErrUndeclared)
		require.Equal(t, "creating", stateOf(t, db))
		enter(t, db, "unheard of")
		_, err = r.RunOne(t.Context())
		require.ErrorContains(t, err, "undeclared state")
	})
}

// A delete that comes while a call is under way wins: what the call's result wants next is dropped, its rows are kept.
func TestAStateThatChangesDuringTheCall(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{life(map[string]state{
			"creating": {Deadline: time.Minute, Step: func(context.Context, *store.Tx, string) (work.Next, error) {
				return work.Outside(time.Second, func(context.Context) (int, error) { enter(t, db, "deleting"); return 5, nil },
					func(ctx context.Context, tx *store.Tx, n int, _ error) (work.Next, error) {
						_, err := tx.ExecContext(ctx, "UPDATE things SET got = ? WHERE uid = 'a'", n)
						return work.Goto("running"), err
					}), nil
			}},
			"deleting": {Deadline: time.Minute, Step: does(work.Goto("deleted"))},
			"running":  {Terminal: true}, "deleted": {Terminal: true},
		}, "deleted").MustBuild()}}
		enter(t, db, "creating")
		_, err := r.RunDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, "deleted", stateOf(t, db))
		var got int
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NewSelect().Table("things").Column("got").Where("uid = 'a'").Scan(ctx, &got)
		}))
		require.Equal(t, 5, got)
	})
}
