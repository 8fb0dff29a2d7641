package store

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCallsGoBeforeTheBackground(t *testing.T) {
	var q queue
	back := []*job{{background: true}, {background: true}, {background: true}}
	call := &job{}
	for _, j := range back {
		q.add(j)
	}
	q.add(call)
	batch := q.take()
	require.Equal(t, []*job{call, back[0], back[1], back[2]}, batch)
	require.False(t, q.yields(back[1]), "no call waits")
	q.add(&job{})
	require.True(t, q.yields(back[1]))
	require.False(t, q.yields(call))
	q.putBack(batch[2:])
	q.spent(back[0], 10*time.Millisecond)
	require.Len(t, q.take(), 1, "the background owes 10 ms")
	q.spent(call, 10*time.Millisecond)
	again := &job{}
	q.add(again)
	require.Equal(t, []*job{again}, q.take())
	q.spent(call, 10*time.Millisecond)
	q.add(&job{})
	require.Equal(t, back[1:], q.take()[1:], "in their order")
	q.spent(back[1], time.Hour)
	q.add(&job{background: true})
	require.Len(t, q.take(), 1, "without calls the background need not wait")
	q.spent(call, 2*maxDebt)
	q.add(&job{})
	q.add(&job{background: true})
	require.Len(t, q.take(), 2, "a debt is bounded")
}

// Calls that never end do not keep the background from going on.
func TestTheBackgroundGoesOn(t *testing.T) {
	db, err := Open(t.Context(), Config{DSN: filepath.Join(t.TempDir(), "x.db")})
	require.NoError(t, err)
	defer db.Close()
	var stop atomic.Bool
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for !stop.Load() {
				_ = db.Write(context.Background(), func(ctx context.Context, tx *Tx) error {
					_, err := tx.ExecContext(ctx, "DELETE FROM idempotency_tokens WHERE token = 'nobody0'")
					return err
				})
			}
		})
	}
	for range 50 {
		require.NoError(t, db.Write(Background(t.Context()), func(context.Context, *Tx) error { return nil }))
	}
	stop.Store(true)
	callers.Wait()
}
