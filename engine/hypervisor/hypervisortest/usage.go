package hypervisortest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
)

func (f Fixture) usage(t *testing.T, uid string) hypervisor.Usage {
	t.Helper()
	all, err := f.Engine.Usage(t.Context())
	require.NoError(t, err)
	var found []hypervisor.Usage
	for _, u := range all {
		if u.UID == uid {
			found = append(found, u)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

// usage follows what a machine uses over its life.
func usage(t *testing.T, f Fixture) {
	m := f.Polite(t)
	if f.NIC != nil {
		m.NICs = append(m.NICs, f.NIC(t))
	}
	f.define(t, m)
	rests := func() {
		u := f.usage(t, m.UID)
		require.Equal(t, m.VCPUs, u.VCPUs)
		require.Equal(t, m.MemoryMiB<<20, u.MemoryBytes)
		require.Zero(t, u.CPU)
		require.Zero(t, u.MemoryUsed)
		require.Zero(t, u.Disk)
		for _, n := range u.NICs {
			require.Equal(t, hypervisor.NICUsage{Port: n.Port}, n)
		}
	}
	rests()
	f.boot(t, m)
	var first hypervisor.Usage
	require.Eventually(t, func() bool {
		first = f.usage(t, m.UID)
		return first.CPU > 0 && first.MemoryUsed > 0 && first.Disk.ReadBytes > 0
	}, f.patience(), 50*time.Millisecond)
	require.LessOrEqual(t, first.MemoryUsed, first.MemoryBytes)
	if f.NIC != nil {
		require.Len(t, first.NICs, 1)
		require.Equal(t, m.NICs[0].Port, first.NICs[0].Port)
	}
	require.Eventually(t, func() bool { return f.usage(t, m.UID).CPU > first.CPU }, f.patience(), 50*time.Millisecond, "a running guest uses its processor")
	later := f.usage(t, m.UID)
	require.GreaterOrEqual(t, later.Disk.ReadBytes, first.Disk.ReadBytes)
	require.NoError(t, f.Engine.Stop(t.Context(), m.UID, 0))
	rests()
	require.NoError(t, f.Engine.Remove(t.Context(), m.UID))
	all, err := f.Engine.Usage(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
}
