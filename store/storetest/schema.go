package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/dialect"

	"edgecloud/store"
)

// SameSchema fails unless the migrations make the same tables, columns, indexes and foreign keys on both databases.
func SameSchema(t *testing.T, migrations ...store.MigrationSet) {
	t.Helper()
	lite, pg := Schema(t, SQLite(t, migrations...)), Schema(t, Postgres(t, migrations...))
	require.NotEmpty(t, lite)
	require.Equal(t, lite, pg, "SQLite (expected) and PostgreSQL (actual)")
}

// Schema describes a database's tables in sorted lines, in the same words on both databases: "table.column type [not null]", "table key columns",
// "table index name (columns) [unique] [partial]", "table foreign key column -> table.column".
func Schema(t testing.TB, db *store.DB) (lines []string) {
	t.Helper()
	queries := sqliteSchema
	if db.Dialect().Name() == dialect.PG {
		queries = postgresSchema
	}
	require.NoError(t, db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, q := range queries {
			var some []string
			if err := tx.NewRaw(q).Scan(ctx, &some); err != nil {
				return err
			}
			lines = append(lines, some...)
		}
		return nil
	}))
	slices.Sort(lines)
	return lines
}

var sqliteSchema = []string{
	`SELECT t.name || '.' || c.name || ' ' || lower(replace(c.type, 'BLOB', 'bytea')) || CASE WHEN c."notnull" THEN ' not null' ELSE '' END
	 FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`,
	`SELECT t.name || ' key ' || (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk))
	 FROM sqlite_schema t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`,
	`SELECT t.name || ' index ' || CASE i.origin WHEN 'c' THEN i.name ELSE '' END || ' (' ||
	 (SELECT group_concat(coalesce(name, '?'), ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) || ')' ||
	 CASE WHEN i."unique" THEN ' unique' ELSE '' END || CASE WHEN i.partial THEN ' partial' ELSE '' END
	 FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND i.origin <> 'pk'`,
	`SELECT t.name || ' foreign key ' || f."from" || ' -> ' || f."table" || '.' || coalesce(f."to", '') || ' ' || lower(f.on_delete)
	 FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'`,
}

var postgresSchema = []string{
	`SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
	 FROM information_schema.columns WHERE table_schema = 'public'`,
	`SELECT c.relname || ' key ' || (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(att, n)
	   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.att)
	 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace s ON s.oid = c.relnamespace WHERE i.indisprimary AND s.nspname = 'public'`,
	`SELECT c.relname || ' index ' || CASE WHEN EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype = 'u') THEN '' ELSE x.relname END || ' (' ||
	 (SELECT string_agg(coalesce(a.attname, '?'), ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(att, n)
	   LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.att AND k.att > 0) || ')' ||
	 CASE WHEN i.indisunique THEN ' unique' ELSE '' END || CASE WHEN i.indpred IS NOT NULL THEN ' partial' ELSE '' END
	 FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace s ON s.oid = c.relnamespace
	 WHERE NOT i.indisprimary AND s.nspname = 'public'`,
	`SELECT c.relname || ' foreign key ' || a.attname || ' -> ' || f.relname || '.' || b.attname || ' ' ||
	 CASE o.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END
	 FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_class f ON f.oid = o.confrelid, unnest(o.conkey, o.confkey) k(own, other),
	 LATERAL (SELECT attname FROM pg_attribute WHERE attrelid = o.conrelid AND attnum = k.own) a,
	 LATERAL (SELECT attname FROM pg_attribute WHERE attrelid = o.confrelid AND attnum = k.other) b WHERE o.contype = 'f'`,
}
