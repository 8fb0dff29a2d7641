package volume

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// A volume that is made of a snapshot has data from birth, so that it is on the snapshot's host and takes room there at once. It has the snapshot's size.

// origins finds what volumes are to be made of, and refuses what cannot be.
func origins(ctx context.Context, tx *store.Tx, caller *identity.Caller, all []NewLoose) (found map[string]*origin, err error) {
	found = map[string]*origin{}
	for k, w := range all {
		if w.From == "" || found[w.From] != nil {
			continue
		}
		s, d, err := FindSnapshotDisk(ctx, tx, caller, w.From)
		if err != nil {
			return nil, err
		}
		if err := s.Ready("copied"); err != nil {
			return nil, err
		}
		if s.Site != all[k].Site.UID {
			return nil, fault.Conflicting(SnapshotKind, w.From, "The snapshot is at another node than the disk that is to be made of it.")
		}
		found[w.From] = &origin{s, d}
	}
	return found, nil
}

type origin struct {
	*Snapshot
	disk *SnapshotDisk
}

// give makes a volume a copy of its origin.
func (o *origin) give(v *Volume) {
	v.GiB, v.Host, v.Phase, v.OriginVolume, v.OriginSnapshot = o.disk.GiB, o.Host, spec.Pending, o.disk.Volume, o.UID
}

// begin takes the room of copies, and tells their hosts of them.
func begin(ctx context.Context, tx *store.Tx, volumes []*Volume) error {
	var copies []*Volume
	for _, v := range volumes {
		if v.OriginSnapshot == "" {
			continue
		}
		copies = append(copies, v)
		if err := place.Change(ctx, tx, v.Host, place.Demand{}, place.Demand{DiskGiB: v.GiB}); err != nil {
			return err
		}
	}
	if len(copies) == 0 {
		return nil
	}
	generations, err := link.PutMany(ctx, tx, Specs(copies))
	if err != nil {
		return err
	}
	return Noted(ctx, tx, copies, generations)
}

// copies gives the volumes that are being made of a snapshot's part in disks.
func copies(ctx context.Context, tx *store.Tx, snapshot string, disks []*SnapshotDisk) (volumes []*Volume, err error) {
	of := make([]string, len(disks))
	for k, d := range disks {
		of[k] = d.Volume
	}
	if len(of) == 0 {
		return nil, nil
	}
	err = tx.NewSelect().Model(&volumes).Where("origin_snapshot <> '' AND origin_snapshot = ? AND origin_volume IN (?) AND NOT doomed", snapshot, bun.In(of)).Scan(ctx)
	return volumes, err
}

// uncopied refuses what would take the content away that copies are being made of.
func uncopied(ctx context.Context, tx *store.Tx, v *Volume) error {
	var parts []*SnapshotDisk
	if err := tx.NewSelect().Model(&parts).Where("volume = ?", v.UID).Scan(ctx); err != nil {
		return err
	}
	for _, d := range parts {
		found, err := copies(ctx, tx, d.Snapshot, []*SnapshotDisk{d})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fault.Conflicting("volume", v.Slug, "A disk is still being made of a snapshot of this one.")
		}
	}
	return nil
}

// breakCopies gives up the copies that are being made of what has gone: they stay as broken disks without content, for their owner to delete.
func breakCopies(ctx context.Context, tx *store.Tx, s *Snapshot, lost []*SnapshotDisk) error {
	found, err := copies(ctx, tx, s.UID, lost)
	if err != nil {
		return err
	}
	for _, v := range found {
		if err := link.Delete(ctx, tx, spec.HostTarget(v.Host), spec.KindVolume, v.UID); err != nil {
			return err
		}
		if err := place.Change(ctx, tx, v.Host, place.Demand{DiskGiB: v.GiB}, place.Demand{}); err != nil {
			return err
		}
		v.Host, v.Wanted, v.Phase, v.OriginSnapshot, v.Error = "", 0, spec.Failed, "", "The snapshot went before the disk was made of it."
		if _, err := tx.NewUpdate().Model(v).Column("host", "wanted", "phase", "origin_snapshot", "error").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
