package balancer

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// NewGroup is what a caller says of a group of an application balancer.
type NewGroup struct {
	Kind        GroupKind
	Name        string
	Description string
	Addresses   []NewAddress // of a group of addresses
	Servers     []Weighted   // of a group of servers
}

// NewAddress is an address that is to be a member.
type NewAddress struct {
	Address string
	Port    int
	Weight  int64
}

func (w NewAddress) check(k int) error {
	a, err := netip.ParseAddr(w.Address)
	if err != nil || !a.Is4() || !a.IsGlobalUnicast() {
		return fault.BadField(fmt.Sprintf("members[%d].address", k), "must be an IPv4 address of a machine")
	}
	return checkAddress(k, w.Port, w.Weight)
}

func checkAddress(k, port int, weight int64) error {
	if port < 1 || port > 65535 {
		return fault.BadField(fmt.Sprintf("members[%d].port", k), "must be from 1 to 65535")
	}
	if weight < 0 || weight > MaxWeight {
		return fault.BadField(fmt.Sprintf("members[%d].weight", k), "must be from 0 to %d", MaxWeight)
	}
	return nil
}

// GroupDetail is a group with the protocols that it serves.
type GroupDetail struct {
	Group `bun:",extend"`

	Ports []*GroupPort `bun:"-"`
}

func checkGroup(name, description string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if len([]rune(description)) > 255 {
		return fault.BadField("description", "must have at most 255 characters")
	}
	return nil
}

func (b *Balancer) mustBeApplication() error {
	if b.Type != Application {
		return fault.Conflicting("balancer", b.Slug, "The load balancer is an ordinary one; groups and policies are of application load balancers.")
	}
	return nil
}

// changeApp changes an application balancer that is not being deleted, and tells its site.
func (n *Balancers) changeApp(ctx context.Context, caller *identity.Caller, id string, change func(ctx context.Context, tx *store.Tx, b *Balancer) error) error {
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := b.mustBeApplication(); err != nil {
			return err
		}
		return change(ctx, tx, b)
	})
}

// changeGroup changes a group of one kind.
func (n *Balancers) changeGroup(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string, change func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error) error {
	return n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := findGroup(ctx, tx, b, kind, group)
		if err != nil {
			return err
		}
		return change(ctx, tx, b, g)
	})
}

func findGroup(ctx context.Context, tx *store.Tx, b *Balancer, kind GroupKind, id string) (*Group, error) {
	g := new(Group)
	q := tx.NewSelect().Model(g).Where("balancer = ? AND NOT standard AND (uid = ? OR slug = ?)", b.UID, id, id)
	if kind != "" {
		q = q.Where("kind = ?", kind)
	}
	err := q.Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("group", id).On("group")
	}
	return g, err
}

// CreateGroup makes a group with its first members: all or nothing.
func (n *Balancers) CreateGroup(ctx context.Context, caller *identity.Caller, id string, w NewGroup) (g *Group, err error) {
	if err := checkGroup(w.Name, w.Description); err != nil {
		return nil, err
	}
	if err := checkMembers(w.Addresses, w.Servers); err != nil {
		return nil, err
	}
	err = n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerGroups, Scope: b.UID, Delta: 1}); err != nil {
			return err
		}
		g = &Group{UID: tx.NewUID(), Slug: tx.NewSlug(), Balancer: b.UID, Kind: w.Kind, Name: w.Name, Description: w.Description, Created: tx.Time()}
		if _, err := tx.NewInsert().Model(g).Exec(ctx); err != nil {
			return fmt.Errorf("add group: %w", err)
		}
		if _, err := addAddresses(ctx, tx, b, g, w.Addresses); err != nil {
			return err
		}
		return addServers(ctx, tx, b, g, w.Servers)
	})
	return g, err
}

func checkMembers(addresses []NewAddress, servers []Weighted) error {
	for k, a := range addresses {
		if err := a.check(k); err != nil {
			return err
		}
	}
	for k, s := range servers {
		if err := s.check(k); err != nil {
			return err
		}
	}
	return nil
}

// UpdateGroup gives a group another name or description; nil stays.
func (n *Balancers) UpdateGroup(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string, name, description *string) error {
	if name == nil && description == nil {
		return fault.BadField("name", "must be given, or else a description")
	}
	return n.changeGroup(ctx, caller, id, kind, group, func(ctx context.Context, tx *store.Tx, _ *Balancer, g *Group) error {
		if name != nil {
			g.Name = *name
		}
		if description != nil {
			g.Description = *description
		}
		if err := checkGroup(g.Name, g.Description); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model(g).Column("name", "description").WherePK().Exec(ctx)
		return err
	})
}

// DeleteGroup takes a group away with its members and protocols. One that a policy leads to stays.
func (n *Balancers) DeleteGroup(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string) error {
	return n.changeGroup(ctx, caller, id, kind, group, func(ctx context.Context, tx *store.Tx, b *Balancer, g *Group) error {
		used, err := tx.NewSelect().Model((*Policy)(nil)).Where("grp = ?", g.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflicting("group", group, "A listener's policy leads to the group; delete that first.")
		}
		var members []*Member
		if err := tx.NewSelect().Model(&members).Where("grp = ?", g.UID).Scan(ctx); err != nil {
			return err
		}
		for _, m := range members {
			if err := part(ctx, tx, b, m); err != nil {
				return err
			}
		}
		res, err := tx.NewDelete().Model((*AddressMember)(nil)).Where("grp = ?", g.UID).Exec(ctx)
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model((*GroupPort)(nil)).Where("grp = ?", g.UID).Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(g).WherePK().Exec(ctx); err != nil {
			return err
		}
		return quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerMembers, Scope: b.UID, Delta: -gone}, quota.Change{Name: quota.BalancerGroups, Scope: b.UID, Delta: -1})
	})
}

// Groups lists the groups of one kind, oldest first; their number is bounded by a quota.
func (n *Balancers) Groups(ctx context.Context, caller *identity.Caller, id string, kind GroupKind) (found []*GroupDetail, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := tx.NewSelect().Model(&found).Where("balancer = ? AND kind = ?", b.UID, kind).Order("uid").Scan(ctx); err != nil || len(found) == 0 {
			return err
		}
		by, uids := map[string]*GroupDetail{}, make([]string, len(found))
		for k, g := range found {
			by[g.UID], uids[k] = g, g.UID
		}
		var ports []*GroupPort
		if err := tx.NewSelect().Model(&ports).Where("grp IN (?)", bun.In(uids)).Order("uid").Scan(ctx); err != nil {
			return err
		}
		for _, p := range ports {
			by[p.Group].Ports = append(by[p.Group].Ports, p)
		}
		return nil
	})
	return found, err
}

func (n *Balancers) readApp(ctx context.Context, caller *identity.Caller, id string, read func(ctx context.Context, tx *store.Tx, b *Balancer) error) error {
	return n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := b.mustBeApplication(); err != nil {
			return err
		}
		return read(ctx, tx, b)
	})
}
