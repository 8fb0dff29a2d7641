package network

import (
	"context"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// maxPublicMbps bounds the limit of one public address, in Mbit/s each way; the document has no number.
const maxPublicMbps = 100_000

// PublicIPChange changes public addresses that stand alone; nil leaves a field.
type PublicIPChange struct {
	Name *string
	Mbps *int64 // its own limit, not in force while it shares a bandwidth
}

func (c PublicIPChange) check() error {
	if c.Name == nil && c.Mbps == nil {
		return fault.BadField("name", "must be given, or else newBandwidthInMbps")
	}
	if c.Name != nil {
		if err := CheckIPName(*c.Name); err != nil {
			return err
		}
	}
	if c.Mbps != nil {
		return CheckIPMbps("newBandwidthInMbps", *c.Mbps)
	}
	return nil
}

// CheckIPName holds the name of an address or a shared bandwidth to its length (BEC 1.0 batchCreateEips: 1 to 64).
func CheckIPName(name string) error {
	if length := len([]rune(name)); length < 1 || length > 64 {
		return fault.BadField("name", "must have 1 to 64 characters")
	}
	return nil
}

// CheckIPMbps holds a limit to its bounds.
func CheckIPMbps(field string, mbps int64) error {
	if mbps < 1 || mbps > maxPublicMbps {
		return fault.BadField(field, "must be from 1 to %d Mbit/s, not %d", maxPublicMbps, mbps)
	}
	return nil
}

// UpdatePublicIPs changes addresses that stand alone: all or none.
func (n *Networks) UpdatePublicIPs(ctx context.Context, caller *identity.Caller, ids []string, c PublicIPChange) error {
	if err := c.check(); err != nil {
		return err
	}
	return n.eachAlone(ctx, caller, ids, func(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
		if c.Mbps != nil && ip.Bandwidth != "" {
			return fault.Conflicting("public IP", ip.Slug, "The public address shares a bandwidth, whose size is changed there.").On("newBandwidthInMbps")
		}
		if c.Mbps != nil && ip.Gateway != "" {
			return fault.Conflicting("public IP", ip.Slug, "The public address is bound to a NAT gateway, whose bandwidth is changed there.").On("newBandwidthInMbps")
		}
		set(&ip.Name, c.Name)
		set(&ip.Mbps, c.Mbps)
		if _, err := tx.NewUpdate().Model(ip).Column("name", "mbps").WherePK().Exec(ctx); err != nil {
			return err
		}
		return renewIP(ctx, tx, ip)
	})
}

// DeletePublicIPs gives addresses back that stand alone and are bound to nothing: all or none.
func (n *Networks) DeletePublicIPs(ctx context.Context, caller *identity.Caller, ids []string) error {
	return n.eachAlone(ctx, caller, ids, func(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
		if ip.bound() {
			return fault.Conflicting("public IP", ip.Slug, "The public address %s is bound; unbind it first.", ip.Address)
		}
		return dropAlone(ctx, tx, ip)
	})
}

// eachAlone changes each of some addresses that stand alone, once.
func (n *Networks) eachAlone(ctx context.Context, caller *identity.Caller, ids []string, change func(context.Context, *store.Tx, *PublicIP) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.BadField("eipIds", "must name at least one address")
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var first string
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			ip, err := findAlone(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if err := change(ctx, tx, ip); err != nil {
				return err
			}
			first = ip.UID
		}
		return audit.Note(ctx, tx, caller, PublicIPKind, first)
	})
}

// renewIP tells the site of what has changed about an address, if it is bound.
func renewIP(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
	if ip.Port == "" {
		return nil
	}
	p := new(Port)
	if err := tx.NewSelect().Model(p).Where("uid = ?", ip.Port).Scan(ctx); err != nil {
		return err
	}
	return putIP(ctx, tx, ip, p)
}
