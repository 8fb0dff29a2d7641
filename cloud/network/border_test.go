package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// borders is the model of two subnets' borders: who guards them, and where their packets are led.
type borders struct {
	db      *store.DB
	nets    *network.Networks
	caller  *identity.Caller
	subnets []*network.Subnet
	acls    []*network.NetworkACL
	rules   map[string][]string // names of rules in their order, by list
	ids     map[string]string   // rules' UIDs by name
	guard   map[string]int      // ACL by subnet
	off     map[int]bool        // ACLs that are switched off
	tables  []*network.RouteTable
	in      map[string]int            // table by subnet; 0 is the default one
	routes  map[int]map[string]string // next hops by destination, by table
	vips    []*network.PortDetail
	made    int
}

var ways = []spec.Direction{spec.Ingress, spec.Egress}

// change makes several steps on one list, all or none.
func (b *borders) change(t *rapid.T) {
	k, way := rapid.IntRange(0, 1).Draw(t, "acl"), rapid.SampledFrom(ways).Draw(t, "way")
	a := b.acls[k]
	list := map[spec.Direction]string{spec.Ingress: a.Ingress, spec.Egress: a.Egress}[way]
	rules, c := slices.Clone(b.rules[list]), network.ACLChange{List: list, Direction: way}
	at := len(rules)
	if len(rules) > 0 && rapid.Bool().Draw(t, "placed") {
		at = rapid.IntRange(0, len(rules)-1).Draw(t, "place")
		if rapid.Bool().Draw(t, "after") {
			c.After = b.ids[rules[at]]
			at++
		} else {
			c.Before = b.ids[rules[at]]
		}
	}
	var fresh []string
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		if old := rapid.IntRange(0, 3).Draw(t, "what"); old == 0 && len(rules) > 0 {
			gone := rapid.IntRange(0, len(rules)-1).Draw(t, "gone")
			if b.ids[rules[gone]] == "" { // it is made by this very change
				continue
			}
			c.Steps = append(c.Steps, network.RuleStep{Step: network.RemoveRule, ID: b.ids[rules[gone]]})
			rules = slices.Delete(rules, gone, gone+1)
			if gone < at {
				at--
			}
			continue
		}
		b.made++
		name := fmt.Sprint("r", b.made)
		c.Steps = append(c.Steps, network.RuleStep{Rule: network.NewACLRule{Name: name, Enabled: true, Action: spec.Allow}})
		rules = slices.Insert(rules, at, name)
		fresh = append(fresh, name)
		at++
	}
	if len(c.Steps) == 0 {
		return
	}
	wrong := rapid.IntRange(0, 4).Draw(t, "wrong") == 0
	if wrong {
		c.Steps = append(c.Steps, network.RuleStep{Step: network.ModifyRule, ID: "nobody", Rule: network.NewACLRule{Action: spec.Deny}})
	}
	_, changed, err := b.nets.ChangeACLRules(context.Background(), b.caller, a.UID, c)
	if wrong {
		require.True(t, fault.Is(err, fault.NotFound), "%v", err)
		return
	}
	require.NoError(t, err)
	for i, r := range changed {
		require.Equal(t, fresh[i], r.Name)
		b.ids[r.Name] = r.UID
	}
	b.rules[list] = rules
}

// bind gives an ACL its subnets anew.
func (b *borders) bind(t *rapid.T) {
	k := rapid.IntRange(0, 1).Draw(t, "acl")
	refs, taken := []network.SubnetRef{}, false
	for _, s := range b.subnets {
		if rapid.Bool().Draw(t, "guarded") {
			refs = append(refs, network.SubnetRef{ID: s.UID})
			of, bound := b.guard[s.UID]
			taken = taken || bound && of != k
		}
	}
	on := rapid.Bool().Draw(t, "on")
	_, err := b.nets.UpdateACL(context.Background(), b.caller, b.acls[k].UID, network.ACLUpdate{Enabled: &on, Subnets: &refs})
	if taken {
		require.True(t, fault.Is(err, fault.Conflict), "%v", err)
		return
	}
	require.NoError(t, err)
	b.off[k] = !on
	for _, s := range b.subnets {
		if of, bound := b.guard[s.UID]; bound && of == k {
			delete(b.guard, s.UID)
		}
	}
	for _, r := range refs {
		b.guard[r.ID] = k
	}
}

// join moves a subnet to a table.
func (b *borders) join(t *rapid.T) {
	s, k := rapid.SampledFrom(b.subnets).Draw(t, "subnet"), rapid.IntRange(0, 1).Draw(t, "table")
	_, err := b.nets.JoinRouteTable(context.Background(), b.caller, b.tables[k].UID, []string{s.UID})
	require.NoError(t, err)
	b.in[s.UID] = k
}

// lead adds, moves or removes a route.
func (b *borders) lead(t *rapid.T) {
	ctx, k, to := context.Background(), rapid.IntRange(0, 1).Draw(t, "table"), rapid.SampledFrom([]string{"10.50.0.0/16", "10.51.0.0/16", "0.0.0.0/0"}).Draw(t, "to")
	hop := rapid.SampledFrom(b.vips).Draw(t, "hop").Address
	r := []network.NewRoute{{Destination: to, HopKind: network.HopVirtual, Hop: hop}}
	_, there := b.routes[k][to]
	var err error
	switch rapid.IntRange(0, 2).Draw(t, "how") {
	case 0:
		_, err = b.nets.AddRoutes(ctx, b.caller, b.tables[k].UID, r)
		if there {
			require.True(t, fault.Is(err, fault.Exists), "%v", err)
			return
		}
		b.routes[k][to] = hop
	case 1:
		_, err = b.nets.UpdateRoutes(ctx, b.caller, b.tables[k].UID, r)
		if !there {
			require.True(t, fault.Is(err, fault.NotFound), "%v", err)
			return
		}
		b.routes[k][to] = hop
	case 2:
		_, err = b.nets.RemoveRoutes(ctx, b.caller, b.tables[k].UID, []string{to})
		if !there {
			require.True(t, fault.Is(err, fault.NotFound), "%v", err)
			return
		}
		delete(b.routes[k], to)
	}
	require.NoError(t, err)
}

// told reads a spec as the site has it.
func told[T any](t *rapid.T, db *store.DB, kind, uid string) (s T, there bool) {
	var body string
	err := db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT body FROM link_specs WHERE kind = ? AND uid = ? AND NOT deleted", kind, uid).Scan(ctx, &body)
	})
	if store.NotFound(err) {
		return s, false
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	return s, true
}

// hold compares rows and specs with the model.
func (b *borders) hold(t *rapid.T) {
	for k, a := range b.acls {
		got, err := b.nets.GetACL(context.Background(), b.caller, a.UID)
		require.NoError(t, err)
		site, used := told[spec.NetworkACL](t, b.db, spec.KindNetworkACL, a.UID)
		for _, way := range ways {
			list, tells := a.Ingress, site.Ingress
			if way == spec.Egress {
				list, tells = a.Egress, site.Egress
			}
			want := slices.Clone(b.rules[list])
			for i, r := range got.Of(way) {
				require.Equal(t, want[i], r.Name)
				require.Equal(t, i+1, r.Position)
				if used {
					require.Equal(t, r.UID, tells[i].UID)
				}
			}
			require.Len(t, got.Of(way), len(want), "acl %d %s", k, way)
		}
	}
	for _, s := range b.subnets {
		site, _ := told[spec.Subnet](t, b.db, spec.KindSubnet, s.UID)
		acl := ""
		if k, bound := b.guard[s.UID]; bound && !b.off[k] {
			acl = b.acls[k].UID
		}
		require.Equal(t, acl, site.ACL)
		routes := map[string]string{}
		for _, r := range site.Routes {
			routes[r.Destination.String()] = r.NextHop.String()
		}
		require.Equal(t, b.routes[b.in[s.UID]], routes)
	}
}

// TestBordersAreWhatTheRowsSay changes network ACLs, bindings, route tables and routes in any order; after each step the rows and what the site is told are the
// model's, and at the end the checker finds nothing.
func TestBordersAreWhatTheRowsSay(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	caller, site := &identity.Caller{Account: "a", Dialect: "test"}, &place.Site{UID: "s", Slug: "s", Name: "s"}
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(site).Exec(ctx)
		return err
	}))
	nets, round := network.New(db, place.New(db)), 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		b := newBorders(t, db, nets, caller, site, round)
		steps := []func(*rapid.T){b.change, b.change, b.bind, b.join, b.lead, b.lead}
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
			b.hold(t)
		}
		b.end(t)
	})
}

func newBorders(t *rapid.T, db *store.DB, nets *network.Networks, caller *identity.Caller, site *place.Site, round int) *borders {
	ctx := context.Background()
	b := &borders{db: db, nets: nets, caller: caller, rules: map[string][]string{}, ids: map[string]string{}, guard: map[string]int{}, off: map[int]bool{}, in: map[string]int{},
		routes: map[int]map[string]string{0: {}, 1: {}}}
	net, err := nets.CreateNetwork(ctx, caller, network.NewNetwork{Name: fmt.Sprint("n", round), CIDR: "10.0.0.0/16"})
	require.NoError(t, err)
	for i := range 2 {
		s, err := nets.CreateSubnet(ctx, caller, network.NewSubnet{Network: net.UID, Site: site.UID, Name: "s", CIDR: fmt.Sprintf("10.0.%d.0/24", i)})
		require.NoError(t, err)
		b.subnets = append(b.subnets, s)
		vip, err := nets.CreateVirtualIP(ctx, caller, network.NewVirtualIP{Subnet: s.UID})
		require.NoError(t, err)
		b.vips = append(b.vips, vip)
		a, err := nets.CreateACL(ctx, caller, network.NewACL{Name: fmt.Sprint("acl", i)})
		require.NoError(t, err)
		b.acls = append(b.acls, a)
	}
	main, err := nets.TableOfSubnet(ctx, caller, b.subnets[0].UID)
	require.NoError(t, err)
	other, err := nets.CreateRouteTable(ctx, caller, network.NewRouteTable{Network: net.UID, Name: "other"})
	require.NoError(t, err)
	b.tables = []*network.RouteTable{main, other}
	return b
}

// end takes the next hops away, and the routes with them, then all the rest.
func (b *borders) end(t *rapid.T) {
	ctx := context.Background()
	for _, vip := range b.vips {
		require.NoError(t, b.nets.DeleteVirtualIP(ctx, b.caller, vip.UID))
	}
	b.routes = map[int]map[string]string{0: {}, 1: {}}
	b.hold(t)
	for _, s := range b.subnets {
		require.NoError(t, b.nets.DeleteSubnet(ctx, b.caller, s.UID))
	}
	for _, a := range b.acls {
		require.NoError(t, b.nets.DeleteACL(ctx, b.caller, a.UID), "a deleted subnet is guarded no more")
	}
	_, err := b.nets.DeleteNetwork(ctx, b.caller, b.tables[0].Network)
	require.NoError(t, err)
	found, err := check.Rows(ctx, b.db)
	require.NoError(t, err)
	require.Empty(t, found)
}
