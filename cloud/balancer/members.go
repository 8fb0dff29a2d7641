package balancer

import (
	"cmp"
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// MaxWeight is the highest weight of a member (BEC, product guide, load balancers). 0 gets no new connections.
const MaxWeight = 100

// MemberDetail is a member with its instance.
type MemberDetail struct {
	Member `bun:",extend"`

	Address  string `bun:"address,scanonly"`
	Instance string `bun:"instance,scanonly"`
	Handle   string `bun:"handle,scanonly"`         // of the instance
	State    string `bun:"instance_state,scanonly"` // compute.State of the instance
}

// Weighted names an address of an instance, and its weight.
type Weighted struct {
	Instance string // UID or handle; empty: whichever has the address
	Address  string // private; empty: the instance's first
	Weight   int64
}

func (w Weighted) check(k int) error {
	if w.Weight < 0 || w.Weight > MaxWeight {
		return fault.BadField(fmt.Sprintf("members[%d].weight", k), "must be from 0 to %d", MaxWeight)
	}
	if w.Instance == "" && w.Address == "" {
		return fault.BadField(fmt.Sprintf("members[%d]", k), "must name an instance or an address")
	}
	return nil
}

func membersOf(ctx context.Context, tx *store.Tx, balancer string) (found []*MemberDetail, err error) {
	err = selectMembers(tx, balancer).Order("bm.uid").Scan(ctx, &found)
	return found, err
}

func selectMembers(tx *store.Tx, balancer string) *bun.SelectQuery {
	return tx.NewSelect().Model((*MemberDetail)(nil)).ColumnExpr("bm.*").ColumnExpr("p.address AS address, p.instance AS instance, COALESCE(i.handle, '') AS handle, COALESCE(i.state, '') AS instance_state").Join("JOIN balancer_groups AS g ON g.uid = bm.grp").
		Join("JOIN ports AS p ON p.uid = bm.port").Join("LEFT JOIN instances AS i ON i.uid = p.instance").Where("g.balancer = ?", balancer)
}

// Bind puts ports of the caller's instances at the balancer's site and in its network into the group of an ordinary balancer: all or none.
func (n *Balancers) Bind(ctx context.Context, caller *identity.Caller, id string, wanted []Weighted) error {
	if len(wanted) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	for k, w := range wanted {
		if err := w.check(k); err != nil {
			return err
		}
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := standardGroup(ctx, tx, b)
		if err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerMembers, Scope: b.UID, Delta: int64(len(wanted))}); err != nil {
			return err
		}
		for k, w := range wanted {
			if err := join(ctx, tx, b, g, w); err != nil {
				return fault.From(err).On(fmt.Sprintf("members[%d]", k))
			}
		}
		return nil
	})
}

func standardGroup(ctx context.Context, tx *store.Tx, b *Balancer) (*Group, error) {
	if err := b.mustBeOrdinary(); err != nil {
		return nil, err
	}
	g := new(Group)
	err := tx.NewSelect().Model(g).Where("balancer = ? AND standard", b.UID).Scan(ctx)
	return g, err
}

func join(ctx context.Context, tx *store.Tx, b *Balancer, g *Group, w Weighted) error {
	p, err := findPort(ctx, tx, b, w)
	if err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(&Member{UID: tx.NewUID(), Slug: tx.NewSlug(), Group: g.UID, Port: p.UID, Weight: w.Weight, Created: tx.Time()}).Exec(ctx)
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Exists, "The address %s is bound to the load balancer already.", p.Address).About("member", p.Address)
	}
	if err != nil {
		return fmt.Errorf("add member: %w", err)
	}
	return network.WatchPort(ctx, tx, p.UID, Kind, b.UID)
}

// findPort finds the port that is to be a member. What is not the caller's, or elsewhere, is not found. One that is leaving its instance may not join.
func findPort(ctx context.Context, tx *store.Tx, b *Balancer, w Weighted) (*network.Port, error) {
	p := new(network.Port)
	q := tx.NewSelect().Model(p).Where("account = ? AND site = ? AND network = ? AND kind = ? AND NOT doomed AND instance <> ''", b.Account, b.Site, b.Network, network.NIC)
	if w.Instance != "" {
		q = q.Where("(instance = ? OR instance IN (SELECT i.uid FROM instances AS i WHERE i.handle = ?))", w.Instance, w.Instance)
	}
	if w.Address != "" {
		q = q.Where("address = ?", w.Address)
	}
	err := q.Order("position", "uid").Limit(1).Scan(ctx)
	name := w.Address
	if name == "" {
		name = w.Instance
	}
	if store.NotFound(err) {
		return nil, fault.Missing("instance", name)
	}
	if err != nil {
		return nil, err
	}
	leaving, err := tx.NewSelect().TableExpr("link_specs").Where("kind = 'port' AND uid = ? AND deleted", p.UID).Exists(ctx)
	if err == nil && leaving {
		return nil, fault.Conflicting("instance", name, "The instance is being deleted, or loses the address.")
	}
	return p, err
}

// Weigh gives members of an ordinary balancer other weights: all or none.
func (n *Balancers) Weigh(ctx context.Context, caller *identity.Caller, id string, wanted []Weighted) error {
	return n.eachMember(ctx, caller, id, wanted, weigh)
}

func weigh(ctx context.Context, tx *store.Tx, _ *Balancer, m *Member, w Weighted) error {
	m.Weight = w.Weight
	_, err := tx.NewUpdate().Model(m).Column("weight").WherePK().Exec(ctx)
	return err
}

// Unbind takes members out of an ordinary balancer: all or none.
func (n *Balancers) Unbind(ctx context.Context, caller *identity.Caller, id string, wanted []Weighted) error {
	return n.eachMember(ctx, caller, id, wanted, unbind)
}

func unbind(ctx context.Context, tx *store.Tx, b *Balancer, m *Member, _ Weighted) error {
	return part(ctx, tx, b, m)
}

func part(ctx context.Context, tx *store.Tx, b *Balancer, m *Member) error {
	if _, err := tx.NewDelete().Model(m).WherePK().Exec(ctx); err != nil {
		return err
	}
	// The port may be in another group of the same balancer, which still has to learn when it goes.
	elsewhere, err := tx.NewSelect().Model((*Member)(nil)).Where(ofBalancer, b.UID).Where("port = ?", m.Port).Exists(ctx)
	if err != nil {
		return err
	}
	if !elsewhere {
		if err := network.UnwatchPort(ctx, tx, m.Port, Kind, b.UID); err != nil {
			return err
		}
	}
	return quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerMembers, Scope: b.UID, Delta: -1})
}

type memberVerb func(ctx context.Context, tx *store.Tx, b *Balancer, m *Member, w Weighted) error

func (n *Balancers) eachMember(ctx context.Context, caller *identity.Caller, id string, wanted []Weighted, do memberVerb) error {
	if len(wanted) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	for k, w := range wanted {
		if err := w.check(k); err != nil {
			return err
		}
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := b.mustBeOrdinary(); err != nil {
			return err
		}
		have, err := membersOf(ctx, tx, b.UID)
		if err != nil {
			return err
		}
		return eachOf(ctx, tx, b, have, wanted, do)
	})
}

func eachOf(ctx context.Context, tx *store.Tx, b *Balancer, have []*MemberDetail, wanted []Weighted, do memberVerb) error {
	done := map[string]bool{}
	for k, w := range wanted {
		m := w.of(have)
		if m == nil {
			return fault.Missing("member", cmp.Or(w.Address, w.Instance)).On(fmt.Sprintf("members[%d]", k))
		}
		if done[m.UID] {
			continue
		}
		done[m.UID] = true
		if err := do(ctx, tx, b, &m.Member, w); err != nil {
			return err
		}
	}
	return nil
}

func (w Weighted) of(members []*MemberDetail) *MemberDetail {
	for _, m := range members {
		if (w.Instance == "" || w.Instance == m.Instance || w.Instance == m.Handle) && (w.Address == "" || w.Address == m.Address) {
			return m
		}
	}
	return nil
}

// dropGone takes members away whose ports have been taken away: nobody watches those any more.
func dropGone(ctx context.Context, tx *store.Tx, b *Balancer) (dropped bool, err error) {
	var gone []*Member
	err = tx.NewSelect().Model(&gone).Where(ofBalancer, b.UID).
		Where("NOT EXISTS (SELECT 1 FROM port_watchers AS w WHERE w.port = bm.port AND w.kind = ? AND w.uid = ?)", Kind, b.UID).Order("uid").Scan(ctx)
	if err != nil {
		return false, err
	}
	for _, m := range gone {
		if err := part(ctx, tx, b, m); err != nil {
			return false, err
		}
	}
	return len(gone) > 0, nil
}

// Members gives a page of a balancer's members with the total, and the listeners and healths to read them by.
func (n *Balancers) Members(ctx context.Context, caller *identity.Caller, id string, page store.Page) (b *Balancer, found []*MemberDetail, listeners []*Listener, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if b, err = find(ctx, tx, caller, id); err != nil {
			return err
		}
		if found, total, err = store.List[*MemberDetail](ctx, selectMembers(tx, b.UID).Order("bm.uid"), page); err != nil {
			return err
		}
		listeners, err = listenersOf(ctx, tx, b.UID)
		return err
	})
	return b, found, listeners, total, err
}

// Healthy tells what the site said last of a member in a pool.
func (b *Balancer) Healthy(pool, member string) bool {
	for _, h := range b.Health.V {
		if h.Pool == pool && h.Member == member {
			return h.Healthy
		}
	}
	return false
}
