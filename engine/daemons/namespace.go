package daemons

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// NamespaceConfig describes a Namespace.
type NamespaceConfig struct {
	Hostname string            // its UTS name
	Dir      string            // an existing folder for the files of its daemons; short, as unix socket paths end at 107 bytes
	Binds    map[string]string // folder inside -> folder outside; both are made if absent
}

// Namespace is a running set of network, mount, PID and UTS namespaces.
type Namespace struct {
	cfg     NamespaceConfig
	pid     int // the anchor, as seen from outside: PID 1 inside
	unshare *exec.Cmd
	hold    io.Closer // our end of the anchor's pipe
	ended   chan struct{}
}

// HostBinds are the folders that a host's daemons write to, each in its own folder below dir.
func HostBinds(dir string) map[string]string {
	return map[string]string{
		"/run":                 dir + "/run",
		"/etc/libvirt":         dir + "/etc/libvirt",
		"/etc/openvswitch":     dir + "/etc/openvswitch",
		"/var/lib/libvirt":     dir + "/lib/libvirt",
		"/var/lib/ovn":         dir + "/lib/ovn",
		"/var/log/libvirt":     dir + "/log/libvirt",
		"/var/log/openvswitch": dir + "/log/openvswitch",
		"/var/log/ovn":         dir + "/log/ovn",
	}
}

// anchorScript becomes PID 1: bash reaps the orphans of daemons, which libvirt needs to see that a guest is gone. The last read ends with our pipe.
func anchorScript(cfg NamespaceConfig) string {
	var b strings.Builder
	b.WriteString("set -e\n")
	fmt.Fprintf(&b, "hostname %q\nmount -t sysfs sysfs /sys\n", cfg.Hostname)
	inside := make([]string, 0, len(cfg.Binds))
	for dir := range cfg.Binds {
		inside = append(inside, dir)
	}
	sort.Strings(inside)
	for _, dir := range inside {
		fmt.Fprintf(&b, "mkdir -p %q\nmount --bind %q %q\n", dir, cfg.Binds[dir], dir)
	}
	b.WriteString("ip link set lo up\nset +e\ntrap '' TERM HUP INT\necho up\nread -r _\n")
	return b.String()
}

// NewNamespace makes the namespaces and returns when their mounts are in place.
func NewNamespace(ctx context.Context, cfg NamespaceConfig) (*Namespace, error) {
	for _, outside := range cfg.Binds {
		if err := os.MkdirAll(outside, 0o755); err != nil {
			return nil, err
		}
	}
	// Not CommandContext: the namespaces outlive the call that made them.
	cmd := exec.Command("unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
		"bash", "-c", anchorScript(cfg))
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	n := &Namespace{cfg: cfg, unshare: cmd, hold: hold, ended: make(chan struct{})}
	line, readErr := bufio.NewReader(out).ReadString('\n')
	go func() {
		// Wait's error is the anchor's end, which is what we wait for.
		_ = cmd.Wait()
		close(n.ended)
	}()
	if readErr != nil || strings.TrimSpace(line) != "up" {
		_ = n.Close()
		return nil, fmt.Errorf("make namespaces of %s: %s", cfg.Hostname, errs.String())
	}
	if n.pid, err = childOf(cmd.Process.Pid); err != nil {
		_ = n.Close()
		return nil, err
	}
	return n, ctx.Err()
}

// childOf finds the only child of a process.
func childOf(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// PID is the process ID of the anchor, from outside.
func (n *Namespace) PID() int { return n.pid }

// NetPath is the network namespace as a file.
func (n *Namespace) NetPath() string { return fmt.Sprintf("/proc/%d/ns/net", n.pid) }

// Dir is the folder of the daemons' files.
func (n *Namespace) Dir() string { return n.cfg.Dir }

// Hostname is the UTS name.
func (n *Namespace) Hostname() string { return n.cfg.Hostname }

// Command implements Runner: the command runs in all the namespaces, in folder /.
func (n *Namespace) Command(ctx context.Context, args ...string) *exec.Cmd {
	enter := []string{"-t", strconv.Itoa(n.pid), "-m", "-n", "-u", "-p", "--"}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
}

// NetOnly is a Runner in the network namespace alone: paths and process IDs are those outside, which `ip link ... netns PID` needs.
func (n *Namespace) NetOnly() Runner { return netOnly{n.pid} }

type netOnly struct{ pid int }

func (n netOnly) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"-t", strconv.Itoa(n.pid), "-n", "--"}, args...)...)
}

// Close kills everything inside, like a power cut, and returns when it is gone. Closing twice is fine.
func (n *Namespace) Close() error {
	_ = n.hold.Close()
	// The anchor ends when it reads the end of its pipe; its parent reaps it, which is quicker than leaving a killed one to the machine's init.
	select {
	case <-n.ended:
		return n.awaitEmpty()
	case <-time.After(5 * time.Second):
	}
	if err := n.unshare.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-n.ended:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("namespaces of %s do not end", n.cfg.Hostname)
	}
	return n.awaitEmpty()
}

// awaitEmpty waits until the anchor itself is gone, so that its interfaces and sockets are free.
func (n *Namespace) awaitEmpty() error {
	if n.pid == 0 {
		return nil
	}
	ctx := context.Background()
	return WaitFor(ctx, 10*time.Second, "end of "+n.cfg.Hostname, func() error {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/ns/pid", n.pid)); err == nil {
			return fmt.Errorf("process %d is still there", n.pid)
		}
		return nil
	})
}

// Processes lists the command lines of the processes inside whose program has this base name: the ground truth, independent of any daemon's opinion.
func (n *Namespace) Processes(program string) ([][]string, error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", n.pid))
	if err != nil {
		return nil, nil // the anchor is gone, and all with it
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found [][]string
	for _, dir := range dirs {
		if ns, err := os.Readlink(dir + "/ns/pid"); err != nil || ns != own {
			continue
		}
		text, err := os.ReadFile(dir + "/cmdline")
		if err != nil || len(text) == 0 { // it ended meanwhile, or is a zombie
			continue
		}
		args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if filepath.Base(args[0]) == program {
			found = append(found, args)
		}
	}
	return found, nil
}
