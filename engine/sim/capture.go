package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"edgecloud/engine/disk"
)

// Capture implements disk.Pool. Volumes have no content here: the image is a blank disk of the volume's size whose file tells what it was made of.
func (p *pool) Capture(ctx context.Context, uid, volume, snapshot string) (disk.Image, error) {
	if !diskUID.MatchString(uid) {
		return disk.Image{}, badField("image", uid, "image", "not a UID")
	}
	if !diskUID.MatchString(volume) {
		return disk.Image{}, badField("volume", volume, "volume", "not a UID")
	}
	c, err := p.host.begin(ctx, OpImageCapture, uid)
	if err != nil {
		return disk.Image{}, err
	}
	release, have, err := p.claim(ctx, uid)
	if err != nil {
		return disk.Image{}, err
	}
	defer release()
	if have != nil {
		return disk.Image{UID: uid, SHA256: have.SHA256, Bytes: have.Bytes}, c.end()
	}
	p.mu.RLock()
	v, err := p.with(volume, snapshot)
	p.mu.RUnlock()
	if err != nil {
		return disk.Image{}, err
	}
	made, _, err := captureOf(uid, volume, v.Bytes)
	if err != nil {
		return disk.Image{}, err
	}
	if err := p.finish(uid, made); err != nil {
		return disk.Image{}, err
	}
	return disk.Image{UID: uid, SHA256: made.SHA256, Bytes: made.Bytes}, c.end()
}

func captureOf(uid, volume string, size int64) (*image, []byte, error) {
	s, content, err := BlankImage(uid, uid+" of "+volume, size)
	return &image{SHA256: s.SHA256, Format: s.Format, Bytes: s.Bytes, Virtual: size, Of: volume}, content, err
}

// OpenImage implements disk.Pool.
func (p *pool) OpenImage(ctx context.Context, uid string) (io.ReadCloser, error) {
	c, err := p.host.begin(ctx, OpImageOpen, uid)
	if err != nil {
		return nil, err
	}
	p.mu.RLock()
	i := p.images[uid]
	p.mu.RUnlock()
	if i == nil || i.Of == "" {
		return nil, fmt.Errorf("%w: image %s", disk.ErrAbsent, uid)
	}
	_, content, err := captureOf(uid, i.Of, i.Virtual)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), c.end()
}
