package balancer

import (
	"context"
	"fmt"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

func addServers(ctx context.Context, tx *store.Tx, b *Balancer, g *Group, wanted []Weighted) error {
	if len(wanted) == 0 {
		return nil
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
}

func addAddresses(ctx context.Context, tx *store.Tx, b *Balancer, g *Group, wanted []NewAddress) (made []*AddressMember, err error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerMembers, Scope: b.UID, Delta: int64(len(wanted))}); err != nil {
		return nil, err
	}
	for k, w := range wanted {
		m := &AddressMember{UID: tx.NewUID(), Slug: tx.NewSlug(), Group: g.UID, Address: w.Address, Port: w.Port, Weight: w.Weight, Created: tx.Time()}
		if err := insertAddress(ctx, tx, m, k); err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	return made, nil
}

func insertAddress(ctx context.Context, tx *store.Tx, m *AddressMember, k int) error {
	_, err := tx.NewInsert().Model(m).Exec(ctx)
	if _, dup := store.IsUnique(err); dup {
		return taken(m, k)
	}
	if err != nil {
		return fmt.Errorf("add an address: %w", err)
	}
	return nil
}

func taken(m *AddressMember, k int) error {
	name := fmt.Sprintf("%s:%d", m.Address, m.Port)
	return fault.New(fault.Exists, "The group has the member %s already.", name).About("member", name).On(fmt.Sprintf("members[%d]", k))
}

// AddAddresses puts addresses into a group: all or none.
func (n *Balancers) AddAddresses(ctx context.Context, caller *identity.Caller, id, group string, wanted []NewAddress) (made []*AddressMember, err error) {
	if len(wanted) == 0 {
		return nil, fault.BadField("members", "must name at least one")
	}
	if err := checkMembers(wanted, nil); err != nil {
		return nil, err
	}
	err = n.changeGroup(ctx, caller, id, Addresses, group, func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error {
		made, err = addAddresses(ctx, tx, b, g, wanted)
		return err
	})
	return made, err
}

// AddressChange gives a member of a group of addresses another port or weight; nil stays.
type AddressChange struct {
	Member string // UID or slug
	Port   *int
	Weight *int64
}

// ChangeAddresses changes members of a group of addresses: all or none.
func (n *Balancers) ChangeAddresses(ctx context.Context, caller *identity.Caller, id, group string, wanted []AddressChange) error {
	if len(wanted) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	return n.changeGroup(ctx, caller, id, Addresses, group, func(ctx context.Context, tx *store.Tx, _ *Balancer, g *Group) error {
		for k, w := range wanted {
			m, err := findAddress(ctx, tx, g, w.Member)
			if err != nil {
				return err
			}
			if w.Port != nil {
				m.Port = *w.Port
			}
			if w.Weight != nil {
				m.Weight = *w.Weight
			}
			if err := checkAddress(k, m.Port, m.Weight); err != nil {
				return err
			}
			_, err = tx.NewUpdate().Model(m).Column("port", "weight").WherePK().Exec(ctx)
			if _, dup := store.IsUnique(err); dup {
				return taken(m, k)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func findAddress(ctx context.Context, tx *store.Tx, g *Group, id string) (*AddressMember, error) {
	m := new(AddressMember)
	err := tx.NewSelect().Model(m).Where("grp = ? AND (uid = ? OR slug = ?)", g.UID, id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("member", id).On("member")
	}
	return m, err
}

// DropAddresses takes members out of a group of addresses: all or none.
func (n *Balancers) DropAddresses(ctx context.Context, caller *identity.Caller, id, group string, members []string) error {
	if len(members) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	return n.changeGroup(ctx, caller, id, Addresses, group, func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error {
		done := map[string]bool{}
		for _, one := range members {
			if done[one] {
				continue
			}
			done[one] = true
			m, err := findAddress(ctx, tx, g, one)
			if err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(m).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerMembers, Scope: b.UID, Delta: -int64(len(done))})
	})
}

// Addresses lists the members of a group of addresses, oldest first; their number is bounded by a quota.
func (n *Balancers) Addresses(ctx context.Context, caller *identity.Caller, id, group string) (found []*AddressMember, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := findGroup(ctx, tx, b, Addresses, group)
		if err != nil {
			return err
		}
		return tx.NewSelect().Model(&found).Where("grp = ?", g.UID).Order("uid").Scan(ctx)
	})
	return found, err
}

// AddServers puts instances into a group of servers: all or none.
func (n *Balancers) AddServers(ctx context.Context, caller *identity.Caller, id, group string, wanted []Weighted) error {
	if len(wanted) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	if err := checkMembers(nil, wanted); err != nil {
		return err
	}
	return n.changeGroup(ctx, caller, id, Servers, group, func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error {
		return addServers(ctx, tx, b, g, wanted)
	})
}

// WeighServers gives members of a group of servers other weights: all or none.
func (n *Balancers) WeighServers(ctx context.Context, caller *identity.Caller, id, group string, wanted []Weighted) error {
	return n.eachServer(ctx, caller, id, group, wanted, weigh)
}

// DropServers takes members out of a group of servers: all or none.
func (n *Balancers) DropServers(ctx context.Context, caller *identity.Caller, id, group string, wanted []Weighted) error {
	return n.eachServer(ctx, caller, id, group, wanted, unbind)
}

func (n *Balancers) eachServer(ctx context.Context, caller *identity.Caller, id, group string, wanted []Weighted, do memberVerb) error {
	if len(wanted) == 0 {
		return fault.BadField("members", "must name at least one")
	}
	if err := checkMembers(nil, wanted); err != nil {
		return err
	}
	return n.changeGroup(ctx, caller, id, Servers, group, func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error {
		all, err := membersOf(ctx, tx, b.UID)
		if err != nil {
			return err
		}
		return eachOf(ctx, tx, b, inGroup(all, g), wanted, do)
	})
}

func inGroup(all []*MemberDetail, g *Group) (found []*MemberDetail) {
	for _, m := range all {
		if m.Group == g.UID {
			found = append(found, m)
		}
	}
	return found
}

// ServerState is a member of a group of servers with each port that it is reached on through a policy.
type ServerState struct {
	*MemberDetail
	Ports []PortState
}

// PortState is a port of a group, and the listener that leads there if one does.
type PortState struct {
	Port     *GroupPort
	Listener *Listener // nil: none
	Policy   *Policy   // nil: none
	Healthy  bool
}

// Servers lists the members of a group of servers, oldest first; their number is bounded by a quota.
func (n *Balancers) Servers(ctx context.Context, caller *identity.Caller, id, group string) (found []*ServerState, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := findGroup(ctx, tx, b, Servers, group)
		if err != nil {
			return err
		}
		a, err := appOf(ctx, tx, b)
		if err != nil {
			return err
		}
		listeners, err := listenersOf(ctx, tx, b.UID)
		if err != nil {
			return err
		}
		for _, m := range inGroup(a.members, g) {
			found = append(found, &ServerState{MemberDetail: m, Ports: a.states(b, m, listeners)})
		}
		return nil
	})
	return found, err
}

func (a app) states(b *Balancer, m *MemberDetail, listeners []*Listener) (out []PortState) {
	for _, p := range a.ports {
		if p.Group != m.Group {
			continue
		}
		s := PortState{Port: p, Healthy: b.Healthy(p.UID, m.UID)}
		for _, po := range a.policies {
			for _, l := range listeners {
				if po.Group == m.Group && po.Listener == l.UID && a.serving(po.Group, l.Protocol) == p {
					s.Listener, s.Policy = l, po
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// Free lists addresses of the caller's instances in the balancer's network and at its site that are not in a group of servers, each instance's first.
func (n *Balancers) Free(ctx context.Context, caller *identity.Caller, id, group string, page store.Marker) (found []*MemberDetail, next string, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := findGroup(ctx, tx, b, Servers, group)
		if err != nil {
			return err
		}
		q := tx.NewSelect().TableExpr("instances AS i").ColumnExpr("i.uid AS instance, i.handle AS handle, i.state AS instance_state, p.address AS address").
			Join("JOIN ports AS p ON p.instance = i.uid AND p.kind = ? AND NOT p.doomed AND p.site = ? AND p.network = ?", network.NIC, b.Site, b.Network).
			Where("i.account = ? AND i.site = ? AND i.state <> 'deleting'", b.Account, b.Site).
			Where("p.uid = (SELECT o.uid FROM ports AS o WHERE o.instance = i.uid AND o.kind = ? AND NOT o.doomed AND o.network = ? ORDER BY o.position, o.uid LIMIT 1)", network.NIC, b.Network).
			Where("NOT EXISTS (SELECT 1 FROM balancer_members AS m JOIN ports AS q ON q.uid = m.port WHERE m.grp = ? AND q.instance = i.uid)", g.UID)
		found, next, err = store.ListFrom[*MemberDetail](ctx, q, page, "i.handle", func(m *MemberDetail) string { return m.Handle })
		return err
	})
	return found, next, err
}
