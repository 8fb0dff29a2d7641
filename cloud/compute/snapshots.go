package compute

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// SnapshotView is a snapshot with what people want to see beside it.
type SnapshotView struct {
	*volume.Snapshot
	State     State  // of its instance; empty if that is gone
	ImageSlug string // of the custom image that was made of it; empty for none
}

// TakeSnapshot takes a snapshot of all disks of an instance that runs or is stopped, which goes on as it was when the snapshot is taken. It answers at once.
func (c *Compute) TakeSnapshot(ctx context.Context, caller *identity.Caller, instance, name string) (s *volume.Snapshot, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := volume.CheckSnapshotName(name); err != nil {
		return nil, err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, instance)
		if err != nil {
			return err
		}
		if err := guard(i, "given a snapshot", Running, Stopped); err != nil {
			return err
		}
		disks, err := volume.Of(ctx, tx, i.UID)
		if err != nil {
			return err
		}
		s = &volume.Snapshot{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: i.Account, Site: i.Site, Host: i.Host, Name: name, Instance: i.UID, Handle: i.Handle, InstanceName: i.Name, Image: i.Image}
		if err := volume.Snap(ctx, tx, s, disks); err != nil {
			return err
		}
		if err := enter(ctx, tx, i, Snapshotting, "snapshot"); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, volume.SnapshotKind, s.UID)
	})
	return s, err
}

// snapshotting waits for the snapshot to be taken, or to have failed; the instance is as it was in either case.
func snapshotting(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	busy, err := waitsForSnapshot(ctx, tx, i)
	if err != nil || busy {
		return work.Wait("snapshot", 0), err
	}
	if i.Power == spec.On {
		return work.Goto(string(Running)), nil
	}
	return work.Goto(string(Stopped)), nil
}

// rollingBack waits for the disks to be as they were at the snapshot.
func rollingBack(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	busy, err := waitsForSnapshot(ctx, tx, i)
	if err != nil || busy {
		return work.Wait("snapshot", 0), err
	}
	return work.Goto(string(Stopped)), nil
}

func waitsForSnapshot(ctx context.Context, tx *store.Tx, i *Instance) (bool, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(p.volumes, func(v *volume.Volume) bool { return v.RollbackTo != "" }) {
		return true, nil
	}
	return volume.SnapshotsUnderWay(ctx, tx, i.UID)
}

// RollBackInstance puts all disks of an instance back to what they held at a snapshot of it. The instance must be off. A disk that it has got since stays as it is;
// one that it has no more makes the snapshot of no use for it.
func (c *Compute) RollBackInstance(ctx context.Context, caller *identity.Caller, id string) error {
	return c.rollBack(ctx, caller, id, func(ctx context.Context, tx *store.Tx) (*volume.Snapshot, []*volume.SnapshotDisk, error) {
		s, err := volume.FindSnapshot(ctx, tx, caller, id)
		if err != nil {
			return nil, nil, err
		}
		if err := s.Ready("rolled back to"); err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(s.Disks, func(d *volume.SnapshotDisk) bool { return d.Role == volume.System }) {
			return nil, nil, fault.Conflicting(volume.SnapshotKind, id, "The system disk that the snapshot was taken of is gone or was reinstalled; only its other disks can be rolled back, one by one.")
		}
		return s, s.Disks, nil
	})
}

// RollBackDisk puts one disk back to what it held at a snapshot. An instance that has it must be off.
func (c *Compute) RollBackDisk(ctx context.Context, caller *identity.Caller, id string) error {
	return c.rollBack(ctx, caller, id, func(ctx context.Context, tx *store.Tx) (*volume.Snapshot, []*volume.SnapshotDisk, error) {
		s, d, err := volume.FindSnapshotDisk(ctx, tx, caller, id)
		if err != nil {
			return nil, nil, err
		}
		return s, []*volume.SnapshotDisk{d}, s.Ready("rolled back to")
	})
}

type rollBackOf = func(ctx context.Context, tx *store.Tx) (*volume.Snapshot, []*volume.SnapshotDisk, error)

func (c *Compute) rollBack(ctx context.Context, caller *identity.Caller, id string, find rollBackOf) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, disks, err := find(ctx, tx)
		if err != nil {
			return err
		}
		var volumes []*volume.Volume
		for _, d := range disks {
			v, err := volume.Find(ctx, tx, caller, d.Volume)
			if fault.Is(err, fault.NotFound) {
				return fault.Missing("volume", d.VolumeSlug)
			}
			if err != nil {
				return err
			}
			volumes = append(volumes, v)
		}
		if err := keepStill(ctx, tx, caller, volumes, len(disks) == len(s.Disks) && disks[0].Role == volume.System, s); err != nil {
			return err
		}
		if err := s.RollBack(ctx, tx, volumes); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, volume.SnapshotKind, s.UID)
	})
}

// keepStill keeps the instance still that volumes are on. All disks of an instance's snapshot have to be on that very instance.
func keepStill(ctx context.Context, tx *store.Tx, caller *identity.Caller, volumes []*volume.Volume, whole bool, s *volume.Snapshot) error {
	for _, v := range volumes {
		if whole && v.Instance != s.Instance {
			return fault.Conflicting("volume", v.Slug, "The disk %s is not on the instance %s any more; attach it again, or roll the disks back one by one.", v.Slug, s.Handle)
		}
		if v.Hold == volume.Attaching || v.Hold == volume.Detaching {
			return fault.Conflicting("volume", v.Slug, "The disk %s is %s; roll it back afterwards.", v.Slug, v.Hold)
		}
	}
	if volumes[0].Instance == "" {
		return nil
	}
	i, err := Find(ctx, tx, caller, volumes[0].Instance)
	if err != nil {
		return err
	}
	if err := guard(i, "rolled back; it must be stopped", Stopped); err != nil {
		return err
	}
	return enter(ctx, tx, i, RollingBack, "roll back")
}

// Snapshots gives a page of the caller's snapshots, newest first, with the total.
func (c *Compute) Snapshots(ctx context.Context, caller *identity.Caller, f volume.SnapshotFilter, p store.Page) (views []*SnapshotView, total int, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, n, err := volume.ListSnapshots(ctx, tx, caller, f, p)
		if err != nil {
			return err
		}
		total = n
		views, err = snapshotViews(ctx, tx, found)
		return err
	})
	return views, total, err
}

// Snapshot gives one of the caller's snapshots by UID or slug.
func (c *Compute) Snapshot(ctx context.Context, caller *identity.Caller, id string) (view *SnapshotView, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := volume.FindSnapshot(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		views, err := snapshotViews(ctx, tx, []*volume.Snapshot{s})
		if err == nil {
			view = views[0]
		}
		return err
	})
	return view, err
}

// snapshotViews adds to snapshots what hangs on them: two statements, however many there are.
func snapshotViews(ctx context.Context, tx *store.Tx, all []*volume.Snapshot) ([]*SnapshotView, error) {
	var instances, images []string
	for _, s := range all {
		instances = append(instances, s.Instance)
		if s.CustomImage != "" {
			images = append(images, s.CustomImage)
		}
	}
	states := map[string]State{}
	if len(instances) > 0 {
		var rows []*Instance
		if err := tx.NewSelect().Model(&rows).Column("uid", "state").Where("uid IN (?)", bun.In(instances)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, i := range rows {
			states[i.UID] = i.State
		}
	}
	made, err := image.ByUID(ctx, tx, images)
	if err != nil {
		return nil, err
	}
	views := make([]*SnapshotView, len(all))
	for k, s := range all {
		views[k] = &SnapshotView{Snapshot: s, State: states[s.Instance]}
		if i := made[s.CustomImage]; i != nil {
			views[k].ImageSlug = i.Slug
		}
	}
	return views, nil
}

// DeleteSnapshots takes snapshots of the caller's away, all or none: those that were taken or have failed, and of which nothing is being made.
func (c *Compute) DeleteSnapshots(ctx context.Context, caller *identity.Caller, ids []string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.BadField("insnapIdList", "must name a snapshot")
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var gone []string
		for _, id := range ids {
			s, err := volume.FindSnapshot(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if slices.Contains(gone, s.UID) {
				continue
			}
			imaging, err := image.Unfinished(ctx, tx, s.UID)
			if err != nil {
				return err
			}
			if imaging {
				return fault.Conflicting(volume.SnapshotKind, id, "An image is being made of the snapshot %s; it can be deleted afterwards.", s.Name)
			}
			if err := s.Discard(ctx, tx); err != nil {
				return err
			}
			gone = append(gone, s.UID)
		}
		return audit.Note(ctx, tx, caller, volume.SnapshotKind, gone[0])
	})
}

// CaptureSnapshot makes a custom image of what the system disk held at a snapshot, at most one of each. The instance is not touched.
func (c *Compute) CaptureSnapshot(ctx context.Context, caller *identity.Caller, disk, name, description string) (img *image.Image, op string, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, "", err
	}
	if err := c.images.CheckCapture(name); err != nil {
		return nil, "", err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, d, err := volume.FindSnapshotDisk(ctx, tx, caller, disk)
		if err != nil {
			return err
		}
		if err := s.Ready("made an image of"); err != nil {
			return err
		}
		if d.Role != volume.System {
			return fault.Conflicting(volume.SnapshotKind, disk, "The snapshot is of a data disk; images are made of system disks.")
		}
		known, err := image.ByUID(ctx, tx, []string{s.Image, s.CustomImage})
		if err != nil {
			return err
		}
		if had := known[s.CustomImage]; had != nil && had.Status != image.Broken {
			return fault.Conflicting(volume.SnapshotKind, disk, "The image %s was made of the snapshot already; there is at most one.", had.Name)
		}
		img, op, err = c.images.Capture(ctx, tx, caller, image.Capture{Name: name, Description: description, Of: known[s.Image], Site: s.Site, Host: s.Host, Volume: d.Volume, Snapshot: s.UID,
			GiB: d.GiB, Source: s.UID})
		if err != nil {
			return err
		}
		if err := s.Imaged(ctx, tx, img.UID); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, image.Kind, img.UID)
	})
	return img, op, err
}

// BusyVolumes tells which of the caller's volumes a snapshot is being taken of, or are being rolled back to one.
func (c *Compute) BusyVolumes(ctx context.Context, volumes []string) (busy map[string]bool, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		busy, err = volume.InSnapshot(ctx, tx, volumes)
		return err
	})
	return busy, err
}
