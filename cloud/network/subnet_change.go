package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// SubnetChange changes a subnet; nil leaves a field. Range and gateway never change.
type SubnetChange struct {
	Text
	DHCP *bool
	DNS  Servers
}

// UpdateSubnet changes a subnet. Guests learn of other servers with their next lease.
func (n *Networks) UpdateSubnet(ctx context.Context, caller *identity.Caller, id string, c SubnetChange) (s *Subnet, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = FindSubnet(ctx, tx, caller, id); err != nil {
			return err
		}
		s.Name, s.Description = c.apply(s.Name, s.Description)
		set(&s.DHCP, c.DHCP)
		if err := c.DNS.apply(s); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(s).Column("name", "description", "dhcp", "dns", "primary_dns", "secondary_dns").WherePK().Exec(ctx); err != nil {
			return err
		}
		leg, err := gatewayPort(ctx, tx, s.UID)
		if err != nil {
			return err
		}
		if err := putSubnet(ctx, tx, s, leg); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
	return s, err
}

// DeleteSubnet removes a subnet that no instance and no virtual IP is on.
func (n *Networks) DeleteSubnet(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSubnet(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		net, err := FindNetwork(ctx, tx, caller, s.Network)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, net.UID); err != nil {
			return err
		}
		if net.Managed {
			return ownSubnetsOnly()
		}
		if err := mustBeFree(ctx, tx, "subnet", s.UID, id); err != nil {
			return err
		}
		if err := mustHaveNoForwards(ctx, tx, s); err != nil {
			return err
		}
		if err := dropSubnet(ctx, tx, s); err != nil {
			return err
		}
		if err := renewGateways(ctx, tx, s.Network, s.Site); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, s.Account, s.counts(net, -1)...); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
}

// mustBeFree refuses to delete a subnet or network (the column of ports that names it) while a port of it is in use.
func mustBeFree(ctx context.Context, tx *store.Tx, column, uid, id string) error {
	for _, k := range []struct {
		kind     PortKind
		resource string
		what     string
	}{{NIC, "port", "network interfaces of instances or by themselves"}, {Virtual, "virtual IP", "virtual IPs"}, {Balanced, "balancer", "load balancers"}} {
		used, err := tx.NewSelect().Model((*Port)(nil)).Where("? = ?", bun.Ident(column), uid).Where("kind = ? AND NOT doomed", k.kind).Exists(ctx)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflicting(k.resource, id, "The %s has %s and cannot be deleted.", column, k.what)
		}
	}
	return nil
}

// dropSubnet forgets a subnet with its gateway and the virtual IPs that are on their way out.
func dropSubnet(ctx context.Context, tx *store.Tx, s *Subnet) error {
	if _, err := tx.NewDelete().Model((*Port)(nil)).Where("subnet = ? AND (kind = ? OR doomed)", s.UID, Gateway).Exec(ctx); err != nil {
		return err
	}
	if err := dropSubnetRules(ctx, tx, s); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*tableSubnet)(nil)).Where("subnet = ?", s.UID).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model(s).WherePK().Exec(ctx); err != nil {
		return err
	}
	return link.Delete(ctx, tx, spec.SiteTarget(s.Site), spec.KindSubnet, s.UID)
}
