package qcow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"edgecloud/engine/disk"
)

// The parts of the qcow2 header that matter here (QEMU, docs/interop/qcow2.txt, "Header").
const (
	magic            = "QFI\xfb"
	headerBytes      = 104
	maxBackingName   = 1023
	incompatibleData = 1 << 2 // "External data file bit"
)

// header is what a qcow2 file says of itself.
type header struct {
	Bytes    int64  // as the guest sees it
	Backing  string // name of the backing file; empty for none
	DataFile bool   // content lies in another file
}

var errNotQcow = errors.New("qcow: not a qcow2 file")

// parseHeader reads the header of a qcow2 file; errNotQcow if it has another magic.
func parseHeader(r io.ReaderAt) (header, error) {
	raw := make([]byte, headerBytes)
	n, err := r.ReadAt(raw, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, err
	}
	if n < 4 || string(raw[:4]) != magic {
		return header{}, errNotQcow
	}
	if n < 72 {
		return header{}, fmt.Errorf("%w: the header is cut off", disk.ErrFormat)
	}
	version := binary.BigEndian.Uint32(raw[4:])
	if version != 2 && version != 3 {
		return header{}, fmt.Errorf("%w: qcow version %d", disk.ErrFormat, version)
	}
	size := binary.BigEndian.Uint64(raw[24:])
	if size > 1<<62 {
		return header{}, fmt.Errorf("%w: size %d", disk.ErrFormat, size)
	}
	h := header{Bytes: int64(size)}
	if version == 3 && n >= 80 {
		h.DataFile = binary.BigEndian.Uint64(raw[72:])&incompatibleData != 0
	}
	h.Backing, err = backingName(r, binary.BigEndian.Uint64(raw[8:]), binary.BigEndian.Uint32(raw[16:]))
	return h, err
}

func backingName(r io.ReaderAt, offset uint64, length uint32) (string, error) {
	if offset == 0 || length == 0 {
		return "", nil
	}
	if length > maxBackingName || offset > 1<<40 {
		return "", fmt.Errorf("%w: the backing file's name has %d bytes at %d", disk.ErrFormat, length, offset)
	}
	name := make([]byte, length)
	if _, err := r.ReadAt(name, int64(offset)); err != nil {
		return "", fmt.Errorf("%w: the backing file's name is cut off", disk.ErrFormat)
	}
	return string(name), nil
}

func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	return parseHeader(f)
}

// checkFormat refuses a file that is not what it claims, or that would make QEMU open other files of the host: a raw file that starts like a qcow2 can be
// mistaken for one later, and a backing or data file can be /etc/shadow.
func checkFormat(path, format string) error {
	h, err := readHeader(path)
	isQcow := !errors.Is(err, errNotQcow)
	if format == "raw" && isQcow {
		return fmt.Errorf("%w: it starts like a qcow2 file", disk.ErrFormat)
	}
	if format == "raw" {
		return nil
	}
	if !isQcow {
		return fmt.Errorf("%w: it does not start like a qcow2 file", disk.ErrFormat)
	}
	if err != nil {
		return err
	}
	if h.Backing != "" || h.DataFile {
		return fmt.Errorf("%w: it needs another file", disk.ErrFormat)
	}
	return nil
}
