package diskimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The parts of the qcow2 header that matter here (QEMU, docs/interop/qcow2.txt, "Header").
const (
	magic          = "QFI\xfb"
	headerBytes    = 104
	maxBackingName = 1023
)

// Bits of the header's incompatible features.
const (
	dirtyBit       = 1 << 0
	corruptBit     = 1 << 1
	dataFileBit    = 1 << 2
	compressionBit = 1 << 3
	extendedL2Bit  = 1 << 4
	knownBits      = dirtyBit | corruptBit | dataFileBit | compressionBit | extendedL2Bit
)

// ErrFormat means that a file is not what it should be, or needs other files.
var ErrFormat = errors.New("not a usable disk image")

// ErrNotQcow2 means that a file does not begin like a qcow2 file.
var ErrNotQcow2 = fmt.Errorf("%w: it does not begin like a qcow2 file", ErrFormat)

// Header is what a qcow2 file says of itself.
type Header struct {
	Bytes     int64  // as the guest sees it
	Backing   string // name of the backing file; empty for none
	DataFile  bool   // content lies in another file
	Encrypted bool
	Corrupt   bool
	Unknown   uint64 // incompatible features that nobody here knows
}

// ReadHeader reads the header of a qcow2 file; ErrNotQcow2 if it has another magic, ErrFormat if the header makes no sense.
func ReadHeader(r io.ReaderAt) (Header, error) {
	raw := make([]byte, headerBytes)
	n, err := r.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Header{}, err
	}
	if n < 4 || string(raw[:4]) != magic {
		return Header{}, ErrNotQcow2
	}
	if n < 72 {
		return Header{}, fmt.Errorf("%w: the qcow2 header is cut off", ErrFormat)
	}
	version := binary.BigEndian.Uint32(raw[4:])
	if version != 2 && version != 3 {
		return Header{}, fmt.Errorf("%w: qcow version %d", ErrFormat, version)
	}
	size := binary.BigEndian.Uint64(raw[24:])
	if size > 1<<62 {
		return Header{}, fmt.Errorf("%w: a disk of %d bytes", ErrFormat, size)
	}
	h := Header{Bytes: int64(size), Encrypted: binary.BigEndian.Uint32(raw[32:]) != 0}
	if version == 3 && n >= 80 {
		h.features(binary.BigEndian.Uint64(raw[72:]))
	}
	h.Backing, err = backingName(r, binary.BigEndian.Uint64(raw[8:]), binary.BigEndian.Uint32(raw[16:]))
	return h, err
}

func (h *Header) features(bits uint64) {
	h.DataFile, h.Corrupt, h.Unknown = bits&dataFileBit != 0, bits&corruptBit != 0, bits&^uint64(knownBits)
}

func backingName(r io.ReaderAt, offset uint64, length uint32) (string, error) {
	if offset == 0 {
		return "", nil
	}
	if length > maxBackingName || offset > 1<<40 {
		return "", fmt.Errorf("%w: the backing file's name has %d bytes at %d", ErrFormat, length, offset)
	}
	if length == 0 {
		return "", nil
	}
	name := make([]byte, length)
	if _, err := r.ReadAt(name, int64(offset)); err != nil {
		return "", fmt.Errorf("%w: the backing file's name is cut off", ErrFormat)
	}
	return string(name), nil
}

// Alone refuses a qcow2 file that no guest can have by itself: one that makes QEMU open other files of the host (a backing or data file can be /etc/shadow),
// that is encrypted, broken, or made for a later QEMU.
func (h Header) Alone() error {
	switch {
	case h.Backing != "":
		return fmt.Errorf("%w: it has the backing file %q; flatten it with qemu-img convert", ErrFormat, h.Backing)
	case h.DataFile:
		return fmt.Errorf("%w: its data is in another file; make one of both with qemu-img convert", ErrFormat)
	case h.Encrypted:
		return fmt.Errorf("%w: it is encrypted", ErrFormat)
	case h.Corrupt:
		return fmt.Errorf("%w: it is marked as corrupt; qemu-img check -r all may repair it", ErrFormat)
	case h.Unknown != 0:
		return fmt.Errorf("%w: it has unknown features (%#x)", ErrFormat, h.Unknown)
	}
	return nil
}
