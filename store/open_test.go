package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

func set(pkg string, names ...string) store.MigrationSet {
	s := store.MigrationSet{Package: pkg}
	for _, n := range names {
		s.Migrations = append(s.Migrations, store.Migration{Name: n, SQL: "CREATE TABLE t" + n + " (id TEXT NOT NULL PRIMARY KEY); -- what is it?"})
	}
	return s
}

func addresses(t *testing.T) map[string]string {
	return map[string]string{"sqlite": filepath.Join(t.TempDir(), "a b?.db"), "postgres": storetest.Address(t)}
}

func TestMigrationsGoForward(t *testing.T) {
	for name, dsn := range addresses(t) {
		t.Run(name, func(t *testing.T) {
			open := func(sets ...store.MigrationSet) error {
				db, err := store.Open(t.Context(), store.Config{DSN: dsn, Migrations: sets})
				if err == nil {
					require.NoError(t, db.Close())
				}
				return err
			}
			require.NoError(t, open(set("b", "0200_b"), set("a", "0100_a")))
			require.NoError(t, open(set("b", "0200_b"), set("a", "0100_a")), "a second time nothing happens")
			require.NoError(t, open(set("b", "0200_b"), set("a", "0100_a", "0101_a")), "a lower floor may grow later")
			require.ErrorIs(t, open(set("b", "0200_b"), set("a", "0100_a")), store.ErrNewerSchema)
			require.ErrorIs(t, open(set("a", "0100_a", "0101_a")), store.ErrNewerSchema)
			require.ErrorContains(t, open(set("b", "0200_b"), set("a", "0099_a", "0100_a", "0101_a")), "is missing although")
			changed := set("b", "0200_b")
			changed.Migrations[0].SQL += " "
			require.ErrorContains(t, open(changed, set("a", "0100_a", "0101_a")), "never changed")
			require.ErrorContains(t, open(set("c", "0200_b"), set("b", "0200_b")), "both have")
			require.ErrorContains(t, open(set("c", "200")), "NNNN_words")

			broken := set("c", "0300_c", "0301_c")
			broken.Migrations[1].SQL = "CREATE NONSENSE"
			require.ErrorContains(t, open(set("b", "0200_b"), set("a", "0100_a", "0101_a"), broken), "0301_c")
			require.NoError(t, open(set("b", "0200_b"), set("a", "0100_a", "0101_a"), set("c", "0300_c")), "a failed upgrade left nothing")
		})
	}
}

func TestTwoServersMigrateOnce(t *testing.T) {
	dsn := storetest.Address(t)
	errs := make(chan error)
	for range 4 {
		go func() {
			db, err := store.Open(context.Background(), store.Config{DSN: dsn, Migrations: tables})
			if err == nil {
				err = db.Close()
			}
			errs <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-errs)
	}
}

func TestBothDatabasesHaveTheSameSchema(t *testing.T) { storetest.SameSchema(t, tables...) }

func TestACorruptFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	require.NoError(t, os.WriteFile(path, []byte("this is no database, it only says that it is one, at some length: "+string(make([]byte, 4096))), 0o600))
	_, err := store.Open(t.Context(), store.Config{DSN: path})
	require.ErrorContains(t, err, "cannot be used as the database")

	path = filepath.Join(t.TempDir(), "b.db")
	db, err := store.Open(t.Context(), store.Config{DSN: path, Migrations: tables})
	require.NoError(t, err)
	for i := range 200 {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			return insert(ctx, tx, tx.NewUID(), tx.NewUID(), int64(i))
		})
	}
	require.NoError(t, db.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 8192; i < len(text); i++ {
		text[i] ^= 0x55
	}
	require.NoError(t, os.WriteFile(path, text, 0o600))
	_, err = store.Open(t.Context(), store.Config{DSN: path, Migrations: tables})
	require.ErrorContains(t, err, "cannot be used as the database")
}

func TestBadAddressesAreNamed(t *testing.T) {
	for _, dsn := range []string{"", "sqlite:", "postgres://%zz", "/no/such/folder/a.db"} {
		_, err := store.Open(t.Context(), store.Config{DSN: dsn})
		require.ErrorContains(t, err, "store: ", dsn)
	}
}

func TestVirtualTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(dir, "a.db"), Migrations: tables})
		require.NoError(t, err)
		began := time.Now()
		done := make(chan error)
		for w := range 5 {
			go func() {
				for h := range 24 {
					time.Sleep(time.Hour)
					err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
						return insert(ctx, tx, tx.NewUID(), tx.NewSlug(), int64(w*100+h))
					})
					if err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 5 {
			require.NoError(t, <-done)
		}
		require.Equal(t, 24*time.Hour, time.Since(began))
		require.Len(t, names(t, db), 120)
		require.NoError(t, db.Close())
	})
}
