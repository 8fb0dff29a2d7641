package link

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// graveAge is how long it is remembered that a thing was destroyed on purpose. A host that comes back from its oldest copy later than that reports an orphan.
const graveAge = 90 * 24 * time.Hour

type graveRow struct {
	bun.BaseModel `bun:"table:link_graves,alias:g"`
	Target        string     `bun:"target,pk"`
	Kind          string     `bun:"kind,pk"`
	UID           string     `bun:"uid,pk"`
	At            store.Time `bun:"at"`
}

// gone clears an answered tombstone and remembers the grave.
func gone(ctx context.Context, tx *store.Tx, target string, r spec.Report) error {
	res, err := tx.NewDelete().Model((*specRow)(nil)).Where("target = ? AND kind = ? AND uid = ?", target, r.Kind, r.UID).
		Where("deleted = ? AND revision = ?", true, r.Generation).Exec(ctx)
	if err != nil {
		return fmt.Errorf("link: clearing the tombstone of %s %s: %w", r.Kind, r.UID, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	grave := &graveRow{Target: target, Kind: r.Kind, UID: r.UID, At: tx.Time()}
	if _, err := tx.NewInsert().Model(grave).On("CONFLICT (target, kind, uid) DO UPDATE").Set("at = EXCLUDED.at").Exec(ctx); err != nil {
		return fmt.Errorf("link: remembering the grave of %s %s: %w", r.Kind, r.UID, err)
	}
	_, err = tx.NewDelete().Model((*graveRow)(nil)).Where("target = ? AND at < ?", target, store.At(tx.Now().Add(-graveAge))).Exec(ctx)
	return err
}

// haunted answers a report on an orphan: one that was destroyed on purpose before is destroyed again. It came back with an older copy of an engine's or a
// ledger's disk, or was made again by a former holder of the site role that did not know yet that it was one. All other orphans are kept (Bury).
func haunted(ctx context.Context, tx *store.Tx, target string, r spec.Report) error {
	known, err := tx.NewSelect().Model((*graveRow)(nil)).Where("target = ? AND kind = ? AND uid = ?", target, r.Kind, r.UID).Exists(ctx)
	if err != nil || !known {
		return err
	}
	row, err := find(ctx, tx, target, r.Kind, r.UID)
	if err != nil || row != nil {
		return err // wanted again since, or under way already
	}
	return Bury(ctx, tx, target, r.Kind, r.UID, r.Generation)
}
