package compute

import (
	"context"
	"slices"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// EachOf runs a change on every instance of a group, in one transaction: all are changed or none. Instances that are being deleted are left out.
func (c *Compute) EachOf(ctx context.Context, caller *identity.Caller, group string, change func(ctx context.Context, v *View) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		g, err := c.GetGroup(ctx, caller, group)
		if err != nil {
			return err
		}
		for _, v := range g.Instances {
			if v.State == Deleting {
				continue
			}
			if err := change(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// All runs a verb on several instances, in one transaction: it is done on all of them or on none.
func (c *Compute) All(ctx context.Context, caller *identity.Caller, ids []string, verb func(ctx context.Context, id string) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 || len(ids) > maxAtOnce {
		return fault.BadField("servers", "must name 1 to %d instances", maxAtOnce)
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		for _, id := range ids {
			if err := verb(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetGroupBandwidth changes what instances of a group get, those that there are and new ones. Instances without a public address keep having none.
func (c *Compute) SetGroupBandwidth(ctx context.Context, caller *identity.Caller, group string, mbps int64) error {
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		err := c.EachOf(ctx, caller, group, func(ctx context.Context, v *View) error {
			if len(v.IPs) == 0 {
				return nil
			}
			_, err := c.SetBandwidth(ctx, caller, v.UID, mbps)
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*Group)(nil)).Set("mbps = ?", mbps).Where("account = ? AND (uid = ? OR slug = ?)", caller.Account, group, group).Exec(ctx)
		return err
	})
}

// SetSecurityGroups makes groups the only security groups of an instance.
func (c *Compute) SetSecurityGroups(ctx context.Context, caller *identity.Caller, instance string, groups []string) error {
	if len(groups) == 0 {
		return fault.BadField("securityGroupIds", "must name at least one security group")
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		before, err := c.Get(ctx, caller, instance)
		if err != nil {
			return err
		}
		if err := c.BindGroups(ctx, caller, []string{instance}, groups, true); err != nil {
			return err
		}
		var leave []string
		for _, g := range before.Groups {
			if !slices.Contains(groups, g.UID) && !slices.Contains(groups, g.Slug) {
				leave = append(leave, g.UID)
			}
		}
		if len(leave) == 0 {
			return nil
		}
		return c.BindGroups(ctx, caller, []string{instance}, leave, false)
	})
}

// ScaleOut makes a group larger: spread says how many instances each site is to have afterwards. New ones are like an instance of the group, named or the newest
// (BEC console guide, lines 1332-1334), on the network that the group has at the site unless spread names another. A group cannot be made smaller this way.
func (c *Compute) ScaleOut(ctx context.Context, caller *identity.Caller, group, like string, spread []Spread) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		g, err := c.GetGroup(ctx, caller, group)
		if err != nil {
			return err
		}
		model, err := c.modelOf(ctx, caller, g, like)
		if err != nil {
			return err
		}
		w := alike(model)
		w.Group = g.UID
		for _, s := range spread {
			if s, err = g.missing(s); err != nil {
				return err
			}
			if s.Count > 0 {
				w.Spread = append(w.Spread, s)
			}
		}
		if len(w.Spread) == 0 {
			return nil
		}
		_, err = c.Create(ctx, caller, w)
		return err
	})
}

func (c *Compute) modelOf(ctx context.Context, caller *identity.Caller, g *GroupView, like string) (*Detail, error) {
	if like == "" && len(g.Instances) == 0 {
		return nil, fault.Conflicting("group", g.Slug, "The group has no instance that new ones could be like.")
	}
	if like == "" {
		like = g.Instances[len(g.Instances)-1].UID
	}
	d, err := c.Get(ctx, caller, like)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.BadField("replicaTemplate.templateId", "names no instance of the account")
	}
	return d, err
}

// alike says what an instance with the same configuration is.
func alike(d *Detail) NewInstances {
	w := NewInstances{Size: Size{Flavor: d.Flavor, VCPUs: d.VCPUs, MemoryMiB: d.MemoryMiB}, Image: d.Image, Mbps: d.Mbps, Public: len(d.IPs) > 0, IPv6: len(d.IPv6s) > 0,
		Login: Login{PasswordHash: d.PasswordHash, Keys: d.Instance.Keys.V}, Payment: d.Payment, Months: d.Months, AutoRenew: d.AutoRenew, Tags: d.Tags.V}
	for _, v := range d.Volumes {
		if v.Hold != "" {
			continue
		}
		n := volume.New{Name: v.Name, Role: v.Role, Storage: v.Storage, GiB: v.GiB}
		if v.Role == volume.System {
			w.System = n
			continue
		}
		w.Data = append(w.Data, n)
	}
	for _, g := range d.Groups {
		w.Groups = append(w.Groups, g.UID)
	}
	return w
}

// missing says how many instances a site lacks, and where they go.
func (g *GroupView) missing(s Spread) (Spread, error) {
	there := 0
	var nics []NIC
	for _, v := range g.Instances {
		if v.Site != s.Site.UID || v.State == Deleting {
			continue
		}
		there++
		nics = nil
		for _, port := range v.Ports {
			nics = append(nics, NIC{Subnet: port.Subnet})
		}
	}
	if s.Count < there {
		return s, fault.BadField("deployInstances.replicas", "must be at least the %d instances that %s has: a service is only scaled out", there, s.Site.Name)
	}
	if len(s.NICs) == 0 {
		s.NICs = nics
	}
	s.Count -= there
	return s, nil
}
