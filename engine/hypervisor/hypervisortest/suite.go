package hypervisortest

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// Suite states what every hypervisor does. newFixture makes an empty engine for each case and cleans up by t.Cleanup.
func Suite(t *testing.T, name string, newFixture func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		run  func(*testing.T, Fixture)
	}{
		{"unknown UIDs are absent and can be stopped and removed", unknown},
		{"bad fields are refused", badFields},
		{"capacity is known", capacity},
		{"define makes known and does not start", define},
		{"define twice does nothing", defineTwice},
		{"define changes a machine that is off", redefine},
		{"define on a running machine drifts until the next start", drift},
		{"a disk comes and goes on a running machine", hotDisk},
		{"a NIC comes and goes on a running machine", hotNIC},
		{"of several NICs one goes and another comes on a running machine", hotNICs},
		{"start twice is one start", startTwice},
		{"stop at once", stopNow},
		{"stop asks the guest", stopPolite},
		{"stop pulls the plug after grace", stopStubborn},
		{"restart needs a running machine", restartOff},
		{"restart at once", restartNow},
		{"restart asks the guest", restartPolite},
		{"restart resets after grace", restartStubborn},
		{"a crash is told and start mends it", crash},
		{"watch tells of a crash and ends with its context", watch},
		{"remove powers off, keeps disks, and can be repeated", remove},
		{"an engine opened again knows all", reopen},
		{"a cancelled call can be repeated", cancelled},
		{"twenty at once lose none", concurrent},
		{"the same call at once is one call", concurrentSame},
		{"list leaves foreign machines out", foreign},
		{"a password needs a guest that listens", password},
		{"the console speaks RFB", console},
		{"usage grows while it runs, and a machine that is off uses nothing", usage},
	}
	for _, c := range cases {
		t.Run(name+"/"+c.name, func(t *testing.T) { c.run(t, newFixture(t)) })
	}
}

func unknown(t *testing.T, f Fixture) {
	ctx, uid := t.Context(), unknownUID()
	_, err := f.Engine.Get(ctx, uid)
	require.ErrorIs(t, err, hypervisor.ErrAbsent)
	require.ErrorIs(t, f.Engine.Start(ctx, uid), hypervisor.ErrAbsent)
	require.ErrorIs(t, f.Engine.Restart(ctx, uid, 0), hypervisor.ErrAbsent)
	require.ErrorIs(t, f.Engine.SetPassword(ctx, uid, "root", "$6$x$y"), hypervisor.ErrAbsent)
	_, err = f.Engine.Console(ctx, uid)
	require.ErrorIs(t, err, hypervisor.ErrAbsent)
	for range 2 {
		require.NoError(t, f.Engine.Stop(ctx, uid, 0))
		require.NoError(t, f.Engine.Remove(ctx, uid))
	}
	require.Empty(t, f.listed(t))
}

func badFields(t *testing.T, f Fixture) {
	spoil := map[string]func(*hypervisor.Machine){
		"uid":        func(m *hypervisor.Machine) { m.UID = "../escape" },
		"name":       func(m *hypervisor.Machine) { m.Name = "" },
		"vcpus":      func(m *hypervisor.Machine) { m.VCPUs = 0 },
		"memory_mib": func(m *hypervisor.Machine) { m.MemoryMiB = 0 },
		"volumes":    func(m *hypervisor.Machine) { m.Disks = m.Disks[:0] },
		"mac":        func(m *hypervisor.Machine) { m.NICs = []spec.NIC{{Port: unknownUID(), MAC: "no"}} },
		"port":       func(m *hypervisor.Machine) { m.NICs = []spec.NIC{{MAC: "fa:16:3e:00:00:01"}} },
		"slot": func(m *hypervisor.Machine) {
			m.NICs = []spec.NIC{{Port: unknownUID(), MAC: "fa:16:3e:00:00:01"}, {Port: unknownUID(), MAC: "fa:16:3e:00:00:02"}}
		},
	}
	for field, change := range spoil {
		m := f.Stubborn(t)
		change(&m)
		require.ErrorContains(t, f.Engine.Define(t.Context(), m), field)
	}
	require.Empty(t, f.listed(t))
}

func capacity(t *testing.T, f Fixture) {
	c, err := f.Engine.Capacity(t.Context())
	require.NoError(t, err)
	require.Positive(t, c.VCPUs)
	require.Positive(t, c.MemoryMiB)
	require.NotEmpty(t, c.Arch)
}

func define(t *testing.T, f Fixture) {
	m := f.define(t, f.Stubborn(t))
	s := f.power(t, m.UID, spec.Off)
	require.False(t, s.Crashed)
	require.False(t, s.Drifted)
}

func defineTwice(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	f.define(t, m)
	require.Len(t, f.listed(t), 1)
	require.False(t, f.power(t, m.UID, spec.On).Drifted)
}

func redefine(t *testing.T, f Fixture) {
	m := f.define(t, f.Stubborn(t))
	m.MemoryMiB += 16
	m.Name = "renamed"
	m.Seed = []byte("another seed")
	m = f.addDisk(t, m)
	f.define(t, m)
	require.False(t, f.power(t, m.UID, spec.Off).Drifted)
	require.Len(t, f.listed(t), 1)
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	require.False(t, f.power(t, m.UID, spec.On).Drifted)
}

func drift(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	m.MemoryMiB += 16
	f.define(t, m)
	require.True(t, f.power(t, m.UID, spec.On).Drifted)
	require.True(t, f.listed(t)[m.UID].Drifted)
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 0))
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	require.False(t, f.power(t, m.UID, spec.On).Drifted)
}

func hotDisk(t *testing.T, f Fixture) {
	small := f.boot(t, f.Polite(t))
	large := f.addDisk(t, small)
	for range 2 {
		f.define(t, large)
		require.False(t, f.power(t, large.UID, spec.On).Drifted, "a disk is added at once")
	}
	// The guest must let go of a disk, and not every guest does: then it is gone at the next start.
	f.define(t, small)
	after := f.power(t, small.UID, spec.On)
	require.Equal(t, after.Drifted, after.Held, "what it differs in is the disk that its guest holds")
	require.NoError(t, f.Engine.Stop(t.Context(), small.UID, 0))
	require.NoError(t, f.Engine.Start(t.Context(), small.UID))
	after = f.power(t, small.UID, spec.On)
	require.False(t, after.Drifted || after.Held)
}

func hotNIC(t *testing.T, f Fixture) {
	if f.NIC == nil {
		return // stated by the fixture: no network to plug into
	}
	bare := f.boot(t, f.Polite(t))
	wired := bare
	wired.NICs = append(wired.NICs[:len(wired.NICs):len(wired.NICs)], f.NIC(t))
	for range 2 {
		f.define(t, wired)
		require.False(t, f.power(t, wired.UID, spec.On).Drifted, "a NIC is added at once")
	}
	f.define(t, bare)
	require.NoError(t, f.Engine.Stop(t.Context(), bare.UID, 0))
	require.NoError(t, f.Engine.Start(t.Context(), bare.UID))
	require.False(t, f.power(t, bare.UID, spec.On).Drifted)
}

// hotNICs takes the first of two NICs from a running machine, and gives it one in the slot that is free then.
func hotNICs(t *testing.T, f Fixture) {
	if f.NIC == nil {
		return // stated by the fixture: no network to plug into
	}
	m := f.Polite(t)
	first, second, third := f.NIC(t), f.NIC(t), f.NIC(t)
	first.Slot, second.Slot, third.Slot = 0, 1, 0
	m.NICs = []spec.NIC{first, second}
	f.boot(t, m)
	for _, nics := range [][]spec.NIC{{second}, {third, second}} {
		m.NICs = nics
		for range 2 {
			f.define(t, m)
			f.power(t, m.UID, spec.On)
		}
	}
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 0))
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	require.False(t, f.power(t, m.UID, spec.On).Drifted)
}

func startTwice(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	first := f.power(t, m.UID, spec.On)
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	require.Equal(t, first, f.power(t, m.UID, spec.On))
}

func remove(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	_, before := os.Stat(m.Disks[0].Path)
	for range 2 {
		require.NoError(t, f.Engine.Remove(t.Context(), m.UID))
	}
	_, err := f.Engine.Get(t.Context(), m.UID)
	require.ErrorIs(t, err, hypervisor.ErrAbsent)
	require.ErrorIs(t, f.Engine.Start(t.Context(), m.UID), hypervisor.ErrAbsent)
	require.Empty(t, f.listed(t))
	_, after := os.Stat(m.Disks[0].Path)
	require.Equal(t, before, after, "its disks stay")
	f.define(t, m)
	f.power(t, m.UID, spec.Off)
}

func reopen(t *testing.T, f Fixture) {
	on, off := f.start(t, f.Stubborn(t)), f.define(t, f.Stubborn(t))
	first := f.listed(t)
	second := f
	second.Engine = f.Reopen(t)
	require.Equal(t, first, second.listed(t))
	second.define(t, on)
	require.NoError(t, second.Engine.Start(t.Context(), off.UID))
	f.power(t, off.UID, spec.On)
	require.NoError(t, second.Engine.Close())
	f.power(t, on.UID, spec.On)
}

func cancelled(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := f.Stubborn(t)
	require.ErrorIs(t, f.Engine.Define(ctx, m), context.Canceled)
	f.define(t, m)
	require.ErrorIs(t, f.Engine.Start(ctx, m.UID), context.Canceled)
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	f.power(t, m.UID, spec.On)
	require.Len(t, f.listed(t), 1)
}

func concurrent(t *testing.T, f Fixture) {
	machines := make([]hypervisor.Machine, 20)
	for i := range machines {
		machines[i] = f.Stubborn(t)
	}
	var up errgroup.Group
	for _, m := range machines {
		up.Go(func() error {
			if err := f.Engine.Define(t.Context(), m); err != nil {
				return err
			}
			return f.Engine.Start(t.Context(), m.UID)
		})
	}
	require.NoError(t, up.Wait())
	found := f.listed(t)
	require.Len(t, found, len(machines))
	for _, s := range found {
		require.Equal(t, spec.On, s.Power)
	}
	var down errgroup.Group
	for _, m := range machines {
		down.Go(func() error { return f.Engine.Remove(t.Context(), m.UID) })
	}
	require.NoError(t, down.Wait())
	require.Empty(t, f.listed(t))
}

func concurrentSame(t *testing.T, f Fixture) {
	m := f.Stubborn(t)
	for _, call := range []func() error{
		func() error { return f.Engine.Define(t.Context(), m) },
		func() error { return f.Engine.Start(t.Context(), m.UID) },
		func() error { return f.Engine.Stop(t.Context(), m.UID, 0) },
		func() error { return f.Engine.Remove(t.Context(), m.UID) },
	} {
		var group errgroup.Group
		for range 4 {
			group.Go(call)
		}
		require.NoError(t, group.Wait())
	}
	require.Empty(t, f.listed(t))
}

func foreign(t *testing.T, f Fixture) {
	if f.Foreign == nil {
		return // stated by the fixture: the engine is ours alone
	}
	f.Foreign(t)
	require.Empty(t, f.listed(t))
	m := f.define(t, f.Stubborn(t))
	require.Contains(t, f.listed(t), m.UID)
	require.Len(t, f.listed(t), 1)
}
