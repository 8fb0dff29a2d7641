package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
)

// notDumped move by themselves, or hold what was asked and not what is.
var notDumped = map[string]bool{"audit_events": true, "hosts": true, "work": true}

// dump gives every row that belongs to a tenant: those with its account, and those that name one of these.
func (w *world) dump(of *tenant) []string {
	var rows, ids []string
	ids = append(ids, of.caller.Account, of.user)
	require.NoError(w.t, w.Control.DB.Read(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var tables []string
		if err := tx.NewRaw("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").Scan(ctx, &tables); err != nil {
			return err
		}
		for _, table := range tables {
			if notDumped[table] {
				continue
			}
			var found []map[string]any
			if err := tx.NewRaw("SELECT * FROM "+table).Scan(ctx, &found); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			for _, row := range found {
				if row["account"] == of.caller.Account && row["uid"] != nil {
					ids = append(ids, fmt.Sprint(row["uid"]))
				}
				rows = append(rows, table+" "+fmt.Sprint(row))
			}
		}
		return nil
	}))
	rows = slices.DeleteFunc(rows, func(row string) bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(row, id) })
	})
	slices.Sort(rows)
	return rows
}
