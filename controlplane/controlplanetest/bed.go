package controlplanetest

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/agent/ledger"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
	"edgecloud/link/memory"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// Bed is a centre with one site, one host and its agent, which act only when told.
type Bed struct {
	T      testing.TB
	Clock  *storetest.Clock
	CP     *controlplane.ControlPlane
	Agent  *agent.Agent
	Host   *sim.Host
	Site   *place.Site
	Caller *identity.Caller
	Net    *memory.Net // between the two

	config controlplane.Config
}

// NewBed makes a bed whose database, host and image end with the test.
func NewBed(t testing.TB) *Bed {
	b := &Bed{T: t, Clock: storetest.NewClock(), Caller: &identity.Caller{Account: "a", User: "u", Role: identity.Admin, Operator: true, Dialect: "test", Operation: "test", RequestID: "r"}}
	dir, err := os.MkdirTemp("/dev/shm", "edgecloud-life-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx := context.Background()
	b.config = controlplane.Config{DSN: "sqlite:" + filepath.Join(dir, "c.db"), MasterKey: filepath.Join(dir, "key"), FilesDir: filepath.Join(dir, "files"),
		SeriesDir: filepath.Join(dir, "series"), Now: b.Clock.Now, Logger: slog.New(slog.DiscardHandler)}
	b.CP, err = controlplane.Open(ctx, b.config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.CP.Close()) })
	require.NoError(t, b.CP.Place.AddDefaults(ctx))
	b.Site, err = b.CP.Place.SiteByName(ctx, "cn-hangzhou-cm")
	require.NoError(t, err)
	prefix := netip.MustParsePrefix("100.64.0.0/24")
	require.NoError(t, b.CP.Place.EnsureLine(ctx, b.Site.UID, place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "p", Prefix: prefix, Gateway: prefix.Addr().Next()}))
	b.addHost(ctx)
	b.addImage(ctx, dir)
	return b
}

func (b *Bed) addHost(ctx context.Context) {
	b.Host = sim.NewWorld(sim.Config{Seed: 1, Now: b.Clock.Now}).Host(b.Site.Name, "h", sim.Capacity{VCPUs: 64, MemoryMiB: 1 << 20, DiskBytes: 1 << 42})
	var uid string
	require.NoError(b.T, b.CP.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		uid = tx.NewUID()
		return b.CP.Link.Enrol(ctx, tx, uid, b.Site.UID, "key", spec.HostFacts{Name: "h"})
	}))
	var err error
	b.Net = memory.New(b.CP.Link)
	b.CP.AddDialer(b.Net.Dial)
	b.Agent, err = agent.New(agent.Config{Ledger: ledger.Memory(), Transport: b.Net.Connect(uid), Hypervisor: b.Host.Hypervisor(), Pool: b.Host.Disk(),
		Network: b.Host.Network(), Name: "h", Now: b.Clock.Now, Seed64: 1, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b.T, err)
	b.T.Cleanup(func() { require.NoError(b.T, b.Agent.Close()) })
	require.NoError(b.T, b.Agent.HeartbeatOnce(ctx))
}

func (b *Bed) addImage(ctx context.Context, dir string) {
	s, content, err := sim.BlankImage("", "Debian", 10<<30)
	require.NoError(b.T, err)
	path := filepath.Join(dir, "image")
	require.NoError(b.T, os.WriteFile(path, content, 0o600))
	_, err = b.CP.Images.Publish(ctx, b.Caller, image.NewImage{Name: "Debian", OSType: "linux", OSName: "Debian", OSVersion: "12", OSArch: "x86_64"},
		image.NewFile{SHA256: s.SHA256, Format: s.Format, Bytes: s.Bytes, VirtualBytes: 10 << 30, URL: "file://" + path})
	require.NoError(b.T, err)
}

// Restart ends the centre and opens it again on what it has left.
func (b *Bed) Restart() {
	require.NoError(b.T, b.CP.Close())
	var err error
	b.CP, err = controlplane.Open(context.Background(), b.config)
	require.NoError(b.T, err)
	b.CP.AddDialer(b.Net.Dial)
	b.Net.SetCentre(b.CP.Link)
}

// Drive lets the agent do all that it can do now.
func (b *Bed) Drive() {
	ctx := context.Background()
	require.NoError(b.T, b.Agent.HeartbeatOnce(ctx))
	require.NoError(b.T, b.Agent.PullOnce(ctx))
	for b.Agent.ApplyNext(ctx) {
	}
	require.NoError(b.T, b.Agent.ReportOnce(ctx))
}

// Settle brings everything to rest without any disturbance.
func (b *Bed) Settle(lives ...work.Reconciler) {
	r := &work.Runner{DB: b.CP.DB, Reconcilers: lives, Logger: slog.New(slog.DiscardHandler)}
	for range 100 {
		_, err := r.RunDue(context.Background())
		require.NoError(b.T, err)
		b.Drive()
		if idle, err := r.Idle(context.Background()); err == nil && idle && b.Agent.Idle() {
			return
		}
		b.Clock.Advance(time.Second)
	}
	b.T.Fatal("not settled")
}
