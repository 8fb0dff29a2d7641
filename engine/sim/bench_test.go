package sim_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

// populate makes n machines on 100 hosts, each with a volume and a NIC, and starts them.
func populate(t testing.TB, w *sim.World, n int) []*sim.Host {
	t.Helper()
	hosts := make([]*sim.Host, 100)
	for i := range hosts {
		hosts[i] = w.Host(fmt.Sprintf("site-%d", i/10), fmt.Sprintf("host-%d", i), sim.Capacity{})
	}
	ctx := context.Background()
	for i := range n {
		h := hosts[i%len(hosts)]
		volume, uid := uuid.NewString(), uuid.NewString()
		_, err := h.Disk().Ensure(ctx, spec.Volume{UID: volume, Bytes: 40 << 30})
		require.NoError(t, err)
		source, err := h.Disk().Source(ctx, volume)
		require.NoError(t, err)
		require.NoError(t, h.Hypervisor().Define(ctx, hypervisor.Machine{
			Instance: spec.Instance{UID: uid, Name: "vm-" + uid[:8], VCPUs: 2, MemoryMiB: 4096, Volumes: []string{volume}, Guest: spec.Guest{Hostname: "h-" + uid[:8]},
				NICs: []spec.NIC{{Port: uuid.NewString(), MAC: "fa:16:3e:00:00:01", Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/24")}}}},
			Disks: []hypervisor.Disk{{Volume: volume, Source: source}}, Seed: []byte(uid),
		}))
		require.NoError(t, h.Hypervisor().Start(ctx, uid))
	}
	return hosts
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestAMachineIsSmall holds the promise of doc.go: at most 1 KiB a machine (its volume and UIDs included), and no goroutine.
func TestAMachineIsSmall(t *testing.T) {
	const n = 20_000
	before, goroutines := heap(), runtime.NumGoroutine()
	w := sim.NewWorld(sim.Config{})
	hosts := populate(t, w, n)
	each := (heap() - before) / n
	t.Logf("%d bytes a machine with its volume", each)
	require.LessOrEqual(t, each, uint64(1024))
	require.Equal(t, goroutines, runtime.NumGoroutine())
	runtime.KeepAlive(hosts)
}

// BenchmarkHundredThousandMachines reports, for 100,000 machines with a volume each: create and start per second, bytes each, time to list all, to save and to load.
func BenchmarkHundredThousandMachines(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		before, begin := heap(), time.Now()
		w := sim.NewWorld(sim.Config{})
		hosts := populate(b, w, n)
		b.ReportMetric(n/time.Since(begin).Seconds(), "creates/s")
		b.ReportMetric(float64(heap()-before)/n, "B/machine")
		begin = time.Now()
		listed := 0
		for _, h := range hosts {
			all, err := h.Hypervisor().List(context.Background())
			require.NoError(b, err)
			listed += len(all)
		}
		require.Equal(b, n, listed)
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "list-ms")
		dir := b.TempDir()
		begin = time.Now()
		require.NoError(b, w.Save(dir))
		b.ReportMetric(time.Since(begin).Seconds(), "save-s")
		begin = time.Now()
		_, err := sim.Load(sim.Config{}, dir)
		require.NoError(b, err)
		b.ReportMetric(time.Since(begin).Seconds(), "load-s")
	}
}

// BenchmarkJournal is creating and starting with everything kept.
func BenchmarkJournal(b *testing.B) {
	w, err := sim.Open(sim.Config{}, b.TempDir())
	require.NoError(b, err)
	begin, n := time.Now(), 0
	for b.Loop() {
		populate(b, w, 1000)
		n += 1000
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "creates/s")
	require.NoError(b, w.Close())
}
