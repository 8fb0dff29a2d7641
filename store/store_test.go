package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	for range 2 {
		db, err := store.Open(context.Background(), store.Config{DSN: path})
		require.NoError(t, err)
		require.NoError(t, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			res, err := store.Idempotent(ctx, tx, "s", "t", []byte("f"), func() ([]byte, error) { return []byte("x"), nil })
			require.NoError(t, err)
			require.Equal(t, "x", string(res))
			return nil
		}))
		require.NoError(t, db.Close())
	}
}
