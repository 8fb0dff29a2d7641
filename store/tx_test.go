package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestAFailedFunctionLeavesNothing(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		boom := errors.New("boom")
		require.ErrorIs(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("ran after a rollback") })
			return errors.Join(insert(ctx, tx, "1", "a", 1), boom)
		}), boom)

		var panicked *store.PanicError
		require.ErrorAs(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			require.NoError(t, insert(ctx, tx, "1", "a", 1))
			panic("ouch")
		}), &panicked)
		require.Equal(t, "ouch", panicked.Value)
		require.Contains(t, string(panicked.Stack), "tx_test.go")

		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_ = insert(ctx, tx, "1", "a", 1)
				runtime.Goexit() // what FailNow does
				return nil
			})
			t.Error("Goexit did not end the goroutine")
		}()
		<-ended
		require.Empty(t, names(t, db))
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "1", "a", 1) })
		require.Equal(t, []string{"a"}, names(t, db))
	})
}

func TestATransactionInsideATransactionIsRefused(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		nothing := func(context.Context, *store.Tx) error { return nil }
		for name, outer := range map[string]func(context.Context, func(context.Context, *store.Tx) error) error{"write": db.Write, "read": db.Read} {
			err := outer(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				require.ErrorIs(t, db.Write(ctx, nothing), store.ErrNested, name)
				require.ErrorIs(t, db.Read(ctx, nothing), store.ErrNested, name)
				_, err := tx.BeginTx(ctx, nil)
				require.ErrorIs(t, err, store.ErrNested)
				return nil
			})
			require.NoError(t, err)
		}
	})
}

func TestAReadCannotWriteAndSeesOneSnapshot(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "1", "a", 1) })
		require.Error(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "2", "b", 1) }))
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			before, err := tx.NewSelect().Model((*parent)(nil)).Count(ctx)
			require.NoError(t, err)
			write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "3", "c", 1) })
			after, err := tx.NewSelect().Model((*parent)(nil)).Count(ctx)
			require.Equal(t, before, after)
			return err
		}))
		require.Equal(t, []string{"a", "c"}, names(t, db))
	})
}

func TestAContextThatIsDoneKeepsTheFunctionFromRunning(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, db.Write(ctx, func(context.Context, *store.Tx) error { t.Error("ran"); return nil }), context.Canceled)

		ctx, cancel = context.WithCancel(t.Context())
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			cancel() // too late: it runs to its end
			return insert(ctx, tx, "1", "a", 1)
		}))
		require.Equal(t, []string{"a"}, names(t, db))
	})
}

func TestOnlyQueuedWritesLeaveWithTheirContext(t *testing.T) {
	db := storetest.SQLite(t, tables...)
	inside, leave := make(chan struct{}), make(chan struct{})
	var first sync.WaitGroup
	first.Go(func() {
		write(t, db, func(context.Context, *store.Tx) error { close(inside); <-leave; return nil })
	})
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, db.Write(ctx, func(context.Context, *store.Tx) error { t.Error("ran"); return nil }), context.DeadlineExceeded)
	close(leave)
	first.Wait()
	write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "1", "a", 1) })
}

// Functions of one group that fail in every way there is do not touch each other.
func TestFunctionsOfAGroupAreIsolated(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error { return insert(ctx, tx, "root", "root", 0) })
		var all sync.WaitGroup
		var good, late, after atomic.Int64
		for i := range 200 {
			all.Go(func() {
				err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					tx.AfterCommit(func() { after.Add(1) })
					if err := insert(ctx, tx, fmt.Sprint(i), fmt.Sprint(i), 1); err != nil {
						return err
					}
					switch i % 5 {
					case 0:
						return errors.New("no")
					case 1:
						panic("no")
					case 2:
						_, err := tx.ExecContext(ctx, "INSERT INTO children (id, parent) VALUES (?, 'nobody')", fmt.Sprint(i))
						return err
					case 3: // found at the commit only, and of every second
						to := "root"
						if i%2 == 0 {
							to = "nobody"
						}
						_, err := tx.ExecContext(ctx, "INSERT INTO late_children (id, parent) VALUES (?, ?)", fmt.Sprint(i), to)
						return err
					}
					_, err := tx.ExecContext(ctx, "UPDATE parents SET size = size + 1 WHERE id = 'root'")
					return err
				})
				switch {
				case err == nil && i%5 == 3:
					late.Add(1)
				case err == nil:
					good.Add(1)
				}
			})
		}
		all.Wait()
		require.EqualValues(t, 40, good.Load())
		require.EqualValues(t, 20, late.Load())
		require.EqualValues(t, 60, after.Load())
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			root := &parent{ID: "root"}
			require.NoError(t, tx.NewSelect().Model(root).WherePK().Scan(ctx))
			require.EqualValues(t, 40, root.Size)
			n, err := tx.NewSelect().Model((*parent)(nil)).Count(ctx)
			require.Equal(t, 61, n)
			return err
		}))
	})
}

func TestTryUndoesOnlyItsPart(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		ran := 0
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			require.NoError(t, insert(ctx, tx, "1", "a", 1))
			err := tx.Try(ctx, func() error {
				tx.AfterCommit(func() { t.Error("ran although undone") })
				return insert(ctx, tx, "1", "b", 1)
			})
			_, taken := store.IsUnique(err)
			require.True(t, taken, "%v", err)
			require.NoError(t, tx.Try(ctx, func() error {
				tx.AfterCommit(func() { ran++ })
				return tx.Try(ctx, func() error { return insert(ctx, tx, "2", "c", 1) })
			}))
			return insert(ctx, tx, "3", "d", 1)
		})
		require.Equal(t, 1, ran)
		require.Equal(t, []string{"a", "c", "d"}, names(t, db))
	})
}

func TestASignalFollowsTheCommit(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		signal, cancel := db.Subscribe("x")
		defer cancel()
		require.Error(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { tx.Notify("x"); return errors.New("no") }))
		require.Empty(t, signal)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			tx.Notify("x")
			tx.Notify("x")
			tx.Notify("y")
			return nil
		})
		require.Len(t, signal, 1)
	})
}

func TestStatementsAreCounted(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		ctx, counter := store.CountStatements(t.Context())
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			require.NoError(t, insert(ctx, tx, "1", "a", 1))
			return tx.Try(ctx, func() error { return insert(ctx, tx, "2", "b", 1) })
		}))
		require.Equal(t, 2, counter.N(), "%q", counter.Statements())
		require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewSelect().Model((*parent)(nil)).Count(ctx)
			return err
		}))
		require.Equal(t, 3, counter.N(), "%q", counter.Statements())
	})
}

func TestAClosedDatabaseAnswersSo(t *testing.T) {
	db := storetest.SQLite(t, tables...)
	require.NoError(t, db.Close())
	require.ErrorIs(t, db.Write(t.Context(), func(context.Context, *store.Tx) error { return nil }), store.ErrClosed)
	require.NoError(t, db.Close())
}
