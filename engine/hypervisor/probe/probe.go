package probe

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
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
	// Limit is how long the guest may take; 0 is 15 s (it takes well below one where KVM works).
	Limit time.Duration
	// Emulator is QEMU's program; empty is qemu-system-x86_64.
	Emulator string
	// Accel is what is probed; empty is kvm.
	Accel string
}

// KVM tells whether guests run under KVM. An error means that it could not be found out, as when QEMU is missing; a host without KVM is no error.
func KVM(ctx context.Context, c Config) (Result, error) {
	if c.Limit == 0 {
		c.Limit = 15 * time.Second
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

// fingerprint names what an answer depends on; what the guest does is part of it.
func fingerprint(c Config) (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	info, err := os.Stat(c.Emulator)
	if err != nil {
		return "", err
	}
	device, guest := "no /dev/kvm", sha256.Sum256(bootSector)
	if _, err := os.Stat("/dev/kvm"); err == nil {
		device = "/dev/kvm"
	}
	return fmt.Sprintf("%s %s, %s %d, %s, %s, guest %x", unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]), c.Emulator, info.ModTime().Unix(), device, c.Accel,
		guest[:4]), nil
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

// exitStatus is what isa-debug-exit makes of the byte 0x15 that the guest ends with: 2*byte+1.
const exitStatus = 0x2b

// bootSector is the guest; boot/boot.S says what it does.
//
//go:embed boot/boot.bin
var bootSector []byte

// steps are what the guest does, in the order of the characters 1 to 5 that it writes.
var steps = []string{"read a disk in real mode", "took an interrupt in protected mode", "ran in long mode", "took the timer's interrupt", "ran in user mode"}

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
	if err := os.WriteFile(image, bootSector, 0o600); err != nil {
		return Result{}, err
	}
	limited, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	var did bytes.Buffer
	said := complaint{stop: cancel}
	cmd := exec.CommandContext(limited, c.Emulator, "-accel", c.Accel, "-machine", "pc", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-drive", "if=ide,format=raw,readonly=off,snapshot=on,file="+image)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &did, &said, time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return Result{}, ctx.Err()
	}
	if cmd.ProcessState == nil {
		return Result{}, err
	}
	return judge(cmd.ProcessState.ExitCode(), c, limited.Err(), did.String(), said.text()), nil
}

func judge(status int, c Config, late error, did, said string) Result {
	last := "before it did anything"
	if n := len(did); n > 0 && n <= len(steps) {
		last = "after it " + steps[n-1]
	}
	switch {
	case strings.Contains(said, internalError):
		return Result{Reason: fmt.Sprintf("%s stopped a guest %s: it cannot emulate what came next", c.Accel, last)}
	case errors.Is(late, context.DeadlineExceeded):
		return Result{Reason: fmt.Sprintf("a guest hung for %v under %s, %s", c.Limit, c.Accel, last)}
	case status == exitStatus && len(did) == len(steps):
		return Result{KVM: true, Reason: "a guest ran under " + c.Accel}
	}
	return Result{Reason: fmt.Sprintf("QEMU ended with status %d, %s: %s", status, last, said)}
}

// internalError is what QEMU says when KVM gives a guest up; the guest is then paused for ever.
const internalError = "KVM internal error"

// complaint keeps what QEMU says, and ends it as soon as there is no use in waiting.
type complaint struct {
	mu   sync.Mutex
	said bytes.Buffer
	stop func()
}

func (c *complaint) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.said.Write(p)
	if bytes.Contains(c.said.Bytes(), []byte(internalError)) {
		c.stop()
	}
	return n, err
}

func (c *complaint) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.TrimSpace(c.said.String())
}
