package tiny

import (
	"bufio"
	"crypto/sha256"
	"debug/elf"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed all:root initramfs
var scripts embed.FS

// format changes when this package lays the disk out differently from the same inputs.
const format = "3"

// programs are copied with the shared libraries they need: place in the guest, to be found under any of the folders here.
var programs = []struct{ name, pkg string }{
	{"dropbear", "dropbear-bin"},
	{"qemu-ga", "qemu-guest-agent"},
	{"resize2fs", "e2fsprogs"},
}

// Modules in the order of loading; what they need comes before them. The system disk's are in the initramfs. The CD drive's come first, as it takes a while to
// show up.
var (
	diskModules   = []string{"ata_piix", "virtio_pci", "virtio_blk"}
	systemModules = []string{"sr_mod", "isofs", "virtio_net", "virtio_console", "virtio-rng", "button", "evdev", "virtio_balloon"}
	libraryDirs   = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}
	programDirs   = []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"}
)

const (
	busyboxFile = "/usr/bin/busybox"
	mbrFile     = "/usr/lib/syslinux/mbr/mbr.bin"
	loader      = "/lib64/ld-linux-x86-64.so.2"
)

// inputs are the files of this machine that go into an image.
type inputs struct {
	kernel  string            // path of the kernel
	files   map[string]string // path in the system to path here
	early   []string          // paths of modules, in the order of loading
	modules []string          // the same, for those loaded by the system
}

func collect(version string) (inputs, error) {
	if version == "" {
		found, _ := filepath.Glob("/boot/vmlinuz-*-cloud-amd64")
		if len(found) == 0 {
			return inputs{}, errors.New("tiny: no /boot/vmlinuz-*-cloud-amd64: install linux-image-cloud-amd64")
		}
		version = strings.TrimPrefix(slices.MaxFunc(found, byAge), "/boot/vmlinuz-")
	}
	in := inputs{kernel: "/boot/vmlinuz-" + version, files: map[string]string{}}
	for path, pkg := range map[string]string{in.kernel: "linux-image-" + version, busyboxFile: "busybox-static", mbrFile: "syslinux-common"} {
		if _, err := os.Stat(path); err != nil {
			return inputs{}, fmt.Errorf("tiny: no %s: install %s", path, pkg)
		}
	}
	if b, err := elf.Open(busyboxFile); err != nil {
		return inputs{}, fmt.Errorf("tiny: %s: %w", busyboxFile, err)
	} else {
		defer b.Close()
		if libs, _ := b.ImportedLibraries(); len(libs) > 0 {
			return inputs{}, fmt.Errorf("tiny: %s needs shared libraries: install busybox-static", busyboxFile)
		}
	}
	if err := in.addPrograms(); err != nil {
		return inputs{}, err
	}
	return in, in.addModules("/lib/modules/" + version)
}

// byAge compares by the time of installation: versions do not compare as text.
func byAge(a, b string) int {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.ModTime().Compare(y.ModTime())
}

func (in *inputs) addPrograms() error {
	for _, p := range programs {
		path, err := find(p.name, programDirs)
		if err != nil {
			return fmt.Errorf("tiny: no %s: install %s", p.name, p.pkg)
		}
		in.files["usr/sbin/"+p.name] = path
		if err := in.addLibraries(path); err != nil {
			return err
		}
	}
	in.files[loader[1:]] = loader
	return nil
}

// addLibraries adds what the dynamic loader would load for the program.
func (in *inputs) addLibraries(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("tiny: %s: %w", path, err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("tiny: %s: %w", path, err)
	}
	for _, lib := range libs {
		place := "lib/x86_64-linux-gnu/" + lib
		if lib == filepath.Base(loader) || in.files[place] != "" {
			continue
		}
		from, err := find(lib, libraryDirs)
		if err != nil {
			return fmt.Errorf("tiny: %s needs %s, which is not installed", path, lib)
		}
		in.files[place] = from
		if err := in.addLibraries(from); err != nil {
			return err
		}
	}
	return nil
}

func find(name string, dirs []string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fs.ErrNotExist
}

// addModules orders modules by modules.dep, whose lines list all that a module needs, the deepest last.
func (in *inputs) addModules(dir string) error {
	f, err := os.Open(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return fmt.Errorf("tiny: the kernel's modules: %w", err)
	}
	defer f.Close()
	needs, paths := map[string][]string{}, map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		path, deps, _ := strings.Cut(lines.Text(), ":")
		paths[moduleName(path)] = path
		needs[path] = strings.Fields(deps)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	seen := map[string]bool{}
	order := func(names []string) (list []string, err error) {
		for _, name := range names {
			path := paths[moduleName(name)]
			if path == "" {
				return nil, fmt.Errorf("tiny: %s has no module %s", dir, name)
			}
			chain := slices.Clone(needs[path])
			slices.Reverse(chain)
			for _, one := range append(chain, path) {
				if !seen[one] {
					seen[one] = true
					list = append(list, filepath.Join(dir, one))
				}
			}
		}
		return list, nil
	}
	if in.early, err = order(diskModules); err != nil {
		return err
	}
	in.modules, err = order(systemModules)
	return err
}

// moduleName is a module's name as the kernel says it: files are named with - or _ as it comes.
func moduleName(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".ko"), "-", "_")
}

// key names the inputs by their content.
func (in inputs) key() (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %d %s\n", format, VirtualBytes, kernelLine)
	paths := append([]string{in.kernel, busyboxFile, mbrFile}, in.early...)
	paths = append(paths, in.modules...)
	paths = slices.AppendSeq(paths, maps.Values(in.files))
	slices.Sort(paths[3+len(in.early)+len(in.modules):])
	for _, path := range paths {
		if err := hashFile(sum, path); err != nil {
			return "", err
		}
	}
	err := fs.WalkDir(scripts, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := scripts.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(data), data)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:16]), err
}

func hashFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %d\n", path, info.Size())
	_, err = io.Copy(w, f)
	return err
}
