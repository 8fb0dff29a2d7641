package qcow

import (
	"errors"
	"fmt"
	"os"

	"edgecloud/diskimage"
	"edgecloud/engine/disk"
)

func readHeader(path string) (diskimage.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return diskimage.Header{}, err
	}
	defer f.Close()
	h, err := diskimage.ReadHeader(f)
	if errors.Is(err, diskimage.ErrFormat) {
		err = fmt.Errorf("%w: %w", disk.ErrFormat, err)
	}
	return h, err
}

// checkFormat refuses a file that is not what it claims, or that would make QEMU open other files of the host; a raw file that starts like a qcow2 can be
// mistaken for one later.
func checkFormat(path, format string) error {
	h, err := readHeader(path)
	isQcow := !errors.Is(err, diskimage.ErrNotQcow2)
	if format == "raw" {
		if isQcow {
			return fmt.Errorf("%w: it starts like a qcow2 file", disk.ErrFormat)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := h.Alone(); err != nil {
		return fmt.Errorf("%w: %w", disk.ErrFormat, err)
	}
	return nil
}
