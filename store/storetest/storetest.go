package storetest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

// Each runs f as a sub-test on SQLite and on PostgreSQL, each time with a fresh database that has the tables of the migrations.
func Each(t *testing.T, migrations []store.MigrationSet, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachWith(t, store.Config{Migrations: migrations}, f)
}

// EachWith is Each with a configuration (a clock, a random source); its DSN is ignored.
func EachWith(t *testing.T, cfg store.Config, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, OpenSQLite(t, cfg)) })
	t.Run("postgres", func(t *testing.T) { f(t, OpenPostgres(t, cfg)) })
}

// SQLite opens a fresh SQLite database with the tables of the migrations; it is closed when the test ends.
func SQLite(t testing.TB, migrations ...store.MigrationSet) *store.DB {
	t.Helper()
	return OpenSQLite(t, store.Config{Migrations: migrations})
}

// Postgres opens a fresh PostgreSQL database with the tables of the migrations; it is closed and dropped when the test ends.
func Postgres(t testing.TB, migrations ...store.MigrationSet) *store.DB {
	t.Helper()
	return OpenPostgres(t, store.Config{Migrations: migrations})
}

// OpenSQLite is SQLite with a configuration; its DSN is ignored.
func OpenSQLite(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	cfg.DSN = "sqlite:" + filepath.Join(t.TempDir(), "edgecloud.db")
	return open(t, cfg)
}

// OpenPostgres is Postgres with a configuration; its DSN is ignored.
func OpenPostgres(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	cfg.DSN = fresh(t, cfg.Migrations)
	return open(t, cfg)
}

func open(t testing.TB, cfg store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// Clock is a clock that only moves when told to; give its Now to store.Config. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at 2030-01-01 00:00 UTC.
func NewClock() *Clock { return &Clock{now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

// Now is the clock's reading.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
