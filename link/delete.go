package link

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/store"
)

func in(values []string) any { return bun.In(values) }

// Delete turns a spec into a tombstone, which tells the agent to destroy the thing. The tombstone stays until the agent has reported Gone for it. Deleting a
// tombstone again, or what was never put, does nothing.
func Delete(ctx context.Context, tx *store.Tx, target, kind, uid string) error {
	row := &specRow{}
	err := tx.NewSelect().Model(row).Where("target = ? AND kind = ? AND uid = ?", target, kind, uid).Scan(ctx)
	if store.NotFound(err) || (err == nil && row.Deleted) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link: reading %s %s: %w", kind, uid, err)
	}
	revision, err := grow(ctx, tx, target, 1)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model(row).Set("deleted = ?", true).Set("revision = ?", revision).WherePK().Where("deleted = ?", false).Exec(ctx)
	if err != nil {
		return fmt.Errorf("link: burying %s %s: %w", kind, uid, err)
	}
	tx.Notify(topic)
	return nil
}

// Bury makes a tombstone for what the centre no longer knows but a host still has: the answer to a report with the phase Orphan, when an operator wants the
// orphan destroyed. generation is that of the report.
func Bury(ctx context.Context, tx *store.Tx, target, kind, uid string, generation int64) error {
	revision, err := growBeyond(ctx, tx, target, generation)
	if err != nil {
		return err
	}
	row := &specRow{Target: target, Kind: kind, UID: uid, Revision: revision, Deleted: true, Body: "{}"}
	_, err = tx.NewInsert().Model(row).On("CONFLICT (target, kind, uid) DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("link: burying the orphan %s %s: %w", kind, uid, err)
	}
	tx.Notify(topic)
	return nil
}

// growBeyond raises a target's revision above what a host has seen: after the centre was restored from a backup, a ledger can be ahead of it.
func growBeyond(ctx context.Context, tx *store.Tx, target string, seen int64) (int64, error) {
	revision, err := grow(ctx, tx, target, 1)
	if err != nil || revision > seen {
		return revision, err
	}
	return grow(ctx, tx, target, seen-revision+1)
}

// DropTarget forgets a target with all its specs and tombstones: for a host that was destroyed and will report nothing more.
func DropTarget(ctx context.Context, tx *store.Tx, target string) error {
	if _, err := tx.NewDelete().Model((*specRow)(nil)).Where("target = ?", target).Exec(ctx); err != nil {
		return fmt.Errorf("link: dropping the specs of %s: %w", target, err)
	}
	return nil
}

// Generation tells a spec's generation; 0 if there is none. A tombstone has one too.
func Generation(ctx context.Context, tx *store.Tx, target, kind, uid string) (int64, error) {
	row, err := find(ctx, tx, target, kind, uid)
	if row == nil || err != nil {
		return 0, err
	}
	return row.Revision, nil
}

// Get reads a live spec into body (a pointer) and returns its generation; 0 if there is none or only a tombstone.
func Get(ctx context.Context, tx *store.Tx, target, kind, uid string, body any) (int64, error) {
	row, err := find(ctx, tx, target, kind, uid)
	if row == nil || err != nil || row.Deleted {
		return 0, err
	}
	if err := json.Unmarshal([]byte(row.Body), body); err != nil {
		return 0, fmt.Errorf("link: decoding %s %s: %w", kind, uid, err)
	}
	return row.Revision, nil
}

// ImageTargets lists the hosts that have an image or had it: whoever has a spec of it or has not answered its tombstone.
func ImageTargets(ctx context.Context, tx *store.Tx, uid string) (targets []string, err error) {
	err = tx.NewSelect().Model((*specRow)(nil)).Column("target").Where("kind = 'image' AND uid = ?", uid).Order("target").Scan(ctx, &targets) // as the index says
	if err != nil {
		return nil, fmt.Errorf("link: looking for image %s: %w", uid, err)
	}
	return targets, nil
}

// Gone tells whether nothing of a thing is left on its target: neither a spec nor an unanswered tombstone.
func Gone(ctx context.Context, tx *store.Tx, target, kind, uid string) (bool, error) {
	row, err := find(ctx, tx, target, kind, uid)
	return row == nil && err == nil, err
}

func find(ctx context.Context, tx *store.Tx, target, kind, uid string) (*specRow, error) {
	row := &specRow{}
	err := tx.NewSelect().Model(row).Where("target = ? AND kind = ? AND uid = ?", target, kind, uid).Scan(ctx)
	if store.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("link: reading %s %s: %w", kind, uid, err)
	}
	return row, nil
}
