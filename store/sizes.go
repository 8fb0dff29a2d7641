package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun/dialect"
)

// SQLite's planner knows nothing of how many rows share a value unless it has statistics. Without them it takes an index on an account for as good as one on an
// identifier, and reads all of a large account's rows to find one. Statistics gathered by ANALYZE would make plans depend on what a database happened to hold at
// that moment. So the statistics are written by rule (sqlite.org/optoverview.html, "Manual Control Of Query Plans Using SQLITE_STAT Tables"): the plans are those of
// a large cloud, in every database and every test.

// broad are the columns whose values many rows share.
var broad = map[string]bool{"account": true, "site": true, "host": true, "kind": true, "state": true, "status": true, "network": true, "subnet": true, "line": true,
	"role": true, "phase": true, "deleted": true, "doomed": true, "enabled": true}

const (
	assumedRows   = 1_000_000 // of a table
	assumedPart   = 1_000     // of a partial index
	assumedBroad  = 20        // a value of a broad column is in one of so many rows
	assumedNarrow = 10        // rows that share a value of another column
)

// assumeSizes writes what the planner is to assume. PostgreSQL gathers statistics by itself, all the time.
func assumeSizes(ctx context.Context, tx *Tx) error {
	if tx.db.kind != dialect.SQLite {
		return nil
	}
	const analyze = "ANALYZE sqlite_schema" // makes the table of statistics, or reads it anew
	if _, err := tx.ExecContext(ctx, analyze); err != nil {
		return fmt.Errorf("store: preparing for statistics: %w", err)
	}
	var columns []struct {
		Table, Index, Column string
		Unique, Partial      bool
	}
	err := tx.NewRaw(`SELECT m.name AS "table", l.name AS "index", COALESCE(i.name, '') AS "column", l."unique" AS "unique", l.partial AS partial
		FROM sqlite_schema AS m JOIN pragma_index_list(m.name) AS l JOIN pragma_index_info(l.name) AS i WHERE m.type = 'table' ORDER BY m.name, l.name, i.seqno`).Scan(ctx, &columns)
	if err != nil {
		return fmt.Errorf("store: reading the indexes: %w", err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM sqlite_stat1"); err != nil {
		return err
	}
	var rows []string
	for k := 0; k < len(columns); {
		first := columns[k]
		var names []string
		for ; k < len(columns) && columns[k].Index == first.Index; k++ {
			names = append(names, columns[k].Column)
		}
		rows = append(rows, fmt.Sprintf("('%s', '%s', '%s')", first.Table, first.Index, assumed(names, first.Unique, first.Partial)))
	}
	if len(rows) == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES "+strings.Join(rows, ", ")); err != nil {
		return fmt.Errorf("store: writing statistics: %w", err)
	}
	_, err = tx.ExecContext(ctx, analyze)
	return err
}

// assumed is a row of statistics: how many rows an index has, and how many of them share the values of its first column, of its first two, and so on
// (sqlite.org/fileformat2.html, section 2.6.3).
func assumed(columns []string, unique, partial bool) string {
	total := assumedRows
	if partial {
		total = assumedPart
	}
	stat := []string{strconv.Itoa(total)}
	share := total
	for i, c := range columns {
		switch {
		case unique && i == len(columns)-1:
			share = 1
		case broad[c]:
			share = max(share/assumedBroad, 2)
		default:
			share = max(min(share/2, assumedNarrow), 1)
		}
		stat = append(stat, strconv.Itoa(share))
	}
	return strings.Join(stat, " ")
}
