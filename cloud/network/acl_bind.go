package network

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// ACLUpdate changes a network ACL; nil leaves a field.
type ACLUpdate struct {
	Text
	Enabled *bool
	Subnets *[]SubnetRef // all that it is to guard
}

// SubnetRef names a subnet, and perhaps the network that it must be on.
type SubnetRef struct {
	ID      string // UID or slug
	Network string // UID or slug; empty: any
}

// UpdateACL changes a network ACL's text, turns it on or off, and binds it to subnets.
func (n *Networks) UpdateACL(ctx context.Context, caller *identity.Caller, id string, u ACLUpdate) (a *NetworkACL, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := u.checkPlain("-_"); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a, err = lockACL(ctx, tx, caller, id); err != nil {
			return err
		}
		if err := a.mustBeBoundByHand(); err != nil {
			return err
		}
		if err := loadACL(ctx, tx, a); err != nil {
			return err
		}
		touched, err := u.apply(ctx, tx, caller, a)
		if err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(a).Column("name", "description", "enabled").WherePK().Exec(ctx); err != nil {
			return err
		}
		for _, s := range touched {
			if err := useACL(ctx, tx, a, s.Site); err != nil {
				return err
			}
			if err := renewSubnet(ctx, tx, s); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "network ACL", a.UID)
	})
	return a, err
}

// apply changes the rows, and tells which subnets' borders change by it.
func (u ACLUpdate) apply(ctx context.Context, tx *store.Tx, caller *identity.Caller, a *NetworkACL) ([]*Subnet, error) {
	a.Name, a.Description = u.Text.apply(a.Name, a.Description)
	var touched []*Subnet
	if u.Enabled != nil && *u.Enabled != a.Enabled {
		a.Enabled = *u.Enabled
		touched = a.Subnets
	}
	if u.Subnets == nil {
		return touched, nil
	}
	wanted, err := findSubnets(ctx, tx, caller, *u.Subnets)
	if err != nil {
		return nil, err
	}
	for _, s := range a.Subnets {
		if hasSubnet(wanted, s) {
			continue
		}
		if _, err := tx.NewDelete().Model((*aclSubnet)(nil)).Where("subnet = ?", s.UID).Exec(ctx); err != nil {
			return nil, err
		}
		touched = append(touched, s)
	}
	for _, s := range wanted {
		if hasSubnet(a.Subnets, s) {
			continue
		}
		if err := bindACL(ctx, tx, a, s); err != nil {
			return nil, err
		}
		touched = append(touched, s)
	}
	a.Subnets = wanted
	return slices.CompactFunc(touched, func(x, y *Subnet) bool { return x.UID == y.UID }), nil
}

func hasSubnet(of []*Subnet, s *Subnet) bool {
	return slices.ContainsFunc(of, func(o *Subnet) bool { return o.UID == s.UID })
}

func findSubnets(ctx context.Context, tx *store.Tx, caller *identity.Caller, refs []SubnetRef) ([]*Subnet, error) {
	var out []*Subnet
	for _, ref := range refs {
		s, err := FindSubnet(ctx, tx, caller, ref.ID)
		if err != nil {
			return nil, err
		}
		if ref.Network != "" && ref.Network != s.Network {
			net, err := FindNetwork(ctx, tx, caller, ref.Network)
			if fault.Is(err, fault.NotFound) || err == nil && net.UID != s.Network {
				return nil, fault.Missing("subnet", ref.ID)
			}
			if err != nil {
				return nil, err
			}
		}
		if !hasSubnet(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// bindACL lets the database decide that a subnet has one network ACL at most.
func bindACL(ctx context.Context, tx *store.Tx, a *NetworkACL, s *Subnet) error {
	if err := lockNetwork(ctx, tx, s.Network); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&aclSubnet{Subnet: s.UID, ACL: a.UID}).Exec(ctx)
	if _, taken := store.IsUnique(err); taken {
		return fault.Conflicting("subnet", s.UID, "The subnet %s is guarded by another network ACL.", s.UID).On("subnets")
	}
	return err
}

// useACL brings a network ACL to a site if this is its first use there.
func useACL(ctx context.Context, tx *store.Tx, a *NetworkACL, site string) error {
	res, err := tx.NewInsert().Model(&aclSite{ACL: a.UID, Site: site}).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return err
	}
	if first, err := res.RowsAffected(); err != nil || first == 0 {
		return err
	}
	return putACL(ctx, tx, a, site)
}

// guardOf is the network ACL of a subnet's border; empty: none.
func guardOf(ctx context.Context, tx *store.Tx, s *Subnet) (string, error) {
	var uid string
	err := tx.NewSelect().Model((*NetworkACL)(nil)).Column("uid").Where("enabled").
		Where("uid IN (SELECT acl FROM network_acl_subnets WHERE subnet = ?)", s.UID).Scan(ctx, &uid)
	if store.NotFound(err) {
		return "", nil
	}
	return uid, err
}

// ACLsOf gives the network ACLs that subnets are bound to, by the subnets' UIDs.
func ACLsOf(ctx context.Context, tx *store.Tx, subnets ...string) (map[string]string, error) {
	found := map[string]string{}
	if len(subnets) == 0 {
		return found, nil
	}
	var rows []aclSubnet
	err := tx.NewSelect().Model(&rows).Where("subnet IN (?)", bun.In(subnets)).Scan(ctx)
	for _, r := range rows {
		found[r.Subnet] = r.ACL
	}
	return found, err
}
