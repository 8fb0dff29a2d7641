package work

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/store"
)

// Scan is a slow full scan of a kind.
type Scan struct {
	kind  string
	list  func(ctx context.Context, tx *store.Tx, after string, limit int) ([]string, error)
	every time.Duration
}

// FullScan wakes everything of a kind once in a while, in small portions: what an event should have woken and did not (a bug somewhere) is found by it. list
// gives at most limit uids greater than after, in their order.
func FullScan(kind string, list func(ctx context.Context, tx *store.Tx, after string, limit int) ([]string, error), every time.Duration) Scan {
	return Scan{kind: kind, list: list, every: every}
}

const (
	scanKind    = "work_scan"
	scanPortion = 100
	scanPause   = 100 * time.Millisecond
)

// scanner is the reconciler of the scans: the scan of a kind is itself work, so that only one server does it, and a portion is a step.
type scanner struct{ scans map[string]Scan }

func newScanner(scans []Scan) *scanner {
	s := &scanner{scans: map[string]Scan{}}
	for _, scan := range scans {
		s.scans[scan.kind] = scan
	}
	return s
}

func (s *scanner) Kind() string { return scanKind }

type scanRow struct {
	bun.BaseModel `bun:"table:work_scans"`
	Kind          string     `bun:"kind,pk"`
	AfterUID      string     `bun:"after_uid"`
	StartedAt     store.Time `bun:"started_at"`
}

// Step wakes one portion.
func (s *scanner) Step(ctx context.Context, tx *store.Tx, kind string) (Next, error) {
	scan, ok := s.scans[kind]
	if !ok {
		return Done(), nil // no longer scanned
	}
	at := &scanRow{Kind: kind, StartedAt: tx.Time()}
	if err := tx.NewSelect().Model(at).WherePK().Scan(ctx); err != nil && !store.NotFound(err) {
		return Next{}, err
	}
	if at.AfterUID == "" {
		at.StartedAt = tx.Time()
	}
	uids, err := scan.list(ctx, tx, at.AfterUID, scanPortion)
	if err != nil {
		return Next{}, fmt.Errorf("listing %s: %w", kind, err)
	}
	if err := WakeMany(ctx, tx, kind, uids...); err != nil {
		return Next{}, err
	}
	next := Again(scanPause)
	at.AfterUID = ""
	if len(uids) > 0 {
		at.AfterUID = uids[len(uids)-1]
	}
	if len(uids) < scanPortion {
		at.AfterUID = ""
		next = Again(max(scan.every-tx.Time().Sub(at.StartedAt), scanPause))
	}
	_, err = tx.NewInsert().Model(at).On("CONFLICT (kind) DO UPDATE").Set("after_uid = EXCLUDED.after_uid").Set("started_at = EXCLUDED.started_at").Exec(ctx)
	return next, err
}

// startScans makes sure that each scan has its work row; one that has keeps its time.
func (r *Runner) startScans(ctx context.Context, tx *store.Tx) error {
	for _, scan := range r.Scans {
		if scan.every <= 0 || scan.list == nil {
			return fmt.Errorf("work: the scan of %q needs a list and a period", scan.kind)
		}
		w := &row{Kind: scanKind, UID: scan.kind, Due: tx.Time(), Woken: 1}
		if _, err := tx.NewInsert().Model(w).On("CONFLICT (kind, uid) DO NOTHING").Exec(ctx); err != nil {
			return fmt.Errorf("work: starting the scan of %s: %w", scan.kind, err)
		}
	}
	return nil
}
