package network_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	"edgecloud/work/worktest"
)

// natBench is a network of two subnets at a site that answers when it is asked to.
type natBench struct {
	t       require.TestingT
	db      *store.DB
	clock   *storetest.Clock
	nets    *network.Networks
	caller  *identity.Caller
	site    *place.Site
	net     *network.Network
	subnets []*network.Subnet
	said    map[string]bool // what the site has reported
}

func newNATBench(t require.TestingT, db *store.DB, clock *storetest.Clock, name string) *natBench {
	ctx := context.Background()
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	places := place.New(db)
	line := place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "provider", Prefix: netip.MustParsePrefix("192.0.2.0/27"), Gateway: netip.MustParseAddr("192.0.2.1")}
	site, err := places.AddSite(ctx, operator, place.NewSite{Default: place.Default{Name: name, Carrier: place.Mobile}, Lines: []place.NewLine{line}})
	require.NoError(t, err)
	b := &natBench{t: t, db: db, clock: clock, nets: network.New(db, places), site: site, caller: &identity.Caller{Account: "a-" + name, Role: identity.Member},
		said: map[string]bool{}}
	b.net, err = b.nets.CreateNetwork(ctx, b.caller, network.NewNetwork{Site: site, Name: "vpc", CIDR: "10.5.0.0/16"})
	require.NoError(t, err)
	for k := range 2 {
		s, err := b.nets.CreateSubnet(ctx, b.caller, network.NewSubnet{Network: b.net.UID, Name: fmt.Sprint("subnet", k), CIDR: fmt.Sprintf("10.5.%d.0/24", k+1)})
		require.NoError(t, err)
		b.subnets = append(b.subnets, s)
	}
	return b
}

func (b *natBench) create() *network.NATGatewayDetail {
	made, err := b.nets.CreateNATGateways(context.Background(), b.caller, []network.NewNATGateway{{Site: b.site, Network: b.net.UID, Name: "nat", Size: network.NATSmall, Mbps: 10}})
	require.NoError(b.t, err)
	return made[0]
}

func (b *natBench) get(uid string) *network.NATGatewayDetail {
	g, err := b.nets.GetNATGateway(context.Background(), b.caller, uid)
	require.NoError(b.t, err)
	return g
}

func (b *natBench) told(uid string) (body spec.NATGateway) {
	require.NoError(b.t, b.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Get(ctx, tx, spec.SiteTarget(b.site.UID), spec.KindNATGateway, uid, &body)
		return err
	}))
	return body
}

func (b *natBench) reconcilers() []work.Reconciler {
	return []work.Reconciler{network.NATGatewayLifecycle(), network.PublicIPLifecycle()}
}

// run lets all be done that is due.
func (b *natBench) run() {
	r := &work.Runner{DB: b.db, Reconcilers: b.reconcilers(), Logger: slog.New(slog.DiscardHandler)}
	for range 20 {
		ran, err := r.RunDue(context.Background())
		require.NoError(b.t, err)
		if ran == 0 {
			return
		}
	}
}

// pass lets time go by, and what is due then be done.
func (b *natBench) pass(d time.Duration) {
	b.clock.Advance(d)
	b.run()
}

// report lets the site report on all that it was told: phase is what became of gateways.
func (b *natBench) report(phase spec.Phase) {
	require.NoError(b.t, b.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
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
			if row.Kind == spec.KindNATGateway {
				r.Phase = phase
			}
			if row.Deleted {
				r.Phase = spec.Gone
				if _, err := tx.NewRaw("DELETE FROM link_specs WHERE kind = ? AND uid = ?", row.Kind, row.UID).Exec(ctx); err != nil {
					return err
				}
			}
			observe := map[string]link.Observer{spec.KindNATGateway: network.ObserveNATGateway, spec.KindPublicIP: network.ObservePublicIP, spec.KindUplink: network.ObserveUplink}[row.Kind]
			word := fmt.Sprint(r)
			if observe == nil || b.said[word] {
				continue
			}
			b.said[word] = true
			if err := observe(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (b *natBench) settle() {
	b.report(spec.Applied)
	b.run()
}

// sound holds the rows to the checker's rules.
func (b *natBench) sound() {
	found, err := check.Rows(context.Background(), b.db)
	require.NoError(b.t, err)
	require.Empty(b.t, found)
}

func (b *natBench) free() *network.PublicIPDetail {
	made, err := b.nets.CreatePublicIPs(context.Background(), b.caller, network.NewPublicIP{Site: b.site, Name: "eip", Mbps: 5})
	require.NoError(b.t, err)
	b.settle()
	return made[0]
}

func (b *natBench) ip(uid string) *network.PublicIPDetail {
	ip, err := b.nets.GetPublicIP(context.Background(), b.caller, uid)
	require.NoError(b.t, err)
	return ip
}

func eachNAT(t *testing.T, f func(t *testing.T, b *natBench)) {
	clock := storetest.NewClock()
	storetest.EachWith(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()}, func(t *testing.T, db *store.DB) { f(t, newNATBench(t, db, clock, "site")) })
}

// TestANATGatewayWaitsOnlySoLong misses the deadlines of every state, and mends what was late.
func TestANATGatewayWaitsOnlySoLong(t *testing.T) {
	eachNAT(t, func(t *testing.T, b *natBench) {
		ctx := t.Context()
		g := b.create()
		b.run()
		require.Equal(t, network.NATStarting, b.get(g.UID).State)
		b.pass(4 * time.Minute)
		require.Equal(t, network.NATDown, b.get(g.UID).State)
		require.Equal(t, network.IPBindFailed, b.ip(g.Addresses[0].UID).State)
		b.settle()
		require.Equal(t, network.NATActive, b.get(g.UID).State, "late, and well")
		require.Equal(t, network.IPBound, b.ip(g.Addresses[0].UID).State)
		b.report(spec.Failed)
		b.run()
		require.Equal(t, network.NATDown, b.get(g.UID).State, "its site cannot do it any more")
		require.NoError(t, b.nets.LimitNATGateway(ctx, b.caller, g.UID, 20))
		require.Equal(t, network.NATChanging, b.get(g.UID).State)
		require.True(t, b.get(g.UID).Usable())
		b.run()
		b.pass(4 * time.Minute)
		require.Equal(t, network.NATDown, b.get(g.UID).State)
		b.settle()
		require.Equal(t, network.NATActive, b.get(g.UID).State)
		b.sound()

		require.NoError(t, b.nets.DeleteNATGateways(ctx, b.caller, []string{g.UID}))
		b.pass(time.Hour)
		require.Equal(t, network.NATDeleting, b.get(g.UID).State, "its site may still answer to its address")
		require.True(t, fault.Is(b.nets.LimitNATGateway(ctx, b.caller, g.UID, 30), fault.Conflict))
		_, err := b.nets.DeleteNetwork(ctx, b.caller, b.net.UID)
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		b.sound()
		b.settle()
		_, err = b.nets.GetNATGateway(ctx, b.caller, g.UID)
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		_, err = b.nets.GetPublicIP(ctx, b.caller, g.Addresses[0].UID)
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		b.sound()
		_, err = b.nets.DeleteNetwork(ctx, b.caller, b.net.UID)
		require.NoError(t, err)
	})
}

// TestAnAddressLeavesItsGatewayWithTheSitesWord keeps an address until the site has confirmed that its gateway does not use it any more.
func TestAnAddressLeavesItsGatewayWithTheSitesWord(t *testing.T) {
	eachNAT(t, func(t *testing.T, b *natBench) {
		ctx := t.Context()
		g := b.create()
		b.settle()
		more := b.free()
		_, err := b.nets.BindToGateway(ctx, b.caller, more.UID, g.UID)
		require.NoError(t, err)
		b.run()
		require.Equal(t, network.IPBound, b.ip(more.UID).State, "no rule uses it, so that the site need not hear of it")
		rule := network.NewDNATRule{Name: "r", Address: more.Address, Protocol: "tcp", Port: 80, Private: "10.5.1.9", PrivatePort: 80}
		added, err := b.nets.AddDNATRules(ctx, b.caller, g.UID, []network.NewDNATRule{rule})
		require.NoError(t, err)
		b.settle()
		require.True(t, fault.Is(b.nets.FreePublicIP(ctx, b.caller, more.UID, ""), fault.Conflict))
		require.NoError(t, b.nets.RemoveDNATRules(ctx, b.caller, g.UID, []string{added[0].UID}))
		require.NoError(t, b.nets.FreePublicIP(ctx, b.caller, more.UID, g.UID))
		b.pass(time.Hour)
		require.Equal(t, network.IPUnbinding, b.ip(more.UID).State)
		require.Empty(t, b.get(g.UID).Inward())
		require.True(t, fault.Is(b.nets.DeletePublicIP(ctx, b.caller, more.UID), fault.Conflict))
		require.True(t, fault.Is(b.nets.DeletePublicIPs(ctx, b.caller, []string{more.UID}), fault.Conflict))
		_, err = b.nets.BindToGateway(ctx, b.caller, more.UID, g.UID)
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		b.sound()
		b.settle()
		require.Equal(t, network.IPFree, b.ip(more.UID).State)
		b.sound()
		require.NoError(t, b.nets.DeletePublicIP(ctx, b.caller, more.UID))
		b.sound()
	})
}

// TestAGatewayTakesOneAndThreeAddresses holds the numbers of the guide (network.md, quotas: SNAT IP 1, DNAT IP at most 3).
func TestAGatewayTakesOneAndThreeAddresses(t *testing.T) {
	eachNAT(t, func(t *testing.T, b *natBench) {
		g := b.create()
		b.settle()
		for k := range 4 {
			_, err := b.nets.BindToGateway(t.Context(), b.caller, b.free().UID, g.UID)
			require.Equal(t, k == 3, fault.Is(err, fault.Conflict), "%v", err)
			require.Equal(t, k == 3, err != nil)
		}
		require.Len(t, b.get(g.UID).Inward(), 3)
		require.Equal(t, g.Addresses[0].Address, b.get(g.UID).Outward().Address)
	})
}

// TestNATListsTakeAsManyStatementsForMany counts the statements of each list for one and for five.
func TestNATListsTakeAsManyStatementsForMany(t *testing.T) {
	eachNAT(t, func(t *testing.T, b *natBench) {
		g := b.create()
		counts := map[string][]int64{}
		look := func() {
			for name, list := range map[string]func(ctx context.Context) error{
				"gateways": func(ctx context.Context) error {
					_, _, err := b.nets.ListNATGateways(ctx, b.caller, network.NATFilter{}, store.Page{Size: 10})
					return err
				},
				"gateways from a marker": func(ctx context.Context) error {
					_, _, err := b.nets.ListNATGatewaysFrom(ctx, b.caller, network.NATFilter{}, store.Marker{Size: 10})
					return err
				},
				"SNAT rules": func(ctx context.Context) error {
					_, _, _, err := b.nets.ListSNATRules(ctx, b.caller, g.UID, store.Page{Size: 10})
					return err
				},
				"DNAT rules from a marker": func(ctx context.Context) error {
					_, _, _, err := b.nets.ListDNATRulesFrom(ctx, b.caller, g.UID, store.Marker{Size: 10})
					return err
				},
			} {
				ctx, counter := store.CountStatements(t.Context())
				require.NoError(t, list(ctx))
				counts[name] = append(counts[name], int64(counter.N()))
			}
		}
		add := func(k int) {
			_, err := b.nets.AddSNATRules(t.Context(), b.caller, g.UID, []network.NewSNATRule{{Name: "s", Source: fmt.Sprintf("10.5.1.%d/32", k)}})
			require.NoError(t, err)
			_, err = b.nets.AddDNATRules(t.Context(), b.caller, g.UID, []network.NewDNATRule{{Name: "d", Address: g.Addresses[0].Address, Protocol: "tcp", Port: 80 + k, Private: "10.5.1.9", PrivatePort: 80}})
			require.NoError(t, err)
		}
		add(0)
		look()
		for k := range 4 {
			b.create()
			add(k + 1)
		}
		look()
		for name, n := range counts {
			require.Equal(t, n[0], n[1], name)
			require.LessOrEqual(t, n[0], int64(5), name)
		}
	})
}

// TestEveryStepOfANATGatewayCanFailAndBeRepeated crashes at and repeats every step from the creation to the end.
func TestEveryStepOfANATGatewayCanFailAndBeRepeated(t *testing.T) {
	worktest.Run(t, func(t *testing.T) *worktest.World {
		clock := storetest.NewClock()
		b := newNATBench(t, storetest.OpenSQLite(t, store.Config{Now: clock.Now, Migrations: controlplane.Migrations()}), clock, "site")
		var uid, more string
		rows := func(query string) (out []string) {
			require.NoError(t, b.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error { return tx.NewRaw(query).Scan(ctx, &out) }))
			return out
		}
		return &worktest.World{DB: b.db, Clock: clock, Reconcilers: b.reconcilers(), Drive: func() { b.report(spec.Applied) },
			State: func() []string {
				return append(rows("SELECT 'gateway ' || state FROM nat_gateways"), rows("SELECT 'address ' || state || ' ' || outward || ' ' || given FROM public_ips ORDER BY uid")...)
			},
			Leftovers: func() []string {
				return append(rows("SELECT 'gateway ' || uid FROM nat_gateways"), rows("SELECT 'lease ' || address FROM line_addresses WHERE holder NOT IN (SELECT network FROM routers) AND holder NOT IN (SELECT uid FROM public_ips)")...)
			},
			Create: func() {
				uid = b.create().UID
				made, err := b.nets.CreatePublicIPs(context.Background(), b.caller, network.NewPublicIP{Site: b.site, Name: "eip", Mbps: 5})
				require.NoError(t, err)
				more = made[0].UID
				_, err = b.nets.BindToGateway(context.Background(), b.caller, more, uid)
				require.NoError(t, err)
				_, err = b.nets.AddDNATRules(context.Background(), b.caller, uid, []network.NewDNATRule{{Name: "d", Address: made[0].Address, Private: "10.5.1.9"}})
				require.NoError(t, err)
			},
			Delete: func() { require.NoError(t, b.nets.DeleteNATGateways(context.Background(), b.caller, []string{uid})) }}
	})
}
