package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/engine/sim"
	"edgecloud/link"
	"edgecloud/link/memory"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
	"edgecloud/store"
)

const hostUID, siteUID = "h1", "s1"

// cloud is a centre, a link in memory and one simulated host.
type cloud struct {
	t       *testing.T
	db      *store.DB
	service *link.Service
	net     *memory.Net
	host    *sim.Host
	dir     string
	mu      sync.Mutex
	reports map[protocol.Key]spec.Report
	image   spec.Image
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{t: t, dir: t.TempDir(), reports: map[protocol.Key]spec.Report{}}
	db, err := store.Open(t.Context(), store.Config{DSN: filepath.Join(t.TempDir(), "a.db"), Migrations: []store.MigrationSet{link.Migrations()}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	c.db = db
	observers := map[string]link.Observer{}
	for _, kind := range spec.Kinds() {
		observers[kind] = c.observe
	}
	c.service = link.New(link.Config{DB: db, Observers: observers})
	c.net = memory.New(c.service)
	c.write(func(ctx context.Context, tx *store.Tx) error {
		return c.service.Enrol(ctx, tx, hostUID, siteUID, "key", spec.HostFacts{})
	})
	c.host = sim.NewWorld(sim.Config{Seed: 1}).Host(siteUID, hostUID, sim.Capacity{VCPUs: 64, MemoryMiB: 1 << 20, DiskBytes: 1 << 42})
	body := bytes.Repeat([]byte("disk"), 1000)
	sum := sha256.Sum256(body)
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }))
	t.Cleanup(files.Close)
	c.image = spec.Image{UID: "img", Name: "tiny", URL: files.URL, SHA256: hex.EncodeToString(sum[:]), Format: "raw", Bytes: int64(len(body))}
	return c
}

func (c *cloud) write(f func(ctx context.Context, tx *store.Tx) error) {
	c.t.Helper()
	require.NoError(c.t, c.db.Write(context.Background(), f))
}

func (c *cloud) observe(_ context.Context, _ *store.Tx, r spec.Report) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := protocol.Key{Kind: r.Kind, UID: r.UID}
	if old := c.reports[key]; old.Seq >= r.Seq {
		return fmt.Errorf("report %d after %d", r.Seq, old.Seq)
	}
	c.reports[key] = r
	return nil
}

func (c *cloud) report(kind, uid string) spec.Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reports[protocol.Key{Kind: kind, UID: uid}]
}

func (c *cloud) config() agent.Config {
	return agent.Config{Dir: c.dir, Transport: c.net.Connect(hostUID), Hypervisor: c.host.Hypervisor(), Pool: c.host.Disk(), Network: c.host.Network(), Balancer: c.host.Balancer(), Seed64: 1,
		Logger: slog.New(slog.DiscardHandler)}
}

func (c *cloud) agent(change func(*agent.Config)) *agent.Agent {
	cfg := c.config()
	if change != nil {
		change(&cfg)
	}
	a, err := agent.New(cfg)
	require.NoError(c.t, err)
	return a
}

func vm(n int) spec.Instance {
	uid := fmt.Sprintf("vm-%d", n)
	return spec.Instance{UID: uid, Name: uid, VCPUs: 1, MemoryMiB: 64, Power: spec.On, Volumes: []string{fmt.Sprintf("vol-%d", n)}}
}

func (c *cloud) put(kind, uid string, body any) {
	c.write(func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Put(ctx, tx, spec.HostTarget(hostUID), kind, uid, body)
		return err
	})
}

func (c *cloud) create(n int) {
	in := vm(n)
	c.write(func(ctx context.Context, tx *store.Tx) error {
		target := spec.HostTarget(hostUID)
		_, err := link.PutMany(ctx, tx, []link.Spec{{Target: target, Kind: spec.KindInstance, UID: in.UID, Body: in},
			{Target: target, Kind: spec.KindVolume, UID: in.Volumes[0], Body: spec.Volume{UID: in.Volumes[0], Bytes: 1 << 30, Image: "img"}},
			{Target: target, Kind: spec.KindImage, UID: "img", Body: c.image}})
		return err
	})
}

func (c *cloud) remove(n int) {
	c.write(func(ctx context.Context, tx *store.Tx) error {
		return errors.Join(link.Delete(ctx, tx, spec.HostTarget(hostUID), spec.KindVolume, fmt.Sprintf("vol-%d", n)),
			link.Delete(ctx, tx, spec.HostTarget(hostUID), spec.KindInstance, fmt.Sprintf("vm-%d", n)))
	})
}

// step does everything that is due, and returns whether the agent was stopped at a failpoint.
func step(t *testing.T, a *agent.Agent) (halted bool) {
	for range 20 {
		for _, f := range []func(context.Context) error{a.HeartbeatOnce, a.PullOnce} {
			if errors.Is(f(t.Context()), agent.ErrHalted) {
				return true
			}
		}
		for a.ApplyNext(t.Context()) {
		}
		err := a.ReportOnce(t.Context())
		if errors.Is(err, agent.ErrHalted) || errors.Is(a.Sweep(t.Context()), agent.ErrHalted) {
			return true
		}
		if err == nil && a.Idle() {
			return false
		}
	}
	return false
}

func TestAnInstanceComesAndGoes(t *testing.T) {
	c := newCloud(t)
	a := c.agent(nil)
	defer a.Close()
	c.create(1)
	require.False(t, step(t, a))
	r := c.report(spec.KindInstance, "vm-1")
	require.Equal(t, spec.Applied, r.Phase, r.Error)
	require.Contains(t, string(r.Facts), `"power":"on"`)
	c.remove(1)
	require.False(t, step(t, a))
	require.Equal(t, spec.Gone, c.report(spec.KindInstance, "vm-1").Phase)
	require.Equal(t, spec.Gone, c.report(spec.KindVolume, "vol-1").Phase)
	machines, err := c.host.Hypervisor().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, machines)
	require.Len(t, a.Ledger().Items(), 1, "only the image is left")
	c.write(func(ctx context.Context, tx *store.Tx) error {
		gone, err := link.Gone(ctx, tx, spec.HostTarget(hostUID), spec.KindVolume, "vol-1")
		require.True(t, gone)
		return err
	})
}

// Crashing at every point of a create and a removal, the next agent on the same disk finishes, and nothing is left or doubled.
func TestCrashAtEveryPoint(t *testing.T) {
	for n := 1; ; n++ {
		c := newCloud(t)
		left := n
		crash := func(cfg *agent.Config) {
			cfg.Fail = func(point string) error {
				if left--; left == 0 {
					return errors.New("crash at " + point)
				}
				return nil
			}
		}
		work := func(wanted func()) {
			wanted()
			a := c.agent(crash)
			for step(t, a) {
				require.NoError(t, a.Close())
				a = c.agent(nil)
			}
			require.NoError(t, a.Close())
		}
		work(func() { c.create(1) })
		require.Equal(t, spec.Applied, c.report(spec.KindInstance, "vm-1").Phase, n)
		work(func() { c.remove(1) })
		require.Equal(t, spec.Gone, c.report(spec.KindVolume, "vol-1").Phase, n)
		machines, err := c.host.Hypervisor().List(t.Context())
		require.NoError(t, err)
		require.Empty(t, machines, n)
		volumes, err := c.host.Disk().List(t.Context())
		require.NoError(t, err)
		require.Empty(t, volumes, n)
		if left > 0 {
			require.Greater(t, n, 15, "the failpoints were not met")
			return
		}
	}
}

// The centre is down, the host was off: the agent brings back what should run, from its disk alone.
func TestBackWithoutTheCentre(t *testing.T) {
	c := newCloud(t)
	a := c.agent(nil)
	for n := range 5 {
		c.create(n)
	}
	off := vm(4)
	off.Power = spec.Off
	c.put(spec.KindInstance, off.UID, off)
	require.False(t, step(t, a))
	require.NoError(t, a.Close())
	c.net.SetCentre(nil)
	c.host.PowerCycle()
	a = c.agent(nil)
	defer a.Close()
	step(t, a)
	machines, err := c.host.Hypervisor().List(t.Context())
	require.NoError(t, err)
	on := 0
	for _, m := range machines {
		if m.Power == spec.On {
			on++
		}
	}
	require.Len(t, machines, 5)
	require.Equal(t, 4, on)
}

func TestAMissingSpecDestroysNothing(t *testing.T) {
	c := newCloud(t)
	a := c.agent(nil)
	defer a.Close()
	c.create(1)
	require.False(t, step(t, a))
	c.write(func(ctx context.Context, tx *store.Tx) error {
		return link.DropTarget(ctx, tx, spec.HostTarget(hostUID))
	})
	require.NoError(t, a.FullOnce(t.Context()))
	require.False(t, step(t, a))
	r := c.report(spec.KindInstance, "vm-1")
	require.Equal(t, spec.Orphan, r.Phase)
	machines, err := c.host.Hypervisor().List(t.Context())
	require.NoError(t, err)
	require.Len(t, machines, 1)
	require.Equal(t, spec.On, machines[0].Power)
	// An operator decides that it shall go after all.
	c.write(func(ctx context.Context, tx *store.Tx) error {
		return link.Bury(ctx, tx, spec.HostTarget(hostUID), spec.KindInstance, "vm-1", r.Generation)
	})
	require.False(t, step(t, a))
	machines, err = c.host.Hypervisor().List(t.Context())
	require.NoError(t, err)
	require.Empty(t, machines)
}

func TestCrashedMachinesStartAgainAndShutDownOnesRest(t *testing.T) {
	c := newCloud(t)
	now := time.Now()
	a := c.agent(func(cfg *agent.Config) { cfg.Now = func() time.Time { return now } })
	defer a.Close()
	c.create(1)
	require.False(t, step(t, a))
	require.NoError(t, c.host.CrashMachine("vm-1"))
	require.False(t, step(t, a))
	require.Equal(t, spec.Pending, c.report(spec.KindInstance, "vm-1").Phase, "it rests a moment first")
	now = now.Add(5 * time.Second)
	require.False(t, step(t, a))
	require.Contains(t, string(c.report(spec.KindInstance, "vm-1").Facts), `"power":"on"`)
	require.NoError(t, c.host.GuestPowersOff("vm-1"))
	now = now.Add(time.Hour)
	require.False(t, step(t, a))
	require.Contains(t, string(c.report(spec.KindInstance, "vm-1").Facts), `"power":"off"`)
}

func TestRunIsFast(t *testing.T) {
	c := newCloud(t)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	a := c.agent(nil)
	all.Go(func() { require.NoError(t, c.service.Nudges(ctx, c.net.Nudge)) })
	all.Go(func() { require.NoError(t, a.Run(ctx)) })
	c.create(0)
	running := func(n int) func() bool {
		return func() bool { return c.report(spec.KindInstance, fmt.Sprintf("vm-%d", n)).Phase == spec.Applied }
	}
	require.Eventually(t, running(0), 10*time.Second, time.Millisecond)
	var took []time.Duration
	for n := 1; n <= 30; n++ {
		start := time.Now()
		c.create(n)
		require.Eventually(t, running(n), 10*time.Second, 200*time.Microsecond)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	t.Logf("put to reported: p50 %v, most %v", took[len(took)/2], took[len(took)-1])
	require.Less(t, took[len(took)/2], 100*time.Millisecond)
}
