package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
)

// Migration is one forward step of the schema. It is never changed after a release.
type Migration struct {
	// Name is "NNNN_words", unique over all packages; migrations run in the order of their names. The numbers follow the floors, so that a foreign key only
	// points downwards: 00 store and work, 01 first floor (identity place quota audit operation), 02 second (image network volume object), 03 third
	// (compute container baremetal), 04 fourth.
	Name string
	// SQL runs on both databases: TEXT, BIGINT, BOOLEAN, DOUBLE PRECISION; JSON is TEXT. {{blob}} stands for BLOB or BYTEA. Several statements end in ";".
	SQL string
}

// MigrationSet is the history of one package's tables.
type MigrationSet struct {
	Package    string
	Migrations []Migration
}

// Files makes a set of the embedded files migrations/NNNN_name.sql of a package. It panics on an unreadable folder, which only a wrong go:embed makes.
func Files(pkg string, files embed.FS) MigrationSet {
	set := MigrationSet{Package: pkg}
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("store: package %s embeds no migrations/*.sql (%v)", pkg, err))
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic("store: " + err.Error())
		}
		set.Migrations = append(set.Migrations, Migration{Name: strings.TrimSuffix(path.Base(name), ".sql"), SQL: string(text)})
	}
	return set
}

//go:embed migrations/*.sql
var ownMigrations embed.FS

type migration struct {
	Migration
	pkg string
	sum string
}

var migrationName = regexp.MustCompile(`^[0-9]{4}_[a-z0-9_]+$`)

// collect puts all sets, and the store's own, into one order.
func collect(sets []MigrationSet) ([]migration, error) {
	var all []migration
	seen := map[string]string{}
	packages := map[string]bool{}
	for _, set := range append([]MigrationSet{Files("store", ownMigrations)}, sets...) {
		if packages[set.Package] {
			continue // two users of one package may both name its tables
		}
		packages[set.Package] = true
		for _, m := range set.Migrations {
			if !migrationName.MatchString(m.Name) {
				return nil, fmt.Errorf("store: the migration %q of package %s is not named NNNN_words", m.Name, set.Package)
			}
			if other, twice := seen[m.Name]; twice {
				return nil, fmt.Errorf("store: the packages %s and %s both have a migration %q", other, set.Package, m.Name)
			}
			seen[m.Name] = set.Package
			sum := sha256.Sum256([]byte(m.SQL))
			all = append(all, migration{Migration: m, pkg: set.Package, sum: hex.EncodeToString(sum[:8])})
		}
	}
	slices.SortFunc(all, func(a, b migration) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// applied is a row of schema_migrations.
type applied struct {
	bun.BaseModel `bun:"table:schema_migrations"`
	Name          string `bun:"name,pk"`
	Package       string `bun:"package"`
	Sum           string `bun:"sum"`
	At            Time   `bun:"applied_at"`
}

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT NOT NULL PRIMARY KEY, package TEXT NOT NULL, sum TEXT NOT NULL, applied_at BIGINT NOT NULL)`

// migrationLock keeps two servers that start at once from migrating at once (PostgreSQL advisory lock).
const migrationLock = 0x65646765636c6f75

// ErrNewerSchema means that a newer program has changed the database.
var ErrNewerSchema = errors.New("store: the database's schema is newer than this program; start the newer program, or restore the backup made before the upgrade")

// migrate brings the schema forward, all in one transaction.
func (db *DB) migrate(ctx context.Context, known []migration) error {
	return db.WriteCommitted(ctx, func(ctx context.Context, tx *Tx) error {
		if db.kind == dialect.PG {
			if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(?)", int64(migrationLock)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
			return fmt.Errorf("store: creating schema_migrations: %w", err)
		}
		var rows []applied
		if err := tx.NewSelect().Model(&rows).Scan(ctx); err != nil {
			return fmt.Errorf("store: reading schema_migrations: %w", err)
		}
		pending, err := compare(known, rows)
		if err != nil {
			return err
		}
		for _, m := range pending {
			if err := apply(ctx, tx, m); err != nil {
				return err
			}
		}
		if len(pending) == 0 {
			return nil
		}
		return assumeSizes(ctx, tx)
	})
}

// compare finds what is still to be applied, and refuses a history that is not ours.
func compare(known []migration, rows []applied) ([]migration, error) {
	have := map[string]applied{}
	newest := map[string]string{}
	for _, r := range rows {
		have[r.Name] = r
		newest[r.Package] = max(newest[r.Package], r.Name)
	}
	var pending []migration
	for _, m := range known {
		row, done := have[m.Name]
		delete(have, m.Name)
		switch {
		case done && row.Sum != m.sum:
			return nil, fmt.Errorf("store: the migration %s of package %s differs from what this database was made with; a released migration is never changed", m.Name, m.pkg)
		case !done && m.Name < newest[m.pkg]:
			return nil, fmt.Errorf("store: the migration %s of package %s is missing although %s is applied", m.Name, m.pkg, newest[m.pkg])
		case !done:
			pending = append(pending, m)
		}
	}
	ours := map[string]bool{}
	for _, m := range known {
		ours[m.pkg] = true
	}
	for name, row := range have {
		if ours[row.Package] {
			return nil, fmt.Errorf("%w (unknown migration %s of package %s)", ErrNewerSchema, name, row.Package)
		}
		return nil, fmt.Errorf("%w (unknown package %s, migration %s)", ErrNewerSchema, row.Package, name)
	}
	return pending, nil
}

func apply(ctx context.Context, tx *Tx, m migration) error {
	// An empty template has no arguments, so bun leaves the text alone, question marks included.
	if _, err := tx.ExecContext(ctx, forDialect(m.SQL, tx.db.kind)); err != nil {
		return fmt.Errorf("store: the migration %s of package %s: %w", m.Name, m.pkg, err)
	}
	row := &applied{Name: m.Name, Package: m.pkg, Sum: m.sum, At: tx.Time()}
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return err
}

// forDialect replaces the few words in which the databases differ.
func forDialect(sql string, kind dialect.Name) string {
	if kind == dialect.PG {
		return strings.ReplaceAll(sql, "{{blob}}", "BYTEA")
	}
	return strings.ReplaceAll(sql, "{{blob}}", "BLOB")
}
