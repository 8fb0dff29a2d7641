package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// image is a complete image; its content was checked and thrown away.
type image struct {
	SHA256  string `json:"sha256"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`        // of the file
	Virtual int64  `json:"virtual"`      // of the disk inside
	Of      string `json:"of,omitempty"` // the volume that it was made of; empty for a fetched one
	users   int    // volumes that start from it
}

// volume is one volume's data, as numbers.
type volume struct {
	Bytes int64  `json:"bytes"`
	Used  int64  `json:"used"`
	Epoch int64  `json:"epoch,omitempty"`
	Image string `json:"image,omitempty"`
	// Snapshots are by UID how much data there was: all that a volume knows of its content here.
	Snapshots map[string]int64 `json:"snapshots,omitempty"`
}

// emptyVolume is what a qcow2 file without data takes, in bytes.
const emptyVolume = 196608

// pool implements disk.Pool.
type pool struct {
	host *Host

	mu       sync.RWMutex
	images   map[string]*image
	volumes  map[string]*volume
	fetching map[string]chan struct{} // images under way
	used     int64
}

var diskUID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

var hexSum = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func badField(kind, uid, field, format string, args ...any) error {
	return fmt.Errorf("sim: %s %q: %s: %s", kind, uid, field, fmt.Sprintf(format, args...))
}

func checkImage(i spec.Image) error {
	switch {
	case !diskUID.MatchString(i.UID):
		return badField("image", i.UID, "uid", "not a UID")
	case !hexSum.MatchString(i.SHA256):
		return badField("image", i.UID, "sha256", "%q is not 64 hexadecimal digits", i.SHA256)
	case i.Format != "qcow2" && i.Format != "raw":
		return badField("image", i.UID, "format", "%q is neither qcow2 nor raw", i.Format)
	}
	return nil
}

// room tells how many bytes are free; without a limit, plenty. The caller holds the lock.
func (p *pool) room() int64 {
	total := p.total()
	return max(0, total-p.used)
}

// unlimited is the size of a pool without a limit: 64 TiB.
const unlimited = 64 << 40

func (p *pool) total() int64 {
	if c := p.host.capacity.Load(); c.DiskBytes > 0 {
		return c.DiskBytes
	}
	return unlimited
}

func (p *pool) EnsureImage(ctx context.Context, want spec.Image, fetch disk.Fetch) error {
	if err := checkImage(want); err != nil {
		return err
	}
	c, err := p.host.begin(ctx, OpImageEnsure, want.UID)
	if err != nil {
		return err
	}
	release, have, err := p.claim(ctx, want.UID)
	if err != nil {
		return err
	}
	defer release()
	if have != nil {
		return sameImage(have, want, c)
	}
	p.mu.RLock()
	room := p.room()
	p.mu.RUnlock()
	if want.Bytes > room {
		return fmt.Errorf("%w: image %s has %d bytes, %d are free", disk.ErrFull, want.UID, want.Bytes, room)
	}
	got, err := download(ctx, want, fetch, room)
	if err != nil {
		return fmt.Errorf("image %s: %w", want.UID, err)
	}
	if err := p.finish(want.UID, got); err != nil {
		return err
	}
	return c.end()
}

func sameImage(have *image, want spec.Image, c call) error {
	if sum := fold(want.SHA256); have.SHA256 != sum {
		return fmt.Errorf("%w: image %s is there with sha256 %s, not %s", disk.ErrChecksum, want.UID, have.SHA256, sum)
	}
	return c.end()
}

// claim waits until nobody else fetches this image, and either finds it or reserves its UID.
func (p *pool) claim(ctx context.Context, uid string) (release func(), have *image, err error) {
	for {
		p.mu.Lock()
		if i, ok := p.images[uid]; ok {
			p.mu.Unlock()
			return func() {}, i, nil
		}
		busy, ok := p.fetching[uid]
		if !ok {
			done := make(chan struct{})
			put(&p.fetching, uid, done)
			p.mu.Unlock()
			return func() { p.mu.Lock(); delete(p.fetching, uid); p.mu.Unlock(); close(done) }, nil, nil
		}
		p.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (p *pool) finish(uid string, got *image) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.host.dark.Load() {
		return ErrHostDown
	}
	if got.Bytes > p.room() {
		return fmt.Errorf("%w: image %s", disk.ErrFull, uid)
	}
	put(&p.images, uid, got)
	p.used += got.Bytes
	p.host.world.keep(p.record(spec.KindImage, uid), got)
	return nil
}

func (p *pool) record(kind, uid string) record {
	return record{Site: p.host.site.name, Host: p.host.name, Kind: kind, UID: uid}
}

func fold(sum string) string {
	b, err := hex.DecodeString(sum)
	if err != nil {
		return sum
	}
	return hex.EncodeToString(b)
}

// header is the part of an image that tells its format: a qcow2 header's first 32 bytes.
type header struct {
	bytes [32]byte
	n     int
}

func (h *header) Write(b []byte) (int, error) {
	h.n += copy(h.bytes[h.n:], b)
	return len(b), nil
}

// download streams an image through its checks and keeps nothing of it.
func download(ctx context.Context, want spec.Image, fetch disk.Fetch, room int64) (*image, error) {
	body, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	sum, head := sha256.New(), &header{}
	n, err := io.Copy(io.MultiWriter(sum, head), io.LimitReader(untilDone{ctx, body}, room+1))
	if err != nil {
		return nil, err
	}
	if n > room {
		return nil, disk.ErrFull
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != fold(want.SHA256) {
		return nil, fmt.Errorf("%w: sha256 is %s, not %s", disk.ErrChecksum, got, want.SHA256)
	}
	virtual, err := head.virtual(want.Format, n)
	if err != nil {
		return nil, err
	}
	return &image{SHA256: fold(want.SHA256), Format: want.Format, Bytes: n, Virtual: virtual}, nil
}

// virtual checks the claimed format and tells the disk's size. QEMU's docs/interop/qcow2: magic at 0, backing file offset at 8, size at 24, big endian.
func (h *header) virtual(format string, file int64) (int64, error) {
	isQcow2 := h.n >= 4 && string(h.bytes[:4]) == "QFI\xfb"
	if (format == "qcow2") != isQcow2 {
		return 0, fmt.Errorf("%w: it does not look like %s", disk.ErrFormat, format)
	}
	if !isQcow2 {
		return file, nil
	}
	if h.n < len(h.bytes) {
		return 0, fmt.Errorf("%w: the qcow2 header is cut short", disk.ErrFormat)
	}
	if binary.BigEndian.Uint64(h.bytes[8:]) != 0 {
		return 0, fmt.Errorf("%w: it has a backing file", disk.ErrFormat)
	}
	size := binary.BigEndian.Uint64(h.bytes[24:])
	if size > unlimited {
		return 0, fmt.Errorf("%w: a disk of %d bytes", disk.ErrFormat, size)
	}
	return int64(size), nil
}

// untilDone stops reading when its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

func (p *pool) RemoveImage(ctx context.Context, uid string) error {
	c, err := p.host.begin(ctx, OpImageRemove, uid)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.images[uid]
	if !ok {
		return c.end()
	}
	if i.users > 0 {
		return fmt.Errorf("%w: %d start from %s", disk.ErrInUse, i.users, uid)
	}
	delete(p.images, uid)
	p.used -= i.Bytes
	p.host.world.forget(p.record(spec.KindImage, uid))
	return c.end()
}

func (p *pool) Images(ctx context.Context) ([]string, error) {
	c, err := p.host.begin(ctx, OpImages, "")
	if err != nil {
		return nil, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]string, 0, len(p.images))
	for uid := range p.images {
		all = append(all, uid)
	}
	slices.Sort(all)
	return all, c.end()
}

func (p *pool) Capacity(ctx context.Context) (total, free int64, err error) {
	c, err := p.host.begin(ctx, OpDiskCapacity, "")
	if err != nil {
		return 0, 0, err
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.total(), p.room(), c.end()
}

// BlankImage makes a small qcow2 file that a simulated pool accepts: a header that claims a disk of so many bytes, with nothing in it. Not bootable.
func BlankImage(uid, name string, virtualBytes int64) (spec.Image, []byte, error) {
	if virtualBytes <= 0 || virtualBytes > unlimited {
		return spec.Image{}, nil, errors.New("sim: blank image: bytes must be positive and at most 64 TiB")
	}
	content := make([]byte, 512)
	copy(content, "QFI\xfb\x00\x00\x00\x03")
	binary.BigEndian.PutUint32(content[20:], 16) // cluster bits
	binary.BigEndian.PutUint64(content[24:], uint64(virtualBytes))
	copy(content[128:], name) // two images of two names have two checksums
	sum := sha256.Sum256(content)
	return spec.Image{UID: uid, Name: name, SHA256: hex.EncodeToString(sum[:]), Format: "qcow2", Bytes: int64(len(content))}, content, nil
}
