package probe_test

import (
	"os"
	"os/exec"
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
	require.Less(t, time.Since(begin), 25*time.Second)
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

// TestAGuestThatStopsIsNoKVM speaks for QEMU: it runs the guest's first step, and then says what QEMU says when KVM cannot emulate the next.
func TestAGuestThatStopsIsNoKVM(t *testing.T) {
	qemu := filepath.Join(t.TempDir(), "qemu")
	require.NoError(t, os.WriteFile(qemu, []byte("#!/bin/sh\nprintf 1\necho 'KVM internal error. Suberror: 1' >&2\nexec sleep 60\n"), 0o755))
	begin := time.Now()
	r, err := probe.KVM(t.Context(), probe.Config{Emulator: qemu, Accel: "tcg", Limit: 30 * time.Second})
	require.NoError(t, err)
	require.False(t, r.KVM)
	require.Contains(t, r.Reason, "after it read a disk in real mode")
	require.Less(t, time.Since(begin), 15*time.Second, "nobody waits for a guest that is given up")
}

// TestTheBootSectorIsMadeFromItsSource holds the two together where there is an assembler.
func TestTheBootSectorIsMadeFromItsSource(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("sh", "-c", "as -o "+dir+"/boot.o boot/boot.S && ld -N -Ttext=0x7c00 --oformat=binary -e start -o "+dir+"/boot.bin "+dir+"/boot.o")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s (install binutils)", out)
	want, err := os.ReadFile(dir + "/boot.bin")
	require.NoError(t, err)
	have, err := os.ReadFile("boot/boot.bin")
	require.NoError(t, err)
	require.Equal(t, want, have)
}
