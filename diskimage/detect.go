package diskimage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Format of a disk image.
type Format string

// The formats.
const (
	Qcow2 Format = "qcow2"
	Raw   Format = "raw"
	Gzip  Format = "gzip" // of one of the others
)

// Info is what a file is.
type Info struct {
	Format       Format
	VirtualBytes int64 // of the disk, as a guest sees it; 0 for a packed one
}

const sector = 512

// foreign are the beginnings of formats that are met and not taken, with the word for people.
var foreign = []struct {
	at    int64
	magic string
	name  string
}{
	{0, "KDMV", "VMDK"}, {0, "# Disk DescriptorFile", "VMDK descriptor"}, {0, "vhdxfile", "VHDX"}, {0, "conectix", "VHD"}, {64, "\x7f\x10\xda\xbe", "VDI"},
	{0, "\xfd7zXZ\x00", "xz"}, {0, "\x28\xb5\x2f\xfd", "zstd"}, {0, "BZh", "bzip2"}, {0, "PK\x03\x04", "zip"}, {257, "ustar", "tar"}, {0, "QED\x00", "QED"},
}

// Detect tells what a file of so many bytes is. ErrFormat, with a sentence for people, if it is nothing that a machine can start from.
func Detect(r io.ReaderAt, size int64) (Info, error) {
	head := make([]byte, sector)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Info{}, err
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		return Info{Format: Gzip}, nil
	}
	h, err := ReadHeader(r)
	if err == nil {
		return Info{Format: Qcow2, VirtualBytes: h.Bytes}, h.usable()
	}
	if !errors.Is(err, ErrNotQcow2) {
		return Info{}, err
	}
	return detectRaw(head, size)
}

func (h Header) usable() error {
	if h.Bytes == 0 {
		return fmt.Errorf("%w: its disk is empty", ErrFormat)
	}
	return h.Alone()
}

// detectRaw takes a file for a raw disk only if a BIOS would: anything else could be an error page that was saved under the wrong name.
func detectRaw(head []byte, size int64) (Info, error) {
	for _, f := range foreign {
		if end := f.at + int64(len(f.magic)); int64(len(head)) >= end && string(head[f.at:end]) == f.magic {
			return Info{}, fmt.Errorf("%w: it is %s; convert it to qcow2 or raw (qemu-img convert -O qcow2), packed by gzip or not at all", ErrFormat, f.name)
		}
	}
	if len(head) < sector || head[510] != 0x55 || head[511] != 0xaa {
		return Info{}, fmt.Errorf("%w: it is neither qcow2 nor a raw disk with a boot sector", ErrFormat)
	}
	if size%sector != 0 {
		return Info{}, fmt.Errorf("%w: a raw disk of %d bytes is cut off (no multiple of %d)", ErrFormat, size, sector)
	}
	return Info{Format: Raw, VirtualBytes: size}, nil
}
