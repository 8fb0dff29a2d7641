package network

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// maxSharing is how many addresses may share one bandwidth (BEC product guide, quotas, L2888-2891).
const maxSharing = 20

// NewSharedBandwidth is what a caller says of a bandwidth that is made with the addresses that share it.
type NewSharedBandwidth struct {
	Site  *place.Site
	Line  string // UID
	Name  string
	Mbps  int64
	Count int // of addresses
	Tags  []Tag
}

// CreateSharedBandwidth makes a bandwidth and addresses of its own, which have no limit besides.
func (n *Networks) CreateSharedBandwidth(ctx context.Context, caller *identity.Caller, w NewSharedBandwidth) (b *Bandwidth, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if w.Name != "" {
		if err := CheckIPName(w.Name); err != nil {
			return nil, err
		}
	}
	if err := CheckIPMbps("bandwidthInMbps", w.Mbps); err != nil {
		return nil, err
	}
	if w.Count < 1 || w.Count > maxSharing {
		return nil, fault.BadField("eipCount", "must be from 1 to %d, not %d", maxSharing, w.Count)
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		b = &Bandwidth{Account: caller.Account, Site: w.Site.UID, Line: w.Line, Type: Share, Name: w.Name, Mbps: w.Mbps, Tags: TagsOf(w.Tags), Kept: true}
		if err := addBandwidth(ctx, tx, b); err != nil {
			return err
		}
		if err := addOwnAddresses(ctx, tx, caller, b, w.Site, w.Count); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "bandwidth", b.UID)
	})
	return b, err
}

// addOwnAddresses makes addresses in a bandwidth, each named like its ID (BEC 1.0 createEipGroup).
func addOwnAddresses(ctx context.Context, tx *store.Tx, caller *identity.Caller, b *Bandwidth, site *place.Site, count int) error {
	ips, err := addFree(ctx, tx, caller, NewPublicIP{Site: site, Line: b.Line, Count: count, Bandwidth: b.UID})
	if err != nil {
		return err
	}
	for _, ip := range ips {
		ip.Name = "ip-" + ip.Slug
		if _, err := tx.NewUpdate().Model(ip).Column("name").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// inShared does something with a bandwidth and its addresses, one call after the other.
func (n *Networks) inShared(ctx context.Context, caller *identity.Caller, id string, do func(context.Context, *store.Tx, *Bandwidth) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := FindBandwidth(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		b.Kept, b.Updated = true, tx.Time()
		if _, err := tx.NewUpdate().Model(b).Column("kept", "updated").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := loadMembers(ctx, tx, b); err != nil {
			return err
		}
		if err := do(ctx, tx, b); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "bandwidth", b.UID)
	})
}

func (b *Bandwidth) room(more int) error {
	if len(b.Addresses)+more > maxSharing {
		return fault.New(fault.Quota, "At most %d addresses share one bandwidth; there are %d.", maxSharing, len(b.Addresses)).About("bandwidth", b.Slug).On("eips")
	}
	return nil
}

// AddToBandwidth makes more addresses in a bandwidth.
func (n *Networks) AddToBandwidth(ctx context.Context, caller *identity.Caller, id string, count int) error {
	if count < 1 {
		return fault.BadField("eipAddCount", "must be greater than 0, not %d", count)
	}
	return n.inShared(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
		if err := b.room(count); err != nil {
			return err
		}
		return addOwnAddresses(ctx, tx, caller, b, &place.Site{UID: b.Site}, count)
	})
}

// MoveIntoBandwidth lets addresses of the bandwidth's line share it, each named by itself: all or none. Their own limits rest meanwhile.
func (n *Networks) MoveIntoBandwidth(ctx context.Context, caller *identity.Caller, id string, addresses []string) error {
	if len(addresses) == 0 {
		return fault.BadField("eips", "must name at least one address")
	}
	return n.inShared(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
		wanted := slices.Compact(slices.Sorted(slices.Values(addresses)))
		if err := b.room(len(wanted)); err != nil {
			return err
		}
		for _, address := range wanted {
			ip, err := aloneNamed(ctx, tx, caller, address)
			switch {
			case err != nil:
				return err
			case ip.Line != b.Line:
				return fault.BadField("eips", "must be of the line of the bandwidth, %s is not", address)
			case ip.Bandwidth != "":
				return fault.Conflicting("public IP", address, "The public address %s shares a bandwidth already.", address)
			case ip.Gateway != "":
				return fault.Conflicting("public IP", address, "The public address %s is bound to a NAT gateway, which has its own bandwidth.", address)
			}
			if err := share(ctx, tx, ip, b.UID, ip.Mbps); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leaving is an address that leaves a bandwidth.
type Leaving struct {
	Address string
	Mbps    int64 // its own limit from then on; 0: what it had before it came, which one that was made in the bandwidth has not
}

// MoveOutOfBandwidth gives addresses limits of their own again: all or none. One must stay (BEC product guide, L3312).
func (n *Networks) MoveOutOfBandwidth(ctx context.Context, caller *identity.Caller, id string, leaving []Leaving) error {
	if len(leaving) == 0 {
		return fault.BadField("moveOutEips", "must name at least one address")
	}
	return n.inShared(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
		left := len(b.Addresses)
		for _, l := range leaving {
			ip, err := aloneNamed(ctx, tx, caller, l.Address)
			if err != nil {
				return err
			}
			if ip.Bandwidth != b.UID {
				return fault.Conflicting("public IP", l.Address, "The public address %s does not share this bandwidth.", l.Address)
			}
			mbps := ip.Mbps
			if l.Mbps != 0 {
				mbps = l.Mbps
			}
			if mbps == 0 {
				return fault.BadField("moveOutEips.bandwidthInMbps", "must be given for %s, which was made in the bandwidth", l.Address)
			}
			if err := CheckIPMbps("moveOutEips.bandwidthInMbps", mbps); err != nil {
				return err
			}
			if left--; left < 1 {
				return fault.Conflicting("bandwidth", id, "At least one address must stay in the bandwidth.")
			}
			if err := share(ctx, tx, ip, "", mbps); err != nil {
				return err
			}
		}
		return nil
	})
}

func share(ctx context.Context, tx *store.Tx, ip *PublicIP, bandwidth string, mbps int64) error {
	ip.Bandwidth, ip.Mbps = bandwidth, mbps
	if _, err := tx.NewUpdate().Model(ip).Column("bandwidth", "mbps").WherePK().Exec(ctx); err != nil {
		return err
	}
	return renewIP(ctx, tx, ip)
}

// aloneNamed finds an address that stands alone by itself, not by its ID.
func aloneNamed(ctx context.Context, tx *store.Tx, caller *identity.Caller, address string) (*PublicIP, error) {
	d := new(PublicIPDetail)
	err := selectIPs(tx, caller).Where("pip.address = ?", address).Scan(ctx, d)
	if store.NotFound(err) {
		return nil, fault.Missing("public IP", address)
	}
	if err != nil {
		return nil, err
	}
	return findAlone(ctx, tx, caller, d.UID)
}

// ReleaseSharedBandwidth takes a bandwidth away: addresses that were made in it go with it, those that were moved in have their own limits again. It stays while
// one that would go is bound, or belongs to an instance.
func (n *Networks) ReleaseSharedBandwidth(ctx context.Context, caller *identity.Caller, id string) error {
	return n.inShared(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Bandwidth) error {
		for _, ip := range b.Addresses {
			var err error
			switch {
			case ip.Instance != "":
				return fault.Conflicting("bandwidth", id, "The address %s of an instance shares the bandwidth; delete the instance first.", ip.Address)
			case ip.Mbps > 0:
				err = share(ctx, tx, ip, "", ip.Mbps)
			case ip.Port != "":
				return fault.Conflicting("bandwidth", id, "The address %s, which was made in the bandwidth, is bound; unbind it or move it out first.", ip.Address)
			default:
				err = dropAlone(ctx, tx, ip)
			}
			if err != nil {
				return err
			}
		}
		return dropBandwidth(ctx, tx, b)
	})
}

// SharedFilter narrows a list of shared bandwidths. Empty fields match any.
type SharedFilter struct {
	Site               string // UID
	SlugPart, NamePart string
}

// ListSharedBandwidths gives a page of the caller's shared bandwidths with the total, newest first.
func (n *Networks) ListSharedBandwidths(ctx context.Context, caller *identity.Caller, f SharedFilter, page store.Page) (found []*Bandwidth, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*Bandwidth)(nil)).Where("account = ? AND type = ?", caller.Account, Share).OrderExpr("uid DESC")
		if f.Site != "" {
			q = q.Where("site = ?", f.Site)
		}
		for column, value := range map[string]string{"slug": f.SlugPart, "name": f.NamePart} {
			if value != "" {
				q = q.Where("? LIKE ? ESCAPE '!'", bun.Ident(column), store.Contains(value))
			}
		}
		found, total, err = store.List[*Bandwidth](ctx, q, page)
		return err
	})
	return found, total, err
}

// SharingIn gives the addresses that share bandwidths, with what they are bound to, by the bandwidths' UIDs.
func (n *Networks) SharingIn(ctx context.Context, caller *identity.Caller, bandwidths []*Bandwidth) (map[string][]*PublicIPDetail, error) {
	found := map[string][]*PublicIPDetail{}
	uids := make([]string, len(bandwidths))
	for k, b := range bandwidths {
		uids[k] = b.UID
	}
	if len(uids) == 0 {
		return found, nil
	}
	var all []*PublicIPDetail
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return selectIPs(tx, caller).Where("pip.bandwidth IN (?)", bun.In(uids)).OrderExpr("pip.uid").Scan(ctx, &all)
	})
	for _, d := range all {
		found[d.Bandwidth] = append(found[d.Bandwidth], d)
	}
	return found, err
}
