package tiny

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// builder makes one image in its folder.
type builder struct {
	in  inputs
	dir string
}

func (b builder) path(name string) string { return filepath.Join(b.dir, name) }

// epoch is every file's time, so that the same inputs give the same image.
var epoch = time.Unix(1700000000, 0)

// initramfs writes what finds the system disk: BusyBox, the disk's drivers and a script. Uncompressed: unpacking takes a guest longer than reading.
func (b builder) initramfs(ctx context.Context) error {
	root := b.path("early")
	for _, dir := range []string{"dev", "proc", "sys", "root", "bin", "modules"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := install(busyboxFile, filepath.Join(root, "bin/busybox"), 0o755); err != nil {
		return err
	}
	for _, applet := range []string{"sh", "mount", "insmod", "usleep", "cat", "dd", "printf", "sync", "blockdev", "switch_root"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			return err
		}
	}
	script, err := scripts.ReadFile("initramfs/init")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "init"), script, 0o755); err != nil {
		return err
	}
	if err := installModules(b.in.early, filepath.Join(root, "modules")); err != nil {
		return err
	}
	names, err := settle(root)
	if err != nil {
		return err
	}
	cmd := b.command(ctx, "cpio", "--quiet", "--reproducible", "-o", "-H", "newc", "-R", "0:0")
	cmd.Dir, cmd.Stdin = root, strings.NewReader(strings.Join(names, "\n")+"\n")
	return b.output(cmd, "initrd")
}

// system stages the files of the system partition.
func (b builder) system(ctx context.Context) error {
	root := b.path("system")
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "root", "home", "bin", "sbin", "usr/bin", "usr/sbin", "etc/dropbear", "var/lib/cloud", "var/log", "lib/modules"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	if err := writeScripts(root); err != nil {
		return err
	}
	for place, path := range b.in.files {
		if err := install(path, filepath.Join(root, place), 0o755); err != nil {
			return err
		}
	}
	if err := installModules(b.in.modules, filepath.Join(root, "lib/modules")); err != nil {
		return err
	}
	if err := b.applets(ctx, root); err != nil {
		return err
	}
	for name, mode := range map[string]os.FileMode{"etc/shadow": 0o600, "root": 0o700, "var/lib/cloud": 0o700} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			return err
		}
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		return err
	}
	names, err := settle(root)
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("settime"), timeCommands(names), 0o644)
}

// timeCommands tells debugfs to set the times that mkfs.ext4 takes from the machine's files although nobody can choose them there.
func timeCommands(names []string) []byte {
	var text bytes.Buffer
	for _, name := range names {
		for _, field := range []string{"atime", "ctime"} {
			fmt.Fprintf(&text, "sif \"/%s\" %s @%d\nsif \"/%s\" %s_extra 0\n", name, field, epoch.Unix(), name, field)
		}
	}
	return text.Bytes()
}

// writeScripts writes the guest's own files. An embedded file has lost its mode: what begins with #! is a program.
func writeScripts(root string) error {
	return fs.WalkDir(scripts, "root", func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(root, strings.TrimPrefix(path, "root"))
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := scripts.ReadFile(path)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(data, []byte("#!")) {
			mode = 0o755
		}
		return os.WriteFile(to, data, mode)
	})
}

// applets links BusyBox under all its names that our own programs leave free.
func (b builder) applets(ctx context.Context, root string) error {
	if err := install(busyboxFile, filepath.Join(root, "bin/busybox"), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"poweroff", "reboot", "halt"} {
		if err := os.Symlink("shutdown", filepath.Join(root, "sbin", name)); err != nil {
			return err
		}
	}
	list, err := exec.CommandContext(ctx, busyboxFile, "--list-full").Output()
	if err != nil {
		return fmt.Errorf("tiny: list BusyBox's applets: %w", err)
	}
	for _, place := range strings.Fields(string(list)) {
		to := filepath.Join(root, place)
		if _, err := os.Lstat(to); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("/bin/busybox", to); err != nil {
			return err
		}
	}
	return nil
}

// installModules copies modules beside a file "order" that names them. Their signatures stay behind: to check one takes an emulated guest longer than all
// the rest of loading the module, and this guest has nobody to protect itself from who could not change its kernel as well.
func installModules(paths []string, dir string) error {
	var order strings.Builder
	for _, path := range paths {
		module, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(path)), unsigned(module), 0o644)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(&order, strings.TrimSuffix(filepath.Base(path), ".ko"))
	}
	return os.WriteFile(filepath.Join(dir, "order"), []byte(order.String()), 0o644)
}

// unsigned is a module without the signature at its end (include/linux/module_signature.h): the signature, twelve bytes of which the last four are the
// signature's length, and a line that says so.
func unsigned(module []byte) []byte {
	const mark, about = "~Module signature appended~\n", 12
	body, found := bytes.CutSuffix(module, []byte(mark))
	if !found || len(body) < about {
		return module
	}
	length := int64(binary.BigEndian.Uint32(body[len(body)-4:])) + about
	if length > int64(len(body)) {
		return module
	}
	return body[:int64(len(body))-length]
}

func install(from, to string, mode os.FileMode) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, mode)
}

// settle gives all below root the same time, and lists it sorted.
func settle(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		names = append(names, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	stamp := unix.NsecToTimespec(epoch.UnixNano())
	for _, name := range slices.Backward(names) { // folders after what they hold
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(root, name), []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return nil, fmt.Errorf("tiny: set the time of %s: %w", name, err)
		}
	}
	return names, nil
}
