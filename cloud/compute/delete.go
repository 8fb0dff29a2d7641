package compute

import (
	"context"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Delete takes an instance away in any state but the excepted ones, with its disks, ports and addresses. It is gone when its host and site have confirmed.
func (c *Compute) Delete(ctx context.Context, caller *identity.Caller, id string, except ...State) (view *View, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if slices.Contains(except, i.State) {
			return fault.Conflicting(Kind, i.Handle, "The instance is %s; it cannot be deleted now.", i.State)
		}
		if err := doom(ctx, tx, i); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, caller, Kind, i.UID); err != nil {
			return err
		}
		view, err = c.view(ctx, tx, i.UID)
		return err
	})
	return view, err
}

// doom begins the deletion of an instance; deleting it again changes nothing.
func doom(ctx context.Context, tx *store.Tx, i *Instance) error {
	if i.State == Deleting {
		return nil
	}
	if err := enter(ctx, tx, i, Deleting, "delete"); err != nil {
		return err
	}
	return place.Leave(ctx, tx, i.UID)
}

// enter moves an instance into a state by a verb: it opens the operation and wakes the life cycle.
func enter(ctx context.Context, tx *store.Tx, i *Instance, to State, verb string) error {
	i.State, i.Dirty, i.Error, i.Changed = to, true, "", tx.Time()
	_, err := tx.NewUpdate().Model(i).ExcludeColumn("uid", "slug", "handle", "account", "created", "wanted", "seen", "phase", "seen_power", "seen_since", "seen_restart",
		"seen_password", "seen_epoch", "crashed", "trouble").WherePK().Exec(ctx)
	if err != nil {
		return err
	}
	if _, err := operation.Open(ctx, tx, i.Account, verb, Kind, i.UID, string(to)); err != nil {
		return err
	}
	return work.Wake(ctx, tx, Kind, i.UID)
}

// deleting turns the instance's specs into tombstones, waits until all are confirmed, and then forgets the rows and gives back what they held.
func deleting(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := loadParts(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if i.Dirty {
		if err := p.release(ctx, tx); err != nil {
			return work.Next{}, err
		}
	}
	gone, err := p.gone(ctx, tx)
	if err != nil || !gone {
		return work.Wait("report", 0), err
	}
	if err := p.drop(ctx, tx); err != nil {
		return work.Next{}, err
	}
	// The row is gone with the step, so the machine is not asked for another state.
	return work.Again(0), nil
}

func (p *parts) release(ctx context.Context, tx *store.Tx) error {
	if err := link.Delete(ctx, tx, spec.HostTarget(p.Host), spec.KindInstance, p.UID); err != nil {
		return err
	}
	if err := volume.Release(ctx, tx, p.own()); err != nil {
		return err
	}
	if err := network.ReleasePublicIPs(ctx, tx, p.ips); err != nil {
		return err
	}
	if err := network.ReleasePorts(ctx, tx, p.allPorts()); err != nil {
		return err
	}
	p.Dirty = false
	_, err := tx.NewUpdate().Model(p.Instance).Column("dirty").WherePK().Exec(ctx)
	return err
}

// gone tells whether the host and the site have confirmed every tombstone.
func (p *parts) gone(ctx context.Context, tx *store.Tx) (bool, error) {
	type thing struct{ target, kind, uid string }
	things := []thing{{spec.HostTarget(p.Host), spec.KindInstance, p.UID}}
	for _, v := range p.own() {
		things = append(things, thing{spec.HostTarget(v.Host), spec.KindVolume, v.UID})
	}
	for _, port := range p.allPorts() {
		things = append(things, thing{spec.SiteTarget(port.Site), spec.KindPort, port.UID})
	}
	for _, ip := range p.ips {
		things = append(things, thing{spec.SiteTarget(ip.Site), spec.KindPublicIP, ip.UID})
	}
	for _, t := range things {
		gone, err := link.Gone(ctx, tx, t.target, t.kind, t.uid)
		if err != nil || !gone {
			return false, err
		}
	}
	return true, nil
}

// drop forgets the instance's rows, and gives back its room, addresses and quota.
func (p *parts) drop(ctx context.Context, tx *store.Tx) error {
	if err := network.DropPublicIPs(ctx, tx, p.Account, p.ips); err != nil {
		return err
	}
	if err := network.DropPorts(ctx, tx, p.allPorts()); err != nil {
		return err
	}
	own := p.own()
	alone := slices.DeleteFunc(slices.Concat(p.volumes, p.losing), func(v *volume.Volume) bool { return v.Hold == "" })
	if err := p.letGo(ctx, tx, alone); err != nil {
		return err
	}
	if err := volume.Drop(ctx, tx, p.Account, own); err != nil {
		return err
	}
	if err := image.InstanceGone(ctx, tx, p.UID, p.ImageFile); err != nil {
		return err
	}
	if err := place.Give(ctx, tx, p.Host, p.Demand()); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model(p.Instance).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := tellGroup(ctx, tx, p.Group); err != nil {
		return err
	}
	groups, err := dropGroupIfEmpty(ctx, tx, p.Group)
	if err != nil {
		return err
	}
	changes := append(instanceCost(Size{VCPUs: p.VCPUs, MemoryMiB: p.MemoryMiB}, -1), groupCost(-groups))
	if err := quota.Count(ctx, tx, p.Account, changes...); err != nil {
		return err
	}
	return operation.Succeed(ctx, tx, p.UID)
}

// dropGroupIfEmpty forgets a group that is being deleted with its last instance, and tells how many it forgot.
func dropGroupIfEmpty(ctx context.Context, tx *store.Tx, group string) (int64, error) {
	res, err := tx.NewRaw("DELETE FROM groups WHERE uid = ? AND doomed AND NOT EXISTS (SELECT 1 FROM instances WHERE grp = ?)", group, group).Exec(ctx)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
