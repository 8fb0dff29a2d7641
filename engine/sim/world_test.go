package sim_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

func TestDelaysTakeVirtualTimeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newHost(t, sim.Config{Delay: map[sim.Op]sim.Delay{sim.OpStart: sim.Fixed(time.Hour), sim.OpGuestBoot: sim.Fixed(time.Minute), sim.OpGuestShutdown: sim.Fixed(3 * time.Second)}})
		m := rig{w, h}.machine(t)
		begin := time.Now()
		require.NoError(t, h.Hypervisor().Define(t.Context(), m))
		require.Zero(t, time.Since(begin))
		require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
		require.Equal(t, time.Hour, time.Since(begin))
		require.ErrorIs(t, h.Hypervisor().SetPassword(t.Context(), m.UID, "root", "$6$a$b"), hypervisor.ErrNoGuestTool)
		time.Sleep(time.Minute)
		require.NoError(t, h.Hypervisor().SetPassword(t.Context(), m.UID, "root", "$6$a$b"))
		g, _ := h.Guest(m.UID)
		require.Equal(t, sim.Guest{On: true, Ready: true, Boots: 1, Seeded: true, Hostname: m.Guest.Hostname, Passwords: []sim.Credential{{User: "root", Hash: "$6$a$b"}}, MemoryMiB: 64, VCPUs: 1,
			Volumes: m.Volumes}, g)
		begin = time.Now()
		require.NoError(t, h.Hypervisor().Stop(t.Context(), m.UID, time.Minute))
		require.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func TestAShutdownGoesOnWhenNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, h := newHost(t, sim.Config{Delay: map[sim.Op]sim.Delay{sim.OpGuestShutdown: sim.Fixed(10 * time.Second)}})
		m := rig{w, h}.machine(t)
		require.NoError(t, h.Hypervisor().Define(t.Context(), m))
		require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, h.Hypervisor().Stop(ctx, m.UID, time.Minute), context.DeadlineExceeded)
		s, err := h.Hypervisor().Get(t.Context(), m.UID)
		require.NoError(t, err)
		require.Equal(t, spec.On, s.Power)
		asked := time.Now().Add(-time.Second)
		time.Sleep(time.Minute)
		s, err = h.Hypervisor().Get(t.Context(), m.UID)
		require.NoError(t, err)
		require.Equal(t, spec.Off, s.Power)
		require.False(t, s.Crashed)
		require.True(t, s.Since.Equal(asked.Add(10*time.Second)))
	})
}

func TestFaults(t *testing.T) {
	mine := errors.New("mine")
	tests := []struct {
		name  string
		rule  sim.Rule
		check func(t *testing.T, e hypervisor.Hypervisor, uid string)
	}{
		{"fail", sim.Rule{Op: sim.OpStart, Err: mine}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.ErrorIs(t, e.Start(t.Context(), uid), mine)
			s, _ := e.Get(t.Context(), uid)
			require.Equal(t, spec.Off, s.Power)
		}},
		{"the answer is lost", sim.Rule{Op: sim.OpStart, Effect: sim.FailLate, Count: 1}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.ErrorIs(t, e.Start(t.Context(), uid), sim.ErrInjected)
			s, _ := e.Get(t.Context(), uid)
			require.Equal(t, spec.On, s.Power)
			require.NoError(t, e.Start(t.Context(), uid))
		}},
		{"hang", sim.Rule{Op: sim.OpStart, Effect: sim.Hang}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, e.Start(ctx, uid), context.DeadlineExceeded)
		}},
		{"crash", sim.Rule{Op: sim.OpStart, Effect: sim.Crash, Count: 1}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.NoError(t, e.Start(t.Context(), uid))
			s, _ := e.Get(t.Context(), uid)
			require.True(t, s.Crashed)
		}},
		{"crash at boot", sim.Rule{Op: sim.OpGuestBoot, Effect: sim.Crash, Count: 1}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.NoError(t, e.Start(t.Context(), uid))
			s, _ := e.Get(t.Context(), uid)
			require.True(t, s.Crashed)
		}},
		{"the third call", sim.Rule{Op: sim.OpGet, Nth: 3}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			for i := range 5 {
				_, err := e.Get(t.Context(), uid)
				require.Equal(t, i == 2, err != nil, i)
			}
		}},
		{"two times", sim.Rule{Op: sim.OpGet, Count: 2}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			for i := range 5 {
				_, err := e.Get(t.Context(), uid)
				require.Equal(t, i < 2, err != nil, i)
			}
		}},
		{"another host", sim.Rule{Host: "host-2"}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.NoError(t, e.Start(t.Context(), uid))
		}},
		{"another machine", sim.Rule{UID: "other"}, func(t *testing.T, e hypervisor.Hypervisor, uid string) {
			require.NoError(t, e.Start(t.Context(), uid))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, h := newHost(t, sim.Config{})
			m := rig{w, h}.machine(t)
			require.NoError(t, h.Hypervisor().Define(t.Context(), m))
			remove := w.AddRule(tt.rule)
			tt.check(t, h.Hypervisor(), m.UID)
			remove()
			require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
		})
	}
	w, h := newHost(t, sim.Config{})
	w.AddRule(sim.Rule{Op: sim.OpVolumeEnsure, Effect: sim.Full})
	_, err := h.Disk().Ensure(t.Context(), spec.Volume{UID: "v", Bytes: 1})
	require.ErrorIs(t, err, disk.ErrFull)
}

// outcomes makes the same calls on many machines, each machine's in order, all machines at once, and tells which calls failed.
func outcomes(t *testing.T, seed uint64) string {
	w, h := newHost(t, sim.Config{Seed: seed, Rules: []sim.Rule{{Op: sim.OpGet, Probability: 0.5}}})
	_ = w
	got := make([]string, 30)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			for range 20 {
				_, err := h.Hypervisor().Get(t.Context(), fmt.Sprintf("vm-%d", i))
				got[i] += fmt.Sprint(errors.Is(err, sim.ErrInjected))[:1]
			}
		})
	}
	all.Wait()
	return fmt.Sprint(got)
}

func TestSameSeedSameOutcomeHoweverGoroutinesRun(t *testing.T) {
	first := outcomes(t, 7)
	require.Equal(t, first, outcomes(t, 7))
	require.NotEqual(t, first, outcomes(t, 8))
	require.Contains(t, first, "t")
	require.Contains(t, first, "f")
}

func TestDelaysAreWithinBounds(t *testing.T) {
	for u := 0.0; u < 1; u += 0.001 {
		d := sim.Uniform(time.Second, 2*time.Second)(u)
		require.True(t, d >= time.Second && d < 2*time.Second)
		require.LessOrEqual(t, sim.Exponential(time.Second)(u), 20*time.Second)
		require.Positive(t, sim.LogNormal(time.Second, 0.5)(u))
	}
	require.InDelta(t, float64(time.Second), float64(sim.LogNormal(time.Second, 1)(0.5)), float64(time.Millisecond))
}

func TestPower(t *testing.T) {
	w, h := newHost(t, sim.Config{})
	m := rig{w, h}.machine(t)
	e := h.Hypervisor()
	require.NoError(t, e.Define(t.Context(), m))
	require.NoError(t, e.Start(t.Context(), m.UID))
	require.EqualValues(t, 64, h.MemoryInUse())
	changes, err := e.Watch(t.Context())
	require.NoError(t, err)
	screen, err := e.Console(t.Context(), m.UID)
	require.NoError(t, err)
	h.PowerOff()
	_, err = e.List(t.Context())
	require.ErrorIs(t, err, sim.ErrHostDown)
	require.ErrorIs(t, h.Network().EnsureNetwork(t.Context(), spec.Network{UID: "n"}), sim.ErrHostDown)
	for range changes { // it may tell of the machine, and ends
	}
	_, err = screen.Read(make([]byte, 1))
	require.Error(t, err)
	require.Zero(t, h.MemoryInUse())
	h.PowerOn()
	s, err := e.Get(t.Context(), m.UID)
	require.NoError(t, err)
	require.Equal(t, spec.Off, s.Power)
	require.NoError(t, e.Start(t.Context(), m.UID), "its disks are there")
	h.Cut(true)
	require.ErrorIs(t, h.Network().EnsureNetwork(t.Context(), spec.Network{UID: "n"}), sim.ErrCut)
	require.NoError(t, e.Stop(t.Context(), m.UID, 0), "the host itself works on")
}

func TestStartNeedsDisksAndMemory(t *testing.T) {
	w := sim.NewWorld(sim.Config{})
	h := w.Host("s", "h", sim.Capacity{MemoryMiB: 100})
	r := rig{w, h}
	a, b := r.machine(t), r.machine(t)
	require.NoError(t, h.Hypervisor().Define(t.Context(), a))
	require.NoError(t, h.Hypervisor().Define(t.Context(), b))
	require.NoError(t, h.Hypervisor().Start(t.Context(), a.UID))
	require.ErrorIs(t, h.Hypervisor().Start(t.Context(), b.UID), sim.ErrNoMemory)
	require.NoError(t, h.Hypervisor().Stop(t.Context(), a.UID, 0))
	require.NoError(t, h.Disk().Remove(t.Context(), a.Disks[0].Volume))
	require.ErrorContains(t, h.Hypervisor().Start(t.Context(), a.UID), "not in the pool")
	require.NoError(t, h.Hypervisor().Start(t.Context(), b.UID))
	require.NoError(t, h.Hypervisor().Stop(t.Context(), b.UID, 0))
	_, err := h.Disk().Ensure(t.Context(), spec.Volume{UID: b.Disks[0].Volume, Bytes: 1 << 30, Epoch: 1})
	require.NoError(t, err)
	require.Error(t, h.Hypervisor().Start(t.Context(), b.UID), "the old epoch is gone")
}

func TestTheDiskFillsUp(t *testing.T) {
	w := sim.NewWorld(sim.Config{})
	h := w.Host("s", "h", sim.Capacity{DiskBytes: 10 << 20})
	_, err := h.Disk().Ensure(t.Context(), spec.Volume{UID: "v", Bytes: 9 << 20})
	require.NoError(t, err)
	_, err = h.Disk().Ensure(t.Context(), spec.Volume{UID: "w", Bytes: 9 << 20})
	require.NoError(t, err, "disks are thin")
	require.NoError(t, h.GuestWrites("v", 8<<20))
	require.ErrorIs(t, h.GuestWrites("w", 8<<20), disk.ErrFull)
	require.NoError(t, h.Disk().Remove(t.Context(), "v"))
	require.NoError(t, h.GuestWrites("w", 8<<20))
}

func TestAWorldOutlivesItsProcess(t *testing.T) {
	dir := t.TempDir()
	open := func() (*sim.World, *sim.Host) {
		w, err := sim.Open(sim.Config{}, dir)
		require.NoError(t, err)
		return w, w.Host("site-1", "host-1", sim.Capacity{DiskBytes: 1 << 40})
	}
	w, h := open()
	r := rig{w, h}
	on, off, gone := r.machine(t), r.machine(t), r.machine(t)
	for _, m := range []hypervisor.Machine{on, off, gone} {
		require.NoError(t, h.Hypervisor().Define(t.Context(), m))
		require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
	}
	require.NoError(t, h.Hypervisor().Stop(t.Context(), off.UID, 0))
	require.NoError(t, h.Hypervisor().Remove(t.Context(), gone.UID))
	require.NoError(t, h.Hypervisor().SetPassword(t.Context(), on.UID, "root", "$6$a$b"))
	net := topology(t, h.Site())
	for range 3 {
		machines, volumes, objects := contents(t, h)
		guest, _ := h.Guest(on.UID)
		require.NoError(t, w.Close())
		w, h = open()
		machines2, volumes2, objects2 := contents(t, h)
		require.ElementsMatch(t, machines, machines2)
		require.ElementsMatch(t, volumes, volumes2)
		require.ElementsMatch(t, objects, objects2)
		guest2, _ := h.Guest(on.UID)
		require.Equal(t, guest, guest2)
		require.EqualValues(t, 64, h.MemoryInUse())
		require.True(t, w.CanReach(net.web, net.dbAddr, "tcp", 5432))
		require.NoError(t, h.Hypervisor().Restart(t.Context(), on.UID, 0))
	}
	require.NoError(t, h.Hypervisor().Start(t.Context(), off.UID), "its disk is there")
	require.NoError(t, w.Close())
}

func contents(t *testing.T, h *sim.Host) (machines, volumes, objects any) {
	t.Helper()
	m, err := h.Hypervisor().List(t.Context())
	require.NoError(t, err)
	v, err := h.Disk().List(t.Context())
	require.NoError(t, err)
	o, err := h.Network().List(t.Context())
	require.NoError(t, err)
	return m, v, o
}

func TestATornJournalLosesItsEndOnly(t *testing.T) {
	dir := t.TempDir()
	w, err := sim.Open(sim.Config{}, dir)
	require.NoError(t, err)
	h := w.Host("s", "h", sim.Capacity{})
	for i := range 50 {
		_, err := h.Disk().Ensure(t.Context(), spec.Volume{UID: fmt.Sprintf("v%d", i), Bytes: 1 << 20})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	path := filepath.Join(dir, "journal-00000001")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	last := 50
	for cut := len(whole); cut >= 0; cut -= 37 {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		again, err := sim.Load(sim.Config{}, dir)
		require.NoError(t, err)
		volumes, err := again.Host("s", "h", sim.Capacity{}).Disk().List(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(volumes), last)
		last = len(volumes)
	}
	require.Zero(t, last)
	spoiled := append([]byte(nil), whole...)
	spoiled[len(spoiled)/2] ^= 0x40
	require.NoError(t, os.WriteFile(path, spoiled, 0o600))
	_, err = sim.Load(sim.Config{}, dir)
	require.NoError(t, err)
}

func TestADamagedSnapshotIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "saved")
	w, h := newHost(t, sim.Config{})
	rig{w, h}.machine(t)
	require.NoError(t, w.Save(dir))
	require.Error(t, w.Save(dir), "it is not empty")
	path := filepath.Join(dir, "snapshot-00000001")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-3], 0o600))
	_, err = sim.Load(sim.Config{}, dir)
	require.ErrorContains(t, err, "damaged")
}

func TestTheJournalIsCompacted(t *testing.T) {
	dir := t.TempDir()
	w, err := sim.Open(sim.Config{}, dir)
	require.NoError(t, err)
	h := w.Host("s", "h", sim.Capacity{})
	r := rig{w, h}
	m := r.machine(t)
	require.NoError(t, h.Hypervisor().Define(t.Context(), m))
	snapshot := func() bool {
		found, err := filepath.Glob(filepath.Join(dir, "snapshot-*"))
		require.NoError(t, err)
		return len(found) > 0
	}
	for i := 0; !snapshot(); i++ {
		require.Less(t, i, 1_000_000)
		require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
		require.NoError(t, h.Hypervisor().Stop(t.Context(), m.UID, 0))
	}
	require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
	require.NoError(t, w.Close())
	var size int64
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		size += info.Size()
		require.NotContains(t, e.Name(), "unfinished")
	}
	require.Less(t, size, int64(8<<20))
	again, err := sim.Open(sim.Config{}, dir)
	require.NoError(t, err)
	g, ok := again.Host("s", "h", sim.Capacity{}).Guest(m.UID)
	require.True(t, ok && g.On)
	require.NoError(t, again.Close())
}
