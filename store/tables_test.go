package store_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"edgecloud/store"
)

// The tables of these tests: parents with children, one of whose foreign keys is only checked at the commit.
var tables = []store.MigrationSet{{Package: "example", Migrations: []store.Migration{{Name: "0900_example", SQL: `
CREATE TABLE parents (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, size BIGINT NOT NULL CHECK (size >= 0), at BIGINT NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX parents_name ON parents (name, size);
CREATE TABLE children (id TEXT NOT NULL PRIMARY KEY, parent TEXT NOT NULL REFERENCES parents (id));
CREATE TABLE late_children (id TEXT NOT NULL PRIMARY KEY, parent TEXT NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
CREATE INDEX children_parent ON children (parent);
`}}}}

type parent struct {
	bun.BaseModel `bun:"table:parents"`
	ID            string     `bun:"id,pk"`
	Name          string     `bun:"name"`
	Size          int64      `bun:"size"`
	At            store.Time `bun:"at"`
}

func insert(ctx context.Context, tx *store.Tx, id, name string, size int64) error {
	_, err := tx.NewInsert().Model(&parent{ID: id, Name: name, Size: size}).Exec(ctx)
	return err
}

func write(t *testing.T, db *store.DB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	require.NoError(t, db.Write(t.Context(), f))
}

// names lists the parents' names in the order of their ids.
func names(t *testing.T, db *store.DB) (all []string) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model((*parent)(nil)).Column("name").Order("id").Scan(ctx, &all)
	}))
	return all
}
