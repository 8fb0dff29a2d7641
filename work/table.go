package work

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"edgecloud/store"
)

// The statements on the table work that only the runner uses. Free rows and leased rows are told apart by lease = 0, so that each side has its own index.
// "kind || ''" keeps the planners from choosing the primary key for the kinds, and then sorting all rows.

// take leases up to n due rows of the kinds, the longest due first. The rows are as they are then; woken is read again by the run itself.
func take(ctx context.Context, tx *store.Tx, kinds []string, n int, holder string, lease time.Duration) ([]*row, error) {
	if err := tx.Settle(ctx); err != nil {
		return nil, err
	}
	if err := release(ctx, tx, tx.Time()); err != nil {
		return nil, err
	}
	skip := ""
	if tx.Dialect().Name() == dialect.PG {
		skip = " FOR UPDATE SKIP LOCKED"
	}
	var rows []*row
	err := tx.NewRaw("UPDATE work SET lease = ?, holder = ?, attempt = attempt + 1 WHERE (kind, uid) IN "+
		"(SELECT kind, uid FROM work WHERE lease = 0 AND due <= ? AND kind || '' IN (?) ORDER BY due LIMIT ?"+skip+") RETURNING *",
		tx.Time().Add(lease), holder, tx.Time(), bun.In(kinds), n).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("work: taking: %w", err)
	}
	return rows, nil
}

// release frees the rows whose lease ended before a time.
func release(ctx context.Context, tx *store.Tx, before store.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE work SET lease = 0, holder = '' WHERE lease > 0 AND lease < ?", before)
	if err != nil {
		return fmt.Errorf("work: releasing ended leases: %w", err)
	}
	return nil
}

// ReleaseAll frees every leased row, as if all leases had run out. Only when it is certain that no worker lives, as in a test that let one crash.
func ReleaseAll(ctx context.Context, tx *store.Tx) error {
	_, err := tx.ExecContext(ctx, "UPDATE work SET lease = 0, holder = '' WHERE lease > 0")
	if err == nil {
		tx.Notify(topic)
	}
	return err
}

// releaseOthers frees the rows leased under another name than those beginning with prefix.
func releaseOthers(ctx context.Context, tx *store.Tx, prefix string) error {
	_, err := tx.ExecContext(ctx, "UPDATE work SET lease = 0, holder = '' WHERE lease > 0 AND holder NOT LIKE ?", prefix+"%")
	return err
}

// held reads the rows of a batch that its holder still has, with their newest woken.
func held(ctx context.Context, tx *store.Tx, batch []*row) ([]*row, error) {
	var rows []*row
	q := tx.NewSelect().Model(&rows).Where("holder = ?", batch[0].Holder).Where("lease > 0")
	if len(batch) == 1 {
		q = q.Where("kind = ? AND uid = ?", batch[0].Kind, batch[0].UID)
	} else {
		q = q.Where("(kind, uid) IN (VALUES ?)", bun.Safe(keys(tx, batch, false)))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("work: reading leased rows: %w", err)
	}
	return rows, nil
}

// keys writes (kind, uid) or (kind, uid, woken) of rows as a list of row values.
func keys(tx *store.Tx, rows []*row, woken bool) string {
	b := make([]byte, 0, len(rows)*64)
	d := tx.Dialect()
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '(')
		b = d.AppendString(b, r.Kind)
		b = append(b, ',')
		b = d.AppendString(b, r.UID)
		if woken {
			b = fmt.Appendf(b, ",%d", r.Woken)
		}
		b = append(b, ')')
	}
	return string(b)
}

// remove deletes the rows that are done, as far as nothing has woken them since; the others become due at once.
func remove(ctx context.Context, tx *store.Tx, done []*row) error {
	if len(done) == 0 {
		return nil
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM work WHERE holder = ? AND (kind, uid, woken) IN (VALUES ?)", done[0].Holder, bun.Safe(keys(tx, done, true)))
	if err != nil {
		return fmt.Errorf("work: removing: %w", err)
	}
	if n, err := res.RowsAffected(); err == nil && int(n) == len(done) {
		return nil
	}
	tx.Notify(topic)
	_, err = tx.ExecContext(ctx, "UPDATE work SET lease = 0, holder = '', attempt = 0, state = '', event = '', since = 0, deadline = 0, last_error = '', due = ? "+
		"WHERE holder = ? AND (kind, uid) IN (VALUES ?)", tx.Time(), done[0].Holder, bun.Safe(keys(tx, done, false)))
	if err != nil {
		return fmt.Errorf("work: removing: %w", err)
	}
	return nil
}

// soon is when a row's due time is told to the runner: while the row was leased, the runner may have gone to sleep until the end of the lease.
const soon = time.Minute

// rest puts a row to rest until its due time, or until now if something has woken it since. keep keeps the lease, for an outside call.
func rest(ctx context.Context, tx *store.Tx, w *row, keep bool) error {
	lease, holder := store.Time(0), ""
	if keep {
		lease, holder = w.Lease, w.Holder
	}
	_, err := tx.ExecContext(ctx, "UPDATE work SET lease = ?, holder = ?, attempt = ?, due = CASE WHEN woken = ? THEN ? ELSE ? END, "+
		"state = ?, event = ?, since = ?, deadline = ?, last_error = ? WHERE kind = ? AND uid = ? AND holder = ?",
		lease, holder, w.Attempt, w.Woken, w.Due, min(w.Due, tx.Time()), w.State, w.Event, w.Since, w.Deadline, w.LastError, w.Kind, w.UID, w.Holder)
	if err != nil {
		return fmt.Errorf("work: putting %s %s to rest: %w", w.Kind, w.UID, err)
	}
	if !keep && w.Due < tx.Time().Add(soon) {
		tx.Notify(topic)
	}
	return nil
}

// extend renews a lease; false means that it is lost.
func extend(ctx context.Context, tx *store.Tx, w *row, lease time.Duration) (bool, error) {
	res, err := tx.ExecContext(ctx, "UPDATE work SET lease = ? WHERE kind = ? AND uid = ? AND holder = ?", tx.Time().Add(lease), w.Kind, w.UID, w.Holder)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// nextDue tells when there is something to do for the kinds: the earliest due free row, or the earliest end of a lease.
func nextDue(ctx context.Context, tx *store.Tx, kinds []string) (at store.Time, ok bool, err error) {
	var times []store.Time
	err = tx.NewRaw("SELECT t FROM (SELECT due AS t FROM work WHERE lease = 0 AND kind || '' IN (?) ORDER BY due LIMIT 1) AS free "+
		"UNION ALL SELECT t FROM (SELECT lease + 1 AS t FROM work WHERE lease > 0 AND kind || '' IN (?) ORDER BY lease LIMIT 1) AS leased",
		bun.In(kinds), bun.In(kinds)).Scan(ctx, &times)
	if err != nil {
		return 0, false, fmt.Errorf("work: looking for the next due row: %w", err)
	}
	for _, t := range times {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok, nil
}
