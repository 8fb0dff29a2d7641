package place

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/store"
)

// Available lists, by name, the enabled sites where something can be made now: those with a host that is enabled and was heard of lately, and, if line is set,
// with an uplink that brings public addresses.
func (p *Place) Available(ctx context.Context, line bool) ([]*Site, error) {
	sites, err := p.Sites(ctx)
	if err != nil {
		return nil, err
	}
	with := map[string]bool{}
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var uids []string
		q := tx.NewSelect().Model((*Host)(nil)).ColumnExpr("DISTINCT site").Where("enabled AND seen >= ?", store.At(tx.Now().Add(-HostSilence)))
		if line {
			q = q.Where("site IN (SELECT l.site FROM lines AS l)")
		}
		if err := q.Scan(ctx, &uids); err != nil {
			return err
		}
		for _, uid := range uids {
			with[uid] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []*Site
	for _, s := range sites {
		if with[s.UID] {
			found = append(found, s)
		}
	}
	return found, nil
}

// FlavorsAt lists the flavors that fit an enabled host of at least one of the sites, smallest first. A host that is full or silent now counts: what is
// offered somewhere is not what can be had at this moment.
func (p *Place) FlavorsAt(ctx context.Context, sites []string) ([]*Flavor, error) {
	all, err := p.Flavors(ctx)
	if err != nil || len(sites) == 0 {
		return nil, err
	}
	var hosts []*Host
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		hosts = nil
		return tx.NewSelect().Model(&hosts).Column("vcpus", "memory_mib").Distinct().Where("enabled AND site IN (?)", bun.In(sites)).Scan(ctx)
	})
	if err != nil {
		return nil, err
	}
	var fitting []*Flavor
	for _, f := range all {
		if slices.ContainsFunc(hosts, func(h *Host) bool { return f.VCPUs <= h.VCPUs && f.MemoryMiB <= h.MemoryMiB }) {
			fitting = append(fitting, f)
		}
	}
	return fitting, nil
}

// UpAndDown gives the sites that have hosts: those where something can be placed now, and those whose hosts are all off, silent or disabled.
func (p *Place) UpAndDown(ctx context.Context) (up, down []*Site, err error) {
	if up, err = p.Available(ctx, false); err != nil {
		return nil, nil, err
	}
	sites, err := p.Sites(ctx)
	if err != nil {
		return nil, nil, err
	}
	var uids []string
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model((*Host)(nil)).ColumnExpr("DISTINCT site").Scan(ctx, &uids)
	})
	for _, s := range sites {
		if slices.Contains(uids, s.UID) && !slices.ContainsFunc(up, func(o *Site) bool { return o.UID == s.UID }) {
			down = append(down, s)
		}
	}
	return up, down, err
}
