package probe_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor/probe"
)

// The guest itself is proved under TCG, which works everywhere: an answer of false under KVM is then KVM's.
func TestTheGuestReportsBack(t *testing.T) {
	r, err := probe.KVM(t.Context(), probe.Config{Accel: "tcg", Limit: time.Minute})
	require.NoError(t, err)
	require.True(t, r.KVM, r.Reason)
}

func TestAGuestThatHangsIsNoKVM(t *testing.T) {
	r, err := probe.KVM(t.Context(), probe.Config{Accel: "tcg", Limit: time.Millisecond})
	require.NoError(t, err)
	require.False(t, r.KVM)
	require.Contains(t, r.Reason, "hung")
}

func TestTheAnswerIsRememberedForThisHost(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "state", "kvm.json")
	begin := time.Now()
	first, err := probe.KVM(t.Context(), probe.Config{Cache: cache})
	require.NoError(t, err)
	require.Less(t, time.Since(begin), 15*time.Second)
	t.Logf("kvm %v: %s, after %v", first.KVM, first.Reason, time.Since(begin))
	again, err := probe.KVM(t.Context(), probe.Config{Cache: cache, Limit: time.Nanosecond})
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.NoError(t, os.WriteFile(cache, []byte(`{"kvm":true,"host":"another"}`), 0o600))
	third, err := probe.KVM(t.Context(), probe.Config{Cache: cache, Limit: time.Millisecond})
	require.NoError(t, err)
	require.NotEqual(t, "another", third.Host)
}

func TestWithoutQEMUItIsAnError(t *testing.T) {
	_, err := probe.KVM(t.Context(), probe.Config{Emulator: "qemu-that-is-not-there"})
	require.ErrorContains(t, err, "qemu-system-x86")
}
