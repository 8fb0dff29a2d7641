package work_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// script is a reconciler made of one function.
type script struct {
	kind string
	step func(ctx context.Context, tx *store.Tx, uid string) (work.Next, error)
}

func (s script) Kind() string { return s.kind }
func (s script) Step(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
	return s.step(ctx, tx, uid)
}

func status(t testing.TB, db *store.DB, kind, uid string) (s work.Status, ok bool) {
	t.Helper()
	require.NoError(t, db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, ok, err = work.StatusOf(ctx, tx, kind, uid)
		return err
	}))
	return s, ok
}

// each runs f on both databases with a clock that the test moves.
func each(t *testing.T, f func(t *testing.T, db *store.DB, clock *storetest.Clock)) {
	clock := storetest.NewClock()
	storetest.EachWith(t, store.Config{Now: clock.Now, Migrations: tables}, func(t *testing.T, db *store.DB) { f(t, db, clock) })
}

func TestSchema(t *testing.T) { storetest.SameSchema(t, work.Migrations()) }

func TestWhatAStepWants(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		next := work.Done()
		runs := 0
		var late []work.Overdue
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{script{"thing", func(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
			runs++
			return next, nil
		}}}, OnOverdue: func(ctx context.Context, tx *store.Tx, o work.Overdue) error { late = append(late, o); return nil }}
		run := func(want int) {
			t.Helper()
			n, err := r.RunDue(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		run(0)
		wake(t, db, "thing", "a", "a")
		run(1)
		_, ok := status(t, db, "thing", "a")
		require.False(t, ok, "done leaves no row")

		next = work.Again(time.Minute)
		wake(t, db, "thing", "a")
		run(1)
		at, ok, err := r.NextDue(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, clock.Now().Add(time.Minute), at)
		wake(t, db, "thing", "a")
		run(1)
		clock.Advance(time.Minute)

		next = work.Wait("report", 10*time.Minute)
		run(1)
		clock.Advance(9 * time.Minute)
		wake(t, db, "thing", "a") // something else wakes it; the deadline stays
		run(1)
		require.Empty(t, late)
		clock.Advance(time.Minute)
		run(1)
		require.Len(t, late, 1)
		require.Equal(t, "report", late[0].Event)
		s, _ := status(t, db, "thing", "a")
		require.Equal(t, store.At(clock.Now().Add(10*time.Minute)), s.Deadline, "the next alert comes one deadline later")

		write(t, db, func(ctx context.Context, tx *store.Tx) error { return work.Forget(ctx, tx, "thing", "a") })
		idle, err := r.Idle(t.Context())
		require.NoError(t, err)
		require.True(t, idle)
		require.Error(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return work.Wake(ctx, tx, "thing", "") }))
	})
}

func TestAFailedStepIsUndoneAndTriedAgainLater(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		fail := errors.New("no host")
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{script{"thing", func(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
			_, err := tx.ExecContext(ctx, "INSERT INTO things (uid, wanted, got) VALUES (?, 1, 1)", uid)
			if errors.Is(fail, errPanic) {
				panic("ouch")
			}
			return work.Done(), errors.Join(err, fail)
		}}}}
		wake(t, db, "thing", "a")
		var last time.Duration
		for try := 1; try <= 12; try++ {
			ran, err := r.RunOne(t.Context())
			require.True(t, ran)
			var failed *work.StepError
			require.ErrorAs(t, err, &failed)
			s, ok := status(t, db, "thing", "a")
			require.True(t, ok)
			require.Equal(t, try, s.Attempt)
			require.NotEmpty(t, s.LastError)
			require.False(t, s.Leased)
			pause := s.Due.Time().Sub(clock.Now())
			full := min(time.Minute, 200*time.Millisecond<<(try-1))
			require.LessOrEqual(t, pause, full)
			require.GreaterOrEqual(t, pause, full/2)
			last = pause
			clock.Advance(pause)
			if try == 5 {
				fail = errPanic
			}
		}
		require.GreaterOrEqual(t, last, 30*time.Second)
		fail = nil
		_, err := r.RunOne(t.Context())
		require.NoError(t, err, "what the failed steps inserted is gone")
		_, ok := status(t, db, "thing", "a")
		require.False(t, ok)
	})
}

var errPanic = errors.New("panic")

func TestASpoiledCommitHitsOnlyItsRow(t *testing.T) {
	db := storetest.SQLite(t, append(tables, store.MigrationSet{Package: "late", Migrations: []store.Migration{{Name: "0901_late",
		SQL: "CREATE TABLE late (uid TEXT NOT NULL PRIMARY KEY REFERENCES things (uid) DEFERRABLE INITIALLY DEFERRED)"}}})...)
	r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{script{"thing", func(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
		table := "things (uid, wanted, got) VALUES (?, 1, 1)"
		if uid == "t7" {
			table = "late (uid) VALUES (?)" // refers to nothing, which only the commit finds out
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO "+table, uid)
		return work.Done(), err
	}}}}
	for i := range 20 {
		wake(t, db, "thing", fmt.Sprint("t", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()
	require.Eventually(t, func() bool {
		s, ok := status(t, db, "thing", "t7")
		_, other := status(t, db, "thing", "t19")
		return ok && s.LastError != "" && !other
	}, 10*time.Second, 5*time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}

func TestAWakeUpDuringTheOutsideCallRunsTheStepAgain(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		steps := 0
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{script{"thing", func(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
			if steps++; steps > 1 {
				return work.Done(), nil
			}
			return work.Outside(time.Second, func(context.Context) (string, error) { wake(t, db, "thing", "a"); return "x", errors.New("refused") },
				func(ctx context.Context, tx *store.Tx, result string, err error) (work.Next, error) {
					require.Equal(t, "x", result)
					require.EqualError(t, err, "refused")
					return work.Done(), nil
				}), nil
		}}}}
		wake(t, db, "thing", "a")
		n, err := r.RunDue(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, n)
	})
}

func TestADeadWorkersLeaseRunsOut(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		rec := script{"thing", func(context.Context, *store.Tx, string) (work.Next, error) { return work.Done(), nil }}
		dying := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{rec}, Faults: &work.Faults{At: func(work.Point) error { return work.ErrCrash }}}
		heir := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{rec}}
		wake(t, db, "thing", "a")
		_, err := dying.RunOne(t.Context())
		require.ErrorIs(t, err, work.ErrCrash)
		ran, err := heir.RunOne(t.Context())
		require.NoError(t, err)
		require.False(t, ran)
		at, ok, err := heir.NextDue(t.Context())
		require.NoError(t, err)
		require.True(t, ok)
		clock.Advance(at.Sub(clock.Now()))
		ran, err = heir.RunOne(t.Context())
		require.NoError(t, err)
		require.True(t, ran)
	})
}

// A call longer than the lease keeps it; one whose lease another has taken is cut off and its result dropped.
func TestTheLeaseOfALongCall(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(dir, "a.db"), Migrations: tables})
		require.NoError(t, err)
		calls, applied, cut := 0, 0, 0
		rec := script{"thing", func(context.Context, *store.Tx, string) (work.Next, error) {
			return work.Outside(time.Hour, func(ctx context.Context) (int, error) {
				calls++
				select {
				case <-ctx.Done():
					cut++
					return 0, ctx.Err()
				case <-time.After(10 * time.Minute):
					return 0, nil
				}
			}, func(context.Context, *store.Tx, int, error) (work.Next, error) { applied++; return work.Done(), nil }), nil
		}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		for range 2 {
			r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{rec}, Lease: 30 * time.Second}
			go func() { ended <- r.Run(ctx) }()
		}
		wake(t, db, "thing", "a")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []int{1, 1, 0}, []int{calls, applied, cut})

		wake(t, db, "thing", "a")
		time.Sleep(time.Minute)
		write(t, db, work.ReleaseAll) // as if this process had been stopped for longer than the lease
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []int{3, 2, 1}, []int{calls, applied, cut})
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
		require.NoError(t, db.Close())
	})
}

// An idle runner does nothing at all: a virtual day costs a handful of statements.
func TestAnIdleRunnerSleeps(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(dir, "a.db"), Migrations: tables})
		require.NoError(t, err)
		var at []time.Duration
		began := time.Now()
		rec := script{"thing", func(context.Context, *store.Tx, string) (work.Next, error) {
			at = append(at, time.Since(began))
			return work.Again(6 * time.Hour), nil
		}}
		ctx, counter := store.CountStatements(t.Context())
		ctx, stop := context.WithCancel(ctx)
		ended := make(chan error)
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{rec}}
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait()
		wake(t, db, "thing", "a")
		time.Sleep(24*time.Hour - time.Second)
		synctest.Wait()
		require.Equal(t, []time.Duration{0, 6 * time.Hour, 12 * time.Hour, 18 * time.Hour}, at)
		require.Less(t, counter.N(), 60, "%q", counter.Statements())
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, db.Close())
	})
}

func TestAScanWakesEverything(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, clock *storetest.Clock) {
		seen := map[string]int{}
		list := func(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
			err = tx.NewSelect().Table("things").Column("uid").Where("uid > ?", after).Order("uid").Limit(limit).Scan(ctx, &uids)
			return uids, err
		}
		r := &work.Runner{DB: db, Logger: silent, Scans: []work.Scan{work.FullScan("thing", list, time.Hour)},
			Reconcilers: []work.Reconciler{script{"thing", func(_ context.Context, _ *store.Tx, uid string) (work.Next, error) {
				seen[uid]++
				return work.Done(), nil
			}}}}
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i := range 250 {
				if _, err := tx.ExecContext(ctx, "INSERT INTO things (uid, wanted, got) VALUES (?, 0, 0)", fmt.Sprint("t", i)); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, r.StartScans(t.Context()))
		until := clock.Now().Add(90 * time.Minute)
		for {
			_, err := r.RunDue(t.Context())
			require.NoError(t, err)
			at, ok, err := r.NextDue(t.Context())
			require.NoError(t, err)
			require.True(t, ok)
			if at.After(until) {
				break
			}
			clock.Advance(max(0, at.Sub(clock.Now())))
		}
		require.Len(t, seen, 250)
		for uid, n := range seen {
			require.Equal(t, 2, n, uid)
		}
	})
}
