package balancer

import (
	"context"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Change says what of a balancer is to be different; nil stays.
type Change struct {
	Name        *string
	Description *string
	Mbps        *int64
}

// Update changes a balancer's name, description or bandwidth, which is that of each of its public addresses too.
func (n *Balancers) Update(ctx context.Context, caller *identity.Caller, id string, c Change) error {
	if err := c.check(); err != nil {
		return err
	}
	return n.change(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if c.Name != nil {
			b.Name = *c.Name
		}
		if c.Description != nil {
			b.Description = *c.Description
		}
		if c.Mbps != nil {
			b.Mbps = *c.Mbps
			ips, err := network.BalancerIPs(ctx, tx, b.UID)
			if err != nil {
				return err
			}
			if err := network.SetBandwidth(ctx, tx, ips, b.Mbps); err != nil {
				return err
			}
		}
		_, err := tx.NewUpdate().Model(b).Column("name", "description", "mbps").WherePK().Exec(ctx)
		return err
	})
}

func (c Change) check() error {
	if c.Name == nil && c.Description == nil && c.Mbps == nil {
		return fault.BadField("name", "must be given, or else a bandwidth")
	}
	if c.Name != nil {
		if err := checkName(*c.Name); err != nil {
			return err
		}
	}
	if c.Description != nil && len([]rune(*c.Description)) > 255 {
		return fault.BadField("description", "must have at most 255 characters")
	}
	if c.Mbps != nil {
		return checkMbps(*c.Mbps)
	}
	return nil
}

// Delete takes a balancer away with its listeners and members. Its addresses are free once its site has confirmed.
func (n *Balancers) Delete(ctx context.Context, caller *identity.Caller, id string) (slug string, err error) {
	if err := caller.MayWrite(); err != nil {
		return "", err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := findLiving(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		slug = b.Slug
		if err := end(ctx, tx, b); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, Kind, b.UID)
	})
	return slug, err
}

func end(ctx context.Context, tx *store.Tx, b *Balancer) error {
	p, ips, err := network.BalancerPort(ctx, tx, b.Port, b.UID)
	if err != nil {
		return err
	}
	members, err := membersOf(ctx, tx, b.UID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := network.UnwatchPort(ctx, tx, m.Port, Kind, b.UID); err != nil {
			return err
		}
	}
	if err := link.Delete(ctx, tx, spec.SiteTarget(b.Site), spec.KindBalancer, b.UID); err != nil {
		return err
	}
	if err := network.ReleasePublicIPs(ctx, tx, ips); err != nil {
		return err
	}
	if err := network.ReleasePorts(ctx, tx, []*network.Port{p}); err != nil {
		return err
	}
	b.State = Deleting
	if _, err := tx.NewUpdate().Model(b).Column("state").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, Kind, b.UID)
}
