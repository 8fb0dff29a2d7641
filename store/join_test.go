package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestAJoinedWriteIsPartOfTheOuterTransaction(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		use := func(ctx context.Context, token string) error {
			return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := store.Idempotent(ctx, tx, "s", token, []byte("f"), func() ([]byte, error) { return []byte("r"), nil })
				return err
			})
		}
		known := func(ctx context.Context, token string) (known bool) {
			require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
				n, err := tx.NewSelect().Table("idempotency_tokens").Where("token = ?", token).Count(ctx)
				known = n > 0
				return err
			}))
			return known
		}
		boom := errors.New("boom")
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			joined := store.Join(ctx, tx)
			require.NoError(t, use(joined, "a"))
			require.True(t, known(joined, "a"), "a joined read sees what the outer transaction did")
			return boom
		})
		require.ErrorIs(t, err, boom)
		require.False(t, known(ctx, "a"), "the outer failure undoes the joined write")

		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			joined := store.Join(ctx, tx)
			require.NoError(t, use(joined, "b"))
			failed := db.Write(joined, func(ctx context.Context, tx *store.Tx) error {
				require.NoError(t, use(store.Join(ctx, tx), "c"))
				return boom
			})
			require.ErrorIs(t, failed, boom)
			return nil
		}))
		require.True(t, known(ctx, "b"))
		require.False(t, known(ctx, "c"), "a joined write that fails undoes its own part")
	})
}
