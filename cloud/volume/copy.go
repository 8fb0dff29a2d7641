package volume

import (
	"context"

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

// uncopied refuses what would take the content away that a copy is being made of.
func uncopied(ctx context.Context, tx *store.Tx, v *Volume) error {
	copied, err := tx.NewSelect().Model((*Volume)(nil)).Where("origin_volume = ? AND origin_snapshot <> ''", v.UID).Where("phase <> ?", spec.Applied).Where("NOT doomed").
		Where("origin_snapshot IN (SELECT d.snapshot FROM snapshot_disks AS d WHERE d.volume = ?)", v.UID).Exists(ctx)
	if err == nil && copied {
		return fault.Conflicting("volume", v.Slug, "A disk is still being made of a snapshot of this one.")
	}
	return err
}
