package balancer

import (
	"context"
	"fmt"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// maxPriority is the highest priority of a policy (BEC API 2.0, AppBLB, policies: 1 to 32768).
const maxPriority = 32_768

// NewPolicy is what a caller says of a policy.
type NewPolicy struct {
	Group       string // UID or slug
	Priority    int64
	Description string
}

// PolicyDetail is a policy with its listener and group.
type PolicyDetail struct {
	Policy `bun:",extend"`

	Protocol  string    `bun:"protocol,scanonly"`
	Port      int       `bun:"port,scanonly"`
	GroupName string    `bun:"group_name,scanonly"`
	GroupSlug string    `bun:"group_slug,scanonly"`
	GroupKind GroupKind `bun:"group_kind,scanonly"`
}

// listenerOn finds the listener of a port; where there are two, the protocol must be named.
func listenerOn(ctx context.Context, tx *store.Tx, b *Balancer, a Address) (*Listener, error) {
	var found []*Listener
	q := tx.NewSelect().Model(&found).Where("balancer = ? AND port = ?", b.UID, a.Port)
	if a.Protocol != "" {
		q = q.Where("protocol = ?", a.Protocol)
	}
	if err := q.Order("protocol").Scan(ctx); err != nil {
		return nil, err
	}
	switch len(found) {
	case 0:
		return nil, fault.Missing("listener", a.String()).On("port")
	case 1:
		return found[0], nil
	}
	return nil, fault.BadField("type", "must be given: the port %d has listeners of several protocols", a.Port)
}

// CreatePolicies leads what a listener takes to a group. Listeners of TCP and UDP have one policy at most.
func (n *Balancers) CreatePolicies(ctx context.Context, caller *identity.Caller, id string, a Address, wanted []NewPolicy) error {
	if len(wanted) != 1 {
		return fault.BadField("policies", "must have one entry: a TCP or UDP listener has one policy, which matches everything")
	}
	w := wanted[0]
	if w.Priority < 1 || w.Priority > maxPriority {
		return fault.BadField("policies[0].priority", "must be from 1 to %d", maxPriority)
	}
	if len([]rune(w.Description)) > 255 {
		return fault.BadField("policies[0].description", "must have at most 255 characters")
	}
	return n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		l, err := listenerOn(ctx, tx, b, a)
		if err != nil {
			return err
		}
		g, err := findGroup(ctx, tx, b, "", w.Group)
		if err != nil {
			return err
		}
		_, err = tx.NewInsert().Model(&Policy{UID: tx.NewUID(), Slug: tx.NewSlug(), Listener: l.UID, Group: g.UID, Priority: w.Priority, Description: w.Description, Created: tx.Time()}).Exec(ctx)
		if _, dup := store.IsUnique(err); dup {
			return fault.New(fault.Exists, "The listener has a policy already; a TCP or UDP listener has one at most.").About("policy", a.String()).On("port")
		}
		if err != nil {
			return fmt.Errorf("add policy: %w", err)
		}
		return nil
	})
}

// Policies lists the policies of a port's listeners; an empty protocol is any.
func (n *Balancers) Policies(ctx context.Context, caller *identity.Caller, id string, a Address) (found []*PolicyDetail, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		q := tx.NewSelect().Model(&found).ColumnExpr("po.*").ColumnExpr("l.protocol AS protocol, l.port AS port, g.name AS group_name, g.slug AS group_slug, g.kind AS group_kind").
			Join("JOIN balancer_listeners AS l ON l.uid = po.listener").Join("JOIN balancer_groups AS g ON g.uid = po.grp").Where("l.balancer = ? AND l.port = ?", b.UID, a.Port)
		if a.Protocol != "" {
			q = q.Where("l.protocol = ?", a.Protocol)
		}
		return q.Order("po.uid").Scan(ctx)
	})
	return found, err
}

// DeletePolicies takes policies of a port's listener away: all or none.
func (n *Balancers) DeletePolicies(ctx context.Context, caller *identity.Caller, id string, a Address, policies []string) error {
	if len(policies) == 0 {
		return fault.BadField("policies", "must name at least one")
	}
	return n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		l, err := listenerOn(ctx, tx, b, a)
		if err != nil {
			return err
		}
		done := map[string]bool{}
		for _, one := range policies {
			if done[one] {
				continue
			}
			done[one] = true
			res, err := tx.NewDelete().Model((*Policy)(nil)).Where("listener = ? AND (uid = ? OR slug = ?)", l.UID, one, one).Exec(ctx)
			if err != nil {
				return err
			}
			if gone, err := res.RowsAffected(); err != nil || gone == 0 {
				return fault.Missing("policy", one).On("policies")
			}
		}
		return nil
	})
}
