package balancer

import (
	"context"
	"fmt"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// maxGroupPorts bounds the protocols of a group, for which the document names no number.
const maxGroupPorts = 50

// NewGroupPort is a protocol that a group is to serve. Its check's zero numbers are the defaults.
type NewGroupPort struct {
	Protocol string // tcp, http or udp
	Port     int    // of servers; addresses have their own
	Check    Check
}

// AddGroupPort lets a group serve a protocol.
func (n *Balancers) AddGroupPort(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string, w NewGroupPort) (p *GroupPort, err error) {
	if kind == Servers && (w.Port < 1 || w.Port > 65535) {
		return nil, fault.BadField("port", "must be from 1 to 65535")
	}
	if err := w.Check.completeFor(w.Protocol); err != nil {
		return nil, err
	}
	err = n.changeGroup(ctx, caller, id, kind, group, func(ctx context.Context, tx *store.Tx, _ *Balancer, g *Group) error {
		have, err := tx.NewSelect().Model((*GroupPort)(nil)).Where("grp = ?", g.UID).Count(ctx)
		if err != nil {
			return err
		}
		if have >= maxGroupPorts {
			return fault.New(fault.Quota, "A group serves at most %d protocols and ports.", maxGroupPorts)
		}
		p = &GroupPort{UID: tx.NewUID(), Slug: tx.NewSlug(), Group: g.UID, Protocol: w.Protocol, Port: w.Port, Created: tx.Time()}
		p.Check.V = w.Check
		_, err = tx.NewInsert().Model(p).Exec(ctx)
		if _, dup := store.IsUnique(err); dup {
			return fault.New(fault.Exists, "The group serves that protocol and port already.").About("port", w.Protocol).On("type")
		}
		if err != nil {
			return fmt.Errorf("add a group's port: %w", err)
		}
		return nil
	})
	return p, err
}

// ChangeGroupPort gives a protocol of a group another check: change gets what it is and makes it what it should be.
func (n *Balancers) ChangeGroupPort(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group, port string, change func(p NewGroupPort) (NewGroupPort, error)) error {
	return n.changeGroup(ctx, caller, id, kind, group, func(ctx context.Context, tx *store.Tx, _ *Balancer, g *Group) error {
		p, err := findGroupPort(ctx, tx, g, port)
		if err != nil {
			return err
		}
		w, err := change(NewGroupPort{Protocol: p.Protocol, Port: p.Port, Check: p.Check.V})
		if err != nil {
			return err
		}
		if w.Protocol != p.Protocol {
			return fault.BadField("type", "cannot change; delete the port and make another")
		}
		if err := w.Check.completeFor(p.Protocol); err != nil {
			return err
		}
		p.Check.V = w.Check
		_, err = tx.NewUpdate().Model(p).Column("health_check").WherePK().Exec(ctx)
		return err
	})
}

func findGroupPort(ctx context.Context, tx *store.Tx, g *Group, id string) (*GroupPort, error) {
	p := new(GroupPort)
	err := tx.NewSelect().Model(p).Where("grp = ? AND (uid = ? OR slug = ?)", g.UID, id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("port", id).On("port")
	}
	return p, err
}

// DropGroupPorts lets a group serve protocols no more: all or none.
func (n *Balancers) DropGroupPorts(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string, ports []string) error {
	if len(ports) == 0 {
		return fault.BadField("ports", "must name at least one")
	}
	return n.changeGroup(ctx, caller, id, kind, group, func(ctx context.Context, tx *store.Tx, _ *Balancer, g *Group) error {
		done := map[string]bool{}
		for _, one := range ports {
			if done[one] {
				continue
			}
			done[one] = true
			p, err := findGroupPort(ctx, tx, g, one)
			if err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(p).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// GroupPorts lists the protocols of a group, oldest first.
func (n *Balancers) GroupPorts(ctx context.Context, caller *identity.Caller, id string, kind GroupKind, group string) (found []*GroupPort, err error) {
	err = n.readApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		g, err := findGroup(ctx, tx, b, kind, group)
		if err != nil {
			return err
		}
		return tx.NewSelect().Model(&found).Where("grp = ?", g.UID).Order("uid").Scan(ctx)
	})
	return found, err
}
