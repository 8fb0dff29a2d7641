package place

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// SiteForOperator finds a site by name or UID, a disabled one too.
func (p *Place) SiteForOperator(ctx context.Context, caller *identity.Caller, id string) (*Site, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	return p.findSite(ctx, id, func(s *Site) bool { return s.Name == id || s.UID == id })
}

// AllLines gives the uplinks of all sites by the site's UID. For operators.
func (p *Place) AllLines(ctx context.Context, caller *identity.Caller) (map[string][]*Line, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	var lines []*Line
	err := p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&lines).Order("site", "carrier").Scan(ctx)
	})
	bySite := map[string][]*Line{}
	for _, l := range lines {
		bySite[l.Site] = append(bySite[l.Site], l)
	}
	return bySite, err
}

// EnableSite opens a site for new resources, or closes it; what is there goes on. For operators.
func (p *Place) EnableSite(ctx context.Context, caller *identity.Caller, uid string, enabled bool) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(p.forget)
		_, err := tx.NewUpdate().Model((*Site)(nil)).Set("enabled = ?", enabled).Where("uid = ?", uid).Exec(ctx)
		return err
	})
}

// AddLine gives a site a further uplink. One of a carrier that is there already is a conflict: addresses of it may be in use. For operators.
func (p *Place) AddLine(ctx context.Context, caller *identity.Caller, site string, n NewLine) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	if !n.Carrier.Known() {
		return fault.BadField("carrier", "must be CHINA_MOBILE, CHINA_UNICOM, CHINA_TELECOM, TRIPLE_LINE or BGP")
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		exists, err := tx.NewSelect().Model((*Line)(nil)).Where("site = ? AND carrier = ?", site, n.Carrier).Exists(ctx)
		if err != nil {
			return err
		}
		if exists {
			return fault.Conflicting("site", site, "The site has a line of %s, whose addresses may be in use.", n.Carrier).On("lines")
		}
		tx.AfterCommit(p.forget)
		return addLine(ctx, tx, site, n)
	})
}

// HostForOperator finds a host by UID or name.
func (p *Place) HostForOperator(ctx context.Context, caller *identity.Caller, id string) (*Host, error) {
	all, err := p.Hosts(ctx, caller, "")
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if h.UID == id || h.Name == id {
			return h, nil
		}
	}
	return nil, fault.Missing("host", id)
}

// RemoveHost forgets a host on which nothing is placed. For operators.
func (p *Place) RemoveHost(ctx context.Context, caller *identity.Caller, uid string) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		res, err := tx.NewDelete().Model((*Host)(nil)).Where("uid = ? AND instances = 0 AND used_vcpus = 0 AND used_mib = 0 AND used_gib = 0", uid).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		exists, err := tx.NewSelect().Model((*Host)(nil)).Where("uid = ?", uid).Exists(ctx)
		if err == nil && !exists {
			return fault.Missing("host", uid)
		}
		if err == nil {
			err = fault.Conflicting("host", uid, "Something is placed on the host; delete or move it first.")
		}
		return err
	})
}
