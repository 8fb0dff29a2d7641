package hypervisortest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// long is a grace that no guest of the suite needs: a call that takes as long did not notice the guest.
const long = 2 * time.Minute

func (f Fixture) off(t *testing.T, uid string) {
	t.Helper()
	require.False(t, f.power(t, uid, spec.Off).Crashed, "it went off by a wish")
}

func stopNow(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	for range 2 {
		require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 0))
		f.off(t, m.UID)
	}
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	f.power(t, m.UID, spec.On)
}

func stopPolite(t *testing.T, f Fixture) {
	m := f.boot(t, f.Polite(t))
	begin := time.Now()
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, long))
	require.Less(t, time.Since(begin), long)
	f.off(t, m.UID)
}

func stopStubborn(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 300*time.Millisecond))
	f.off(t, m.UID)
}

func restartOff(t *testing.T, f Fixture) {
	m := f.define(t, f.Stubborn(t))
	require.ErrorIs(t, f.Engine.Restart(t.Context(), m.UID, 0), hypervisor.ErrNotRunning)
	require.ErrorIs(t, f.Engine.Restart(t.Context(), m.UID, time.Second), hypervisor.ErrNotRunning)
	f.off(t, m.UID)
}

func (f Fixture) restarts(t *testing.T, m hypervisor.Machine, grace time.Duration) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, f.Engine.Restart(t.Context(), m.UID, grace))
	require.Less(t, time.Since(begin), long)
	f.becomes(t, m.UID, func(s hypervisor.State) bool { return s.Power == spec.On && !s.Crashed })
}

func restartNow(t *testing.T, f Fixture) { f.restarts(t, f.start(t, f.Stubborn(t)), 0) }

func restartPolite(t *testing.T, f Fixture) {
	m := f.boot(t, f.Polite(t))
	f.restarts(t, m, long)
	f.Booted(t, m.UID)
}

func restartStubborn(t *testing.T, f Fixture) {
	f.restarts(t, f.start(t, f.Stubborn(t)), 300*time.Millisecond)
}

func crash(t *testing.T, f Fixture) {
	m := f.start(t, f.Stubborn(t))
	f.Crash(t, m.UID)
	f.becomes(t, m.UID, func(s hypervisor.State) bool { return s.Power == spec.Off && s.Crashed })
	require.True(t, f.listed(t)[m.UID].Crashed)
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 0))
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	require.False(t, f.power(t, m.UID, spec.On).Crashed)
}

func watch(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes, err := f.Engine.Watch(ctx)
	require.NoError(t, err)
	m := f.start(t, f.Stubborn(t))
	f.Crash(t, m.UID)
	deadline := time.After(f.patience())
	for {
		select {
		case uid, open := <-changes:
			require.True(t, open, "it ended before its context")
			require.Equal(t, m.UID, uid)
		case <-deadline:
			require.Fail(t, "no word of the crash")
		}
		if f.state(t, m.UID).Crashed {
			break
		}
	}
	cancel()
	require.Eventually(t, func() bool {
		select {
		case _, open := <-changes:
			return !open
		default:
			return false
		}
	}, f.patience(), 10*time.Millisecond)
}

func password(t *testing.T, f Fixture) {
	const hash = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
	off := f.define(t, f.Stubborn(t))
	require.ErrorIs(t, f.Engine.SetPassword(t.Context(), off.UID, "root", hash), hypervisor.ErrNotRunning)
	require.NoError(t, f.Engine.Start(t.Context(), off.UID))
	require.ErrorIs(t, f.Engine.SetPassword(t.Context(), off.UID, "root", hash), hypervisor.ErrNoGuestTool)
	if !f.Tool {
		return
	}
	polite := f.boot(t, f.Polite(t))
	for range 2 {
		require.NoError(t, f.Engine.SetPassword(t.Context(), polite.UID, "root", hash))
	}
}

func console(t *testing.T, f Fixture) {
	m := f.define(t, f.Stubborn(t))
	_, err := f.Engine.Console(t.Context(), m.UID)
	require.ErrorIs(t, err, hypervisor.ErrNotRunning)
	require.NoError(t, f.Engine.Start(t.Context(), m.UID))
	conn, err := f.Engine.Console(t.Context(), m.UID)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(f.patience())))
	greeting := make([]byte, 12)
	_, err = io.ReadFull(conn, greeting)
	require.NoError(t, err)
	require.Contains(t, string(greeting), "RFB 003.00")
}
