package debian

import (
	"bytes"
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed all:root
var overlay embed.FS

// The disk: a master boot record with GRUB's first sector, GRUB's core in the gap, and one partition with the system on ext4, which can grow to the end.
const (
	sector    = 512
	partStart = 1 << 20
	partBytes = VirtualBytes - partStart
	// Label names the file system for kernel, fstab and boot loader.
	Label = "edgecloud"
)

// stamp is what times are set to where a program takes one, so that little differs between two builds of the same packages.
const stamp = 1700000000

// tools names the Debian package of each program that building runs.
var tools = map[string]string{"mmdebstrap": "mmdebstrap", "mkfs.ext4": "e2fsprogs", "qemu-img": "qemu-utils", "e2fsck": "e2fsprogs", "chroot": "coreutils"}

// grubModules are built into the core: all that is needed to read grub.cfg and to start Linux.
var grubModules = []string{"biosdisk", "part_msdos", "ext2", "normal", "search", "search_label", "linux", "boot", "minicmd", "gzio", "echo", "test", "configfile"}

// builder makes one image in its folder.
type builder struct {
	dir      string
	variant  string
	sources  map[string]string
	packages []string
	log      io.Writer
}

func (b builder) path(names ...string) string {
	return filepath.Join(append([]string{b.dir}, names...)...)
}

func (b builder) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", stamp), fmt.Sprintf("E2FSPROGS_FAKE_TIME=%d", stamp))
	var last tail
	cmd.Stdout, cmd.Stderr = io.MultiWriter(b.log, &last), io.MultiWriter(b.log, &last)
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("debian: no %s: install %s", name, tools[name])
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("debian: %s: %w: %s", name, err, last.String())
}

// tail keeps the end of what a program says, for its error.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if extra := t.Len() - 2000; extra > 0 {
		t.Next(extra)
	}
	return n, err
}

func (t *tail) String() string { return strings.TrimSpace(t.Buffer.String()) }

// tidy is done to the new system: what must differ between guests is made by their first boot.
const tidy = `rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/var/lib/dbus/machine-id; : >"$1"/etc/machine-id; ` +
	`rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/apt/*.bin; ` +
	`if [ -e "$1"/lib/systemd/system/systemd-networkd.service ]; then chroot "$1" systemctl enable -q systemd-networkd; fi; ` +
	`if [ -e "$1"/lib/systemd/system/systemd-resolved.service ]; then ln -sf ../run/systemd/resolve/stub-resolv.conf "$1"/etc/resolv.conf; fi`

// system installs the packages.
func (b builder) system(ctx context.Context) error {
	args := []string{"--variant=" + b.variant, "--mode=root", "--format=directory", "--include=" + strings.Join(b.packages, ","),
		"--aptopt=Acquire::Languages { \"none\"; }", "--dpkgopt=force-unsafe-io"}
	for _, path := range []string{"/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*"} {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	args = append(args, "--dpkgopt=path-include=/usr/share/doc/*/copyright", Suite, b.path("system"))
	for _, name := range slices.Sorted(maps.Keys(b.sources)) {
		path := b.path("sources" + name)
		if err := os.WriteFile(path, []byte(b.sources[name]), 0o644); err != nil {
			return err
		}
		args = append(args, path)
	}
	return b.run(ctx, "mmdebstrap", args...)
}

// personal puts the guest's own files into the new system, and takes out what each guest makes by itself.
func (b builder) personal(ctx context.Context) error {
	err := fs.WalkDir(overlay, "root", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := b.path("system", strings.TrimPrefix(path, "root"))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := overlay.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		return err
	}
	return b.run(ctx, "sh", "-ec", tidy, "sh", b.path("system"))
}

// loader makes GRUB's core with the new system's own GRUB.
func (b builder) loader(ctx context.Context) error {
	args := append([]string{b.path("system"), "grub-mkimage", "-O", "i386-pc", "-o", "/core.img", "-p", "(hd0,msdos1)/boot/grub"}, grubModules...)
	if err := b.run(ctx, "chroot", args...); err != nil {
		return err
	}
	return os.Rename(b.path("system", "core.img"), b.path("core.img"))
}

// disk puts the parts together and writes the qcow2 file.
func (b builder) disk(ctx context.Context) error {
	raw := b.path("disk.raw")
	boot, err := os.ReadFile(b.path("system", "usr/lib/grub/i386-pc/boot.img"))
	if err != nil {
		return err
	}
	core, err := os.ReadFile(b.path("core.img"))
	if err != nil {
		return err
	}
	head, err := gap(boot, core)
	if err != nil {
		return err
	}
	if err := os.WriteFile(raw, head, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(raw, VirtualBytes); err != nil {
		return err
	}
	const id = "0ec1deb0-0000-4000-8000-000000000001"
	// Bookworm's GRUB cannot read the two newest features.
	err = b.run(ctx, "mkfs.ext4", "-q", "-F", "-L", Label, "-U", id, "-m", "1", "-O", "^metadata_csum_seed,^orphan_file", "-d", b.path("system"),
		"-E", fmt.Sprintf("offset=%d,hash_seed=%s,lazy_itable_init=1", partStart, id), raw, strconv.Itoa(partBytes/1024)+"k")
	if err != nil {
		return err
	}
	return b.run(ctx, "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", "compression_type=zstd", raw, b.path("disk.qcow2"))
}

// Places in GRUB's first two sectors (grub/i386/pc/boot.h, grub/offsets.h): where boot.img reads core.img from, and where core's first sector says that the rest is.
const (
	bootKernelSector = 0x5c
	bootDriveCheck   = 0x66
	coreList         = sector - 12
	coreSegment      = 0x820
)

// gap is all that lies before the partition: GRUB's boot sector with the table of partitions, and GRUB's core.
func gap(boot, core []byte) ([]byte, error) {
	if len(boot) != sector || len(core) < sector || sector+len(core) > partStart {
		return nil, fmt.Errorf("debian: GRUB's boot sector has %d bytes and its core %d: they do not fit", len(boot), len(core))
	}
	head := make([]byte, partStart)
	copy(head, boot[:440])
	binary.LittleEndian.PutUint64(head[bootKernelSector:], 1)
	copy(head[bootDriveCheck:], []byte{0x90, 0x90}) // no floppies: the drive number that the BIOS gives is right
	binary.LittleEndian.PutUint32(head[440:], 0x0ec1deb0)
	entry(head[446:], partStart, partBytes)
	head[510], head[511] = 0x55, 0xaa
	copy(head[sector:], core)
	list := head[sector+coreList:]
	binary.LittleEndian.PutUint64(list, 2)
	binary.LittleEndian.PutUint16(list[8:], uint16((len(core)-1)/sector)) // sectors after the first
	binary.LittleEndian.PutUint16(list[10:], coreSegment)
	return head, nil
}

// entry writes an active Linux partition's 16 bytes. Its old-style addresses say "see the sector numbers".
func entry(to []byte, start, length uint32) {
	to[0], to[4] = 0x80, 0x83
	copy(to[1:4], []byte{0xfe, 0xff, 0xff})
	copy(to[5:8], []byte{0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(to[8:], start/sector)
	binary.LittleEndian.PutUint32(to[12:], length/sector)
}
