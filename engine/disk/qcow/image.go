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
	"slices"
	"strings"
	"syscall"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// imageFile finds an image's file; disk.ErrAbsent if it is not complete.
func imageFile(dir, uid string) (string, error) {
	for _, format := range []string{"qcow2", "raw"} {
		path := filepath.Join(dir, uid+"."+format)
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: image %s", disk.ErrAbsent, uid)
}

// EnsureImage implements disk.Pool.
func (p *Pool) EnsureImage(ctx context.Context, image spec.Image, fetch disk.Fetch) error {
	if err := disk.CheckImage(image); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	defer p.locks.take("image " + image.UID)()
	_, err := imageFile(p.images(), image.UID)
	if err == nil {
		return p.sameImage(image)
	}
	if !errors.Is(err, disk.ErrAbsent) {
		return err
	}
	if err := p.fits(ctx, image.Bytes, func(_, free int64) int64 { return free }); err != nil {
		return err
	}
	return p.fetch(ctx, image, fetch)
}

// sameImage checks that what is there was fetched with the checksum that is wanted.
func (p *Pool) sameImage(image spec.Image) error {
	have, err := os.ReadFile(p.sumFile(image.UID))
	if err != nil {
		return fmt.Errorf("qcow: image %s: %w", image.UID, err)
	}
	if strings.EqualFold(strings.TrimSpace(string(have)), image.SHA256) {
		return nil
	}
	return fmt.Errorf("%w: image %s is there with another one", disk.ErrChecksum, image.UID)
}

func (p *Pool) sumFile(uid string) string { return filepath.Join(p.images(), uid+".sha256") }

// fetch streams an image to its place: checked while it streams, named when it is complete.
func (p *Pool) fetch(ctx context.Context, image spec.Image, fetch disk.Fetch) (err error) {
	final := filepath.Join(p.images(), image.UID+"."+image.Format)
	part, sum := final+unfinished, p.sumFile(image.UID)
	defer func() {
		if err != nil {
			err = errors.Join(err, discard(part, sum+unfinished, sum))
		}
	}()
	got, err := p.stream(ctx, part, image.Bytes, fetch)
	if err != nil {
		return full(fmt.Errorf("qcow: fetch image %s: %w", image.UID, err))
	}
	if !strings.EqualFold(got, image.SHA256) {
		return fmt.Errorf("%w: image %s has %s, wanted %s", disk.ErrChecksum, image.UID, got, image.SHA256)
	}
	if err := checkFormat(part, image.Format); err != nil {
		return fmt.Errorf("qcow: image %s: %w", image.UID, err)
	}
	if err := os.WriteFile(sum+unfinished, []byte(got+"\n"), 0o644); err != nil {
		return full(err)
	}
	if err := settle(sum+unfinished, sum); err != nil {
		return err
	}
	return settle(part, final)
}

// stream copies what fetch opens and returns its SHA-256. It never writes more than the image claims to be, if it claims anything.
func (p *Pool) stream(ctx context.Context, part string, bytes int64, fetch disk.Fetch) (string, error) {
	source, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	defer source.Close()
	file, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o444)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var body io.Reader = cancellable{ctx, source}
	if bytes > 0 {
		body = io.LimitReader(body, bytes+1)
	}
	hash := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(file, hash)}, body, make([]byte, 1<<20))
	if err != nil {
		return "", err
	}
	if bytes > 0 && n > bytes {
		return "", fmt.Errorf("%w: more than the %d bytes announced", disk.ErrChecksum, bytes)
	}
	return hex.EncodeToString(hash.Sum(nil)), file.Close()
}

type cancellable struct {
	ctx context.Context
	io.Reader
}

func (c cancellable) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(b)
}

// full adds disk.ErrFull to an error of a file system without space.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errors.Join(disk.ErrFull, err)
	}
	return err
}

// RemoveImage implements disk.Pool.
func (p *Pool) RemoveImage(ctx context.Context, uid string) error {
	if err := disk.CheckUID("uid", uid); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	defer p.locks.take("image " + uid)()
	p.using.Lock()
	defer p.using.Unlock()
	volumes, err := p.every()
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.Image == uid {
			return fmt.Errorf("%w: volume %s starts from image %s", disk.ErrInUse, v.UID, uid)
		}
	}
	path, err := imageFile(p.images(), uid)
	if errors.Is(err, disk.ErrAbsent) {
		return discard(p.sumFile(uid))
	}
	if err != nil {
		return err
	}
	return discard(path, p.sumFile(uid))
}

// Images implements disk.Pool.
func (p *Pool) Images(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(p.images())
	if err != nil {
		return nil, fmt.Errorf("qcow: list images: %w", err)
	}
	var uids []string
	for _, e := range entries {
		for _, format := range []string{".qcow2", ".raw"} {
			if uid, ok := strings.CutSuffix(e.Name(), format); ok {
				uids = append(uids, uid)
			}
		}
	}
	slices.Sort(uids)
	return uids, nil
}
