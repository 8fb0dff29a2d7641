package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"edgecloud/fault"
)

// Config says where the files are and what may come in.
type Config struct {
	Dir   string // made if it is absent
	URL   string // hosts fetch a file at URL/<sha256>; empty: at file://Dir/<sha256>, for hosts of this machine
	Limit int64  // bytes of one file and of what is packed in it; 0 is DefaultLimit
	// Reserve is how many bytes of the file system stay free: the cloud's database may be on it. 0 is DefaultReserve.
	Reserve int64
	// Tenants are networks that tenants' URLs may point into, such as the operator's own object storage. Public addresses are allowed always, the operator's own
	// URLs may point anywhere.
	Tenants []netip.Prefix
}

// The defaults: 256 GiB, and 2 GiB.
const (
	DefaultLimit   = 256 << 30
	DefaultReserve = 2 << 30
)

// Store is the folder.
type Store struct {
	cfg Config

	mu     sync.Mutex
	totals map[string]int64 // bytes that a file under way will have, where its server has said so
}

// Open opens the folder.
func Open(cfg Config) (*Store, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	cfg.Dir = dir
	if cfg.URL == "" {
		cfg.URL = "file://" + dir
	}
	if cfg.Limit == 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = DefaultReserve
	}
	s := &Store{cfg: cfg, totals: map[string]int64{}}
	if err := os.MkdirAll(s.incoming(), 0o700); err != nil {
		return nil, fmt.Errorf("open image files: %w", err)
	}
	return s, nil
}

func (s *Store) incoming() string        { return filepath.Join(s.cfg.Dir, "incoming") }
func (s *Store) part(uid string) string  { return filepath.Join(s.incoming(), uid) }
func (s *Store) disk(uid string) string  { return s.part(uid) + ".disk" }
func (s *Store) final(sum string) string { return filepath.Join(s.cfg.Dir, sum) }
func (s *Store) URL(sum string) string   { return strings.TrimSuffix(s.cfg.URL, "/") + "/" + sum }
func (s *Store) Limit() int64            { return s.cfg.Limit }
func (s *Store) tooLarge(n int64) error {
	return fault.New(fault.Invalid, "The file is larger than the %d bytes that are allowed.", n)
}
func isSum(name string) bool { return sumName.MatchString(name) }

var sumName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Progress tells how many bytes have arrived of an image's file, and how many there will be (0: not known).
func (s *Store) Progress(uid string) (received, total int64) {
	if info, err := os.Stat(s.part(uid)); err == nil {
		received = info.Size()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return received, s.totals[uid]
}

func (s *Store) expect(uid string, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if total > 0 {
		s.totals[uid] = total
	} else {
		delete(s.totals, uid)
	}
}

// Write puts a piece of an upload at its place and tells how many bytes there are now. A piece may come again; one that would leave a gap is refused.
func (s *Store) Write(uid string, offset int64, piece []byte) (received int64, err error) {
	received, _ = s.Progress(uid)
	if offset < 0 || offset > received {
		return received, fault.New(fault.Conflict, "The piece begins at %d, but only %d bytes have arrived.", offset, received).On("offset")
	}
	if offset+int64(len(piece)) > s.cfg.Limit {
		return received, s.tooLarge(s.cfg.Limit)
	}
	if err := s.room(int64(len(piece))); err != nil {
		return received, err
	}
	f, err := os.OpenFile(s.part(uid), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return received, err
	}
	defer f.Close()
	if _, err := f.WriteAt(piece, offset); err != nil {
		return received, full(err)
	}
	return max(received, offset+int64(len(piece))), f.Close()
}

// Receive takes a whole file from a stream, from its beginning.
func (s *Store) Receive(ctx context.Context, uid string, r io.Reader) error {
	f, err := os.OpenFile(s.part(uid), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.CopyBuffer(&thrifty{w: f, s: s}, io.LimitReader(heedful{ctx, r}, s.cfg.Limit+1), make([]byte, 256<<10))
	if err == nil && n > s.cfg.Limit {
		err = s.tooLarge(s.cfg.Limit)
	}
	return errors.Join(full(err), f.Close())
}

// Drop forgets what has arrived of an image's file.
func (s *Store) Drop(uid string) error {
	s.expect(uid, 0)
	return discard(s.part(uid), s.disk(uid))
}

// Has tells whether a complete file is there.
func (s *Store) Has(sum string) bool {
	_, err := os.Stat(s.final(sum))
	return err == nil
}

// Remove forgets a complete file.
func (s *Store) Remove(sum string) error {
	if !isSum(sum) {
		return fmt.Errorf("files: %q is no checksum", sum)
	}
	return discard(s.final(sum))
}

// youngest is how old a file that no row speaks of must be before it is swept: its row may be about to be written.
const youngest = 24 * time.Hour

// Sweep removes what a crash left: parts of images that wait for none, and files that no row speaks of.
func (s *Store) Sweep(now time.Time, waits func(uid string) bool, known func(sum string) bool) error {
	parts, err := os.ReadDir(s.incoming())
	if err != nil {
		return err
	}
	for _, p := range parts {
		if uid := strings.TrimSuffix(p.Name(), ".disk"); uid != p.Name() || !waits(uid) {
			if err := discard(s.part(p.Name())); err != nil {
				return err
			}
		}
	}
	all, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, f := range all {
		info, err := f.Info()
		if err != nil || !isSum(f.Name()) || known(f.Name()) || now.Sub(info.ModTime()) < youngest {
			continue
		}
		if err := discard(s.final(f.Name())); err != nil {
			return err
		}
	}
	return nil
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
