package onebox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"edgecloud/control"
	"edgecloud/engine/daemons"
	"edgecloud/engine/network"
)

// stopGuest is how long a guest may take to shut down before it is switched off.
const stopGuest = 30 * time.Second

// StopGuests shuts the guests of a real host down; the next start of the cloud starts them again, as that is what its tenants want.
func StopGuests(ctx context.Context, dir string) error {
	state, err := control.LoadState(dir)
	if err != nil || state.Engine != control.EngineReal {
		return err
	}
	e, err := openEngines(ctx, dir, false, nil, slog.Default())
	if err != nil {
		return err
	}
	defer e.Close()
	machines, err := e.Hypervisor.List(ctx)
	if err != nil {
		return err
	}
	errs := make(chan error, len(machines))
	for _, m := range machines {
		go func() { errs <- e.Hypervisor.Stop(ctx, m.UID, stopGuest) }()
	}
	for range machines {
		err = errors.Join(err, <-errs)
	}
	return err
}

// removeReal takes everything off the machine that the cloud put there: guests, OVN rows, the bridge, and the daemons that it started.
func removeReal(ctx context.Context, dir string) error {
	m, err := openMachine(dir)
	if err != nil {
		return err
	}
	if err := m.removeWorkloads(ctx, dir); err != nil {
		return err
	}
	if m.made.Bridge && answers(daemons.OVSSocket) {
		if _, err := vsctl(ctx, "--if-exists", "del-br", externalBridge); err != nil {
			return err
		}
	}
	if m.made.Controller {
		m.end("/run/ovn/ovn-controller.pid")
		if answers(daemons.OVSSocket) {
			if _, err := daemons.Script(ctx, daemons.Direct{}, clearChassis); err != nil {
				return err
			}
		}
	}
	return m.endDaemons()
}

// clearChassis takes the chassis' settings back, and the bridge that ovn-controller made.
const clearChassis = `for key in ovn-remote ovn-encap-type ovn-encap-ip ovn-bridge-datapath-type ovn-bridge-mappings ovn-cms-options ovn-monitor-all ovn-remote-probe-interval; do
  ovs-vsctl --timeout=20 remove Open_vSwitch . external-ids $key
done
ovs-vsctl --timeout=20 --if-exists del-br br-int`

func (m *machine) removeWorkloads(ctx context.Context, dir string) error {
	if !answers(daemons.LibvirtSocket) || !answers(daemons.NBSocket) {
		if !m.made.Libvirt && !m.made.Central {
			return nil // it was never started
		}
		if _, err := m.start(ctx); err != nil {
			return fmt.Errorf("start the engines to clean them: %w", err)
		}
	}
	e, err := openEngines(ctx, dir, false, nil, slog.Default())
	if err != nil {
		return err
	}
	defer e.Close()
	machines, err := e.Hypervisor.List(ctx)
	if err != nil {
		return err
	}
	for _, one := range machines {
		if err := e.Hypervisor.Remove(ctx, one.UID); err != nil {
			return err
		}
	}
	balancers, err := e.Balancer.List(ctx)
	if err != nil {
		return err
	}
	for _, uid := range balancers {
		if err := e.Balancer.Remove(ctx, uid); err != nil {
			return err
		}
	}
	return removeObjects(ctx, e.Network)
}

// removeObjects removes all objects of the network, those that others refer to after those others.
func removeObjects(ctx context.Context, n network.Network) error {
	for {
		all, err := n.List(ctx)
		if err != nil || len(all) == 0 {
			return err
		}
		left, failed := 0, error(nil)
		for _, o := range all {
			if err := n.Remove(ctx, o); err != nil {
				left++
				failed = errors.Join(failed, err)
			}
		}
		if left == len(all) {
			return failed
		}
	}
}

// pidFiles of the daemons, in the order in which they end.
func (m *machine) pidFiles() (files []string) {
	if m.made.Central {
		files = append(files, "/run/ovn/ovn-northd.pid", "/run/ovn/ovnnb_db.pid", "/run/ovn/ovnsb_db.pid")
	}
	if m.made.OVS {
		files = append(files, "/run/openvswitch/ovs-vswitchd.pid", "/run/openvswitch/ovsdb-server.pid")
	}
	if m.made.Libvirt {
		files = append(files, "/run/libvirtd.pid", "/run/virtlogd.pid")
	}
	return files
}

func (m *machine) endDaemons() error {
	for _, f := range m.pidFiles() {
		m.end(f)
	}
	var made []string
	if m.made.OVNDB {
		made = append(made, "/var/lib/ovn/ovnnb_db.db", "/var/lib/ovn/ovnsb_db.db")
	}
	if m.made.OVSDB {
		made = append(made, "/etc/openvswitch/conf.db")
	}
	for _, path := range made {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if !m.made.Libvirt {
		return nil
	}
	for _, path := range libvirtFiles {
		before := filepath.Join(m.dir, filepath.Base(path)+".before")
		text, err := os.ReadFile(before)
		switch {
		case err == nil:
			err = control.ReplaceFile(path, text, 0o600)
		case errors.Is(err, os.ErrNotExist):
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// end stops the process of a PID file and waits for it. A file of the past is left alone.
func (m *machine) end(pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || !ours(pid) || syscall.Kill(pid, syscall.SIGTERM) != nil {
		return
	}
	gone := func() error {
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
			return fmt.Errorf("process %d still runs", pid)
		}
		return nil
	}
	if daemons.WaitFor(context.Background(), 10*time.Second, "end of a daemon", gone) != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it had its time
	}
}

// ours tells whether a process is one of the daemons: a number of a stale file may be anybody's by now.
func ours(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return false
	}
	switch strings.TrimSpace(string(name)) {
	case "ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller", "libvirtd", "virtlogd":
		return true
	}
	return false
}
