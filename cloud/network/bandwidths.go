package network

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Bounds of a shared bandwidth in Mbit/s. The least that IEC sells is what one has that was made by itself (api/iec/bandwidth.yaml: 300-2000).
const (
	DefaultSharedMbps = 300
	maxSharedMbps     = 100_000
)

// BandwidthTypes lists the types that a caller can ask for by name.
func BandwidthTypes() []BandwidthType { return []BandwidthType{Share} }

// FindBandwidth finds the caller's bandwidth by UID or slug inside a transaction.
func FindBandwidth(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Bandwidth, error) {
	b := new(Bandwidth)
	err := tx.NewSelect().Model(b).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("bandwidth", id)
	}
	return b, err
}

// sharedOn gives the line's latest bandwidth of a type, or makes the first one.
func sharedOn(ctx context.Context, tx *store.Tx, caller *identity.Caller, site, line string, kind BandwidthType) (*Bandwidth, error) {
	b := new(Bandwidth)
	err := tx.NewSelect().Model(b).Where("account = ? AND line = ? AND type = ?", caller.Account, line, kind).OrderExpr("uid DESC").Limit(1).Scan(ctx)
	if !store.NotFound(err) {
		return b, err
	}
	b = &Bandwidth{Account: caller.Account, Site: site, Line: line, Type: kind, Mbps: DefaultSharedMbps}
	return b, addBandwidth(ctx, tx, b)
}

// addBandwidth makes a bandwidth; one without a name is called by its slug's first four letters, as in IEC's examples.
func addBandwidth(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
	b.UID, b.Slug, b.Created, b.Updated = tx.NewUID(), tx.NewSlug(), tx.Time(), tx.Time()
	if b.Name == "" {
		b.Name = "bandwidth-" + b.Slug[:4]
	}
	if err := quota.Count(ctx, tx, b.Account, b.counts(1)...); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(b).Exec(ctx); err != nil {
		return fmt.Errorf("add bandwidth: %w", err)
	}
	return putBandwidth(ctx, tx, b)
}

func (b *Bandwidth) counts(sign int64) []quota.Change {
	return []quota.Change{{Name: quota.Bandwidths, Delta: sign}, {Name: quota.BandwidthMbps, Delta: sign * b.Mbps}}
}

func putBandwidth(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
	_, err := link.Put(ctx, tx, spec.SiteTarget(b.Site), spec.KindBandwidth, b.UID, spec.Bandwidth{UID: b.UID, Mbps: int(b.Mbps)})
	return err
}

// BandwidthFilter narrows a list of bandwidths. Empty fields match any.
type BandwidthFilter struct {
	Site string // UID
	Type BandwidthType
}

// ListBandwidths lists the caller's bandwidths with their addresses, oldest first.
func (n *Networks) ListBandwidths(ctx context.Context, caller *identity.Caller, f BandwidthFilter, w store.Window) (found []*Bandwidth, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		q := tx.NewSelect().Model((*Bandwidth)(nil)).Where("account = ?", caller.Account).Order("uid")
		if f.Site != "" {
			q = q.Where("site = ?", f.Site)
		}
		if f.Type != "" {
			q = q.Where("type = ?", f.Type)
		}
		if found, total, err = store.ListWindow[*Bandwidth](ctx, q, w); err != nil {
			return err
		}
		return loadMembers(ctx, tx, found...)
	})
	return found, total, err
}

// GetBandwidth gives one of the caller's bandwidths with its addresses.
func (n *Networks) GetBandwidth(ctx context.Context, caller *identity.Caller, id string) (b *Bandwidth, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if b, err = FindBandwidth(ctx, tx, caller, id); err != nil {
			return err
		}
		return loadMembers(ctx, tx, b)
	})
	return b, err
}

func loadMembers(ctx context.Context, tx *store.Tx, bandwidths ...*Bandwidth) error {
	byUID := map[string]*Bandwidth{}
	var uids []string
	for _, b := range bandwidths {
		byUID[b.UID], b.Addresses = b, nil
		uids = append(uids, b.UID)
	}
	if len(uids) == 0 {
		return nil
	}
	var ips []*PublicIP
	if err := tx.NewSelect().Model(&ips).Where("bandwidth IN (?)", bun.In(uids)).Order("uid").Scan(ctx); err != nil {
		return err
	}
	for _, ip := range ips {
		byUID[ip.Bandwidth].Addresses = append(byUID[ip.Bandwidth].Addresses, ip)
	}
	return nil
}

// BandwidthChange says what is to change; nil leaves a field.
type BandwidthChange struct {
	Name *string
	Mbps *int64
}

// UpdateBandwidth renames or resizes a bandwidth; from then on it stays when it has no address left.
func (n *Networks) UpdateBandwidth(ctx context.Context, caller *identity.Caller, id string, c BandwidthChange) (b *Bandwidth, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if c.Name != nil {
		if length := len([]rune(*c.Name)); length < 1 || length > 64 {
			return nil, fault.BadField("name", "must have 1 to 64 characters")
		}
	}
	if c.Mbps != nil && (*c.Mbps < 1 || *c.Mbps > maxSharedMbps) {
		return nil, fault.BadField("size", "must be from 1 to %d Mbit/s", maxSharedMbps)
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if b, err = FindBandwidth(ctx, tx, caller, id); err != nil {
			return err
		}
		if err := changeBandwidth(ctx, tx, b, c); err != nil {
			return err
		}
		if err := loadMembers(ctx, tx, b); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "bandwidth", b.UID)
	})
	return b, err
}

func changeBandwidth(ctx context.Context, tx *store.Tx, b *Bandwidth, c BandwidthChange) error {
	b.Kept, b.Updated = true, tx.Time()
	if c.Name != nil {
		b.Name = *c.Name
	}
	if c.Mbps != nil {
		if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BandwidthMbps, Delta: *c.Mbps - b.Mbps}); err != nil {
			return err
		}
		b.Mbps = *c.Mbps
	}
	if _, err := tx.NewUpdate().Model(b).Column("name", "mbps", "kept", "updated").WherePK().Exec(ctx); err != nil {
		return err
	}
	return putBandwidth(ctx, tx, b)
}

// DeleteBandwidth takes a bandwidth away that has no address.
func (n *Networks) DeleteBandwidth(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := FindBandwidth(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		used, err := tx.NewSelect().Model((*PublicIP)(nil)).Where("bandwidth = ?", b.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflicting("bandwidth", id, "Public addresses are in the bandwidth; delete them first.")
		}
		if err := dropBandwidth(ctx, tx, b); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "bandwidth", b.UID)
	})
}

func dropBandwidth(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
	if _, err := tx.NewDelete().Model(b).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := quota.Count(ctx, tx, b.Account, b.counts(-1)...); err != nil {
		return err
	}
	return link.Delete(ctx, tx, spec.SiteTarget(b.Site), spec.KindBandwidth, b.UID)
}

// dropIfEmpty takes a bandwidth away with its last address, if it was made by itself and nobody has changed it.
func dropIfEmpty(ctx context.Context, tx *store.Tx, uid string) error {
	if uid == "" {
		return nil
	}
	b := new(Bandwidth)
	err := tx.NewSelect().Model(b).Where("uid = ? AND NOT kept", uid).Where("NOT EXISTS (SELECT 1 FROM public_ips AS p WHERE p.bandwidth = bw.uid)").Scan(ctx)
	if store.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return dropBandwidth(ctx, tx, b)
}
