package hypervisortest

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// Fixture is one empty hypervisor under test, and what the suite needs to know of its guests. The disks' paths need not exist for a simulated engine.
type Fixture struct {
	Engine hypervisor.Hypervisor
	// Reopen opens the same engine again, as an agent does after a crash; the first one stays open.
	Reopen func(t *testing.T) hypervisor.Hypervisor
	// Polite makes a machine whose guest obeys shutdown and reboot requests once Booted returned.
	Polite func(t *testing.T) hypervisor.Machine
	// Stubborn makes a machine whose guest ignores all requests and starts the quickest.
	Stubborn func(t *testing.T) hypervisor.Machine
	// Booted waits until the guest of a running polite machine listens to requests.
	Booted func(t *testing.T, uid string)
	// Crash makes a running machine go off by itself, as when its process dies.
	Crash func(t *testing.T, uid string)
	// Disk makes one more disk.
	Disk func(t *testing.T) hypervisor.Disk
	// NIC makes one more NIC; nil if the fixture has no network.
	NIC func(t *testing.T) spec.NIC
	// Foreign makes a machine that is not ours in the same engine; nil if there can be none.
	Foreign func(t *testing.T)
	// Tool tells that the polite guest carries a guest agent.
	Tool bool
	// Patience is how long a state may take to come; 0 is 60 s.
	Patience time.Duration
}

func (f Fixture) patience() time.Duration {
	if f.Patience > 0 {
		return f.Patience
	}
	return time.Minute
}

// define makes a machine known and arranges for its removal.
func (f Fixture) define(t *testing.T, m hypervisor.Machine) hypervisor.Machine {
	t.Helper()
	require.NoError(t, f.Engine.Define(t.Context(), m))
	return m
}

func (f Fixture) start(t *testing.T, m hypervisor.Machine) hypervisor.Machine {
	t.Helper()
	f.define(t, m)
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	return m
}

func (f Fixture) boot(t *testing.T, m hypervisor.Machine) hypervisor.Machine {
	t.Helper()
	f.start(t, m)
	f.Booted(t, m.UID)
	return m
}

func (f Fixture) state(t *testing.T, uid string) hypervisor.State {
	t.Helper()
	s, err := f.Engine.Get(t.Context(), uid)
	require.NoError(t, err)
	require.Equal(t, uid, s.UID)
	return s
}

func (f Fixture) power(t *testing.T, uid string, want spec.Power) hypervisor.State {
	t.Helper()
	s := f.state(t, uid)
	require.Equal(t, want, s.Power)
	return s
}

// becomes polls for a state.
func (f Fixture) becomes(t *testing.T, uid string, want func(hypervisor.State) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		s, err := f.Engine.Get(t.Context(), uid)
		return err == nil && want(s)
	}, f.patience(), 20*time.Millisecond)
}

func (f Fixture) listed(t *testing.T) map[string]hypervisor.State {
	t.Helper()
	states, err := f.Engine.List(t.Context())
	require.NoError(t, err)
	found := map[string]hypervisor.State{}
	for _, s := range states {
		require.NotContains(t, found, s.UID, "listed twice")
		found[s.UID] = s
	}
	return found
}

func (f Fixture) addDisk(t *testing.T, m hypervisor.Machine) hypervisor.Machine {
	t.Helper()
	d := f.Disk(t)
	m.Disks = append(m.Disks[:len(m.Disks):len(m.Disks)], d)
	m.Volumes = append(m.Volumes[:len(m.Volumes):len(m.Volumes)], d.Volume)
	return m
}

func unknownUID() string { return uuid.NewString() }
