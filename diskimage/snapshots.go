package diskimage

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Snapshot is one of those inside a qcow2 file.
type Snapshot struct {
	ID, Name string
	Bytes    int64 // of the disk at that moment; 0 if the file does not say
}

// What a file may claim of its snapshots: more is a broken file, not a large one (QEMU's own bounds).
const (
	maxSnapshots  = 65536
	maxExtraBytes = 1024
)

// ReadSnapshots lists the snapshots inside a qcow2 file, oldest first. QEMU writes a whole new table before the header names it, so a file in use can be read.
// The format is QEMU's docs/interop/qcow2.
func ReadSnapshots(r io.ReaderAt) ([]Snapshot, error) {
	var head [72]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("%w: its header is cut off", ErrFormat)
	}
	if string(head[:4]) != "QFI\xfb" {
		return nil, ErrNotQcow2
	}
	n, at := binary.BigEndian.Uint32(head[60:]), int64(binary.BigEndian.Uint64(head[64:]))
	if n > maxSnapshots || n > 0 && at <= 0 {
		return nil, fmt.Errorf("%w: its snapshot table is broken", ErrFormat)
	}
	all := make([]Snapshot, 0, n)
	for range n {
		s, size, err := readSnapshot(r, at)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		at += (size + 7) &^ 7
	}
	return all, nil
}

func readSnapshot(r io.ReaderAt, at int64) (s Snapshot, size int64, err error) {
	var fixed [40]byte
	if _, err := r.ReadAt(fixed[:], at); err != nil {
		return s, 0, fmt.Errorf("%w: its snapshot table is cut off", ErrFormat)
	}
	id, name := int64(binary.BigEndian.Uint16(fixed[12:])), int64(binary.BigEndian.Uint16(fixed[14:]))
	extra := int64(binary.BigEndian.Uint32(fixed[36:]))
	if extra > maxExtraBytes {
		return s, 0, fmt.Errorf("%w: its snapshot table is broken", ErrFormat)
	}
	rest := make([]byte, extra+id+name)
	if _, err := r.ReadAt(rest, at+int64(len(fixed))); err != nil {
		return s, 0, fmt.Errorf("%w: its snapshot table is cut off", ErrFormat)
	}
	if extra >= 16 {
		s.Bytes = int64(binary.BigEndian.Uint64(rest[8:]))
	}
	s.ID, s.Name = string(rest[extra:extra+id]), string(rest[extra+id:])
	return s, int64(len(fixed) + len(rest)), nil
}
