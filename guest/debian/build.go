package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Suite is the Debian release that is built.
const Suite = "bookworm"

// Options say what is built and where it goes.
type Options struct {
	Out string // path of the qcow2 file; replaced if it is there
	// Sources are apt's source files; empty: those of this machine.
	Sources []string
	// Packages are what the system has besides the essential ones, kernel and boot loader; nil: DefaultPackages.
	Packages []string
	Variant  string    // of mmdebstrap; empty is minbase; extract only unpacks the packages, for tests
	Log      io.Writer // what the programs say while they work; nil: nobody hears it
}

// DefaultPackages make a guest of the cloud.
var DefaultPackages = []string{"systemd-sysv", "systemd-resolved", "systemd-timesyncd", "dbus", "udev", "libpam-systemd", "openssh-server", "cloud-init", "cloud-guest-utils",
	"fdisk", "qemu-guest-agent", "e2fsprogs", "iproute2", "iputils-ping", "netbase", "sudo", "ca-certificates", "less", "nano", "procps"}

// bootPackages are what every disk needs to start.
var bootPackages = []string{"linux-image-cloud-amd64", "initramfs-tools", "zstd", "grub-pc-bin", "grub-common"}

// VirtualBytes is the disk's size before anybody makes it larger.
const VirtualBytes = 3 << 30

// Result is a built image.
type Result struct {
	Path         string
	SHA256       string // of the file, hexadecimal
	Bytes        int64  // of the file
	VirtualBytes int64
}

// Build writes the image. It needs root, for files of many owners, and takes minutes. What is missing on this machine is named with the Debian package to install.
func Build(ctx context.Context, o Options) (Result, error) {
	if o.Out == "" {
		return Result{}, errors.New("debian: Options.Out is empty")
	}
	if os.Geteuid() != 0 {
		return Result{}, errors.New("debian: building needs root")
	}
	if o.Packages == nil {
		o.Packages = DefaultPackages
	}
	if o.Variant == "" {
		o.Variant = "minbase"
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return Result{}, err
	}
	sources, err := findSources(o.Sources)
	if err != nil {
		return Result{}, err
	}
	// Beside its place, so that a crash leaves no half image under the final name.
	scratch, err := os.MkdirTemp(filepath.Dir(out), ".debian-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(scratch)
	b := builder{dir: scratch, variant: o.Variant, sources: sources, packages: append(slices.Clone(bootPackages), o.Packages...), log: o.Log}
	for _, step := range []func(context.Context) error{b.system, b.personal, b.loader, b.disk} {
		if err := step(ctx); err != nil {
			return Result{}, err
		}
	}
	return finish(b.path("disk.qcow2"), out)
}

// finish puts a file on disk under its name, and describes it.
func finish(from, to string) (Result, error) {
	f, err := os.Open(from)
	if err != nil {
		return Result{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err = errors.Join(err, f.Sync()); err != nil {
		return Result{}, err
	}
	if err := os.Rename(from, to); err != nil {
		return Result{}, fmt.Errorf("debian: %w", err)
	}
	return Result{Path: to, SHA256: hex.EncodeToString(sum.Sum(nil)), Bytes: n, VirtualBytes: VirtualBytes}, nil
}
