package qcow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"edgecloud/engine/disk"
)

// Config says where a pool is.
type Config struct {
	// Dir is the pool's folder; it is made if it is not there.
	Dir string
	// Reserve is how many bytes of the file system stay free: an image that would take them is ErrFull.
	Reserve int64
	// Grow makes a disk larger that a running machine has open, and tells false if none has. nil: no machine ever has.
	Grow func(ctx context.Context, path string, bytes int64) (bool, error)
	// Snapshot takes a snapshot of those disks, all at one moment, that a running machine has open, and tells which they are. nil: no machine ever has.
	Snapshot func(ctx context.Context, name string, paths []string) (done []string, err error)
	// RemoveSnapshot removes a snapshot from a disk that a running machine has open, and tells false if none has. nil: no machine ever has.
	RemoveSnapshot func(ctx context.Context, name, path string) (bool, error)
}

// Pool implements disk.Pool with qcow2 files.
type Pool struct {
	config Config
	qemu   string // path of qemu-img
	locks  locks
	// using is held shared while a volume is made from an image, and alone while an image is removed.
	using sync.RWMutex
}

var _ disk.Pool = (*Pool)(nil)

// Open opens a pool and throws away what a crash left unfinished. qemu-img must be installed.
func Open(config Config) (*Pool, error) {
	qemu, err := exec.LookPath("qemu-img")
	if err != nil {
		return nil, fmt.Errorf("qcow: qemu-img is needed (Debian: qemu-utils): %w", err)
	}
	p := &Pool{config: config, qemu: qemu, locks: locks{held: map[string]*lock{}}}
	for _, dir := range []string{p.images(), p.volumes()} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("qcow: open pool: %w", err)
		}
		if err := sweep(dir); err != nil {
			return nil, fmt.Errorf("qcow: open pool: %w", err)
		}
	}
	return p, nil
}

func (p *Pool) images() string  { return filepath.Join(p.config.Dir, "images") }
func (p *Pool) volumes() string { return filepath.Join(p.config.Dir, "volumes") }

const unfinished = ".part"

// sweep removes unfinished files, and checksums whose image never got its name.
func sweep(dir string) error {
	parts, err := filepath.Glob(filepath.Join(dir, "*"+unfinished))
	if err != nil {
		return err
	}
	sums, err := filepath.Glob(filepath.Join(dir, "*.sha256"))
	if err != nil {
		return err
	}
	for _, sum := range sums {
		if _, err := imageFile(dir, strings.TrimSuffix(filepath.Base(sum), ".sha256")); errors.Is(err, disk.ErrAbsent) {
			parts = append(parts, sum)
		}
	}
	for _, part := range parts {
		if err := os.Remove(part); err != nil {
			return err
		}
	}
	return nil
}

// Capacity implements disk.Pool: the file system below the folder.
func (p *Pool) Capacity(context.Context) (total, free int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(p.config.Dir, &s); err != nil {
		return 0, 0, fmt.Errorf("qcow: capacity: %w", err)
	}
	total = int64(s.Blocks) * s.Bsize
	free = max(0, int64(s.Bavail)*s.Bsize-p.config.Reserve)
	return total, min(free, total), nil
}

// fits tells ErrFull if bytes are more than what limit picks of the capacity.
func (p *Pool) fits(ctx context.Context, bytes int64, limit func(total, free int64) int64) error {
	total, free, err := p.Capacity(ctx)
	if err != nil {
		return err
	}
	if most := limit(total, free); bytes > most {
		return fmt.Errorf("%w: %d bytes wanted, %d possible", disk.ErrFull, bytes, most)
	}
	return nil
}

// run executes qemu-img. Arguments are never read by a shell, and file names are our own.
func (p *Pool) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, p.qemu, args...)
	cmd.Dir = p.volumes()
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	text := strings.TrimSpace(string(out))
	if strings.Contains(text, "No space left on device") {
		return fmt.Errorf("%w: %s", disk.ErrFull, text)
	}
	return fmt.Errorf("qcow: qemu-img %s: %w: %s", args[0], err, text)
}

// settle puts a finished file on disk under its name.
func settle(part, name string) error {
	if err := syncPath(part); err != nil {
		return err
	}
	if err := os.Rename(part, name); err != nil {
		return err
	}
	return syncPath(filepath.Dir(name))
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// discard removes files, absent ones too.
func discard(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// locks lets one call at a time work on one volume or image.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	sync.Mutex
	users int
}

// take locks a name and returns what frees it.
func (l *locks) take(name string) func() {
	l.mu.Lock()
	k := l.held[name]
	if k == nil {
		k = &lock{}
		l.held[name] = k
	}
	k.users++
	l.mu.Unlock()
	k.Lock()
	return func() {
		k.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(l.held, name)
		}
	}
}
