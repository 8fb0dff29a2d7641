package ledger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// header is the length of a record's payload and its checksum, 4 bytes each, little endian.
const header = 8

// maxRecord bounds a payload, so that a broken length is seen as such.
const maxRecord = 64 << 20

var table = crc32.MakeTable(crc32.Castagnoli)

type file struct {
	path    string
	f       *os.File
	size    int64
	records int // since the last compaction
	broken  bool
}

// Open opens or makes the ledger DIR/ledger (mode 0600, DIR 0700) and locks it against a second agent.
func Open(dir string) (*Ledger, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	path := filepath.Join(dir, "ledger")
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("ledger: removing an unfinished copy: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("ledger: %s is in use by another agent: %w", path, err), f.Close())
	}
	l := empty()
	l.file = &file{path: path, f: f}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	l.next = l.limit
	return l, syncDir(dir)
}

// Close closes the file.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	l.file.broken = true
	return l.file.f.Close()
}

// load reads all good records and cuts the file after them.
func (l *Ledger) load() error {
	data, err := os.ReadFile(l.file.path)
	if err != nil {
		return fmt.Errorf("ledger: reading: %w", err)
	}
	good := 0
	for {
		payload := record(data[good:])
		if payload == nil {
			break
		}
		var c change
		if err := json.Unmarshal(payload, &c); err != nil {
			return fmt.Errorf("ledger: a record at byte %d has a good checksum but cannot be read (written by a newer version?): %w", good, err)
		}
		l.apply(c)
		l.file.records++
		good += header + len(payload)
	}
	l.file.size = int64(good)
	if good == len(data) {
		return nil
	}
	if err := l.file.f.Truncate(int64(good)); err != nil {
		return fmt.Errorf("ledger: cutting a torn record off: %w", err)
	}
	return l.file.f.Sync()
}

// record gives the payload of the first record, or nil if it is torn or absent.
func record(data []byte) []byte {
	if len(data) < header {
		return nil
	}
	n := int(binary.LittleEndian.Uint32(data))
	if n == 0 || n > maxRecord || len(data) < header+n {
		return nil
	}
	payload := data[header : header+n]
	if crc32.Checksum(payload, table) != binary.LittleEndian.Uint32(data[4:]) {
		return nil
	}
	return payload
}

func frame(payload []byte) []byte {
	b := make([]byte, header, header+len(payload))
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(payload, table))
	return append(b, payload...)
}

func (f *file) append(payload []byte, sync bool) error {
	if f.broken {
		return ErrBroken
	}
	b := frame(payload)
	_, err := f.f.WriteAt(b, f.size)
	if err != nil {
		// What was half written must not stand before a later record.
		if cut := f.f.Truncate(f.size); cut != nil {
			f.broken = true
			return errors.Join(ErrBroken, err, cut)
		}
		return fmt.Errorf("ledger: writing: %w", err)
	}
	if sync {
		if err := syscall.Fdatasync(int(f.f.Fd())); err != nil {
			f.broken = true // what is on disk after a failed sync is unknown
			return errors.Join(ErrBroken, err)
		}
	}
	f.size += int64(len(b))
	f.records++
	return nil
}

func (f *file) wasteful(live int) bool { return f.records > 1000 && f.records > 4*live }

// replace writes the records to a new file and renames it over the old one.
func (f *file) replace(payloads [][]byte) error {
	next, err := os.OpenFile(f.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil // the old file is whole; the next write tries again
	}
	var all []byte
	for _, p := range payloads {
		all = append(all, frame(p)...)
	}
	_, err = next.Write(all)
	if err == nil {
		err = next.Sync()
	}
	if err == nil {
		err = syscall.Flock(int(next.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(f.path+".new", f.path)
	}
	if err != nil {
		next.Close()
		os.Remove(f.path + ".new")
		return nil // as above
	}
	f.f.Close()
	f.f, f.size, f.records = next, int64(len(all)), len(payloads)
	return syncDir(filepath.Dir(f.path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
