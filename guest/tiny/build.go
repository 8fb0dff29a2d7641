package tiny

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// VirtualBytes is the disk's size before anybody makes it larger.
const VirtualBytes = 160 << 20

// Options say where the image goes. The zero value of every field but Out is fine.
type Options struct {
	Out    string // path of the qcow2 file; replaced if it is there
	Cache  string // folder of images built before; "" is edgecloud/tiny in the user's cache folder
	Kernel string // version of an installed kernel, as in /boot/vmlinuz-VERSION; "" is the newest cloud kernel
}

// Result is a built image.
type Result struct {
	Path         string
	SHA256       string // of the file, hexadecimal
	VirtualBytes int64
	Cached       bool // nothing changed since it was built before
}

// Build writes the image. The same inputs give the same bytes. What is missing on this machine is named with the Debian package to install.
func Build(ctx context.Context, o Options) (Result, error) {
	if o.Out == "" {
		return Result{}, errors.New("tiny: Options.Out is empty")
	}
	in, err := collect(o.Kernel)
	if err != nil {
		return Result{}, err
	}
	key, err := in.key()
	if err != nil {
		return Result{}, err
	}
	cache, err := cacheFolder(o.Cache)
	if err != nil {
		return Result{}, err
	}
	kept := filepath.Join(cache, key+".qcow2")
	_, err = os.Stat(kept)
	cached := err == nil
	if !cached {
		if err := build(ctx, in, kept); err != nil {
			return Result{}, err
		}
	}
	sum, err := copyFile(kept, o.Out)
	if err != nil {
		return Result{}, err
	}
	return Result{Path: o.Out, SHA256: sum, VirtualBytes: VirtualBytes, Cached: cached}, nil
}

func cacheFolder(path string) (string, error) {
	if path == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("tiny: name a cache folder: %w", err)
		}
		path = filepath.Join(base, "edgecloud", "tiny")
	}
	return path, os.MkdirAll(path, 0o755)
}

// build makes the image in a scratch folder beside its place, so that a crash leaves no half image under the final name.
func build(ctx context.Context, in inputs, path string) error {
	scratch, err := os.MkdirTemp(filepath.Dir(path), "build")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b := builder{in: in, dir: scratch}
	for _, step := range []func(context.Context) error{b.initramfs, b.system, b.boot, b.disk} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return os.Rename(b.path("disk.qcow2"), path)
}

// copyFile replaces to by a copy of from, and gives its SHA-256.
func copyFile(from, to string) (string, error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".tiny")
	if err != nil {
		return "", err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), in); err != nil {
		return "", err
	}
	if err := errors.Join(out.Chmod(0o644), out.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), os.Rename(out.Name(), to)
}
