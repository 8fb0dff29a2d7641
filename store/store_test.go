package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestIdempotentToken(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		require.NoError(t, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			res, err := store.Idempotent(ctx, tx, "s", "t", []byte("f"), func() ([]byte, error) { return []byte("x"), nil })
			require.NoError(t, err)
			require.Equal(t, "x", string(res))
			return nil
		}))
	})
}
