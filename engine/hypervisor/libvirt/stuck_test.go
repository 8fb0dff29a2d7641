package libvirt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// QEMU pauses a guest for good when the processor's virtualization cannot go on. Its stop command looks the same to libvirt.
func TestAGuestThatQEMUGaveUpHasCrashed(t *testing.T) {
	c := newCell(t)
	e := c.open(t, t.TempDir())
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	m := guest(t, stubborn)
	require.NoError(t, e.Define(t.Context(), m))
	require.NoError(t, e.Start(t.Context(), m.UID))
	require.Equal(t, hypervisor.State{UID: m.UID, Power: spec.On}, get(t, e, m.UID))
	changes, err := e.Watch(t.Context())
	require.NoError(t, err)

	c.run(t, "virsh", "suspend", m.UID)
	require.Equal(t, spec.On, get(t, e, m.UID).Power, "somebody paused it, and may let it go on")
	c.run(t, "virsh", "resume", m.UID)

	c.run(t, "virsh", "qemu-monitor-command", m.UID, "--hmp", "stop")
	require.Eventually(t, func() bool {
		s := get(t, e, m.UID)
		return s.Crashed && s.Power == spec.Off
	}, time.Minute, 20*time.Millisecond)
	select {
	case uid := <-changes:
		require.Equal(t, m.UID, uid)
	case <-time.After(time.Minute):
		require.Fail(t, "nobody was told")
	}
	before := c.guests(t)
	require.NoError(t, e.Start(t.Context(), m.UID))
	require.Equal(t, hypervisor.State{UID: m.UID, Power: spec.On}, get(t, e, m.UID))
	require.Len(t, c.guests(t), 1)
	require.NotEqual(t, before, c.guests(t), "it was started anew")
	require.NoError(t, e.Remove(t.Context(), m.UID))
}
