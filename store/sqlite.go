package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

const (
	quickCheckLimit  = 64 << 20 // bytes: above this the check at start would be felt (A2: first answer after 0.35 s)
	defaultReaders   = 4
	writerCacheKiB   = 8192 // page caches are the biggest part of the resident size (A1)
	readerCacheKiB   = 2048
	journalSizeLimit = 64 << 20
	checkpointPages  = 4000 // 16 MB: pages that are changed again and again are copied to the file once
	writerStatements = 500  // prepared statements that a connection keeps, of some 10 KiB each
	readerStatements = 100
)

// sqliteDSN gives the address of a file. The settings that both kinds of connection share: wait for a lock, enforce foreign keys, compare LIKE as
// PostgreSQL does, keep temporary tables in memory.
func sqliteDSN(path string, cacheKiB int, more ...string) string {
	q := url.Values{}
	pragmas := append([]string{"busy_timeout(10000)", "foreign_keys(1)", "case_sensitive_like(1)", "temp_store(2)", fmt.Sprintf("cache_size(-%d)", cacheKiB)}, more...)
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (db *DB) openSQLite(ctx context.Context, path string, readers int) error {
	if path == "" {
		return fmt.Errorf("store: no database is named; give a file path or a postgres:// address")
	}
	if readers <= 0 {
		readers = defaultReaders
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	db.kind = dialect.SQLite
	connector, err := sqliteConnector(sqliteDSN(path, writerCacheKiB, "journal_mode(WAL)", "synchronous(FULL)", fmt.Sprintf("journal_size_limit(%d)", journalSizeLimit),
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages)), writerStatements, &db.prepared)
	if err != nil {
		return fmt.Errorf("store: opening %s: %w", path, err)
	}
	writer := sql.OpenDB(connector)
	writer.SetMaxOpenConns(1)
	db.write = db.withHook(bun.NewDB(writer, sqlitedialect.New()))
	if err := checkFile(ctx, writer, path); err != nil {
		return err
	}
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: opening %s: %w", path, err)
	}
	db.group = newGroup(db, conn)
	connector, err = sqliteConnector(sqliteDSN(path, readerCacheKiB, "query_only(1)"), readerStatements, &db.prepared)
	if err != nil {
		return fmt.Errorf("store: opening %s: %w", path, err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(readers)
	pool.SetMaxIdleConns(readers)
	db.read = db.withHook(bun.NewDB(pool, sqlitedialect.New()))
	return nil
}

// checkFile refuses a file that is not a sound database. Reading all of a big file would delay the start, so that is left to the operator.
func checkFile(ctx context.Context, writer *sql.DB, path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > quickCheckLimit {
		_, err = writer.ExecContext(ctx, "SELECT count(*) FROM sqlite_schema")
		return corrupt(path, err)
	}
	var verdict string
	if err := writer.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return corrupt(path, err)
	}
	if verdict != "ok" {
		return corrupt(path, fmt.Errorf("%s", verdict))
	}
	return nil
}

func corrupt(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s cannot be used as the database (restore it from a backup, or name another file): %w", path, err)
}
