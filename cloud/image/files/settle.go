package files

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"edgecloud/diskimage"
	"edgecloud/fault"
)

// Settled is a file that is complete, checked and on disk.
type Settled struct {
	SHA256       string // of the file as it is kept, which differs from what was given when it came packed
	Format       string // qcow2 or raw
	Bytes        int64
	VirtualBytes int64
}

// Settle checks what has arrived of an image's file, unpacks it if it is packed, and puts it under its final name. want is the SHA-256 of what arrived; empty is
// not checked. A file that is not what it should be is a fault.Invalid. What arrived stays until Drop, so that the call can be repeated.
func (s *Store) Settle(ctx context.Context, uid, want string) (Settled, error) {
	f, err := os.Open(s.part(uid))
	if err != nil {
		return Settled{}, err
	}
	defer f.Close()
	sum, size, err := hash(ctx, f)
	if err != nil {
		return Settled{}, err
	}
	if want != "" && sum != want {
		return Settled{}, fault.New(fault.Invalid, "The file's checksum is sha256:%s, not sha256:%s.", sum, want).On("sha256")
	}
	info, err := detect(f, size)
	if err != nil {
		return Settled{}, err
	}
	if info.Format == diskimage.Gzip {
		return s.unpack(ctx, uid, f)
	}
	out := Settled{SHA256: sum, Format: string(info.Format), Bytes: size, VirtualBytes: info.VirtualBytes}
	return out, s.place(s.part(uid), sum)
}

func detect(f *os.File, size int64) (diskimage.Info, error) {
	info, err := diskimage.Detect(f, size)
	if errors.Is(err, diskimage.ErrFormat) {
		return info, fault.New(fault.Invalid, "The file is %s.", err.Error())
	}
	return info, err
}

// unpack writes the disk that is in a packed file, and puts it under its final name.
func (s *Store) unpack(ctx context.Context, uid string, packed *os.File) (Settled, error) {
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return Settled{}, err
	}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return Settled{}, fault.New(fault.Invalid, "The file cannot be unpacked: %v.", err)
	}
	disk, err := os.OpenFile(s.disk(uid), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return Settled{}, err
	}
	defer os.Remove(s.disk(uid)) // it has its final name, or is of no use
	defer disk.Close()
	sum := sha256.New()
	n, err := io.Copy(&thrifty{w: io.MultiWriter(disk, sum), s: s}, io.LimitReader(heedful{ctx, z}, s.cfg.Limit+1))
	switch {
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF):
		return Settled{}, fault.New(fault.Invalid, "The file cannot be unpacked: %v.", err)
	case err != nil:
		return Settled{}, full(err)
	case n > s.cfg.Limit:
		return Settled{}, s.tooLarge(s.cfg.Limit)
	}
	info, err := detect(disk, n)
	if err != nil {
		return Settled{}, err
	}
	if info.Format == diskimage.Gzip {
		return Settled{}, fault.New(fault.Invalid, "The file is packed twice.")
	}
	name := hex.EncodeToString(sum.Sum(nil))
	return Settled{SHA256: name, Format: string(info.Format), Bytes: n, VirtualBytes: info.VirtualBytes}, s.place(s.disk(uid), name)
}

// place gives a file its final name, as a second one, after its content is on disk. A file that is there already has the same content.
func (s *Store) place(path, sum string) error {
	if err := os.Chmod(path, 0o644); err != nil {
		return err
	}
	if err := syncPath(path); err != nil {
		return full(err)
	}
	if err := os.Link(path, s.final(sum)); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("place image file: %w", err)
	}
	return syncPath(s.cfg.Dir)
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func hash(ctx context.Context, r io.Reader) (string, int64, error) {
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, heedful{ctx, r}, make([]byte, 1<<20))
	return hex.EncodeToString(sum.Sum(nil)), n, err
}

// heedful ends reading with its context.
type heedful struct {
	ctx context.Context
	r   io.Reader
}

func (h heedful) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.r.Read(p)
}

// room refuses to take so many bytes more of the file system than may be had.
func (s *Store) room(bytes int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.cfg.Dir, &fs); err != nil {
		return err
	}
	if int64(fs.Bavail)*fs.Bsize-bytes < s.cfg.Reserve {
		return full(syscall.ENOSPC)
	}
	return nil
}

// thrifty stops writing before the file system is full; it looks now and then.
type thrifty struct {
	w    io.Writer
	s    *Store
	left int64 // bytes until the next look
}

const lookEvery = 64 << 20

func (t *thrifty) Write(p []byte) (int, error) {
	if t.left < int64(len(p)) {
		t.left = max(lookEvery, int64(len(p)))
		if err := t.s.room(t.left); err != nil {
			return 0, err
		}
	}
	t.left -= int64(len(p))
	return t.w.Write(p)
}

// full says in a fault that the disk is.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(fault.Capacity, "The control plane's disk is full.").Because(err)
	}
	return err
}
