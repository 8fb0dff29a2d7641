package controlplanetest

import (
	"fmt"
	"slices"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// takeSnapshot takes one of the first instance that can be given one.
func (s *simClient) takeSnapshot() {
	views, _, err := s.c.cp.Compute.List(s.c.ctx, s.caller(), compute.Filter{}, compute.Order{}, store.Page{})
	for _, v := range views {
		if _, err = s.c.cp.Compute.TakeSnapshot(s.c.ctx, s.caller(), v.UID, "first"); err == nil {
			return
		}
	}
	s.c.t.Errorf("none of %d instances was given a snapshot: %v", len(views), err)
}

// snapshot takes a snapshot of an instance, rolls back to one, copies one, or deletes one, by the verbs themselves.
func (s *simClient) snapshot(id string) {
	r, caller, control := s.c.rng, s.caller(), s.c.cp.Compute
	views, _, err := control.Snapshots(s.c.ctx, caller, volume.SnapshotFilter{}, store.Page{})
	did := "take"
	k := r.IntN(5)
	if len(views) == 0 || err != nil {
		k = 0
	}
	var one *compute.SnapshotView
	var disk *volume.SnapshotDisk
	if k == 0 {
		id = s.resting(id)
	}
	if k > 0 {
		one = views[r.IntN(len(views))]
		if at := slices.IndexFunc(views, func(v *compute.SnapshotView) bool {
			return v.Snapshot.State == volume.SnapshotCreated && v.State == compute.Stopped
		}); at >= 0 {
			one = views[at] // few come to rest among so many faults
		}
		if len(one.Disks) > 0 {
			disk = one.Disks[r.IntN(len(one.Disks))]
		}
	}
	if k == 2 || k == 3 {
		_, _ = control.Stop(s.c.ctx, caller, one.Instance, true) // what runs is refused; a later try meets it off
	}
	switch {
	case err != nil:
	case k == 0:
		_, err = control.TakeSnapshot(s.c.ctx, caller, id, "snapshot")
	case k == 1:
		did = "delete"
		err = control.DeleteSnapshots(s.c.ctx, caller, []string{one.UID})
	case k == 2:
		did = "roll back"
		err = control.RollBackInstance(s.c.ctx, caller, one.UID)
	case k == 3 && disk != nil:
		did = "roll back disk"
		err = control.RollBackDisk(s.c.ctx, caller, disk.UID)
	case disk != nil:
		did = "copy"
		err = s.copySnapshot(one, disk)
	}
	s.c.stats[fmt.Sprint("snapshot ", did, " ", fault.From(err) == nil)]++
	if err != nil && fault.From(err).Kind == fault.Internal {
		s.c.t.Errorf("%s of a snapshot: %v", did, err)
	}
}

// resting gives an instance that can be given a snapshot, if there is one; one that is off before others, since a snapshot of it can be rolled back to.
func (s *simClient) resting(id string) string {
	views, _, err := s.c.cp.Compute.List(s.c.ctx, s.caller(), compute.Filter{}, compute.Order{}, store.Page{})
	if err != nil {
		return id
	}
	for _, state := range []compute.State{compute.Running, compute.Stopped} {
		for _, v := range views {
			if v.State == state && v.Volumes[0].Storage != "NVME" {
				id = v.UID
			}
		}
	}
	return id
}

func (s *simClient) copySnapshot(of *compute.SnapshotView, disk *volume.SnapshotDisk) error {
	for _, site := range s.c.sites {
		if site.UID == of.Site {
			_, err := volume.CreateLoose(s.c.ctx, s.c.cp.DB, s.caller(), []volume.NewLoose{{Site: site, Count: 1, Name: "copy", Storage: "CDS_SSD", From: disk.UID}})
			return err
		}
	}
	return nil
}
