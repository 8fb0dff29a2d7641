package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// Config says which database to open and what it runs on.
type Config struct {
	// DSN is "sqlite:PATH" or a plain file path for SQLite, "postgres://..." for PostgreSQL.
	DSN string
	// Migrations are the tables of the packages that use this database, in any order. The store's own are always included.
	Migrations []MigrationSet
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Rand feeds identifiers and tokens; nil means crypto/rand. It need not be safe for concurrent use.
	Rand io.Reader
	// Logger takes what happens in the background; nil means slog.Default.
	Logger *slog.Logger
	// MaxConns limits the connections of PostgreSQL (default 16) or the readers of SQLite (default 4).
	MaxConns int
	// Remember keeps the texts of all statements, for Statements.
	Remember bool
}

// DB is an open, migrated database. It is safe for concurrent use.
type DB struct {
	gen      *generator
	log      *slog.Logger
	kind     dialect.Name
	write    *bun.DB // SQLite: the writer's only connection; PostgreSQL: the pool
	read     *bun.DB // SQLite: the readers; PostgreSQL: the same pool
	group    *group  // SQLite only
	topics   topics
	prepared prepared
	instance string
	closing  sync.Once
	closeErr error
}

// ErrClosed is returned by transactions on a closed database.
var ErrClosed = errors.New("store: the database is closed")

// ErrNested is returned when a transaction is opened inside another: with one writer that would wait for itself for ever.
var ErrNested = errors.New("store: a transaction was opened inside a transaction; pass the *store.Tx on instead")

// Open opens the database, checks it, and brings it to the newest schema. It refuses a corrupt file, a schema that a newer program made, and a PostgreSQL
// database that does not compare text by bytes.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	migrations, err := collect(cfg.Migrations)
	if err != nil {
		return nil, err
	}
	db := &DB{gen: newGenerator(cfg.Now, cfg.Rand), log: cfg.Logger}
	db.instance = db.gen.Token(12)
	db.prepared.remember = cfg.Remember
	if path, ok := sqlitePath(cfg.DSN); ok {
		err = db.openSQLite(ctx, path, cfg.MaxConns)
	} else {
		err = db.openPostgres(ctx, cfg.DSN, cfg.MaxConns)
	}
	if err == nil {
		err = db.migrate(ctx, migrations)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// sqlitePath tells whether a DSN means SQLite, and the file.
func sqlitePath(dsn string) (string, bool) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return path, true
	}
	return dsn, !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://")
}

// Close waits for the transactions under way and closes the connections. Waiting writes end with ErrClosed. A second call returns what the first did.
func (db *DB) Close() error {
	db.closing.Do(func() {
		var errs []error
		if db.group != nil {
			errs = append(errs, db.group.stop())
		}
		if db.read != nil && db.read != db.write {
			errs = append(errs, db.read.Close())
		}
		if db.write != nil {
			errs = append(errs, db.write.Close())
		}
		db.closeErr = errors.Join(errs...)
	})
	return db.closeErr
}

// Dialect is bun's; Dialect().Name() is dialect.SQLite or dialect.PG.
func (db *DB) Dialect() schema.Dialect { return db.write.Dialect() }

// Instance is a random name of this opening of the database: it tells the leases of this process from those of others and of the past.
func (db *DB) Instance() string { return db.instance }

// Now is the database's clock, in whole microseconds (what a column can hold), in UTC.
func (db *DB) Now() time.Time { return db.gen.Now() }

// NewUID makes a UUIDv7 (RFC 9562) from the clock; those of one process sort in the order in which they were made.
func (db *DB) NewUID() string { return db.gen.NewUID(db.gen.Now()) }

// NewSlug makes 8 random characters of [a-z0-9].
func (db *DB) NewSlug() string { return db.gen.NewSlug() }

// Token makes n random characters of [A-Za-z0-9], about 5.95 bits each.
func (db *DB) Token(n int) string { return db.gen.Token(n) }

// Write runs f in one transaction and returns after its commit. What f did is undone if it returns an error, panics (the panic is returned as an error) or
// leaves by runtime.Goexit. f may run more than once (a conflict on PostgreSQL, a broken group on SQLite), so it changes rows and nothing else.
//
// A context that is done before f starts keeps f from running. Once f runs, its context no longer ends: it carries the values of ctx only, since an
// interrupted statement would take down the others of the group.
func (db *DB) Write(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	return db.writeAs(ctx, sql.LevelSerializable, f)
}

// WriteCommitted is Write with the isolation READ COMMITTED on PostgreSQL, for transactions whose every statement is a compare-and-set of its own. On
// SQLite it is the same as Write.
func (db *DB) WriteCommitted(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	return db.writeAs(ctx, sql.LevelReadCommitted, f)
}

func (db *DB) writeAs(ctx context.Context, level sql.IsolationLevel, f func(ctx context.Context, tx *Tx) error) error {
	if tx := joined(ctx); tx != nil && !tx.readOnly {
		return tx.within(ctx, f)
	}
	if inTx(ctx) {
		return ErrNested
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.group != nil {
		return db.group.write(ctx, f)
	}
	return db.writePostgres(ctx, level, f)
}

// Read runs f in a read-only transaction that sees one snapshot of the database. When ctx ends, the statement under way is finished and the next one fails: to
// watch a context during each statement would cost more than most statements do.
func (db *DB) Read(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	if tx := joined(ctx); tx != nil {
		return guard(func() error { return f(ctx, tx) })
	}
	if inTx(ctx) {
		return ErrNested
	}
	btx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: db.snapshotLevel()})
	if err != nil {
		return fmt.Errorf("store: beginning to read: %w", err)
	}
	defer btx.Rollback() // nothing to keep; also the way out of a panic
	tx := db.newTx(btx)
	tx.readOnly = true
	inner := enterTx(context.WithoutCancel(ctx))
	return guard(func() error { return f(inner, tx) })
}
