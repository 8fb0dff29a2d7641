package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/engine/disk/disktest"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/hypervisor/hypervisortest"
	netengine "edgecloud/engine/network"
	"edgecloud/engine/network/networktest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

func newHost(t *testing.T, cfg sim.Config) (*sim.World, *sim.Host) {
	t.Helper()
	w := sim.NewWorld(cfg)
	return w, w.Host("site-1", "host-1", sim.Capacity{VCPUs: 64, MemoryMiB: 256 << 10, DiskBytes: 1 << 40})
}

func TestDiskSuite(t *testing.T) {
	disktest.Suite(t, "sim", func(t *testing.T) disktest.Fixture {
		_, h := newHost(t, sim.Config{})
		return disktest.Fixture{Pool: h.Disk(), Reopen: func(*testing.T) disk.Pool { return h.Disk() }}
	})
}

func TestDiskSuiteOverARestartOfTheProcess(t *testing.T) {
	disktest.Suite(t, "sim", func(t *testing.T) disktest.Fixture {
		_, h := newHost(t, sim.Config{})
		return disktest.Fixture{Pool: h.Disk(), Reopen: func(t *testing.T) disk.Pool {
			dir := t.TempDir()
			require.NoError(t, h.Site().World().Save(dir))
			again, err := sim.Load(sim.Config{}, dir)
			require.NoError(t, err)
			return again.Host("site-1", "host-1", sim.Capacity{DiskBytes: 1 << 40}).Disk()
		}}
	})
}

func TestNetworkSuite(t *testing.T) {
	networktest.Suite(t, "sim", func(t *testing.T) netengine.Network {
		_, h := newHost(t, sim.Config{})
		return h.Network()
	})
}

// rig makes machines on one simulated host.
type rig struct {
	w *sim.World
	h *sim.Host
}

func (r rig) disk(t *testing.T) hypervisor.Disk {
	t.Helper()
	uid := uuid.NewString()
	_, err := r.h.Disk().Ensure(t.Context(), spec.Volume{UID: uid, Bytes: 1 << 30})
	require.NoError(t, err)
	source, err := r.h.Disk().Source(t.Context(), uid)
	require.NoError(t, err)
	return hypervisor.Disk{Volume: uid, Source: source}
}

func (r rig) machine(t *testing.T) hypervisor.Machine {
	t.Helper()
	d, uid := r.disk(t), uuid.NewString()
	return hypervisor.Machine{
		Instance: spec.Instance{UID: uid, Name: "vm-" + uid[:8], VCPUs: 1, MemoryMiB: 64, Volumes: []string{d.Volume}, Guest: spec.Guest{Hostname: "h-" + uid[:4]}},
		Disks:    []hypervisor.Disk{d}, Seed: []byte("seed"),
	}
}

func (r rig) stubborn(t *testing.T) hypervisor.Machine {
	m := r.machine(t)
	r.w.AddRule(sim.Rule{Op: sim.OpGuestShutdown, UID: m.UID, Effect: sim.Fail})
	r.w.AddRule(sim.Rule{Op: sim.OpGuestAgent, UID: m.UID, Effect: sim.Fail})
	return m
}

// serial tells NICs apart.
var serial atomic.Uint32

func (r rig) fixture() hypervisortest.Fixture {
	return hypervisortest.Fixture{
		Engine: r.h.Hypervisor(), Reopen: func(*testing.T) hypervisor.Hypervisor { return r.h.Hypervisor() },
		Polite: r.machine, Stubborn: r.stubborn, Disk: r.disk, Tool: true,
		Booted: func(t *testing.T, uid string) {
			g, ok := r.h.Guest(uid)
			require.True(t, ok && g.Ready)
		},
		Crash: func(t *testing.T, uid string) { require.NoError(t, r.h.CrashMachine(uid)) },
		NIC: func(t *testing.T) spec.NIC {
			return spec.NIC{Port: uuid.NewString(), MAC: fmt.Sprintf("fa:16:3e:00:00:%02x", serial.Add(1))}
		},
	}
}

func TestHypervisorSuite(t *testing.T) {
	hypervisortest.Suite(t, "sim", func(t *testing.T) hypervisortest.Fixture {
		w, h := newHost(t, sim.Config{})
		return rig{w, h}.fixture()
	})
}

func TestHypervisorSuiteOnFiles(t *testing.T) {
	hypervisortest.Suite(t, "sim", func(t *testing.T) hypervisortest.Fixture {
		w, h := newHost(t, sim.Config{})
		f := rig{w, h}.fixture()
		f.Disk = func(t *testing.T) hypervisor.Disk {
			path := filepath.Join(t.TempDir(), "disk")
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			return hypervisor.Disk{Volume: uuid.NewString(), Source: disk.Source{Path: path, Format: "raw"}}
		}
		return f
	})
}
