package plan_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/cloud/volume"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
	"edgecloud/work/worktest"
)

// bed is a small cloud with a network that an edge cloud can be made in.
type bed struct {
	*controlplanetest.Bed
	net string
	id  string // of the edge cloud that lives
}

func newBed(t testing.TB) *bed {
	b := &bed{Bed: controlplanetest.NewBed(t)}
	net, err := b.CP.Networks.CreateNetwork(context.Background(), b.Caller, network.NewNetwork{Name: "n", CIDR: "10.8.0.0/16", Managed: true})
	require.NoError(t, err)
	b.net = net.UID
	_, err = b.CP.Place.CreateFlavor(context.Background(), b.Caller, place.NewFlavor{Name: "bec.g1.c1m1", Family: "g1", VCPUs: 1, MemoryMiB: 1024})
	require.NoError(t, err)
	return b
}

func (b *bed) wanted(count int) plan.NewPlan {
	return plan.NewPlan{Name: "edge", Coverage: plan.Coverage{Level: plan.City, Places: []plan.Place{{Name: "hangzhou", Sites: []string{b.Site.UID}, Demands: []plan.Demand{{Count: count}}}}},
		Stack: plan.Stack{Name: "s", Resources: []plan.Resource{{Name: "r", Count: 2, Flavor: "bec.g1.c1m1", Image: "Debian", Network: b.net, NICs: 2, Public: true,
			System: volume.New{Storage: "SAS", GiB: 40}}}}}
}

// unnamed calls instances as compute does.
func unnamed(_ context.Context, _ *place.Site, _ plan.Resource, _, count int) ([]compute.Label, error) {
	return make([]compute.Label, count), nil
}

func (b *bed) deploy(count int) {
	p, err := b.CP.Plans.Create(context.Background(), b.Caller, b.wanted(count))
	require.NoError(b.T, err)
	c, err := b.CP.Plans.Deploy(context.Background(), b.Caller, p.UID, unnamed)
	require.NoError(b.T, err)
	b.id = c.UID
}

func (b *bed) settle() { b.Settle(compute.Lifecycle(), plan.Lifecycle()) }

func (b *bed) cloud() *plan.View {
	v, err := b.CP.Plans.Cloud(context.Background(), b.Caller, b.id)
	require.NoError(b.T, err)
	return v
}

func (b *bed) state() (out []string) {
	ctx := context.Background()
	clouds, _, err := b.CP.Plans.Clouds(ctx, b.Caller, plan.CloudFilter{}, store.Window{})
	require.NoError(b.T, err)
	for _, v := range clouds {
		out = append(out, fmt.Sprint(v.Name, " ", v.State, " ", v.Error, " ", v.Good, " ", v.Bad, " ", v.Busy, " parts ", len(v.Parts.V), " sites ", len(v.Sites)))
	}
	found, err := check.Rows(ctx, b.CP.DB)
	require.NoError(b.T, err)
	require.Empty(b.T, found)
	return out
}

func (b *bed) leftovers() (left []string) {
	require.NoError(b.T, b.CP.DB.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw(`SELECT 'edge cloud ' || uid FROM edge_clouds UNION ALL SELECT 'group ' || uid FROM groups UNION ALL SELECT 'instance ' || uid FROM instances
			UNION ALL SELECT 'work ' || uid FROM work WHERE kind IN ('edge_cloud', 'instance') UNION ALL SELECT 'operation ' || verb FROM operations WHERE status = 'running'
			UNION ALL SELECT 'quota ' || name FROM quota_use WHERE used <> 0 AND name IN ('edge_clouds', 'instances', 'public_ips')`).Scan(ctx, &left)
	}))
	return left
}

// deleteAll deletes the instances through the cloud's own verb, and then the edge cloud.
func (b *bed) deleteAll() {
	ctx := context.Background()
	g, err := b.CP.Compute.GetGroup(ctx, b.Caller, b.id)
	require.NoError(b.T, err)
	for _, i := range g.Instances {
		_, err := b.CP.Compute.Delete(ctx, b.Caller, i.UID)
		require.NoError(b.T, err)
	}
	b.settle()
	require.NoError(b.T, b.CP.Plans.DeleteCloud(ctx, b.Caller, b.id))
}

// verbs are the changes of an edge cloud's life; each is lived with a crash at every point and every step repeated (bar E3).
var verbs = map[string]func(b *bed){
	"deploy": nil,
	"expand": func(b *bed) {
		w := b.wanted(1)
		w.Name, w.Cloud = "", b.id
		p, err := b.CP.Plans.Create(context.Background(), b.Caller, w)
		require.NoError(b.T, err)
		_, err = b.CP.Plans.Expand(context.Background(), b.Caller, p.UID, unnamed)
		require.NoError(b.T, err)
	},
}

func TestEveryStepOfALifeCanFailAndBeRepeated(t *testing.T) {
	for name, verb := range verbs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			worktest.Run(t, func(t *testing.T) *worktest.World {
				b := newBed(t)
				return &worktest.World{DB: b.CP.DB, Clock: b.Clock, Reconcilers: []work.Reconciler{compute.Lifecycle(), plan.Lifecycle()}, Drive: b.Drive, State: b.state, Leftovers: b.leftovers,
					Create: func() {
						b.deploy(1)
						if verb != nil {
							b.settle()
							verb(b)
						}
					},
					Delete: b.deleteAll}
			})
		})
	}
}

func TestAnEdgeCloudIsInServiceWhenItsInstancesAre(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.deploy(2)
	require.Equal(t, plan.Creating, b.cloud().State)
	require.Equal(t, 4, b.cloud().Busy)
	err := b.CP.Plans.DeleteCloud(ctx, b.Caller, b.id)
	require.True(t, fault.Is(err, fault.Conflict), "it is being deployed: %v", err)
	b.settle()
	v := b.cloud()
	require.Equal(t, []any{plan.InService, 4, 0, 0, 2}, []any{v.State, v.Good, v.Bad, v.Busy, len(v.Parts.V)})
	err = b.CP.Plans.DeleteCloud(ctx, b.Caller, b.id)
	require.True(t, fault.Is(err, fault.Conflict), "it has instances: %v", err)
	verbs["expand"](b)
	require.Equal(t, plan.Updating, b.cloud().State)
	b.settle()
	v = b.cloud()
	require.Equal(t, []any{plan.InService, 6, 3}, []any{v.State, v.Good, len(v.Parts.V)})
	b.deleteAll()
	b.settle()
	require.Empty(t, b.leftovers())
}

// A group that somebody deletes as such, with all its instances, takes its edge cloud along.
func TestAnEdgeCloudGoesWithItsGroup(t *testing.T) {
	b := newBed(t)
	b.deploy(1)
	b.settle()
	_, err := b.CP.Compute.DeleteGroup(t.Context(), b.Caller, b.id)
	require.NoError(t, err)
	b.settle()
	require.Empty(t, b.leftovers())
}

// A host that never answers fails the instances, and so the edge cloud, which then can only be deleted, with what is left of its instances.
func TestAnEdgeCloudWhoseInstancesFailIsFailed(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.deploy(1)
	r := &work.Runner{DB: b.CP.DB, Reconcilers: []work.Reconciler{compute.Lifecycle(), plan.Lifecycle()}, Logger: slog.New(slog.DiscardHandler)}
	for range 3 {
		_, err := r.RunDue(ctx)
		require.NoError(t, err)
		b.Clock.Advance(31 * time.Minute)
	}
	require.NoError(t, b.Agent.HeartbeatOnce(ctx))
	_, err := r.RunDue(ctx)
	require.NoError(t, err)
	v := b.cloud()
	require.Equal(t, []any{plan.Failed, 0, 2}, []any{v.State, v.Good, v.Bad})
	require.Contains(t, v.Error, "2 of 2")
	w := b.wanted(1)
	w.Name, w.Cloud = "", b.id
	p, err := b.CP.Plans.Create(ctx, b.Caller, w)
	require.NoError(t, err)
	_, err = b.CP.Plans.Expand(ctx, b.Caller, p.UID, unnamed)
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	require.NoError(t, b.CP.Plans.DeleteCloud(ctx, b.Caller, b.id))
	require.Equal(t, plan.Deleting, b.cloud().State)
	b.settle()
	require.Empty(t, b.leftovers())
}

// A12: every state has a deadline or is one to rest in, and a missed one leads to a named state of rest, with a reason.
func TestNoStateWaitsForEver(t *testing.T) {
	for _, s := range plan.Lifecycle().States() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Terminal {
				return
			}
			require.Positive(t, s.Deadline)
			b := newBed(t)
			b.deploy(1)
			b.settle()
			require.NoError(t, b.CP.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				if _, err := tx.NewRaw("UPDATE edge_clouds SET state = ? WHERE uid = ?", s.Name, b.id).Exec(ctx); err != nil {
					return err
				}
				_, err := tx.NewRaw("UPDATE instances SET state = 'creating' WHERE grp = ?", b.id).Exec(ctx)
				if err != nil {
					return err
				}
				return work.Wake(ctx, tx, plan.Kind, b.id)
			}))
			r := &work.Runner{DB: b.CP.DB, Reconcilers: []work.Reconciler{plan.Lifecycle()}, Logger: slog.New(slog.DiscardHandler)}
			_, err := r.RunDue(t.Context())
			require.NoError(t, err)
			b.Clock.Advance(s.Deadline + time.Second)
			_, err = r.RunDue(t.Context())
			require.NoError(t, err)
			v := b.cloud()
			require.Contains(t, []plan.State{plan.Failed, plan.DeleteFailed}, v.State)
			require.Contains(t, v.Error, s.Name)
		})
	}
}
