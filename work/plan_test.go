package work

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

// The runner's statements must not sort or scan the table: it grows with the cloud.
func TestTheRunnerUsesItsIndexes(t *testing.T) {
	db := storetest.SQLite(t, Migrations())
	ctx, counter := store.CountStatements(t.Context())
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		require.NoError(t, WakeMany(ctx, tx, "thing", "a", "b", "c"))
		rows, err := take(ctx, tx, []string{"thing", "other"}, 3, "me", 1)
		require.NoError(t, err)
		require.Len(t, rows, 3)
		rows, err = held(ctx, tx, rows)
		require.NoError(t, err)
		_, _, err = nextDue(ctx, tx, []string{"thing"})
		require.NoError(t, err)
		require.NoError(t, rest(ctx, tx, rows[0], false))
		return remove(ctx, tx, rows[1:])
	}))
	for _, statement := range counter.Statements() {
		if strings.HasPrefix(statement, "INSERT") {
			continue
		}
		plan := explain(t, db, statement)
		require.NotContains(t, plan, "SCAN work\n", statement)
		require.NotContains(t, plan, "ORDER BY", statement)
	}
}

func explain(t *testing.T, db *store.DB, statement string) (plan string) {
	t.Helper()
	var steps []struct {
		ID, Parent, Notused int
		Detail              string
	}
	require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("EXPLAIN QUERY PLAN "+statement).Scan(ctx, &steps)
	}))
	for _, s := range steps {
		plan += s.Detail + "\n"
	}
	require.NotEmpty(t, plan)
	return plan
}
