package balancer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// bench is a network at a site that answers when it is asked to, with ports that look like those of instances.
type bench struct {
	t      *testing.T
	db     *store.DB
	clock  *storetest.Clock
	lbs    *balancer.Balancers
	caller *identity.Caller
	site   *place.Site
	subnet *network.Subnet
	ports  []*network.Port
	said   map[string]bool // what the site has reported
	health []spec.MemberHealth
}

func newBench(t *testing.T, db *store.DB, clock *storetest.Clock) *bench {
	ctx := context.Background()
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	places := place.New(db)
	line := place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "provider", Prefix: netip.MustParsePrefix("192.0.2.0/27"), Gateway: netip.MustParseAddr("192.0.2.1")}
	site, err := places.AddSite(ctx, operator, place.NewSite{Default: place.Default{Name: "site", Carrier: place.Mobile}, Lines: []place.NewLine{line}})
	require.NoError(t, err)
	b := &bench{t: t, db: db, clock: clock, lbs: balancer.New(db), site: site, caller: &identity.Caller{Account: "a", Role: identity.Member}, said: map[string]bool{}}
	nets := network.New(db, places)
	net, err := nets.CreateNetwork(ctx, b.caller, network.NewNetwork{Site: site, Name: "vpc", CIDR: "10.5.0.0/16"})
	require.NoError(t, err)
	b.subnet, err = nets.CreateSubnet(ctx, b.caller, network.NewSubnet{Network: net.UID, Name: "subnet", CIDR: "10.5.1.0/24"})
	require.NoError(t, err)
	b.write(func(ctx context.Context, tx *store.Tx) error {
		r, err := network.Resolve(ctx, tx, b.caller, network.Attachment{Site: site, Subnet: b.subnet.UID})
		if err != nil {
			return err
		}
		b.ports, err = r.AddPorts(ctx, tx, b.caller, 0, []string{"one", "two"})
		return err
	})
	return b
}

func (b *bench) write(f func(ctx context.Context, tx *store.Tx) error) {
	require.NoError(b.t, b.db.Write(context.Background(), f))
}

func (b *bench) create(public bool) *balancer.Detail {
	made, err := b.lbs.Create(context.Background(), b.caller, []balancer.Wanted{{Type: balancer.Ordinary, Serves: balancer.Instances, Site: b.site, Subnet: b.subnet.UID, Public: public, Name: "lb", Mbps: 10, Count: 1}})
	require.NoError(b.t, err)
	return made[0]
}

func (b *bench) get(uid string) *balancer.Detail {
	d, err := b.lbs.Get(context.Background(), b.caller, uid)
	require.NoError(b.t, err)
	return d
}

func (b *bench) told(uid string) (body spec.Balancer) {
	require.NoError(b.t, b.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Get(ctx, tx, spec.SiteTarget(b.site.UID), spec.KindBalancer, uid, &body)
		return err
	}))
	return body
}

// run lets all be done that is due.
func (b *bench) run() {
	r := &work.Runner{DB: b.db, Reconcilers: []work.Reconciler{balancer.Lifecycle(), network.PublicIPLifecycle()}, Logger: slog.New(slog.DiscardHandler)}
	for range 20 {
		ran, err := r.RunDue(context.Background())
		require.NoError(b.t, err)
		if ran == 0 {
			return
		}
	}
}

// report lets the site report on all that it was told: phase is what became of balancers.
func (b *bench) report(phase spec.Phase) {
	observers := map[string]link.Observer{spec.KindBalancer: balancer.Observe, spec.KindPublicIP: network.ObservePublicIP, spec.KindPort: network.ObservePort}
	b.write(func(ctx context.Context, tx *store.Tx) error {
		var rows []struct {
			Kind, UID string
			Revision  int64
			Deleted   bool
		}
		if err := tx.NewRaw("SELECT kind, uid, revision, deleted FROM link_specs WHERE target = ?", spec.SiteTarget(b.site.UID)).Scan(ctx, &rows); err != nil {
			return err
		}
		for _, row := range rows {
			r := spec.Report{Kind: row.Kind, UID: row.UID, Generation: row.Revision, Phase: spec.Applied}
			if row.Kind == spec.KindBalancer {
				r.Phase = phase
				r.Facts, _ = json.Marshal(spec.BalancerFacts{Members: b.health})
			}
			if row.Deleted {
				r.Phase = spec.Gone
				if _, err := tx.NewRaw("DELETE FROM link_specs WHERE kind = ? AND uid = ?", row.Kind, row.UID).Exec(ctx); err != nil {
					return err
				}
			}
			observe, word := observers[row.Kind], fmt.Sprint(r)
			if observe == nil || b.said[word] {
				continue
			}
			b.said[word] = true
			if err := observe(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) settle() {
	b.report(spec.Applied)
	b.run()
	b.check()
}

// check holds what the cloud's checker says of balancers; the ports of the bench have no instances.
func (b *bench) check() {
	found, err := check.Rows(context.Background(), b.db)
	require.NoError(b.t, err)
	for _, f := range found {
		require.NotContains(b.t, fmt.Sprint(f), "balancer", "%v", f)
	}
}

func (b *bench) count(what string) (n int) {
	require.NoError(b.t, b.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT COUNT(*) FROM "+what).Scan(ctx, &n)
	}))
	return n
}

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	clock := storetest.NewClock()
	storetest.EachWith(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()}, func(t *testing.T, db *store.DB) { f(t, newBench(t, db, clock)) })
}

func web() balancer.NewListener {
	return balancer.NewListener{Protocol: "tcp", Port: 80, BackendPort: 8080}
}

func TestBalancerLivesWithItsPortAndAddress(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		d := b.create(true)
		require.Equal(t, balancer.Starting, d.State)
		require.Len(t, d.IPs, 1)
		require.Equal(t, d.Address, b.told(d.UID).NIC.Addresses[0].Addr().String())
		b.run()
		require.Equal(t, balancer.Starting, b.get(d.UID).State, "nothing was reported")
		b.settle()
		require.Equal(t, balancer.Active, b.get(d.UID).State)

		mbps := int64(20)
		require.NoError(t, b.lbs.Update(ctx, b.caller, d.Slug, balancer.Change{Mbps: &mbps}))
		d = b.get(d.UID)
		require.Equal(t, balancer.Changing, d.State)
		require.Equal(t, mbps, d.IPs[0].Mbps)
		b.settle()
		require.Equal(t, balancer.Active, b.get(d.UID).State)

		_, err := b.lbs.Delete(ctx, b.caller, d.UID)
		require.NoError(t, err)
		b.run()
		require.Equal(t, balancer.Deleting, b.get(d.UID).State, "its addresses are held until the site has confirmed")
		b.settle()
		_, err = b.lbs.Get(ctx, b.caller, d.UID)
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		for _, left := range []string{"balancers", "balancer_groups", "public_ips", "ports WHERE kind = 'balancer'", "quota_use WHERE used <> 0 AND name IN ('balancers', 'public_ips')",
			"line_addresses WHERE holder = '" + d.IPs[0].UID + "'"} {
			require.Zero(t, b.count(left), left)
		}
	})
}

func TestBalancerThatItsSiteCannotMakeIsDown(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		d := b.create(false)
		b.run()
		b.clock.Advance(4 * time.Minute)
		b.run()
		require.Equal(t, balancer.Down, b.get(d.UID).State)
		b.settle()
		require.Equal(t, balancer.Active, b.get(d.UID).State, "the site made it after all")
	})
}

func TestThresholdsAreExceeded(t *testing.T) { // load-balancer.md, health check: unhealthy when failures exceed the threshold
	each(t, func(t *testing.T, b *bench) {
		d := b.create(false)
		w := web()
		w.Check = balancer.Check{Unhealthy: 3}
		require.NoError(t, b.lbs.CreateListeners(context.Background(), b.caller, d.UID, []balancer.NewListener{w}))
		check := b.told(d.UID).Pools[0].Check
		require.Equal(t, spec.HealthCheck{Protocol: "tcp", IntervalSeconds: 3, TimeoutSeconds: 3, Fall: 4, Rise: 1}, check)
		require.Equal(t, 900, b.told(d.UID).Listeners[0].TimeoutSeconds)
	})
}

func TestListenersAreRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		d := b.create(false)
		for field, spoil := range map[string]func(w *balancer.NewListener){
			"protocol": func(w *balancer.NewListener) { w.Protocol = "http" }, "port": func(w *balancer.NewListener) { w.Port = 65536 },
			"backendPort": func(w *balancer.NewListener) { w.BackendPort = 0 }, "timeout": func(w *balancer.NewListener) { w.TimeoutSeconds = 4001 },
			"check.protocol": func(w *balancer.NewListener) { w.Check.Protocol = "icmp" },
		} {
			w := web()
			spoil(&w)
			err := b.lbs.CreateListeners(context.Background(), b.caller, d.UID, []balancer.NewListener{web(), w})
			require.Error(t, err, field)
			require.Equal(t, field, fault.From(err).Field)
		}
		require.Zero(t, b.count("balancer_listeners"))
		require.NoError(t, b.lbs.CreateListeners(context.Background(), b.caller, d.UID, []balancer.NewListener{web()}))
		err := b.lbs.CreateListeners(context.Background(), b.caller, d.UID, []balancer.NewListener{web()})
		require.True(t, fault.Is(err, fault.Exists), "%v", err)
		require.NoError(t, b.lbs.DeleteListeners(context.Background(), b.caller, d.UID, []balancer.Address{{Protocol: "tcp", Port: 80}}))
		require.Zero(t, b.count("quota_use WHERE used <> 0 AND name = 'balancer_listeners'"))
	})
}

func TestMembersServeAllListenersAndLeaveWithTheirPorts(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		d := b.create(false)
		require.NoError(t, b.lbs.CreateListeners(ctx, b.caller, d.UID, []balancer.NewListener{web(), {Protocol: "udp", Port: 53, BackendPort: 5353}}))
		require.NoError(t, b.lbs.Bind(ctx, b.caller, d.UID, []balancer.Weighted{{Instance: "one", Weight: 1}, {Address: b.ports[1].Address, Weight: 3}}))
		err := b.lbs.Bind(ctx, b.caller, d.UID, []balancer.Weighted{{Instance: "one", Weight: 1}})
		require.True(t, fault.Is(err, fault.Exists), "%v", err)
		err = b.lbs.Bind(ctx, &identity.Caller{Account: "other", Role: identity.Member}, d.UID, []balancer.Weighted{{Instance: "one"}})
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		told := b.told(d.UID)
		require.Len(t, told.Pools, 2)
		for _, p := range told.Pools {
			require.Len(t, p.Members, 2)
		}
		b.health = []spec.MemberHealth{{Pool: told.Pools[0].UID, Member: told.Pools[0].Members[0].UID, Healthy: true}}
		b.settle()
		require.Equal(t, balancer.Active, b.get(d.UID).State)
		lb, members, _, total, err := b.lbs.Members(ctx, b.caller, d.UID, store.Page{})
		require.NoError(t, err)
		require.Equal(t, 2, total)
		require.True(t, lb.Healthy(told.Pools[0].UID, members[0].UID))
		require.False(t, lb.Healthy(told.Pools[1].UID, members[0].UID))

		require.NoError(t, b.lbs.Weigh(ctx, b.caller, d.UID, []balancer.Weighted{{Address: b.ports[1].Address, Weight: 0}}))
		require.Zero(t, b.told(d.UID).Pools[0].Members[1].Weight)
		b.settle()

		b.write(func(ctx context.Context, tx *store.Tx) error {
			if err := network.ReleasePorts(ctx, tx, b.ports[:1]); err != nil {
				return err
			}
			return network.DropPorts(ctx, tx, b.ports[:1])
		})
		b.run()
		require.Equal(t, balancer.Changing, b.get(d.UID).State)
		require.Len(t, b.told(d.UID).Pools[0].Members, 1, "the member left with its port")
		b.settle()
		require.Equal(t, balancer.Active, b.get(d.UID).State)
		require.NoError(t, b.lbs.Unbind(ctx, b.caller, d.UID, []balancer.Weighted{{Address: b.ports[1].Address}}))
		require.Zero(t, b.count("quota_use WHERE used <> 0 AND name = 'balancer_members'"))
		require.Zero(t, b.count("port_watchers"))
	})
}

func TestBalancerListsTakeAsManyStatementsForMany(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		count := func() int {
			ctx, counter := store.CountStatements(context.Background())
			_, _, err := b.lbs.List(ctx, b.caller, balancer.Filter{}, store.Page{Size: 10})
			require.NoError(t, err)
			return counter.N()
		}
		b.create(true)
		one := count()
		for range 3 {
			b.create(true)
		}
		require.Equal(t, one, count())
		require.LessOrEqual(t, one, 5)
	})
}
