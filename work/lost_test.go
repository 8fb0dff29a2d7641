package work_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

var tables = []store.MigrationSet{work.Migrations(), {Package: "example", Migrations: []store.Migration{{Name: "0900_example",
	SQL: "CREATE TABLE things (uid TEXT NOT NULL PRIMARY KEY, wanted BIGINT NOT NULL, got BIGINT NOT NULL, state TEXT NOT NULL DEFAULT '')"}}}}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// copier brings got to wanted. Every third time it does so by an outside call, and it lets others in while it looks.
type copier struct {
	runs atomic.Int64
}

func (c *copier) Kind() string { return "thing" }

func (c *copier) Step(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
	var wanted int64
	if err := tx.NewSelect().Table("things").Column("wanted").Where("uid = ?", uid).Scan(ctx, &wanted); err != nil {
		return work.Next{}, err
	}
	put := func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE things SET got = ? WHERE uid = ?", wanted, uid)
		return err
	}
	switch c.runs.Add(1) % 6 {
	case 0, 1:
		return work.Outside(time.Second, func(context.Context) (int, error) { return 0, nil },
			func(ctx context.Context, tx *store.Tx, _ int, err error) (work.Next, error) {
				return work.Done(), put(ctx, tx)
			}), nil
	case 2:
		return work.Next{}, fmt.Errorf("not this time")
	}
	return work.Done(), put(ctx, tx)
}

// However workers crash and leases run out while everybody wakes everything, in the end every resource has seen its last change.
func TestNoWakeUpIsLost(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		const things, wakers, changes = 20, 4, 60
		ctx := t.Context()
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i := range things {
				if _, err := tx.ExecContext(ctx, "INSERT INTO things (uid, wanted, got) VALUES (?, 0, 0)", fmt.Sprint("t", i)); err != nil {
					return err
				}
			}
			return nil
		})
		running, stop := context.WithCancel(ctx)
		defer stop()
		var crashes atomic.Int64
		var runners sync.WaitGroup
		for range 2 {
			r := &work.Runner{DB: db, Reconcilers: []work.Reconciler{&copier{}}, Lease: 150 * time.Millisecond, Poll: 20 * time.Millisecond, Logger: silent,
				Faults: &work.Faults{At: func(work.Point) error {
					if rand.IntN(20) == 0 {
						crashes.Add(1)
						return work.ErrCrash
					}
					return nil
				}}}
			runners.Go(func() { require.NoError(t, r.Run(running)) })
		}
		var all sync.WaitGroup
		for range wakers {
			all.Go(func() {
				for range changes {
					uid := fmt.Sprint("t", rand.IntN(things))
					err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
						if _, err := tx.ExecContext(ctx, "UPDATE things SET wanted = wanted + 1 WHERE uid = ?", uid); err != nil {
							return err
						}
						return work.Wake(ctx, tx, "thing", uid)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		left := func() (n int) {
			require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = tx.NewSelect().Table("work").Count(ctx)
				return err
			}))
			return n
		}
		require.Eventually(t, func() bool { return left() == 0 }, time.Minute, 20*time.Millisecond)
		stop()
		runners.Wait()
		require.NotZero(t, crashes.Load())
		require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
			var sum int64
			require.NoError(t, tx.NewRaw("SELECT sum(wanted) FROM things").Scan(ctx, &sum))
			require.EqualValues(t, wakers*changes, sum)
			n, err := tx.NewSelect().Table("things").Where("got <> wanted").Count(ctx)
			require.Zero(t, n, "resources that have not seen their last change")
			return err
		}))
	})
}

func write(t testing.TB, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	require.NoError(t, db.Write(context.Background(), f))
}

func wake(t testing.TB, db *store.DB, kind string, uids ...string) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) error { return work.WakeMany(ctx, tx, kind, uids...) })
}
