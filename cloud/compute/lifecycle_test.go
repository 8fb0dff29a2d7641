package compute_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/volume"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
	"edgecloud/work"
	"edgecloud/work/worktest"
)

// bed is a centre with one site and one host, and an instance that lives.
type bed struct {
	*controlplanetest.Bed
	id string // of the instance that lives
}

func newBed(t testing.TB) *bed { return &bed{Bed: controlplanetest.NewBed(t)} }

func (b *bed) reconcilers() []work.Reconciler {
	return []work.Reconciler{compute.Lifecycle(), b.CP.Images.Lifecycle(), b.CP.Images.Reclaimer(), volume.SnapshotLifecycle()}
}

func (b *bed) create() {
	made, err := b.CP.Compute.Create(context.Background(), b.Caller, compute.NewInstances{Spread: []compute.Spread{{Site: b.Site, Count: 1}}, Size: compute.Size{VCPUs: 1, MemoryMiB: 1024},
		Image: "Debian", System: volume.New{Name: "sys", Storage: "CDS_SSD", GiB: 40}, Data: []volume.New{{Name: "d", Role: volume.Cloud, Storage: "CDS_SSD", GiB: 20}},
		Login: compute.Login{PasswordHash: "$6$salt$hash"}, Public: true, Mbps: 5, Payment: compute.Postpaid})
	require.NoError(b.T, err)
	b.id = made.Instances[0].UID
}

func (b *bed) settle() { b.Settle(b.reconcilers()...) }

// state is what a user sees, without names and times.
func (b *bed) state() []string {
	ctx := context.Background()
	views, _, err := b.CP.Compute.List(ctx, b.Caller, compute.Filter{}, compute.Order{}, store.Page{Size: 10})
	require.NoError(b.T, err)
	var out []string
	for _, v := range views {
		out = append(out, fmt.Sprint(v.State, " ", v.Error, " ", v.VCPUs, " ", v.MemoryMiB, " ", v.Power, " ", v.SeenPower, " epoch ", v.Epoch, " ", v.SeenEpoch, " password ", v.Password, " ", v.SeenPassword,
			" restart ", v.Restart, " ", v.SeenRestart, " disks ", len(v.Volumes), " ports ", len(v.Ports), " ips ", len(v.IPs)))
	}
	found, err := check.Rows(ctx, b.CP.DB)
	require.NoError(b.T, err)
	require.Empty(b.T, found)
	return append(out, b.snapshotState()...)
}

func (b *bed) leftovers() (left []string) {
	require.NoError(b.T, b.CP.DB.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw(`SELECT 'instance ' || uid FROM instances UNION ALL SELECT 'volume ' || uid FROM volumes UNION ALL SELECT 'snapshot ' || uid FROM snapshots UNION ALL SELECT 'port ' || uid FROM ports WHERE kind <> 'gateway'
			UNION ALL SELECT 'public ip ' || uid FROM public_ips UNION ALL SELECT 'lease ' || address FROM line_addresses WHERE holder NOT IN (SELECT uid FROM networks)
			UNION ALL SELECT 'membership ' || port FROM port_groups UNION ALL SELECT 'work ' || uid FROM work WHERE kind IN ('instance', 'snapshot')
			UNION ALL SELECT 'operation ' || verb FROM operations WHERE status = 'running' UNION ALL SELECT 'used on host ' || uid FROM hosts WHERE used_vcpus + used_mib + used_gib + instances > 0
			UNION ALL SELECT 'quota ' || name FROM quota_use WHERE used <> 0 AND name IN ('instances', 'vcpus', 'memory_gib', 'volumes', 'volume_gib', 'public_ips', 'snapshots')
			UNION ALL SELECT 'spec ' || kind || ' ' || uid FROM link_specs WHERE deleted OR kind IN ('instance', 'volume', 'snapshot', 'port', 'public_ip')`).Scan(ctx, &left)
	}))
	return left
}

// verbs are the changes of an instance's life; each is lived with a crash at every point and every step repeated (bar E3).
var verbs = map[string]func(b *bed) error{
	"create": nil,
	"stop": func(b *bed) error {
		_, err := b.CP.Compute.Stop(context.Background(), b.Caller, b.id, false)
		return err
	},
	"start": func(b *bed) error {
		if _, err := b.CP.Compute.Stop(context.Background(), b.Caller, b.id, true); err != nil {
			return err
		}
		b.settle()
		_, err := b.CP.Compute.Start(context.Background(), b.Caller, b.id)
		return err
	},
	"reboot": func(b *bed) error {
		_, err := b.CP.Compute.Reboot(context.Background(), b.Caller, b.id, false)
		return err
	},
	"reinstall": func(b *bed) error {
		_, err := b.CP.Compute.Reinstall(context.Background(), b.Caller, b.id, compute.Rebuild{Image: "Debian", Login: compute.Login{PasswordHash: "$6$salt$other"}})
		return err
	},
	"resize": func(b *bed) error {
		_, err := b.CP.Compute.Resize(context.Background(), b.Caller, b.id, compute.Size{VCPUs: 2, MemoryMiB: 2048})
		return err
	},
	"add NICs": func(b *bed) error {
		_, err := b.CP.Compute.AddNICs(context.Background(), b.Caller, b.id, []compute.NIC{{}, {}})
		return err
	},
	"add NICs to one that is off": func(b *bed) error {
		if _, err := b.CP.Compute.Stop(context.Background(), b.Caller, b.id, true); err != nil {
			return err
		}
		b.settle()
		_, err := b.CP.Compute.AddNICs(context.Background(), b.Caller, b.id, []compute.NIC{{}})
		return err
	},
	"remove NICs": func(b *bed) error {
		v, err := b.CP.Compute.AddNICs(context.Background(), b.Caller, b.id, []compute.NIC{{}, {}})
		if err != nil {
			return err
		}
		b.settle()
		_, err = b.CP.Compute.RemoveNICs(context.Background(), b.Caller, b.id, []string{v.Ports[1].UID})
		return err
	},
	"snapshot":        (*bed).takeSnapshot,
	"roll back":       (*bed).rollBack,
	"roll back disk":  (*bed).rollBackDisk,
	"delete snapshot": (*bed).deleteSnapshot,
	"copy snapshot":   (*bed).copySnapshot,
	"image snapshot":  (*bed).imageOfSnapshot,
	"attach volume":   (*bed).attachVolume,
	"detach volume":   (*bed).detachVolume,
	"change network":  (*bed).changeNetwork,
	"image": func(b *bed) error {
		if _, err := b.CP.Compute.Stop(context.Background(), b.Caller, b.id, true); err != nil {
			return err
		}
		b.settle()
		_, _, err := b.CP.Compute.CaptureImage(context.Background(), b.Caller, b.id, "mine", "")
		return err
	},
	"login": func(b *bed) error {
		_, err := b.CP.Compute.SetLogin(context.Background(), b.Caller, b.id, compute.Login{PasswordHash: "$6$salt$new"})
		return err
	},
}

func TestEveryStepOfALifeCanFailAndBeRepeated(t *testing.T) {
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worktest.Run(t, func(t *testing.T) *worktest.World {
				b := newBed(t)
				return &worktest.World{DB: b.CP.DB, Clock: b.Clock, Reconcilers: b.reconcilers(), Drive: b.Drive, State: b.state,
					Leftovers: func() []string {
						b.dropLoose()
						return b.leftovers()
					},
					Create: func() {
						b.create()
						if verb != nil {
							b.settle()
							require.NoError(t, verb(b))
						}
					},
					Delete: func() {
						_, err := b.CP.Compute.Delete(context.Background(), b.Caller, b.id)
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
			if s.Name == string(compute.Imaging) {
				require.NoError(t, verbs["image"](b))
			}
			if under := map[string]string{string(compute.Snapshotting): "snapshot", string(compute.RollingBack): "roll back"}[s.Name]; under != "" {
				require.NoError(t, verbs[under](b))
			}
			b.force(s.Name)
			alerts, r := 0, &work.Runner{DB: b.CP.DB, Reconcilers: b.reconcilers(), Logger: slog.New(slog.DiscardHandler)}
			r.OnOverdue = func(context.Context, *store.Tx, work.Overdue) error { alerts++; return nil }
			_, err := r.RunDue(context.Background())
			require.NoError(t, err)
			b.Clock.Advance(s.Deadline + time.Second)
			_, err = r.RunDue(context.Background())
			require.NoError(t, err)
			require.Positive(t, alerts, "the operator is told")
			v, err := b.CP.Compute.Get(context.Background(), b.Caller, b.id)
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
	require.NoError(b.T, b.CP.DB.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.NewRaw(`UPDATE instances SET state = ?, dirty = ?, restart = restart + 1, password = password + 1, epoch = epoch + 1, seen = 0 WHERE uid = ?`, state, true, b.id).Exec(ctx); err != nil {
			return err
		}
		return work.Wake(ctx, tx, compute.Kind, b.id)
	}))
}
