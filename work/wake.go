package work

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"edgecloud/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are this package's tables, for store.Config.
func Migrations() store.MigrationSet { return store.Files("work", migrations) }

// topic is signalled after every commit that woke something.
const topic = "work"

// row is one row of the table work.
type row struct {
	bun.BaseModel `bun:"table:work"`
	Kind          string     `bun:"kind,pk"`
	UID           string     `bun:"uid,pk"`
	Due           store.Time `bun:"due"`
	Woken         int64      `bun:"woken"`
	Lease         store.Time `bun:"lease"`
	Holder        string     `bun:"holder"`
	Attempt       int        `bun:"attempt"`
	State         string     `bun:"state"`
	Event         string     `bun:"event"`
	Since         store.Time `bun:"since"`
	Deadline      store.Time `bun:"deadline"`
	LastError     string     `bun:"last_error"`
}

// Wake makes a resource's work due now. It belongs to the transaction of the change that gives the reason.
func Wake(ctx context.Context, tx *store.Tx, kind, uid string) error {
	return WakeAt(ctx, tx, kind, uid, tx.Now())
}

// WakeAt makes a resource's work due at a time, if it is not due earlier anyway. All wake-ups of a transaction are written together at its end.
func WakeAt(_ context.Context, tx *store.Tx, kind, uid string, at time.Time) error {
	if kind == "" || uid == "" {
		return fmt.Errorf("work: a wake-up needs a kind and a uid, not %q and %q", kind, uid)
	}
	return store.Gather(tx, topic, &row{Kind: kind, UID: uid, Due: store.At(at), Woken: 1}, wakeAll)
}

// wakeChunk bounds the rows of one statement.
const wakeChunk = 500

// WakeMany makes the work of several resources of a kind due now.
func WakeMany(ctx context.Context, tx *store.Tx, kind string, uids ...string) error {
	for _, uid := range uids {
		if err := Wake(ctx, tx, kind, uid); err != nil {
			return err
		}
	}
	return nil
}

// wakeAll writes wake-ups, the earliest of each resource. They go in one order for all transactions, so that none waits for another's in a circle.
func wakeAll(ctx context.Context, tx *store.Tx, rows []*row) error {
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.UID, b.UID), cmp.Compare(a.Due, b.Due))
	})
	rows = slices.CompactFunc(rows, func(a, b *row) bool { return a.Kind == b.Kind && a.UID == b.UID })
	for chunk := range slices.Chunk(rows, wakeChunk) {
		if err := upsert(ctx, tx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func upsert(ctx context.Context, tx *store.Tx, rows []*row) error {
	least := "min"
	if tx.Dialect().Name() == dialect.PG {
		least = "least"
	}
	_, err := tx.NewInsert().Model(&rows).Column("kind", "uid", "due", "woken").On("CONFLICT (kind, uid) DO UPDATE").
		Set("due = " + least + "(?TableAlias.due, EXCLUDED.due)").Set("woken = ?TableAlias.woken + 1").Exec(ctx)
	if err != nil {
		return fmt.Errorf("work: waking %s: %w", rows[0].Kind, err)
	}
	tx.Notify(topic)
	return nil
}

// Forget removes a resource's work, for a resource that is purged together with its row. Removing what is not there is no error.
func Forget(ctx context.Context, tx *store.Tx, kind, uid string) error {
	if err := tx.Settle(ctx); err != nil {
		return err
	}
	_, err := tx.NewDelete().Model((*row)(nil)).Where("kind = ? AND uid = ?", kind, uid).Exec(ctx)
	return err
}

// Status is what an operator sees of a resource's work.
type Status struct {
	Kind, UID    string
	State, Event string
	Due, Since   store.Time
	Deadline     store.Time // zero: none
	Attempt      int        // runs since the last one that went well
	LastError    string
	Leased       bool
}

// StatusOf tells how a resource's work stands; ok is false when nothing is to be done or waited for.
func StatusOf(ctx context.Context, tx *store.Tx, kind, uid string) (s Status, ok bool, err error) {
	if !tx.ReadOnly() {
		err = tx.Settle(ctx)
	}
	if err != nil {
		return Status{}, false, err
	}
	r := &row{}
	err = tx.NewSelect().Model(r).Where("kind = ? AND uid = ?", kind, uid).Scan(ctx)
	if store.NotFound(err) {
		return Status{}, false, nil
	}
	if err != nil {
		return Status{}, false, err
	}
	return Status{Kind: kind, UID: uid, State: r.State, Event: r.Event, Due: r.Due, Since: r.Since, Deadline: r.Deadline, Attempt: r.Attempt,
		LastError: r.LastError, Leased: r.Lease > 0}, true, nil
}
