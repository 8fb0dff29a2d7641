package storetest

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

// scan is a step of a plan that reads a whole table or index, or makes an index for one statement.
var scan = regexp.MustCompile(`^SCAN (\w+)|AUTOMATIC`)

// NoScans fails the test if a statement that the database was asked for (store.Config.Remember) reads a whole table, whatever the index. allowed holds pieces of
// statements that may, with the reasons.
func NoScans(t testing.TB, db *store.DB, allowed map[string]string) {
	t.Helper()
	for _, s := range db.Statements() {
		if !explainable(s) || isAllowed(s, allowed) {
			continue
		}
		plan, err := db.Plan(context.Background(), s)
		require.NoError(t, err)
		for _, step := range plan {
			if m := scan.FindStringSubmatch(step); m != nil && !innocent(step, s) {
				t.Errorf("reads all of a table: %s\n%s\nplan:\n\t%s", step, s, strings.Join(plan, "\n\t"))
			}
		}
	}
}

func explainable(s string) bool {
	word, _, _ := strings.Cut(s, " ")
	return word == "SELECT" || word == "INSERT" || word == "UPDATE" || word == "DELETE" || word == "WITH"
}

func isAllowed(s string, allowed map[string]string) bool {
	for piece := range allowed {
		if strings.Contains(s, piece) {
			return true
		}
	}
	return false
}

// derived are the names that statements give to the results of subqueries, which are as small as the subqueries make them.
var derived = regexp.MustCompile(`\) AS "?(\w+)"?`)

// innocent tells scans of rows that a statement brings with it or has chosen before.
func innocent(step, s string) bool {
	if strings.HasPrefix(step, "SCAN CONSTANT ROW") || strings.Contains(step, "VALUES CLAUSE") || strings.HasPrefix(step, "SCAN (") {
		return true
	}
	name := scan.FindStringSubmatch(step)[1]
	for _, d := range derived.FindAllStringSubmatch(s, -1) {
		if d[1] == name && name != "" {
			return true
		}
	}
	return false
}
