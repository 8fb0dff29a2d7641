package work_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/work"
)

type once struct{ n int }

func (o *once) Kind() string { return "thing" }
func (o *once) Step(ctx context.Context, tx *store.Tx, uid string) (work.Next, error) {
	o.n++
	if o.n == 1 {
		return work.Again(0), nil
	}
	if o.n == 2 {
		return work.Outside(time.Second, func(context.Context) (int, error) { return 7, nil }, func(ctx context.Context, tx *store.Tx, n int, err error) (work.Next, error) {
			return work.Again(0), err
		}), nil
	}
	return work.Done(), nil
}

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{DSN: filepath.Join(t.TempDir(), "a.db"), Migrations: []store.MigrationSet{work.Migrations()}})
	require.NoError(t, err)
	defer db.Close()
	o := &once{}
	r := &work.Runner{DB: db, Reconcilers: []work.Reconciler{o}}
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return work.Wake(ctx, tx, "thing", "a") }))
	n, err := r.RunDue(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, 3, o.n)
	_, ok, err := r.NextDue(ctx)
	require.NoError(t, err)
	require.False(t, ok)
}
