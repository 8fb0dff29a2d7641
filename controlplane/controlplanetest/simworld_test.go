package controlplanetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
	"edgecloud/link/linktest"
	"edgecloud/link/memory"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// simCloud is a whole cloud that moves only when the test lets one of its parts take one step: nothing runs by itself but simulated guests.
type simCloud struct {
	t      *testing.T
	ctx    context.Context
	rng    *rand.Rand
	bytes  *rand.ChaCha8 // of the centre: UIDs, slugs, tokens
	dir    string
	cp     *controlplane.ControlPlane
	admin  *identity.FirstAdmin
	world  *sim.World
	net    *memory.Net
	hosts  []*simHost
	sites  []*place.Site
	down   bool // the centre crashed and is not back yet
	doomed int  // points of the runner until the centre crashes; 0: it does not
	stats  map[string]int
}

// simHost is a host with its agent, which dies and comes back on the same ledger.
type simHost struct {
	uid, dir, site string
	engines        *sim.Host
	link           *linktest.Faulty
	agent          *agent.Agent
	off, cut       bool
	dead           bool // the agent stopped at a failpoint
	doomed         int  // failpoints until the agent dies; 0: it does not
}

var errKilled = errors.New("killed by the test")

func newSimCloud(t *testing.T, seed uint64) *simCloud {
	key := [32]byte{}
	for k := range 8 {
		key[k] = byte(seed >> (8 * k))
	}
	c := &simCloud{t: t, ctx: context.Background(), rng: rand.New(rand.NewPCG(seed, 7)), bytes: rand.NewChaCha8(key), dir: scratch(t), stats: map[string]int{}}
	c.world = sim.NewWorld(sim.Config{Seed: seed, Delay: map[sim.Op]sim.Delay{sim.OpAny: sim.Exponential(20 * time.Millisecond), sim.OpGuestBoot: sim.Uniform(0, 3*time.Second),
		sim.OpGuestShutdown: sim.Uniform(0, 2*time.Second)}})
	c.net = memory.New(nil)
	c.startCentre()
	c.furnish(seed)
	return c
}

// scratch is a folder in memory if the machine has one: a thousand crashes write a lot that nobody reads again.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "edgecloud-sim-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (c *simCloud) logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// startCentre opens the centre on what the last one left on disk.
func (c *simCloud) startCentre() {
	cp, err := controlplane.Open(c.ctx, controlplane.Config{DSN: "sqlite:" + filepath.Join(c.dir, "cloud.db"), MasterKey: filepath.Join(c.dir, "master.key"), FilesDir: c.dir,
		Rand: c.bytes, Logger: c.logger(), Answered: checkAnswer(c.t)})
	require.NoError(c.t, err)
	cp.Runner.Faults = &work.Faults{At: c.workPoint}
	cp.Runner.OnOverdue = func(_ context.Context, _ *store.Tx, o work.Overdue) error {
		c.stats["overdue "+o.State]++
		return nil
	}
	require.NoError(c.t, cp.DB.Write(c.ctx, work.ReleaseAll))
	require.NoError(c.t, cp.Runner.StartScans(c.ctx))
	c.cp, c.down = cp, false
	c.net.SetCentre(cp.Link)
}

// workPoint lets the centre die at a chosen point of its work.
func (c *simCloud) workPoint(p work.Point) error {
	if c.doomed == 0 {
		return nil
	}
	if c.doomed--; c.doomed > 0 {
		return nil
	}
	c.stats[fmt.Sprintf("centre dies at %s, committed %t", p.Part, p.Committed)]++
	c.down = true
	return work.ErrCrash
}

// stopCentre ends a centre that died, or kills it.
func (c *simCloud) stopCentre() {
	c.net.SetCentre(nil)
	require.NoError(c.t, c.cp.Close())
	c.down = true
}

func (c *simCloud) furnish(seed uint64) {
	t, ctx := c.t, c.ctx
	var err error
	c.admin, err = c.cp.Identity.EnsureAdmin(ctx)
	require.NoError(t, err)
	require.NoError(t, c.cp.Place.AddDefaults(ctx))
	require.NoError(t, c.cp.Place.KeepOnly(ctx, Sites))
	c.sites, err = c.cp.Place.Sites(ctx)
	require.NoError(t, err)
	for n, s := range c.sites {
		prefix := netip.MustParsePrefix(fmt.Sprintf("100.64.%d.0/24", n))
		six := netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d::/64", n))
		require.NoError(t, c.cp.Place.EnsureLine(ctx, s.UID, place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "provider", Prefix: prefix, Gateway: prefix.Addr().Next(),
			IPv6: place.Block6{Prefix: six, Gateway: six.Addr().Next()}}))
		for k := range 2 {
			c.addHost(s, fmt.Sprintf("%s-%d", s.Name, k), seed)
		}
	}
	blank, content, err := sim.BlankImage("", "Debian", 10<<30)
	require.NoError(t, err)
	path := filepath.Join(c.dir, "image")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	caller := &identity.Caller{Account: c.admin.Account.UID, User: c.admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "test", Operation: "furnish"}
	_, err = c.cp.Images.Publish(ctx, caller, image.NewImage{Name: "Debian", OSType: "linux", OSName: "Debian", OSVersion: "12", OSArch: "x86_64 (64bit)"},
		image.NewFile{SHA256: blank.SHA256, Format: blank.Format, Bytes: blank.Bytes, VirtualBytes: 10 << 30, URL: "file://" + path})
	require.NoError(t, err)
}

func (c *simCloud) addHost(s *place.Site, name string, seed uint64) {
	capacity := sim.Capacity{VCPUs: 16, MemoryMiB: 64 << 10, DiskBytes: 4 << 40}
	h := &simHost{site: s.UID, dir: filepath.Join(c.dir, name), engines: c.world.Host(s.Name, name, capacity)}
	require.NoError(c.t, c.cp.DB.Write(c.ctx, func(ctx context.Context, tx *store.Tx) error {
		h.uid = tx.NewUID()
		facts := spec.HostFacts{Name: name, VCPUs: capacity.VCPUs, MemoryMiB: capacity.MemoryMiB, DiskBytes: capacity.DiskBytes, DiskFree: capacity.DiskBytes}
		return c.cp.Link.Enrol(ctx, tx, h.uid, s.UID, "key."+h.uid, facts)
	}))
	h.link = linktest.Wrap(c.net.Connect(h.uid), seed+uint64(len(c.hosts)))
	c.hosts = append(c.hosts, h)
	c.startAgent(h)
}

// startAgent starts an agent on what the last one left on disk.
func (c *simCloud) startAgent(h *simHost) {
	var err error
	h.dead = false
	h.agent, err = agent.New(agent.Config{Dir: h.dir, Transport: h.link, Hypervisor: h.engines.Hypervisor(), Pool: h.engines.Disk(), Network: h.engines.Network(), Balancer: h.engines.Balancer(),
		Name: h.engines.Name(), Version: "sim", Seed64: c.rng.Uint64() | 1, Logger: c.logger(), Fail: func(point string) error {
			if h.doomed == 0 {
				return nil
			}
			if h.doomed--; h.doomed > 0 {
				return nil
			}
			c.stats["agent dies: "+point]++
			h.dead = true
			return errKilled
		}})
	require.NoError(c.t, err)
}

func (c *simCloud) stopAgent(h *simHost) {
	require.NoError(c.t, h.agent.Close())
	h.dead = true
}

// end frees everything, so that the bubble can end.
func (c *simCloud) end() {
	for _, h := range c.hosts {
		h.engines.PowerOff()
		_ = h.agent.Close() // a dead one is closed already
	}
	c.net.SetCentre(nil)
	if !c.down {
		require.NoError(c.t, c.cp.Close())
	}
}

// found lists what the engines have, by target.
func (c *simCloud) found() (targets []string, have []check.Object) {
	for _, h := range c.hosts {
		target := spec.HostTarget(h.uid)
		targets = append(targets, target)
		machines, err := h.engines.Hypervisor().List(c.ctx)
		require.NoError(c.t, err)
		for _, m := range machines {
			have = append(have, check.Object{Target: target, Kind: spec.KindInstance, UID: m.UID})
		}
		volumes, err := h.engines.Disk().List(c.ctx)
		require.NoError(c.t, err)
		for _, v := range volumes {
			have = append(have, check.Object{Target: target, Kind: spec.KindVolume, UID: v.UID})
		}
		images, err := h.engines.Disk().Images(c.ctx)
		require.NoError(c.t, err)
		for _, i := range images {
			have = append(have, check.Object{Target: target, Kind: spec.KindImage, UID: i})
		}
		snapshots, err := h.engines.Disk().Snapshots(c.ctx)
		require.NoError(c.t, err)
		for _, s := range snapshots {
			have = append(have, check.Object{Target: target, Kind: spec.KindSnapshot, UID: s.UID})
		}
		balancers, err := h.engines.Balancer().List(c.ctx)
		require.NoError(c.t, err)
		for _, uid := range balancers {
			have = append(have, check.Object{Target: spec.SiteTarget(h.site), Kind: spec.KindBalancer, UID: uid})
		}
	}
	for k, s := range c.sites {
		target := spec.SiteTarget(s.UID)
		targets = append(targets, target)
		objects, err := c.world.Sites()[k].Network().List(c.ctx)
		require.NoError(c.t, err)
		for _, o := range objects {
			have = append(have, check.Object{Target: target, Kind: o.Kind, UID: o.UID})
		}
	}
	return targets, have
}
