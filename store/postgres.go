package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
)

const (
	defaultConns = 16
	maxRepeats   = 50 // a transaction that still conflicts after so many repeats is given up
)

func (db *DB) openPostgres(ctx context.Context, dsn string, conns int) error {
	if conns <= 0 {
		conns = defaultConns
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("store: the PostgreSQL address: %w", err)
	}
	// bun writes the values into the text, so every text is new: a statement cache would only fill up.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	db.kind = dialect.PG
	db.write = db.withHook(bun.NewDB(pool, pgdialect.New()))
	db.read = db.write
	return checkPostgres(ctx, pool)
}

// checkPostgres refuses a database that would order text otherwise than SQLite does.
func checkPostgres(ctx context.Context, pool *sql.DB) error {
	var name, collate, encoding string
	err := pool.QueryRowContext(ctx, "SELECT datname, datcollate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()").Scan(&name, &collate, &encoding)
	if err != nil {
		return fmt.Errorf("store: connecting to PostgreSQL: %w", err)
	}
	if (collate != "C" && collate != "POSIX" && collate != "C.UTF-8") || encoding != "UTF8" {
		return fmt.Errorf("store: the PostgreSQL database %q has collation %s and encoding %s; it must compare text by bytes: "+
			"CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'", name, collate, encoding, name)
	}
	return nil
}

func (db *DB) snapshotLevel() sql.IsolationLevel {
	if db.kind == dialect.PG {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// writePostgres repeats the transaction as long as it fails only because of others.
func (db *DB) writePostgres(ctx context.Context, level sql.IsolationLevel, f func(context.Context, *Tx) error) error {
	inner := enterTx(context.WithoutCancel(ctx))
	for n := 0; ; n++ {
		tx, err := db.oncePostgres(inner, level, f)
		if err == nil {
			tx.committed()
			return nil
		}
		if !isConflict(err) || n == maxRepeats {
			return err
		}
		pause := time.Duration(rand.Int64N(int64(time.Millisecond) << min(n, 6)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (db *DB) oncePostgres(ctx context.Context, level sql.IsolationLevel, f func(context.Context, *Tx) error) (*Tx, error) {
	btx, err := db.write.BeginTx(ctx, &sql.TxOptions{Isolation: level})
	if err != nil {
		return nil, fmt.Errorf("store: beginning to write: %w", err)
	}
	defer btx.Rollback() // no effect after the commit; also the way out of a panic
	tx := db.newTx(btx)
	if err := guard(func() error { return tx.whole(ctx, f) }); err != nil {
		return tx, err
	}
	if err := btx.Commit(); err != nil {
		return tx, fmt.Errorf("store: committing: %w", err)
	}
	return tx, nil
}

// isConflict knows what a repeat of the transaction cures: serialization_failure and deadlock_detected.
func isConflict(err error) bool {
	pg := postgresError(err)
	return pg != nil && (pg.Code == "40001" || pg.Code == "40P01")
}

// Repeats tells whether a failure inside a transaction must be returned from its function, so that the transaction as a whole is repeated or given up.
// Code that records the errors of its parts (as the work runner does) must let these pass.
func Repeats(err error) bool { return isConflict(err) || errors.Is(err, errBroken) }
