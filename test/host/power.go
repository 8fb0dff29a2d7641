package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"edgecloud/engine/daemons"
)

// ErrPoweredOff is what commands on a powered-off host get.
var ErrPoweredOff = errors.New("the host is powered off")

func (h *Host) namespace() (*daemons.Namespace, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return nil, ErrPoweredOff
	}
	return h.ns, nil
}

// Run runs a command on the host.
func (h *Host) Run(ctx context.Context, args ...string) (string, error) {
	ns, err := h.namespace()
	if err != nil {
		return "", err
	}
	return daemons.Run(ctx, ns, args...)
}

// Runner starts commands on the host; nil while it is powered off.
func (h *Host) Runner() daemons.Runner {
	ns, err := h.namespace()
	if err != nil {
		return nil
	}
	return ns
}

// Netns is the host's network namespace as a file ("/proc/PID/ns/net"); it changes with a power cycle.
func (h *Host) Netns() string {
	ns, err := h.namespace()
	if err != nil {
		return ""
	}
	return ns.NetPath()
}

// Root is the host's file system as this process sees it ("/proc/PID/root"); it changes with a power cycle.
func (h *Host) Root() string {
	ns, err := h.namespace()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("/proc/%d/root", ns.PID())
}

// PowerOff cuts the power: daemons and guests are killed at once.
func (h *Host) PowerOff(t testing.TB) {
	t.Helper()
	if err := h.powerOff(); err != nil {
		t.Fatalf("power off %s: %v", h.Name, err)
	}
}

func (h *Host) powerOff() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ns == nil {
		return nil
	}
	err := h.ns.Close()
	h.ns = nil
	return err
}

// Reboot is a power cycle: everything that ran is killed, the disks stay, the daemons start again. Guests do not come back by themselves, and namespace
// ports are gone.
func (h *Host) Reboot(t testing.TB) {
	t.Helper()
	h.PowerOff(t)
	if err := h.PowerOn(context.Background()); err != nil {
		t.Fatalf("power on %s: %v", h.Name, err)
	}
}

// Cut unplugs the host from the underlay: no tunnels, no OVN central, no other hosts. Its unix sockets still answer.
func (h *Host) Cut(t testing.TB) { h.link(t, "down") }

// Mend plugs it in again.
func (h *Host) Mend(t testing.TB) { h.link(t, "up") }

func (h *Host) link(t testing.TB, state string) {
	t.Helper()
	if _, err := daemons.Run(context.Background(), h.fabric.central.NetOnly(), "ip", "link", "set", "u-"+h.Name, state); err != nil {
		t.Fatalf("link of %s %s: %v", h.Name, state, err)
	}
}

// PoweredGuests names the guests whose QEMU runs on the host, read from the process table: independent of what libvirt believes.
func (h *Host) PoweredGuests() ([]string, error) {
	ns, err := h.namespace()
	if errors.Is(err, ErrPoweredOff) {
		return nil, nil
	}
	list, err := ns.Processes("qemu-system-x86_64")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, args := range list {
		for i, arg := range args {
			if arg == "-name" && i+1 < len(args) {
				name, _, _ := strings.Cut(strings.TrimPrefix(args[i+1], "guest="), ",")
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// explain shows the state of the central and of every host after a failure.
func (f *Fabric) explain() {
	ctx := context.Background() // the test's own has ended
	f.mu.Lock()
	hosts := slices.Clone(f.hosts)
	f.mu.Unlock()
	if f.central != nil {
		f.logf("central:\n%s", Explain(ctx, f.central))
	}
	for _, h := range hosts {
		if ns, err := h.namespace(); err == nil {
			f.logf("host %s:\n%s", h.Name, Explain(ctx, ns))
		}
	}
}
