package volume

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// How long each state may last. Taking one is short once the host hears of it; rolling back rewrites what differs.
const (
	snapDeadline       = 20 * time.Minute
	rollBackDeadline   = 30 * time.Minute
	snapDeleteDeadline = 15 * time.Minute
)

// SnapshotLifecycle is the life of snapshots.
func SnapshotLifecycle() work.Lifecycle {
	return work.Machine[*Snapshot]{
		Kind: SnapshotKind, Load: loadSnapshot, SetState: setSnapshotState,
		States: map[string]work.State[*Snapshot]{
			string(SnapshotCreating):    {Step: awaitTaken, Deadline: snapDeadline, OnDeadline: takenTooLate},
			string(SnapshotCreated):     {Terminal: true},
			string(SnapshotRollingBack): {Step: awaitRolledBack, Deadline: rollBackDeadline, OnDeadline: rolledBackTooLate},
			string(SnapshotDeleting):    {Step: awaitForgotten, Deadline: snapDeleteDeadline, OnDeadline: awaitForgotten},
			string(SnapshotFailed):      {Terminal: true},
		},
	}.MustBuild()
}

func loadSnapshot(ctx context.Context, tx *store.Tx, uid string) (*Snapshot, string, error) {
	s := new(Snapshot)
	if err := tx.NewSelect().Model(s).Where("uid = ?", uid).Scan(ctx); err != nil {
		return nil, "", err
	}
	return s, string(s.State), addDisks(ctx, tx, []*Snapshot{s})
}

// setSnapshotState moves a snapshot on; the instance that waits for it is told.
func setSnapshotState(ctx context.Context, tx *store.Tx, s *Snapshot, state string) error {
	res, err := tx.NewUpdate().Model(s).Column("error").Set("state = ?", state).Where("uid = ? AND state = ?", s.UID, s.State).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fmt.Errorf("snapshot %s left the state %s meanwhile", s.UID, s.State)
	}
	s.State = SnapshotState(state)
	return work.Wake(ctx, tx, "instance", s.Instance)
}

func awaitTaken(_ context.Context, _ *store.Tx, s *Snapshot) (work.Next, error) {
	if s.Seen >= s.Wanted && s.Phase == spec.Applied {
		return work.Goto(string(SnapshotCreated)), nil
	}
	return work.Wait("report", 0), nil
}

// takenTooLate gives up: the host is told not to take it any more, since the instance goes on.
func takenTooLate(ctx context.Context, tx *store.Tx, s *Snapshot) (work.Next, error) {
	s.Error = "It was not taken in time."
	if s.Trouble != "" {
		s.Error += " The site says: " + s.Trouble
	}
	return work.Goto(string(SnapshotFailed)), link.Delete(ctx, tx, spec.HostTarget(s.Host), spec.KindSnapshot, s.UID)
}

// RollBack begins to put volumes back to a snapshot that is Ready, inside the change that keeps the instance that has them off until the snapshot is no longer
// rolling back.
func (s *Snapshot) RollBack(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	for _, v := range volumes {
		if v.Phase != spec.Applied || v.RollbackTo != "" {
			return fault.Conflicting("volume", v.Slug, "The disk %s is not ready.", v.Slug)
		}
		v.Rollback, v.RollbackTo = v.Rollback+1, s.UID
		if err := v.put(ctx, tx); err != nil {
			return err
		}
	}
	s.Error = ""
	if err := setSnapshotState(ctx, tx, s, string(SnapshotRollingBack)); err != nil {
		return err
	}
	return work.Wake(ctx, tx, SnapshotKind, s.UID)
}

// put writes a volume's spec with what it holds of wishes.
func (v *Volume) put(ctx context.Context, tx *store.Tx) error {
	one := Specs([]*Volume{v})[0]
	wanted, err := link.Put(ctx, tx, one.Target, one.Kind, one.UID, one.Body)
	if err != nil {
		return fmt.Errorf("put volume: %w", err)
	}
	v.Wanted = wanted
	_, err = tx.NewUpdate().Model(v).Column("wanted", "gib", "rollback", "rollback_to").WherePK().Exec(ctx)
	return err
}

func rolling(ctx context.Context, tx *store.Tx, s *Snapshot) (volumes []*Volume, err error) {
	err = tx.NewSelect().Model(&volumes).Where("rollback_to <> '' AND rollback_to = ?", s.UID).Order("uid").Scan(ctx)
	return volumes, err
}

// awaitRolledBack waits for the hosts to have put all volumes back. The wish is then taken out of their specs, so that a host which forgets what it did does not
// do it again.
func awaitRolledBack(ctx context.Context, tx *store.Tx, s *Snapshot) (work.Next, error) {
	volumes, err := rolling(ctx, tx, s)
	if err != nil {
		return work.Next{}, err
	}
	if settled, _ := Settled(volumes); !settled {
		return work.Wait("report", 0), nil
	}
	return work.Goto(string(SnapshotCreated)), rest(ctx, tx, volumes)
}

// rolledBackTooLate gives up: the disks may be as they were, or put back.
func rolledBackTooLate(ctx context.Context, tx *store.Tx, s *Snapshot) (work.Next, error) {
	volumes, err := rolling(ctx, tx, s)
	if err != nil {
		return work.Next{}, err
	}
	s.Error = "The disks were not rolled back in time."
	if _, trouble := Settled(volumes); trouble != "" {
		s.Error += " The site says: " + trouble
	}
	return work.Goto(string(SnapshotCreated)), rest(ctx, tx, volumes)
}

func rest(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	for _, v := range volumes {
		v.RollbackTo = ""
		if err := v.put(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// Discard takes a snapshot away that was taken or has failed.
func (s *Snapshot) Discard(ctx context.Context, tx *store.Tx) error {
	if s.State != SnapshotFailed {
		if err := s.Ready("deleted"); err != nil {
			return err
		}
	}
	copied, err := tx.NewSelect().Model((*Volume)(nil)).Where("origin_snapshot <> '' AND origin_snapshot = ? AND NOT doomed", s.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if copied {
		return fault.Conflicting(SnapshotKind, s.Slug, "A disk is still being made of the snapshot %s; it can be deleted afterwards.", s.Name)
	}
	return s.end(ctx, tx)
}

func (s *Snapshot) end(ctx context.Context, tx *store.Tx) error {
	if err := setSnapshotState(ctx, tx, s, string(SnapshotDeleting)); err != nil {
		return err
	}
	if err := link.Delete(ctx, tx, spec.HostTarget(s.Host), spec.KindSnapshot, s.UID); err != nil {
		return err
	}
	return work.Wake(ctx, tx, SnapshotKind, s.UID)
}

// awaitForgotten forgets a snapshot once its host has confirmed that it is gone.
func awaitForgotten(ctx context.Context, tx *store.Tx, s *Snapshot) (work.Next, error) {
	gone, err := link.Gone(ctx, tx, spec.HostTarget(s.Host), spec.KindSnapshot, s.UID)
	if err != nil || !gone {
		return work.Wait("report", 0), err
	}
	if err := dropDisks(ctx, tx, s, s.Disks); err != nil {
		return work.Next{}, err
	}
	if _, err := tx.NewDelete().Model(s).WherePK().Exec(ctx); err != nil {
		return work.Next{}, err
	}
	// The row is gone with the step, so the machine is not asked for another state.
	return work.Again(0), quota.Count(ctx, tx, s.Account, quota.Change{Name: quota.Snapshots, Delta: -1})
}

// dropDisks forgets a snapshot's parts in disks, and gives back the room that they took.
func dropDisks(ctx context.Context, tx *store.Tx, s *Snapshot, disks []*SnapshotDisk) error {
	for _, d := range disks {
		if _, err := tx.NewDelete().Model(d).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := place.Change(ctx, tx, s.Host, place.Demand{DiskGiB: d.GiB}, place.Demand{}); err != nil {
			return err
		}
	}
	return nil
}

// loseSnapshots forgets the parts of snapshots that are inside volumes whose content goes. A snapshot that has no disk left goes too.
func loseSnapshots(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	uids := make([]string, len(volumes))
	for k, v := range volumes {
		uids[k] = v.UID
	}
	if len(uids) == 0 {
		return nil
	}
	var all []*Snapshot
	err := tx.NewSelect().Model(&all).Where("uid IN (SELECT d.snapshot FROM snapshot_disks AS d WHERE d.volume IN (?))", bun.In(uids)).Order("uid").Scan(ctx)
	if err != nil {
		return err
	}
	if err := addDisks(ctx, tx, all); err != nil {
		return err
	}
	for _, s := range all {
		var lost, left []*SnapshotDisk
		for _, d := range s.Disks {
			if slices.Contains(uids, d.Volume) {
				lost = append(lost, d)
				continue
			}
			left = append(left, d)
		}
		if err := dropDisks(ctx, tx, s, lost); err != nil {
			return err
		}
		if err := breakCopies(ctx, tx, s, lost); err != nil {
			return err
		}
		s.Disks = left
		if err := s.shrink(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// shrink tells the host of the disks that a snapshot is still in.
func (s *Snapshot) shrink(ctx context.Context, tx *store.Tx) error {
	switch {
	case s.State == SnapshotDeleting:
		return nil
	case len(s.Disks) == 0:
		return s.end(ctx, tx)
	case s.State == SnapshotFailed:
		return nil
	}
	wanted, err := link.Put(ctx, tx, spec.HostTarget(s.Host), spec.KindSnapshot, s.UID, s.body())
	if err != nil {
		return err
	}
	s.Wanted = wanted
	if _, err := tx.NewUpdate().Model(s).Column("wanted").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, SnapshotKind, s.UID)
}

// ObserveSnapshot takes a host's report on a snapshot, and wakes its life cycle.
func ObserveSnapshot(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Orphan {
		return nil
	}
	res, err := tx.NewRaw("UPDATE snapshots SET seen = ?, phase = ?, trouble = ? WHERE uid = ? AND host = ? AND seen <= ?", r.Generation, r.Phase, r.Error, r.UID, r.Host, r.Generation).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return nil
	}
	return work.Wake(ctx, tx, SnapshotKind, r.UID)
}

// UnsettledSnapshots lists the snapshots that are on their way, for the slow scan that finds lost wake-ups. The condition is the index's, word for word.
func UnsettledSnapshots(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*Snapshot)(nil)).Column("uid").Where("uid > ?", after).Where("state NOT IN ('created', 'failed')").Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
