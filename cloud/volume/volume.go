package volume

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/quota"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Owner says whose volumes are made, and where.
type Owner struct {
	Account  string
	Site     string
	Host     string
	Instance string
}

// Add makes the rows of volumes; they take positions from zero in their order. Quotas are the caller's to count (Cost), since it makes many at once.
func Add(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	if len(volumes) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&volumes).Exec(ctx); err != nil {
		return fmt.Errorf("add volumes: %w", err)
	}
	return nil
}

// Rows prepares the volumes of one instance.
func Rows(tx *store.Tx, o Owner, wanted []New) []*Volume {
	rows := make([]*Volume, len(wanted))
	for i, w := range wanted {
		rows[i] = &Volume{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: o.Account, Site: o.Site, Host: o.Host, Name: w.Name, Role: w.Role, Storage: w.Storage,
			GiB: w.GiB, File: w.File, Instance: o.Instance, Position: i, Phase: spec.Pending, Created: tx.Time()}
	}
	return rows
}

// Cost is what volumes take of an account's quotas.
func Cost(wanted []New, times int64) []quota.Change {
	var gib int64
	for _, w := range wanted {
		gib += w.GiB
	}
	return []quota.Change{{Name: quota.Volumes, Delta: times * int64(len(wanted))}, {Name: quota.VolumeGiB, Delta: times * gib}}
}

// Of gives the volumes of instances in order.
func Of(ctx context.Context, tx *store.Tx, instances ...string) ([]*Volume, error) {
	var volumes []*Volume
	if len(instances) == 0 {
		return nil, nil
	}
	err := tx.NewSelect().Model(&volumes).Where("instance IN (?)", bun.In(instances)).Order("instance", "position").Scan(ctx)
	return volumes, err
}

// Specs gives the specs of volumes, in their order.
func Specs(volumes []*Volume) []link.Spec {
	specs := make([]link.Spec, len(volumes))
	for k, v := range volumes {
		body := spec.Volume{UID: v.UID, Bytes: v.GiB << 30, Image: v.File, Epoch: v.Epoch}
		if v.OriginSnapshot != "" {
			body.Origin = spec.Origin{Volume: v.OriginVolume, Snapshot: v.OriginSnapshot}
		}
		if v.RollbackTo != "" {
			body.RollBack = spec.RollBack{Epoch: v.Rollback, Snapshot: v.RollbackTo}
		}
		specs[k] = link.Spec{Target: spec.HostTarget(v.Host), Kind: spec.KindVolume, UID: v.UID, Body: body}
	}
	return specs
}

// Noted keeps the generations that Specs' specs were given, in the same order: the hosts are to reach them.
func Noted(ctx context.Context, tx *store.Tx, volumes []*Volume, generations []int64) error {
	for k, v := range volumes {
		if v.Wanted == generations[k] {
			continue
		}
		v.Wanted = generations[k]
		if _, err := tx.NewUpdate().Model(v).Column("wanted").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Renew starts volumes again from their image when their specs are written next: their content is lost, and their snapshots.
func Renew(ctx context.Context, tx *store.Tx, volumes []*Volume, file string) error {
	if err := loseSnapshots(ctx, tx, volumes); err != nil {
		return err
	}
	for _, v := range volumes {
		v.Epoch++
		if v.Role == System {
			v.File = file
		}
		if _, err := tx.NewUpdate().Model(v).Column("epoch", "file").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Release takes volumes away from their hosts, which destroys their data and their snapshots. Drop forgets them once the hosts have confirmed.
func Release(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	if err := loseSnapshots(ctx, tx, volumes); err != nil {
		return err
	}
	for _, v := range volumes {
		if err := link.Delete(ctx, tx, spec.HostTarget(v.Host), spec.KindVolume, v.UID); err != nil {
			return err
		}
	}
	return nil
}

// Drop forgets volumes and gives their quota back.
func Drop(ctx context.Context, tx *store.Tx, account string, volumes []*Volume) error {
	var gib int64
	for _, v := range volumes {
		gib += v.GiB
		if _, err := tx.NewDelete().Model(v).WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return quota.Count(ctx, tx, account, quota.Change{Name: quota.Volumes, Delta: -int64(len(volumes))}, quota.Change{Name: quota.VolumeGiB, Delta: -gib})
}

// Observe takes a host's report on a volume and wakes the instance that waits for it. One that is doomed and gone is forgotten.
func Observe(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Gone {
		gone := new(Volume)
		err := tx.NewSelect().Model(gone).Where("uid = ? AND doomed", r.UID).Scan(ctx)
		if err == nil {
			return forget(ctx, tx, gone)
		}
		if !store.NotFound(err) {
			return err
		}
	}
	var facts spec.VolumeFacts
	if len(r.Facts) > 0 {
		if err := json.Unmarshal(r.Facts, &facts); err != nil {
			return fmt.Errorf("read facts of volume %s: %w", r.UID, err)
		}
	}
	var instance, snapshot string
	err := tx.NewRaw("UPDATE volumes SET seen = ?, seen_epoch = ?, seen_rollback = ?, used_bytes = ?, phase = ?, error = ?, origin_snapshot = CASE WHEN ? THEN '' ELSE origin_snapshot END WHERE uid = ? AND host = ? AND seen <= ? RETURNING instance, rollback_to",
		r.Generation, facts.Epoch, facts.RollBack, facts.UsedBytes, r.Phase, r.Error, r.Phase == spec.Applied, r.UID, r.Host, r.Generation).Scan(ctx, &instance, &snapshot)
	if store.NotFound(err) {
		return nil
	}
	if err == nil && snapshot != "" {
		err = work.Wake(ctx, tx, SnapshotKind, snapshot)
	}
	if err != nil || instance == "" {
		return err
	}
	return work.Wake(ctx, tx, "instance", instance)
}

// Settled tells whether the hosts have done what is wanted of volumes, and the first error they met.
func Settled(volumes []*Volume) (settled bool, trouble string) {
	settled = true
	for _, v := range volumes {
		settled = settled && v.Seen >= v.Wanted && v.Phase == spec.Applied && v.SeenEpoch >= v.Epoch && (v.RollbackTo == "" || v.SeenRollback >= v.Rollback)
		if v.Phase == spec.Failed && trouble == "" {
			trouble = v.Error
		}
	}
	return settled, trouble
}
