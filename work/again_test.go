package work_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/work"
)

// A step that wants to run again at once does so, though the runner went to sleep until the lease's end while the step's call was under way.
func TestARowThatIsDueAgainDoesNotWaitForTheLease(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(dir, "a.db"), Migrations: tables})
		require.NoError(t, err)
		var at []time.Duration
		began := time.Now()
		rec := script{"thing", func(context.Context, *store.Tx, string) (work.Next, error) {
			at = append(at, time.Since(began))
			if len(at) > 1 {
				return work.Done(), nil
			}
			return work.Outside(time.Minute, func(context.Context) (int, error) { time.Sleep(time.Second); return 0, nil },
				func(context.Context, *store.Tx, int, error) (work.Next, error) { return work.Again(0), nil }), nil
		}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{rec}, Lease: 30 * time.Second}
		go func() { ended <- r.Run(ctx) }()
		wake(t, db, "thing", "a")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, []time.Duration{0, time.Second}, at)
		stop()
		require.NoError(t, <-ended)
		require.NoError(t, db.Close())
	})
}
