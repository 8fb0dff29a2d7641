package store

import (
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// The extended result codes of SQLite (sqlite.org/rescode.html).
const (
	sqliteCheck      = 275
	sqliteForeignKey = 787
	sqliteNotNull    = 1299
	sqlitePrimaryKey = 1555
	sqliteUnique     = 2067
	sqliteRowID      = 2579
)

// NotFound tells whether an error means that a query found no row.
func NotFound(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsUnique tells whether a statement broke a unique index or a primary key, and names the columns the same way on both databases: "table.a,table.b". For an
// index on an expression it is the index's name.
func IsUnique(err error) (columns string, ok bool) {
	if code, text := sqliteError(err); code == sqliteUnique || code == sqlitePrimaryKey || code == sqliteRowID {
		return sqliteColumns(text), true
	}
	if pg := postgresError(err); pg != nil && pg.Code == "23505" {
		return postgresColumns(pg), true
	}
	return "", false
}

// IsForeignKey tells whether a statement named a row that does not exist, or removed one that is still in use.
func IsForeignKey(err error) bool { return isClass(err, sqliteForeignKey, "23503") }

// IsNotNull tells whether a statement left out a column that must have a value, and names it: "table.column".
func IsNotNull(err error) (column string, ok bool) {
	if code, text := sqliteError(err); code == sqliteNotNull {
		return sqliteColumns(text), true
	}
	if pg := postgresError(err); pg != nil && pg.Code == "23502" {
		return pg.TableName + "." + pg.ColumnName, true
	}
	return "", false
}

// IsCheck tells whether a statement broke a CHECK constraint.
func IsCheck(err error) bool { return isClass(err, sqliteCheck, "23514") }

func isClass(err error, sqliteCode int, pgCode string) bool {
	if code, _ := sqliteError(err); code == sqliteCode {
		return true
	}
	pg := postgresError(err)
	return pg != nil && pg.Code == pgCode
}

func sqliteError(err error) (code int, text string) {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code(), e.Error()
	}
	return 0, ""
}

func postgresError(err error) *pgconn.PgError {
	var e *pgconn.PgError
	errors.As(err, &e)
	return e
}

// sqliteColumns reads "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)" or "...: index 'name' (2067)". This is the only place that reads a
// text, since SQLite says the columns nowhere else.
func sqliteColumns(text string) string {
	_, rest, found := strings.Cut(text, "constraint failed: ")
	if again, more, twice := strings.Cut(rest, "constraint failed: "); twice {
		rest, found = more, again != ""
	}
	if !found {
		return ""
	}
	if i := strings.LastIndex(rest, " ("); i >= 0 {
		rest = rest[:i]
	}
	if name, ok := strings.CutPrefix(rest, "index '"); ok {
		return strings.TrimSuffix(name, "'")
	}
	return strings.ReplaceAll(rest, ", ", ",")
}

// postgresColumns reads the detail "Key (a, b)=(1, 2) already exists."
func postgresColumns(pg *pgconn.PgError) string {
	_, rest, found := strings.Cut(pg.Detail, "Key (")
	inner, _, closed := strings.Cut(rest, ")=")
	if !found || !closed || strings.ContainsAny(inner, "()") {
		return pg.ConstraintName
	}
	columns := strings.Split(inner, ", ")
	for i, c := range columns {
		columns[i] = pg.TableName + "." + c
	}
	return strings.Join(columns, ",")
}
