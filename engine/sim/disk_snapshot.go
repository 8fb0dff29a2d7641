package sim

import (
	"context"
	"fmt"
	"slices"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// with finds a volume that has a snapshot, or any volume if none is named. The caller holds the lock.
func (p *pool) with(uid, snapshot string) (*volume, error) {
	v, ok := p.volumes[uid]
	if !ok {
		return nil, fmt.Errorf("%w: volume %s", disk.ErrAbsent, uid)
	}
	if _, has := v.Snapshots[snapshot]; !has && snapshot != "" {
		return nil, fmt.Errorf("%w: snapshot %s of volume %s", disk.ErrAbsent, snapshot, uid)
	}
	return v, nil
}

// Snapshot implements disk.Pool.
func (p *pool) Snapshot(ctx context.Context, uid string, volumes []string) error {
	if !diskUID.MatchString(uid) {
		return badField("snapshot", uid, "uid", "not a UID")
	}
	for _, v := range volumes {
		if !diskUID.MatchString(v) {
			return badField("snapshot", uid, "volumes", "%q is not a UID", v)
		}
	}
	c, err := p.host.begin(ctx, OpSnapshot, uid)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	whole := true
	for _, volume := range volumes {
		v, err := p.with(volume, "")
		if err != nil {
			return err
		}
		_, has := v.Snapshots[uid]
		whole = whole && has
	}
	if whole {
		return c.end()
	}
	for _, volume := range volumes {
		v := p.volumes[volume]
		put(&v.Snapshots, uid, v.Used)
		p.host.world.keep(p.record(spec.KindVolume, volume), v)
	}
	return c.end()
}

// RollBack implements disk.Pool.
func (p *pool) RollBack(ctx context.Context, snapshot, volume string) error {
	c, err := p.host.begin(ctx, OpRollBack, volume)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, err := p.with(volume, snapshot)
	if err != nil {
		return err
	}
	p.used += v.Snapshots[snapshot] - v.Used
	v.Used = v.Snapshots[snapshot]
	p.host.world.keep(p.record(spec.KindVolume, volume), v)
	return c.end()
}

// RemoveSnapshot implements disk.Pool.
func (p *pool) RemoveSnapshot(ctx context.Context, uid string) error {
	c, err := p.host.begin(ctx, OpSnapshotRemove, uid)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for volume, v := range p.volumes {
		if _, has := v.Snapshots[uid]; has {
			delete(v.Snapshots, uid)
			p.host.world.keep(p.record(spec.KindVolume, volume), v)
		}
	}
	return c.end()
}

// Snapshots implements disk.Pool.
func (p *pool) Snapshots(ctx context.Context) ([]disk.Snapshot, error) {
	c, err := p.host.begin(ctx, OpSnapshots, "")
	if err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	of := map[string][]string{}
	for volume, v := range p.volumes {
		for uid := range v.Snapshots {
			of[uid] = append(of[uid], volume)
		}
	}
	all := make([]disk.Snapshot, 0, len(of))
	for uid, volumes := range of {
		slices.Sort(volumes)
		all = append(all, disk.Snapshot{UID: uid, Volumes: volumes})
	}
	return all, c.end()
}
