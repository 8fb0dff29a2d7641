package compute

import (
	"context"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
)

// maxDisks is how many disks an instance can have, the system disk included: what the mainboard's bus has room for beside its NICs.
const maxDisks = 16

// AttachVolume puts a volume that stands alone onto an instance that runs, which gets it at once, or is stopped.
func (c *Compute) AttachVolume(ctx context.Context, caller *identity.Caller, instance, id string) (*View, error) {
	return c.change(ctx, caller, instance, "attach volume", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		v, err := volume.Find(ctx, tx, caller, id)
		if err != nil {
			return "", err
		}
		if err := guard(i, "given a volume", Running, Stopped); err != nil {
			return "", err
		}
		p, err := loadParts(ctx, tx, i)
		if err != nil {
			return "", err
		}
		disks := slices.Concat(p.volumes, p.losing)
		if len(disks) >= maxDisks {
			return "", fault.Conflicting(Kind, i.Handle, "An instance has at most %d disks.", maxDisks)
		}
		position := 0
		for _, d := range disks {
			position = max(position, d.Position+1)
		}
		taken, err := v.Claim(ctx, tx, i.Site, i.Host, i.UID, position)
		if err != nil {
			return "", err
		}
		i.DiskGiB += v.GiB
		return i.rewired(), place.Change(ctx, tx, i.Host, place.Demand{}, place.Demand{DiskGiB: taken})
	})
}

// DetachVolume takes a volume off the instance that it is on: a cloud disk, not the system disk nor one on the host's own disks. The guest of one that runs is asked
// to let go of it, and the volume is loose when it has.
func (c *Compute) DetachVolume(ctx context.Context, caller *identity.Caller, instance, id string) (*View, error) {
	return c.change(ctx, caller, instance, "detach volume", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		v, err := volume.Find(ctx, tx, caller, id)
		if err != nil {
			return "", err
		}
		if v.Instance != i.UID || v.Hold != volume.Attached && v.Hold != "" {
			return "", fault.Conflicting("volume", id, "The volume is not attached to the instance %s.", i.Handle)
		}
		if v.Role != volume.Cloud {
			return "", fault.Conflicting("volume", id, "Only cloud disks can be detached; system disks and those of the machine's own go with their instance.")
		}
		if err := guard(i, "taken a volume from", Running, Stopped); err != nil {
			return "", err
		}
		return i.rewired(), volume.SetHold(ctx, tx, []*volume.Volume{v}, volume.Detaching)
	})
}

// GrowVolume makes a cloud disk larger; the guest of one that runs sees the new size at once.
func (c *Compute) GrowVolume(ctx context.Context, caller *identity.Caller, id string, gib int64) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if err := volume.CheckCloudGiB("newCdsSizeInGB", gib); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err := volume.Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if v.Role != volume.Cloud {
			return fault.Conflicting("volume", id, "Only cloud disks can be made larger.")
		}
		if gib <= v.GiB {
			return fault.BadField("newCdsSizeInGB", "must be more than the volume has, %d GB", v.GiB)
		}
		if v.Hold == volume.Attaching || v.Hold == volume.Detaching {
			return fault.Conflicting("volume", id, "The volume is %s; make it larger afterwards.", v.Hold)
		}
		delta := place.Demand{DiskGiB: gib - v.GiB}
		if v.Host != "" {
			if err := place.Change(ctx, tx, v.Host, place.Demand{}, delta); err != nil {
				return err
			}
		}
		if v.Instance != "" {
			if err := growInstance(ctx, tx, caller, v.Instance, delta.DiskGiB); err != nil {
				return err
			}
		}
		if err := v.Grow(ctx, tx, gib); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "volume", v.UID)
	})
}

func growInstance(ctx context.Context, tx *store.Tx, caller *identity.Caller, uid string, gib int64) error {
	i, err := Find(ctx, tx, caller, uid)
	if err != nil {
		return err
	}
	if i.State == Deleting || i.State == Creating {
		return fault.Conflicting(Kind, i.Handle, "The instance is %s.", i.State)
	}
	i.DiskGiB += gib
	if _, err := tx.NewUpdate().Model(i).Column("disk_gib").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, Kind, i.UID)
}

// own are the volumes that go with the instance.
func (p *parts) own() []*volume.Volume {
	return slices.DeleteFunc(slices.Clone(p.volumes), func(v *volume.Volume) bool { return v.Hold != "" })
}

// letGo makes volumes of the instance stand alone on its host, whose room they keep.
func (p *parts) letGo(ctx context.Context, tx *store.Tx, volumes []*volume.Volume) error {
	if len(volumes) == 0 {
		return nil
	}
	for _, v := range volumes {
		p.DiskGiB -= v.GiB
	}
	if _, err := tx.NewUpdate().Model(p.Instance).Column("disk_gib").WherePK().Exec(ctx); err != nil {
		return err
	}
	return volume.SetHold(ctx, tx, volumes, volume.Loose)
}

// dropLosing lets the volumes go that the host has confirmed to be off the machine.
func (p *parts) dropLosing(ctx context.Context, tx *store.Tx) error {
	losing := p.losing
	p.losing = nil
	return p.letGo(ctx, tx, losing)
}

// rewiringTooLate gives a guest back the volumes that it would not let go of; other changes that last too long are failures.
func rewiringTooLate(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := loadParts(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if len(p.losing) == 0 {
		return tooLate(ctx, tx, i)
	}
	if err := volume.SetHold(ctx, tx, p.losing, volume.Attached); err != nil {
		return work.Next{}, err
	}
	i.Dirty = true
	return work.Goto(string(Running)), nil
}
