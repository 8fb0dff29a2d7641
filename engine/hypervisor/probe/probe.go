package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Result is what a probe found.
type Result struct {
	KVM    bool      `json:"kvm"`
	Reason string    `json:"reason"` // for people
	Host   string    `json:"host"`   // kernel and QEMU that it is true of
	At     time.Time `json:"at"`
}

// Config of a probe.
type Config struct {
	// Cache is the file that remembers the answer; empty asks anew each time. A new kernel or QEMU asks anew, too.
	Cache string
	// Limit is how long the guest may take; 0 is 8 s (it takes well below one where KVM works).
	Limit time.Duration
	// Emulator is QEMU's program; empty is qemu-system-x86_64.
	Emulator string
	// Accel is what is probed; empty is kvm.
	Accel string
}

// KVM tells whether guests run under KVM. An error means that it could not be found out, as when QEMU is missing; a host without KVM is no error.
func KVM(ctx context.Context, c Config) (Result, error) {
	if c.Limit == 0 {
		c.Limit = 8 * time.Second
	}
	if c.Emulator == "" {
		c.Emulator = "qemu-system-x86_64"
	}
	if c.Accel == "" {
		c.Accel = "kvm"
	}
	emulator, err := exec.LookPath(c.Emulator)
	if err != nil {
		return Result{}, fmt.Errorf("probe: QEMU is needed (Debian: qemu-system-x86): %w", err)
	}
	c.Emulator = emulator
	host, err := fingerprint(c)
	if err != nil {
		return Result{}, fmt.Errorf("probe: %w", err)
	}
	if known, ok := recall(c.Cache, host); ok {
		return known, nil
	}
	r, err := ask(ctx, c)
	if err != nil {
		return Result{}, fmt.Errorf("probe: %w", err)
	}
	r.Host, r.At = host, time.Now().UTC()
	return r, remember(c.Cache, r)
}

// fingerprint names what an answer depends on.
func fingerprint(c Config) (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	info, err := os.Stat(c.Emulator)
	if err != nil {
		return "", err
	}
	device := "no /dev/kvm"
	if _, err := os.Stat("/dev/kvm"); err == nil {
		device = "/dev/kvm"
	}
	return fmt.Sprintf("%s %s, %s %d, %s, %s", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), c.Emulator, info.ModTime().Unix(), device, c.Accel), nil
}

func recall(file, host string) (Result, bool) {
	var r Result
	text, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(text, &r) != nil {
		return r, false
	}
	return r, r.Host == host
}

func remember(file string, r Result) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file+".part", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

// exitStatus is what isa-debug-exit makes of the guest's byte: 2*byte+1.
const (
	guestByte  = 0x15
	exitStatus = 2*guestByte + 1
)

// bootSector is the guest: mov al, guestByte; out 0xf4, al; hlt; jmp $-1.
func bootSector() []byte {
	sector := make([]byte, 512)
	copy(sector, []byte{0xb0, guestByte, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd})
	sector[510], sector[511] = 0x55, 0xaa
	return sector
}

// ask starts the guest.
func ask(ctx context.Context, c Config) (Result, error) {
	if _, err := os.Stat("/dev/kvm"); c.Accel == "kvm" && errors.Is(err, fs.ErrNotExist) {
		return Result{Reason: "there is no /dev/kvm"}, nil
	}
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "boot")
	if err := os.WriteFile(image, bootSector(), 0o600); err != nil {
		return Result{}, err
	}
	limited, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(limited, c.Emulator, "-accel", c.Accel, "-machine", "pc", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-drive", "if=ide,format=raw,readonly=off,snapshot=on,file="+image)
	cmd.Stderr, cmd.WaitDelay = &said, time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	return judge(cmd, c, limited.Err(), err, strings.TrimSpace(said.String()))
}

func judge(cmd *exec.Cmd, c Config, late, err error, said string) (Result, error) {
	switch {
	case late != nil:
		return Result{Reason: fmt.Sprintf("a guest hung for %v under %s", c.Limit, c.Accel)}, nil
	case cmd.ProcessState == nil:
		return Result{}, err
	case cmd.ProcessState.ExitCode() == exitStatus:
		return Result{KVM: true, Reason: "a guest ran under " + c.Accel}, nil
	}
	return Result{Reason: fmt.Sprintf("QEMU ended with %v: %s", err, said)}, nil
}
