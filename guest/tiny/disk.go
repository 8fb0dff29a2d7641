package tiny

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// The disk: a master boot record, a FAT partition with SYSLINUX, kernel and initramfs, and the system on ext4, last so that it can grow.
const (
	sector      = 512
	bootStart   = 1 << 20
	bootBytes   = 24 << 20
	systemStart = bootStart + bootBytes
	systemBytes = VirtualBytes - systemStart
)

// kernelLine spares an emulated guest what takes it long: lines on a serial port, the ciphers' tests of themselves (an eighth of the whole start), waiting for
// grace periods, security modules that nothing here uses, and the kernel's moving itself in memory. What is left is a quarter for QEMU's table of interrupt lines,
// which is a program that Linux interprets once more for each device: acpi=noirq spares it too, but then a guest has one processor.
const kernelLine = "console=tty0 console=ttyS0 quiet loglevel=3 random.trust_cpu=on tsc=reliable mitigations=off panic=10 " +
	"cryptomgr.notests rcupdate.rcu_expedited=1 lsm=capability audit=0 nmi_watchdog=0 nokaslr 8250.nr_uarts=1"

const loaderConfig = "DEFAULT tiny\nPROMPT 0\nTIMEOUT 0\nLABEL tiny\n LINUX /vmlinuz\n INITRD /initrd\n APPEND " + kernelLine + "\n"

// tools names the Debian package of each program that building runs.
var tools = map[string]string{"cpio": "cpio", "mkfs.ext4": "e2fsprogs", "debugfs": "e2fsprogs", "mformat": "mtools", "mcopy": "mtools", "syslinux": "syslinux", "qemu-img": "qemu-utils"}

// command runs with a fixed clock, for the same bytes each time.
func (b builder) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	if cmd.Err != nil {
		if path, err := find(name, programDirs); err == nil {
			cmd.Path, cmd.Err = path, nil
		}
	}
	stamp := strconv.FormatInt(epoch.Unix(), 10)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "SOURCE_DATE_EPOCH="+stamp, "E2FSPROGS_FAKE_TIME="+stamp, "MTOOLS_SKIP_CHECK=1")
	return cmd
}

func (b builder) run(cmd *exec.Cmd) error {
	var said bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &said
	}
	cmd.Stderr = &said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("tiny: no %s: install %s", cmd.Args[0], tools[cmd.Args[0]])
	}
	return fmt.Errorf("tiny: %s: %w: %s", cmd.Args[0], err, bytes.TrimSpace(said.Bytes()))
}

// output runs the command and keeps what it prints in a file.
func (b builder) output(cmd *exec.Cmd, name string) error {
	f, err := os.Create(b.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	cmd.Stdout = f
	if err := b.run(cmd); err != nil {
		return err
	}
	return f.Close()
}

// boot makes the FAT partition in the raw disk, and the boot loader in it.
func (b builder) boot(ctx context.Context) error {
	if err := os.WriteFile(b.path("syslinux.cfg"), []byte(loaderConfig), 0o644); err != nil {
		return err
	}
	raw := b.path("disk.raw")
	if err := os.WriteFile(raw, nil, 0o644); err != nil {
		return err
	}
	if err := os.Truncate(raw, VirtualBytes); err != nil {
		return err
	}
	at := fmt.Sprintf("%s@@%d", raw, bootStart)
	sectors := strconv.Itoa(bootBytes / sector)
	if err := os.Chtimes(b.path("syslinux.cfg"), epoch, epoch); err != nil {
		return err
	}
	if err := install(b.in.kernel, b.path("vmlinuz"), 0o644); err != nil {
		return err
	}
	steps := [][]string{
		{"mformat", "-i", at, "-T", sectors, "-h", "64", "-s", "32", "-H", strconv.Itoa(bootStart / sector), "-N", "0ec10ed0", "-v", "TINYBOOT", "::"},
		{"mcopy", "-i", at, b.path("vmlinuz"), b.path("initrd"), b.path("syslinux.cfg"), "::"},
		{"syslinux", "-t", strconv.Itoa(bootStart), "--install", raw},
	}
	for _, step := range steps {
		if err := b.run(b.command(ctx, step[0], step[1:]...)); err != nil {
			return err
		}
	}
	return nil
}

// disk adds the system partition and the boot record, and writes the qcow2 file.
func (b builder) disk(ctx context.Context) error {
	raw := b.path("disk.raw")
	const id = "0ec10ed0-0000-4000-8000-000000000001"
	// Blocks of 4 KiB reserve room for the descriptors of 1,024 times this size. Blocks of 1 KiB do not reach a gigabyte with theirs, and the kernel then changes the
	// layout of a mounted system, which leaves a disk that is copied meanwhile one that oopses Linux 6.1 in ext4_resize_fs when it grows again.
	cmd := b.command(ctx, "mkfs.ext4", "-q", "-F", "-L", "tiny", "-U", id, "-m", "0", "-b", "4096", "-J", "size=16", "-d", b.path("system"),
		"-E", fmt.Sprintf("offset=%d,hash_seed=%s,lazy_itable_init=1,root_owner=0:0", systemStart, id), raw, strconv.Itoa(systemBytes/1024)+"k")
	asRoot(cmd)
	if err := b.run(cmd); err != nil {
		return err
	}
	if err := b.run(b.command(ctx, "debugfs", "-w", "-f", b.path("settime"), fmt.Sprintf("%s?offset=%d", raw, systemStart))); err != nil {
		return err
	}
	record, err := bootRecord()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(raw, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(record, 0); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return b.run(b.command(ctx, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, b.path("disk.qcow2")))
}

// asRoot lets files of an ordinary user belong to root in the file system.
func asRoot(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
}

// bootRecord is the first sector: SYSLINUX's code and the table of two partitions, the first one active.
func bootRecord() ([]byte, error) {
	code, err := os.ReadFile(mbrFile)
	if err != nil {
		return nil, err
	}
	if len(code) > 440 {
		return nil, fmt.Errorf("tiny: %s is larger than a boot record's code", mbrFile)
	}
	record := make([]byte, sector)
	copy(record, code)
	binary.LittleEndian.PutUint32(record[440:], 0x0ec10ed0)
	entry(record[446:], 0x80, 0x0e, bootStart, bootBytes)
	entry(record[462:], 0, 0x83, systemStart, systemBytes)
	record[510], record[511] = 0x55, 0xaa
	return record, nil
}

// entry writes a partition's 16 bytes. Its old-style addresses say "see the sector numbers".
func entry(to []byte, active, kind byte, start, length uint32) {
	to[0], to[4] = active, kind
	copy(to[1:4], []byte{0xfe, 0xff, 0xff})
	copy(to[5:8], []byte{0xfe, 0xff, 0xff})
	binary.LittleEndian.PutUint32(to[8:], start/sector)
	binary.LittleEndian.PutUint32(to[12:], length/sector)
}
