package qcow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// volumeName splits the name of a volume's file.
var volumeName = regexp.MustCompile(`^([0-9A-Za-z][0-9A-Za-z-]{0,63})\.e([0-9]{1,18})\.qcow2$`)

func (p *Pool) volumeFile(uid string, epoch int64) string {
	return filepath.Join(p.volumes(), fmt.Sprintf("%s.e%d.qcow2", uid, epoch))
}

// every reads all epochs of all volumes, sorted by UID and then from the highest epoch down. A file that goes away meanwhile is left out.
func (p *Pool) every() ([]disk.Volume, error) {
	entries, err := os.ReadDir(p.volumes())
	if err != nil {
		return nil, fmt.Errorf("qcow: list volumes: %w", err)
	}
	var all []disk.Volume
	for _, e := range entries {
		v, err := p.read(e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b disk.Volume) int { return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(b.Epoch, a.Epoch)) })
	return all, nil
}

// read tells what a volume's file says; fs.ErrNotExist if it is none.
func (p *Pool) read(name string) (disk.Volume, error) {
	match := volumeName.FindStringSubmatch(name)
	if match == nil {
		return disk.Volume{}, fs.ErrNotExist
	}
	path := filepath.Join(p.volumes(), name)
	h, err := readHeader(path)
	if err != nil {
		return disk.Volume{}, fmt.Errorf("qcow: volume %s: %w", name, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return disk.Volume{}, err
	}
	epoch, err := strconv.ParseInt(match[2], 10, 64)
	if err != nil {
		return disk.Volume{}, err
	}
	v := disk.Volume{UID: match[1], Epoch: epoch, Bytes: h.Bytes}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		v.UsedBytes = s.Blocks * 512
	}
	if h.Backing != "" {
		base := filepath.Base(h.Backing)
		v.Image = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return v, nil
}

// epochs reads all epochs of one volume, the highest first.
func (p *Pool) epochs(uid string) ([]disk.Volume, error) {
	paths, err := filepath.Glob(filepath.Join(p.volumes(), uid+".e*.qcow2"))
	if err != nil {
		return nil, err
	}
	var found []disk.Volume
	for _, path := range paths {
		v, err := p.read(filepath.Base(path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, v)
	}
	slices.SortFunc(found, func(a, b disk.Volume) int { return cmp.Compare(b.Epoch, a.Epoch) })
	return found, nil
}

// Ensure implements disk.Pool. Higher epochs are made beside the old one, which goes when the new one is complete.
func (p *Pool) Ensure(ctx context.Context, want spec.Volume) (disk.Volume, error) {
	if err := disk.CheckVolume(want); err != nil {
		return disk.Volume{}, err
	}
	if err := ctx.Err(); err != nil {
		return disk.Volume{}, err
	}
	defer p.locks.take("volume " + want.UID)()
	have, err := p.epochs(want.UID)
	if err != nil {
		return disk.Volume{}, err
	}
	if len(have) > 0 && want.Bytes < have[0].Bytes {
		return disk.Volume{}, fmt.Errorf("%w: volume %s has %d bytes, %d wanted", disk.ErrShrink, want.UID, have[0].Bytes, want.Bytes)
	}
	if len(have) == 0 || want.Epoch > have[0].Epoch {
		err = p.create(ctx, want)
	} else {
		want.Epoch = have[0].Epoch
		err = p.grow(ctx, want, have[0].Bytes)
	}
	if err != nil {
		return disk.Volume{}, err
	}
	for _, old := range have {
		if old.Epoch < want.Epoch {
			if err := discard(p.volumeFile(old.UID, old.Epoch)); err != nil {
				return disk.Volume{}, err
			}
		}
	}
	return p.read(filepath.Base(p.volumeFile(want.UID, want.Epoch)))
}

// create makes one epoch of a volume.
func (p *Pool) create(ctx context.Context, want spec.Volume) error {
	if err := p.possible(ctx, want.Bytes); err != nil {
		return err
	}
	p.using.RLock()
	defer p.using.RUnlock()
	final := p.volumeFile(want.UID, want.Epoch)
	part := final + unfinished
	err := p.fill(ctx, want, part)
	if err == nil {
		err = settle(part, final)
	}
	if err != nil {
		return errors.Join(full(err), discard(part))
	}
	return nil
}

// fill makes the unfinished file of a volume.
func (p *Pool) fill(ctx context.Context, want spec.Volume, part string) error {
	if o := want.Origin; o != (spec.Origin{}) {
		return p.clone(ctx, o.Volume, o.Snapshot, part, want.Bytes)
	}
	args := []string{"create", "-q", "-f", "qcow2"}
	if want.Image != "" {
		base, err := p.base(want)
		if err != nil {
			return err
		}
		args = append(args, "-b", filepath.Join("..", "images", filepath.Base(base)), "-F", strings.TrimPrefix(filepath.Ext(base), "."))
	}
	args = append(args, part, strconv.FormatInt(want.Bytes, 10))
	return p.run(ctx, args...)
}

// possible refuses what could never fit: volumes are thin, so more may be promised than there is, but not in one piece.
func (p *Pool) possible(ctx context.Context, bytes int64) error {
	return p.fits(ctx, bytes, func(total, _ int64) int64 { return total - p.config.Reserve })
}

// base finds the image's file and checks that the volume can hold it.
func (p *Pool) base(want spec.Volume) (string, error) {
	path, err := imageFile(p.images(), want.Image)
	if err != nil {
		return "", err
	}
	bytes, err := guestBytes(path)
	if err != nil {
		return "", err
	}
	if want.Bytes < bytes {
		return "", fmt.Errorf("%w below its image: volume %s wants %d bytes, image %s has %d", disk.ErrShrink, want.UID, want.Bytes, want.Image, bytes)
	}
	return path, nil
}

// guestBytes tells an image's size as a guest sees it.
func guestBytes(path string) (int64, error) {
	if filepath.Ext(path) == ".raw" {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	h, err := readHeader(path)
	return h.Bytes, err
}

// grow makes the volume larger, through the machine that runs on it if there is one.
func (p *Pool) grow(ctx context.Context, want spec.Volume, have int64) error {
	if want.Bytes == have {
		return nil
	}
	if err := p.possible(ctx, want.Bytes); err != nil {
		return err
	}
	path := p.volumeFile(want.UID, want.Epoch)
	if p.config.Grow != nil {
		done, err := p.config.Grow(ctx, path, want.Bytes)
		if err != nil || done {
			return err
		}
	}
	return full(p.run(ctx, "resize", "-q", "-f", "qcow2", path, strconv.FormatInt(want.Bytes, 10)))
}

// Remove implements disk.Pool. The lowest epoch goes first: what a crash leaves is still the volume as it was.
func (p *Pool) Remove(ctx context.Context, uid string) error {
	if err := disk.CheckUID("uid", uid); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	defer p.locks.take("volume " + uid)()
	have, err := p.epochs(uid)
	if err != nil {
		return err
	}
	slices.Reverse(have)
	for _, v := range have {
		if err := discard(p.volumeFile(v.UID, v.Epoch)); err != nil {
			return fmt.Errorf("qcow: remove volume %s: %w", uid, err)
		}
	}
	return nil
}

// Get implements disk.Pool.
func (p *Pool) Get(ctx context.Context, uid string) (disk.Volume, error) {
	if err := disk.CheckUID("uid", uid); err != nil {
		return disk.Volume{}, err
	}
	if err := ctx.Err(); err != nil {
		return disk.Volume{}, err
	}
	have, err := p.epochs(uid)
	if err != nil {
		return disk.Volume{}, err
	}
	if len(have) == 0 {
		return disk.Volume{}, fmt.Errorf("%w: volume %s", disk.ErrAbsent, uid)
	}
	return have[0], nil
}

// List implements disk.Pool.
func (p *Pool) List(ctx context.Context) ([]disk.Volume, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := p.every()
	if err != nil {
		return nil, err
	}
	return slices.CompactFunc(all, func(a, b disk.Volume) bool { return a.UID == b.UID }), nil
}

// Source implements disk.Pool.
func (p *Pool) Source(ctx context.Context, uid string) (disk.Source, error) {
	v, err := p.Get(ctx, uid)
	if err != nil {
		return disk.Source{}, err
	}
	return disk.Source{Path: p.volumeFile(v.UID, v.Epoch), Format: "qcow2"}, nil
}
