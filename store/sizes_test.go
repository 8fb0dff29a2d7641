package store

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One thing of an account is found by its identifier and not among all of the account's, however few rows the database has.
func TestPlansAreThoseOfALargeCloud(t *testing.T) {
	db, err := Open(t.Context(), Config{DSN: filepath.Join(t.TempDir(), "x.db"), Migrations: []MigrationSet{{Package: "example", Migrations: []Migration{{Name: "0900_example", SQL: `
CREATE TABLE things (uid TEXT NOT NULL PRIMARY KEY, slug TEXT NOT NULL UNIQUE, account TEXT NOT NULL, target TEXT NOT NULL, status TEXT NOT NULL);
CREATE INDEX things_account ON things (account, uid);
CREATE INDEX things_target ON things (target, status);
`}}}}})
	require.NoError(t, err)
	defer db.Close()
	for query, want := range map[string]string{
		"SELECT * FROM things WHERE (uid = ? OR slug = ?) AND account = ?":                         "MULTI-INDEX OR",
		"SELECT * FROM things WHERE target = ? AND account = ? ORDER BY uid DESC LIMIT 1":          "things_target",
		"SELECT * FROM things WHERE account = ? ORDER BY uid DESC LIMIT 1":                         "things_account",
		"SELECT * FROM things WHERE account = ? AND status = 'x' AND uid > ? ORDER BY uid LIMIT 9": "things_account (account=? AND uid>?)",
	} {
		plan, err := db.Plan(t.Context(), query)
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), want, query)
	}
}

func TestAssumed(t *testing.T) {
	for want, c := range map[string]struct {
		columns         []string
		unique, partial bool
	}{
		"1000000 1":          {[]string{"uid"}, true, false},
		"1000000 50000 10":   {[]string{"account", "uid"}, false, false},
		"1000000 50000 2500": {[]string{"account", "state"}, false, false},
		"1000000 10 2":       {[]string{"target", "status"}, false, false},
		"1000000 50000 1":    {[]string{"subnet", "address"}, true, false},
		"1000 10":            {[]string{"due"}, false, true},
	} {
		require.Equal(t, want, assumed(c.columns, c.unique, c.partial))
	}
}
