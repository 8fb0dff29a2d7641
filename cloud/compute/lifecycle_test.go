package compute_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/agent/ledger"
	"edgecloud/cloud/check"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
	"edgecloud/link/memory"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
	"edgecloud/work/worktest"
)

// bed is a centre with one site, one host and its agent, which act only when told.
type bed struct {
	t      testing.TB
	clock  *storetest.Clock
	cp     *controlplane.ControlPlane
	agent  *agent.Agent
	host   *sim.Host
	site   *place.Site
	caller *identity.Caller
	id     string // of the instance that lives
}

func newBed(t testing.TB) *bed {
	b := &bed{t: t, clock: storetest.NewClock(), caller: &identity.Caller{Account: "a", User: "u", Role: identity.Admin, Operator: true, Dialect: "test", Operation: "test", RequestID: "r"}}
	dir, err := os.MkdirTemp("/dev/shm", "edgecloud-life-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx := context.Background()
	b.cp, err = controlplane.Open(ctx, controlplane.Config{DSN: "sqlite:" + filepath.Join(dir, "c.db"), Now: b.clock.Now, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.cp.Close()) })
	require.NoError(t, b.cp.Place.AddDefaults(ctx))
	b.site, err = b.cp.Place.SiteByName(ctx, "cn-hangzhou-cm")
	require.NoError(t, err)
	prefix := netip.MustParsePrefix("100.64.0.0/24")
	require.NoError(t, b.cp.Place.EnsureLine(ctx, b.site.UID, place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "p", Prefix: prefix, Gateway: prefix.Addr().Next()}))
	b.addHost(ctx)
	b.addImage(ctx, dir)
	return b
}

func (b *bed) addHost(ctx context.Context) {
	b.host = sim.NewWorld(sim.Config{Seed: 1, Now: b.clock.Now}).Host(b.site.Name, "h", sim.Capacity{VCPUs: 64, MemoryMiB: 1 << 20, DiskBytes: 1 << 42})
	var uid string
	require.NoError(b.t, b.cp.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		uid = tx.NewUID()
		return b.cp.Link.Enrol(ctx, tx, uid, b.site.UID, "key", spec.HostFacts{Name: "h"})
	}))
	var err error
	b.agent, err = agent.New(agent.Config{Ledger: ledger.Memory(), Transport: memory.New(b.cp.Link).Connect(uid), Hypervisor: b.host.Hypervisor(), Pool: b.host.Disk(),
		Network: b.host.Network(), Name: "h", Now: b.clock.Now, Seed64: 1, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, b.agent.Close()) })
	require.NoError(b.t, b.agent.HeartbeatOnce(ctx))
}

func (b *bed) addImage(ctx context.Context, dir string) {
	s, content, err := sim.BlankImage("", "Debian", 10<<30)
	require.NoError(b.t, err)
	path := filepath.Join(dir, "image")
	require.NoError(b.t, os.WriteFile(path, content, 0o600))
	_, err = b.cp.Images.Publish(ctx, b.caller, image.NewImage{Name: "Debian", OSType: "linux", OSName: "Debian", OSVersion: "12", OSArch: "x86_64"},
		image.NewFile{SHA256: s.SHA256, Format: s.Format, Bytes: s.Bytes, VirtualBytes: 10 << 30, URL: "file://" + path})
	require.NoError(b.t, err)
}

// drive lets the agent do all that it can do now.
func (b *bed) drive() {
	ctx := context.Background()
	require.NoError(b.t, b.agent.HeartbeatOnce(ctx))
	require.NoError(b.t, b.agent.PullOnce(ctx))
	for b.agent.ApplyNext(ctx) {
	}
	require.NoError(b.t, b.agent.ReportOnce(ctx))
}

func (b *bed) create() {
	made, err := b.cp.Compute.Create(context.Background(), b.caller, compute.NewInstances{Spread: []compute.Spread{{Site: b.site, Count: 1}}, Size: compute.Size{VCPUs: 1, MemoryMiB: 1024},
		Image: "Debian", System: volume.New{Name: "sys", Storage: "NVME", GiB: 40}, Data: []volume.New{{Name: "d", Role: volume.Cloud, Storage: "CDS_SSD", GiB: 20}},
		Login: compute.Login{PasswordHash: "$6$salt$hash"}, Public: true, Mbps: 5, Payment: compute.Postpaid})
	require.NoError(b.t, err)
	b.id = made.Instances[0].UID
}

// settle brings everything to rest without any disturbance.
func (b *bed) settle() {
	r := &work.Runner{DB: b.cp.DB, Reconcilers: []work.Reconciler{compute.Lifecycle()}, Logger: slog.New(slog.DiscardHandler)}
	for range 100 {
		_, err := r.RunDue(context.Background())
		require.NoError(b.t, err)
		b.drive()
		if idle, err := r.Idle(context.Background()); err == nil && idle && b.agent.Idle() {
			return
		}
		b.clock.Advance(time.Second)
	}
	b.t.Fatal("not settled")
}

// state is what a user sees, without names and times.
func (b *bed) state() []string {
	ctx := context.Background()
	views, _, err := b.cp.Compute.List(ctx, b.caller, compute.Filter{}, compute.Order{}, store.Page{Size: 10})
	require.NoError(b.t, err)
	var out []string
	for _, v := range views {
		out = append(out, fmt.Sprint(v.State, " ", v.Error, " ", v.VCPUs, " ", v.MemoryMiB, " ", v.Power, " ", v.SeenPower, " epoch ", v.Epoch, " ", v.SeenEpoch, " password ", v.Password, " ", v.SeenPassword,
			" restart ", v.Restart, " ", v.SeenRestart, " disks ", len(v.Volumes), " ports ", len(v.Ports), " ips ", len(v.IPs)))
	}
	found, err := check.Rows(ctx, b.cp.DB)
	require.NoError(b.t, err)
	require.Empty(b.t, found)
	return out
}

func (b *bed) leftovers() (left []string) {
	require.NoError(b.t, b.cp.DB.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw(`SELECT 'instance ' || uid FROM instances UNION ALL SELECT 'volume ' || uid FROM volumes UNION ALL SELECT 'port ' || uid FROM ports WHERE kind <> 'gateway'
			UNION ALL SELECT 'public ip ' || uid FROM public_ips UNION ALL SELECT 'lease ' || address FROM line_addresses WHERE holder NOT IN (SELECT uid FROM networks)
			UNION ALL SELECT 'membership ' || port FROM port_groups UNION ALL SELECT 'work ' || uid FROM work WHERE kind = 'instance'
			UNION ALL SELECT 'operation ' || verb FROM operations WHERE status = 'running' UNION ALL SELECT 'used on host ' || uid FROM hosts WHERE used_vcpus + used_mib + used_gib + instances > 0
			UNION ALL SELECT 'quota ' || name FROM quota_use WHERE used <> 0 AND name IN ('instances', 'vcpus', 'memory_gib', 'volumes', 'volume_gib', 'public_ips')
			UNION ALL SELECT 'spec ' || kind || ' ' || uid FROM link_specs WHERE deleted OR kind IN ('instance', 'volume', 'port', 'public_ip')`).Scan(ctx, &left)
	}))
	return left
}

// verbs are the changes of an instance's life; each is lived with a crash at every point and every step repeated (bar E3).
var verbs = map[string]func(b *bed) error{
	"create": nil,
	"stop": func(b *bed) error {
		_, err := b.cp.Compute.Stop(context.Background(), b.caller, b.id, false)
		return err
	},
	"start": func(b *bed) error {
		if _, err := b.cp.Compute.Stop(context.Background(), b.caller, b.id, true); err != nil {
			return err
		}
		b.settle()
		_, err := b.cp.Compute.Start(context.Background(), b.caller, b.id)
		return err
	},
	"reboot": func(b *bed) error {
		_, err := b.cp.Compute.Reboot(context.Background(), b.caller, b.id, false)
		return err
	},
	"reinstall": func(b *bed) error {
		_, err := b.cp.Compute.Reinstall(context.Background(), b.caller, b.id, compute.Rebuild{Image: "Debian", Login: compute.Login{PasswordHash: "$6$salt$other"}})
		return err
	},
	"resize": func(b *bed) error {
		_, err := b.cp.Compute.Resize(context.Background(), b.caller, b.id, compute.Size{VCPUs: 2, MemoryMiB: 2048})
		return err
	},
	"add NICs": func(b *bed) error {
		_, err := b.cp.Compute.AddNICs(context.Background(), b.caller, b.id, []compute.NIC{{}, {}})
		return err
	},
	"add NICs to one that is off": func(b *bed) error {
		if _, err := b.cp.Compute.Stop(context.Background(), b.caller, b.id, true); err != nil {
			return err
		}
		b.settle()
		_, err := b.cp.Compute.AddNICs(context.Background(), b.caller, b.id, []compute.NIC{{}})
		return err
	},
	"remove NICs": func(b *bed) error {
		v, err := b.cp.Compute.AddNICs(context.Background(), b.caller, b.id, []compute.NIC{{}, {}})
		if err != nil {
			return err
		}
		b.settle()
		_, err = b.cp.Compute.RemoveNICs(context.Background(), b.caller, b.id, []string{v.Ports[1].UID})
		return err
	},
	"login": func(b *bed) error {
		_, err := b.cp.Compute.SetLogin(context.Background(), b.caller, b.id, compute.Login{PasswordHash: "$6$salt$new"})
		return err
	},
}

func TestEveryStepOfALifeCanFailAndBeRepeated(t *testing.T) {
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worktest.Run(t, func(t *testing.T) *worktest.World {
				b := newBed(t)
				return &worktest.World{DB: b.cp.DB, Clock: b.clock, Reconcilers: []work.Reconciler{compute.Lifecycle()}, Drive: b.drive, State: b.state, Leftovers: b.leftovers,
					Create: func() {
						b.create()
						if verb != nil {
							b.settle()
							require.NoError(t, verb(b))
						}
					},
					Delete: func() {
						_, err := b.cp.Compute.Delete(context.Background(), b.caller, b.id)
						require.NoError(t, err)
					}}
			})
		})
	}
}

// A12: every state has a deadline or is one to rest in, and a host that never answers leads every waiting state into a named state of rest, with a reason.
func TestNoStateWaitsForEver(t *testing.T) {
	for _, s := range compute.Lifecycle().States() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Terminal {
				return
			}
			require.Positive(t, s.Deadline)
			b := newBed(t)
			b.create()
			b.settle()
			b.force(s.Name)
			alerts, r := 0, &work.Runner{DB: b.cp.DB, Reconcilers: []work.Reconciler{compute.Lifecycle()}, Logger: slog.New(slog.DiscardHandler)}
			r.OnOverdue = func(context.Context, *store.Tx, work.Overdue) error { alerts++; return nil }
			_, err := r.RunDue(context.Background())
			require.NoError(t, err)
			b.clock.Advance(s.Deadline + time.Second)
			_, err = r.RunDue(context.Background())
			require.NoError(t, err)
			require.Positive(t, alerts, "the operator is told")
			v, err := b.cp.Compute.Get(context.Background(), b.caller, b.id)
			require.NoError(t, err)
			if s.Name == string(compute.Deleting) {
				require.Equal(t, compute.Deleting, v.State, "a deletion goes on until its host confirms; the operator was told")
				return
			}
			require.Equal(t, compute.Failed, v.State)
			require.Contains(t, v.Error, s.Name)
		})
	}
}

// force puts the instance into a state as a verb would, with a wish that its host, which is silent from now on, has not fulfilled.
func (b *bed) force(state string) {
	require.NoError(b.t, b.cp.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw(`UPDATE instances SET state = ?, dirty = ?, restart = restart + 1, password = password + 1, epoch = epoch + 1, seen = 0 WHERE uid = ?`, state, true, b.id).Exec(ctx); err != nil {
			return err
		}
		return work.Wake(ctx, tx, compute.Kind, b.id)
	}))
}
