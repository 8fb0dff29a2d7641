package qcow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"edgecloud/diskimage"
	"edgecloud/engine/disk"
)

// Snapshots live inside the volumes' files, under their UIDs: taking and removing one is short, and a volume takes its own along when it goes. Clusters that a
// removed snapshot held are used again by the volume; the file does not become shorter.

// snapshots lists the snapshots inside a volume's file.
func (p *Pool) snapshots(v disk.Volume) ([]diskimage.Snapshot, error) {
	f, err := os.Open(p.volumeFile(v.UID, v.Epoch))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := diskimage.ReadSnapshots(f)
	if err != nil {
		return nil, fmt.Errorf("qcow: snapshots of volume %s: %w", v.UID, err)
	}
	return all, nil
}

func (p *Pool) hasSnapshot(v disk.Volume, uid string) (bool, error) {
	all, err := p.snapshots(v)
	return slices.ContainsFunc(all, func(s diskimage.Snapshot) bool { return s.Name == uid }), err
}

// with finds a volume that has a snapshot.
func (p *Pool) with(ctx context.Context, volume, snapshot string) (disk.Volume, error) {
	v, err := p.Get(ctx, volume)
	if err != nil {
		return v, err
	}
	has, err := p.hasSnapshot(v, snapshot)
	if err == nil && !has {
		err = fmt.Errorf("%w: snapshot %s of volume %s", disk.ErrAbsent, snapshot, volume)
	}
	return v, err
}

// takeAll locks volumes in one order.
func (p *Pool) takeAll(volumes []string) func() {
	var held []func()
	for _, uid := range slices.Compact(slices.Sorted(slices.Values(volumes))) {
		held = append(held, p.locks.take("volume "+uid))
	}
	return func() {
		for _, free := range held {
			free()
		}
	}
}

// Snapshot implements disk.Pool.
func (p *Pool) Snapshot(ctx context.Context, uid string, volumes []string) error {
	err := errors.Join(disk.CheckUID("uid", uid), ctx.Err())
	for _, v := range volumes {
		err = errors.Join(err, disk.CheckUID("volumes", v))
	}
	if err != nil {
		return err
	}
	defer p.locks.take("snapshot " + uid)()
	defer p.takeAll(volumes)()
	var all, have []disk.Volume
	for _, volume := range volumes {
		v, err := p.Get(ctx, volume)
		if err != nil {
			return err
		}
		all = append(all, v)
		has, err := p.hasSnapshot(v, uid)
		if err != nil {
			return err
		}
		if has {
			have = append(have, v)
		}
	}
	if len(have) == len(all) {
		return nil
	}
	for _, v := range have { // what a crash left: taken at another moment than the rest will be
		if err := p.dropSnapshot(ctx, uid, v); err != nil {
			return err
		}
	}
	return p.snapshot(ctx, uid, all)
}

// snapshot takes it: through the machine that runs on the volumes, or in the files of those that none runs on.
func (p *Pool) snapshot(ctx context.Context, uid string, volumes []disk.Volume) error {
	var paths, done []string
	for _, v := range volumes {
		paths = append(paths, p.volumeFile(v.UID, v.Epoch))
	}
	if p.config.Snapshot != nil {
		var err error
		if done, err = p.config.Snapshot(ctx, uid, paths); err != nil {
			return full(err)
		}
	}
	for _, path := range paths {
		if slices.Contains(done, path) {
			continue
		}
		if err := p.run(ctx, "snapshot", "-q", "-c", uid, path); err != nil {
			return full(err)
		}
	}
	return nil
}

func (p *Pool) dropSnapshot(ctx context.Context, uid string, v disk.Volume) error {
	path := p.volumeFile(v.UID, v.Epoch)
	if p.config.RemoveSnapshot != nil {
		done, err := p.config.RemoveSnapshot(ctx, uid, path)
		if err != nil || done {
			return err
		}
	}
	return full(p.run(ctx, "snapshot", "-q", "-d", uid, path))
}

// RollBack implements disk.Pool. A snapshot from before the volume grew makes it small again; it is given its size back. What a crash leaves small grows when
// the volume is ensured next.
func (p *Pool) RollBack(ctx context.Context, snapshot, volume string) error {
	if err := errors.Join(disk.CheckUID("snapshot", snapshot), disk.CheckUID("volume", volume), ctx.Err()); err != nil {
		return err
	}
	defer p.locks.take("snapshot " + snapshot)()
	defer p.locks.take("volume " + volume)()
	v, err := p.with(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	path := p.volumeFile(v.UID, v.Epoch)
	if err := p.run(ctx, "snapshot", "-q", "-a", snapshot, path); err != nil {
		return full(err)
	}
	return full(p.run(ctx, "resize", "-q", "-f", "qcow2", path, strconv.FormatInt(v.Bytes, 10)))
}

// RemoveSnapshot implements disk.Pool.
func (p *Pool) RemoveSnapshot(ctx context.Context, uid string) error {
	if err := errors.Join(disk.CheckUID("uid", uid), ctx.Err()); err != nil {
		return err
	}
	defer p.locks.take("snapshot " + uid)()
	all, err := p.List(ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		if err := p.removeSnapshot(ctx, uid, v.UID); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pool) removeSnapshot(ctx context.Context, uid, volume string) error {
	defer p.locks.take("volume " + volume)()
	v, err := p.with(ctx, volume, uid)
	if errors.Is(err, disk.ErrAbsent) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.dropSnapshot(ctx, uid, v)
}

// Snapshots implements disk.Pool.
func (p *Pool) Snapshots(ctx context.Context) ([]disk.Snapshot, error) {
	volumes, err := p.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []disk.Snapshot
	at := map[string]int{}
	for _, v := range volumes {
		inside, err := p.snapshots(v)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range inside {
			k, known := at[s.Name]
			if !known {
				k = len(all)
				at[s.Name], all = k, append(all, disk.Snapshot{UID: s.Name})
			}
			all[k].Volumes = append(all[k].Volumes, v.UID)
		}
	}
	return all, nil
}

// clone copies what another volume held at a snapshot into an unfinished file: whole, so that the copy needs neither.
func (p *Pool) clone(ctx context.Context, volume, snapshot, part string, bytes int64) error {
	defer p.locks.take("snapshot " + snapshot)()
	v, err := p.with(ctx, volume, snapshot)
	if err != nil {
		return err
	}
	if err := p.run(ctx, p.fromSnapshot(snapshot, p.volumeFile(v.UID, v.Epoch), part)...); err != nil {
		return err
	}
	// QEMU gives the copy the size that the volume has now.
	return p.run(ctx, "resize", "-q", "-f", "qcow2", "--shrink", part, strconv.FormatInt(bytes, 10))
}

// fromSnapshot are the arguments of a copy of what a file held at a snapshot. A machine may write to the file meanwhile: never to what a snapshot holds.
func (p *Pool) fromSnapshot(snapshot, from, to string, options ...string) []string {
	return slices.Concat([]string{"convert", "-q", "-U", "-l", "snapshot.name=" + snapshot, "-f", "qcow2", "-O", "qcow2"}, options, []string{from, to})
}
