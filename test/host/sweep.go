package host

import (
	"os"
	"path/filepath"
	"syscall"
)

// prefix of the fabrics' folders. Short: libvirt's monitor sockets lie deep below, and unix socket paths end at 107 bytes.
const prefix = "ecfab"

// newDir makes a fabric's folder, locked for as long as this process lives, so that sweep knows the folders of dead ones.
func newDir() (string, func(), error) {
	dir, err := os.MkdirTemp("/tmp", prefix)
	if err != nil {
		return "", nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return "", nil, err
	}
	return dir, func() { _ = lock.Close() }, nil
}

func lockDir(dir string) (*os.File, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// sweep removes the folders that crashed runs left. Their processes and interfaces are gone already: the anchors end with the process that made them.
func sweep() {
	dirs, err := filepath.Glob("/tmp/" + prefix + "*")
	if err != nil {
		return
	}
	for _, dir := range dirs {
		lock, err := lockDir(dir)
		if err != nil {
			continue // in use
		}
		// A folder that was made but not locked yet is empty: leave it to the next sweep.
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}
