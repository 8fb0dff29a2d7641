package qcow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"edgecloud/engine/disk"
)

// Capture implements disk.Pool: the overlay and its image become one file, packed, as it has to travel.
func (p *Pool) Capture(ctx context.Context, image, volume, snapshot string) (disk.Image, error) {
	if err := errors.Join(disk.CheckUID("image", image), disk.CheckUID("volume", volume), ctx.Err()); err != nil {
		return disk.Image{}, err
	}
	find := p.Get
	if snapshot != "" {
		if err := disk.CheckUID("snapshot", snapshot); err != nil {
			return disk.Image{}, err
		}
		find = func(ctx context.Context, volume string) (disk.Volume, error) { return p.with(ctx, volume, snapshot) }
	}
	defer p.locks.take("image " + image)()
	have, err := p.captured(image)
	if err == nil || !errors.Is(err, disk.ErrAbsent) {
		return have, err
	}
	defer p.locks.take(captureLock(volume, snapshot))()
	v, err := find(ctx, volume)
	if err != nil {
		return disk.Image{}, err
	}
	final := filepath.Join(p.images(), image+".qcow2")
	part, sum := final+unfinished, p.sumFile(image)
	if err := p.capture(ctx, snapshot, p.volumeFile(v.UID, v.Epoch), part, sum); err != nil {
		return disk.Image{}, errors.Join(full(err), discard(part, sum+unfinished, sum))
	}
	if err := settle(part, final); err != nil {
		return disk.Image{}, err
	}
	return p.captured(image)
}

// captureLock is what must stand still: the volume, or only its snapshot.
func captureLock(volume, snapshot string) string {
	if snapshot == "" {
		return "volume " + volume
	}
	return "snapshot " + snapshot
}

// capture writes the file under its unfinished name, and its checksum.
func (p *Pool) capture(ctx context.Context, snapshot, from, part, sum string) error {
	args := []string{"convert", "-q", "-f", "qcow2", "-O", "qcow2", "-c", "-o", "compression_type=zstd", from, part}
	if snapshot != "" {
		args = p.fromSnapshot(snapshot, from, part, "-c", "-o", "compression_type=zstd")
	}
	if err := p.run(ctx, args...); err != nil {
		return err
	}
	if err := os.Chmod(part, 0o444); err != nil {
		return err
	}
	f, err := os.Open(part)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, cancellable{ctx, f}); err != nil {
		return err
	}
	if err := os.WriteFile(sum+unfinished, []byte(hex.EncodeToString(hash.Sum(nil))+"\n"), 0o644); err != nil {
		return err
	}
	return settle(sum+unfinished, sum)
}

// captured describes an image that is there.
func (p *Pool) captured(uid string) (disk.Image, error) {
	info, err := os.Stat(filepath.Join(p.images(), uid+".qcow2"))
	if errors.Is(err, fs.ErrNotExist) {
		return disk.Image{}, fmt.Errorf("%w: image %s", disk.ErrAbsent, uid)
	}
	if err != nil {
		return disk.Image{}, err
	}
	sum, err := os.ReadFile(p.sumFile(uid))
	return disk.Image{UID: uid, SHA256: strings.TrimSpace(string(sum)), Bytes: info.Size()}, err
}

// OpenImage implements disk.Pool.
func (p *Pool) OpenImage(ctx context.Context, uid string) (io.ReadCloser, error) {
	if err := errors.Join(disk.CheckUID("uid", uid), ctx.Err()); err != nil {
		return nil, err
	}
	if _, err := p.captured(uid); err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(p.images(), uid+".qcow2"))
}
