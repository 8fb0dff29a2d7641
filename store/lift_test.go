package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"pgregory.net/rapid"
)

func TestLift(t *testing.T) {
	for name, c := range map[string]struct {
		query, text string
		values      []driver.Value
	}{
		"values": {`INSERT INTO "t" ("a", "b") VALUES ('x', 0), ('it''s', -12)`, `INSERT INTO "t" ("a", "b") VALUES (?, ?), (?, -?)`,
			[]driver.Value{"x", int64(0), "it's", int64(12)}},
		"set, and conditions of a partial index": {`UPDATE work SET lease = 0, state = 'x' WHERE lease = 0 AND due <= 1700 AND kind || '' IN ('instance') AND uid = 'a1'`,
			`UPDATE work SET lease = ?, state = ? WHERE lease = 0 AND due <= ? AND kind || '' IN ('instance') AND uid = ?`, []driver.Value{int64(0), "x", int64(1700), "a1"}},
		"a list grows to a power of two": {`SELECT * FROM t1 WHERE a IN ('u1', 'u2', 'u3') LIMIT 5`, `SELECT * FROM t1 WHERE a IN (?, ?, ?, ?) LIMIT ?`,
			[]driver.Value{"u1", "u2", "u3", "u3", int64(5)}},
		"a list with more than values does not": {`SELECT 1 WHERE a IN ('u1', 'u2', LOWER('U3'))`, `SELECT 1 WHERE a IN (?, ?, LOWER(?))`, []driver.Value{"u1", "u2", "U3"}},
		"rows after IN":                         {`DELETE FROM work WHERE (kind, uid) IN (VALUES ('a','u1'),('b','u2'),('c','u3'))`, `DELETE FROM work WHERE (kind, uid) IN (VALUES (?,?),(?,?),(?,?))`, []driver.Value{"a", "u1", "b", "u2", "c", "u3"}},
		"orders and positions":                  {`SELECT a, 17 FROM t ORDER BY 12, 'b2' LIMIT 10 OFFSET 0`, `SELECT a, ? FROM t ORDER BY 12, 'b2' LIMIT ? OFFSET ?`, []driver.Value{int64(17), int64(10), int64(0)}},
		"inside and after a subquery": {`UPDATE h SET n = n + 1 WHERE uid = (SELECT uid FROM h WHERE x = 'a1' ORDER BY m LIMIT 1) RETURNING uid`,
			`UPDATE h SET n = n + ? WHERE uid = (SELECT uid FROM h WHERE x = ? ORDER BY m LIMIT ?) RETURNING uid`, []driver.Value{int64(1), "a1", int64(1)}},
		"a conflict's target": {`INSERT INTO t (a) VALUES ('q1') ON CONFLICT (a) WHERE kind = 'default1' DO UPDATE SET a = 'w'`,
			`INSERT INTO t (a) VALUES (?) ON CONFLICT (a) WHERE kind = 'default1' DO UPDATE SET a = ?`, []driver.Value{"q1", "w"}},
		"other numbers": {`SELECT 1.5, 1e10, 0x1F, 99999999999999999999 FROM t`, `SELECT 1.5, 1e10, 0x1F, 99999999999999999999 FROM t`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text, values, ok := new(lifter).lift(c.query)
			require.True(t, ok)
			require.Equal(t, c.text, string(text))
			var got []driver.Value
			for i, v := range values {
				require.Equal(t, i+1, v.Ordinal)
				got = append(got, v.Value)
			}
			require.Equal(t, c.values, got)
		})
	}
}

func TestLiftLeavesAlone(t *testing.T) {
	for _, query := range []string{"PRAGMA user_version", "CREATE TABLE t (a TEXT DEFAULT 'x1')", "SELECT 1; SELECT 2", "SELECT 1 -- x", "SELECT /* x */ 1", "SELECT ?",
		"INSERT INTO t VALUES (X'00')", "SELECT 'open", `SELECT "open`, "SELECT (1", "SELECT 1)"} {
		_, _, ok := new(lifter).lift(query)
		require.False(t, ok, query)
	}
}

// A statement gives the same with its values lifted out as without, whatever the values are.
func TestLiftedIsTheSame(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, Config{DSN: filepath.Join(t.TempDir(), "x.db"), Migrations: []MigrationSet{{Package: "example", Migrations: []Migration{{Name: "0900_example",
		SQL: `CREATE TABLE things (a TEXT NOT NULL, n BIGINT NOT NULL, kind TEXT NOT NULL); CREATE INDEX things_n ON things (n) WHERE kind = ''`}}}}})
	require.NoError(t, err)
	defer db.Close()
	raw, err := sqliteConnector(sqliteDSN(filepath.Join(t.TempDir(), "y.db"), readerCacheKiB), 10, &db.prepared)
	require.NoError(t, err)
	opened, err := raw.Connect(ctx)
	require.NoError(t, err)
	plain := opened.(*keeper).sqliteConn // the connection below: it runs texts as they are
	defer plain.Close()
	run := func(q string) {
		_, err := plain.ExecContext(ctx, q, nil)
		require.NoError(t, err, q)
	}
	run(`CREATE TABLE things (a TEXT NOT NULL, n BIGINT NOT NULL, kind TEXT NOT NULL)`)
	quote := func(s string) string { return string(sqlitedialect.New().AppendString(nil, s)) }
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "running", "a1", "it's", "?", "--", "1"}))
		number := rapid.OneOf(rapid.Int64Range(-3, 12), rapid.Int64())
		var list []string
		for range rapid.IntRange(1, 9).Draw(r, "length") {
			list = append(list, quote(text.Draw(r, "member")))
		}
		n, kind, a := number.Draw(r, "n"), quote(text.Draw(r, "kind")), quote(text.Draw(r, "a"))
		for _, q := range []string{
			fmt.Sprintf("INSERT INTO things (a, n, kind) VALUES (%s, %d, %s), (%s, %d, '')", a, n, kind, list[0], n),
			fmt.Sprintf("UPDATE things SET n = n / 2 + %d WHERE kind = %s AND n < %d", number.Draw(r, "m")/4, kind, n),
			fmt.Sprintf("DELETE FROM things WHERE a IN (%s) AND n <> %d", strings.Join(list, ", "), n),
		} {
			run(q)
			require.NoError(r, db.Write(ctx, func(ctx context.Context, tx *Tx) error {
				_, err := tx.ExecContext(ctx, q)
				return err
			}), q)
		}
		q := fmt.Sprintf("SELECT a || '/' || n || '/' || kind || typeof(a) || typeof(n) FROM things WHERE a NOT IN (%s) OR kind = '' AND n > %d ORDER BY 1", strings.Join(list, ", "), n)
		var lifted []string
		require.NoError(r, db.Read(ctx, func(ctx context.Context, tx *Tx) error { return tx.NewRaw(q).Scan(ctx, &lifted) }))
		require.Equal(r, readTexts(r, plain, q), lifted)
	})
}

func readTexts(t require.TestingT, c driver.QueryerContext, query string) (all []string) {
	rows, err := c.QueryContext(context.Background(), query, nil)
	require.NoError(t, err)
	defer rows.Close()
	for one := make([]driver.Value, 1); rows.Next(one) == nil; {
		all = append(all, one[0].(string))
	}
	return all
}

// The same statement with other values is prepared once for each connection; a statement whose rows are being read can be run again meanwhile.
func TestStatementsAreKept(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, Config{DSN: filepath.Join(t.TempDir(), "x.db")})
	require.NoError(t, err)
	defer db.Close()
	insert := func(i int) {
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.NewInsert().Model(&idempotencyToken{Scope: "scope", Token: fmt.Sprint("token", i), Fingerprint: "f"}).Value("result", "''").Exec(ctx)
			return err
		}))
	}
	insert(0)
	before := db.prepared.n.Load()
	for i := range 200 {
		insert(i + 1)
	}
	require.Equal(t, before, db.prepared.n.Load())
	require.NoError(t, db.Read(ctx, func(ctx context.Context, tx *Tx) error {
		const query = "SELECT token FROM idempotency_tokens ORDER BY token LIMIT 3"
		outer, err := tx.QueryContext(ctx, query)
		require.NoError(t, err)
		defer outer.Close()
		n := 0
		for ; outer.Next(); n++ {
			var inner []string
			require.NoError(t, tx.NewRaw(query).Scan(ctx, &inner))
			require.Equal(t, []string{"token0", "token1", "token10"}, inner)
		}
		require.Equal(t, 3, n)
		return outer.Err()
	}))
	for i := range 2 * writerStatements { // more texts than are kept
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *Tx) error {
			_, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT 1 AS x%d", i))
			return err
		}))
	}
	insert(1000)
}
