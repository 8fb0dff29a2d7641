package network

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// Sharing says which bandwidths addresses that are made with instances share, in the order of their lines.
type Sharing struct {
	Bandwidths []string        // UIDs or slugs, one for each line; empty: by type
	Types      []BandwidthType // one for each line; empty: Share. The line's latest of the type is taken, or a new one is made
}

func (s Sharing) check(lines int) error {
	if len(s.Bandwidths) > 0 && len(s.Bandwidths) != lines {
		return fault.BadField("bandwidth.ids", "must be as many as the lines, %d", lines)
	}
	if len(s.Bandwidths) == 0 && len(s.Types) > 0 && len(s.Types) != lines {
		return fault.BadField("bandwidth.types", "must be as many as the lines, %d", lines)
	}
	return nil
}

// Share puts addresses of one line, which have just been made with their instances, into the bandwidth that is wanted for the nth of so many lines.
func (s Sharing) Share(ctx context.Context, tx *store.Tx, caller *identity.Caller, ips []*PublicIP, nth, lines int) error {
	if err := s.check(lines); err != nil || len(ips) == 0 {
		return err
	}
	b, err := s.find(ctx, tx, caller, ips[0], nth)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		ip.Bandwidth = b.UID
		if _, err := tx.NewUpdate().Model(ip).Column("bandwidth").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s Sharing) find(ctx context.Context, tx *store.Tx, caller *identity.Caller, ip *PublicIP, nth int) (*Bandwidth, error) {
	if len(s.Bandwidths) > 0 {
		b, err := FindBandwidth(ctx, tx, caller, s.Bandwidths[nth])
		if err == nil && b.Line != ip.Line {
			err = fault.BadField("bandwidth.ids", "%s is of another line", b.Name)
		}
		return b, err
	}
	kind := Share
	if len(s.Types) > 0 {
		kind = s.Types[nth]
	}
	if kind != Share {
		return nil, fault.BadField("bandwidth.types", "must be %s", Share)
	}
	return sharedOn(ctx, tx, caller, ip.Site, ip.Line, kind)
}
