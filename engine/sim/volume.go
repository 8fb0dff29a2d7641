package sim

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

func checkVolume(v spec.Volume) error {
	switch {
	case !diskUID.MatchString(v.UID):
		return badField("volume", v.UID, "uid", "not a UID")
	case v.Bytes <= 0:
		return badField("volume", v.UID, "bytes", "%d is not positive", v.Bytes)
	case v.Epoch < 0:
		return badField("volume", v.UID, "epoch", "%d is negative", v.Epoch)
	case v.Origin != (spec.Origin{}) && !(diskUID.MatchString(v.Origin.Volume) && diskUID.MatchString(v.Origin.Snapshot) && v.Image == ""):
		return badField("volume", v.UID, "origin", "%v is no volume's snapshot, or there is an image too", v.Origin)
	case v.Image != "" && !diskUID.MatchString(v.Image):
		return badField("volume", v.UID, "image", "%q is not a UID", v.Image)
	}
	return nil
}

func (p *pool) Ensure(ctx context.Context, want spec.Volume) (disk.Volume, error) {
	if err := checkVolume(want); err != nil {
		return disk.Volume{}, err
	}
	c, err := p.host.begin(ctx, OpVolumeEnsure, want.UID)
	if err != nil {
		return disk.Volume{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	have := p.volumes[want.UID]
	fresh := have == nil || want.Epoch > have.Epoch
	if !fresh && want.Bytes == have.Bytes {
		return have.public(want.UID), c.end()
	}
	if err := p.fits(have, want, fresh); err != nil {
		return disk.Volume{}, err
	}
	if fresh {
		have = p.restart(have, want)
	}
	have.Bytes = want.Bytes
	p.host.world.keep(p.record(spec.KindVolume, want.UID), have)
	return have.public(want.UID), c.end()
}

// fits tells why a volume cannot become what is wanted.
func (p *pool) fits(have *volume, want spec.Volume, fresh bool) error {
	if have != nil && want.Bytes < have.Bytes {
		return fmt.Errorf("%w: %s has %d bytes, %d wanted", disk.ErrShrink, want.UID, have.Bytes, want.Bytes)
	}
	if want.Bytes > p.total() {
		return fmt.Errorf("%w: volume %s of %d bytes can never fit", disk.ErrFull, want.UID, want.Bytes)
	}
	if !fresh {
		return nil
	}
	if have == nil && p.room() < emptyVolume {
		return fmt.Errorf("%w: volume %s", disk.ErrFull, want.UID)
	}
	if o := want.Origin; o != (spec.Origin{}) {
		_, err := p.with(o.Volume, o.Snapshot)
		return err
	}
	if want.Image == "" {
		return nil
	}
	i, ok := p.images[want.Image]
	if !ok {
		return fmt.Errorf("%w: image %s", disk.ErrAbsent, want.Image)
	}
	if want.Bytes < i.Virtual {
		return fmt.Errorf("%w: %s is smaller than the %d bytes of image %s", disk.ErrShrink, want.UID, i.Virtual, want.Image)
	}
	return nil
}

// restart puts fresh data in the place of what was there, and holds its image.
func (p *pool) restart(old *volume, want spec.Volume) *volume {
	if old != nil {
		p.drop(old)
	}
	v := &volume{Used: emptyVolume, Epoch: want.Epoch, Image: want.Image}
	if i := p.images[want.Image]; i != nil {
		i.users++
	}
	if o := want.Origin; o != (spec.Origin{}) {
		v.Used = p.volumes[o.Volume].Snapshots[o.Snapshot]
	}
	p.used += v.Used
	put(&p.volumes, want.UID, v)
	return v
}

// drop gives back a volume's room and its hold on the image.
func (p *pool) drop(v *volume) {
	p.used -= v.Used
	if i := p.images[v.Image]; i != nil {
		i.users--
	}
}

func (v *volume) public(uid string) disk.Volume {
	return disk.Volume{UID: uid, Bytes: v.Bytes, UsedBytes: v.Used, Epoch: v.Epoch, Image: v.Image}
}

func (p *pool) Remove(ctx context.Context, uid string) error {
	c, err := p.host.begin(ctx, OpVolumeRemove, uid)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.volumes[uid]
	if !ok {
		return c.end()
	}
	p.drop(v)
	delete(p.volumes, uid)
	p.host.world.forget(p.record(spec.KindVolume, uid))
	return c.end()
}

func (p *pool) Get(ctx context.Context, uid string) (disk.Volume, error) {
	c, err := p.host.begin(ctx, OpVolumeGet, uid)
	if err != nil {
		return disk.Volume{}, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.volumes[uid]
	if !ok {
		return disk.Volume{}, fmt.Errorf("%w: volume %s", disk.ErrAbsent, uid)
	}
	return v.public(uid), c.end()
}

func (p *pool) List(ctx context.Context) ([]disk.Volume, error) {
	c, err := p.host.begin(ctx, OpVolumes, "")
	if err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]disk.Volume, 0, len(p.volumes))
	for uid, v := range p.volumes {
		all = append(all, v.public(uid))
	}
	return all, c.end()
}

// scheme begins the paths of simulated volumes: sim:<volume>@<epoch>. Such a path is good on the volume's own host only.
const scheme = "sim:"

func (p *pool) Source(ctx context.Context, uid string) (disk.Source, error) {
	c, err := p.host.begin(ctx, OpSource, uid)
	if err != nil {
		return disk.Source{}, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.volumes[uid]
	if !ok {
		return disk.Source{}, fmt.Errorf("%w: volume %s", disk.ErrAbsent, uid)
	}
	return disk.Source{Path: fmt.Sprintf("%s%s@%d", scheme, uid, v.Epoch), Format: "qcow2"}, c.end()
}

// parsePath takes a simulated volume's path apart.
func parsePath(path string) (uid string, epoch int64, ok bool) {
	rest, ok := strings.CutPrefix(path, scheme)
	if !ok {
		return "", 0, false
	}
	uid, number, ok := strings.Cut(rest, "@")
	if !ok {
		return "", 0, false
	}
	epoch, err := strconv.ParseInt(number, 10, 64)
	return uid, epoch, err == nil
}

// holds tells whether a volume's data of one epoch is there.
func (p *pool) holds(uid string, epoch int64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.volumes[uid]
	return ok && v.Epoch == epoch
}

// GuestWrites lets a volume's data grow by so many bytes, at most to the volume's size, as guests do when they write. disk.ErrFull when the pool has no more room.
func (h *Host) GuestWrites(uid string, bytes int64) error {
	p := &h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.volumes[uid]
	if !ok {
		return fmt.Errorf("%w: volume %s", disk.ErrAbsent, uid)
	}
	bytes = min(bytes, max(0, v.Bytes+emptyVolume-v.Used))
	if bytes > p.room() {
		return fmt.Errorf("%w: volume %s", disk.ErrFull, uid)
	}
	v.Used += bytes
	p.used += bytes
	h.world.keep(p.record(spec.KindVolume, uid), v)
	return nil
}
