package compute

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/volume"
	"edgecloud/store"
)

// Usage is what an account has, summed up.
type Usage struct {
	Groups, RunningGroups int // a group runs while an instance of it does
	Instances, Running    int
	VCPUs, MemoryMiB      int64
	SystemGiB, DataGiB    int64                 // volumes that are on no instance included
	Sites                 map[string]*SiteUsage // by the sites' UIDs; only those where there is something
}

// SiteUsage is the part of a usage that is at one site.
type SiteUsage struct {
	Instances int
	VCPUs     int64
	MemoryMiB int64
	DiskGiB   int64
}

// Usage sums up what the caller's account has: three statements, however much it is.
func (c *Compute) Usage(ctx context.Context, caller *identity.Caller) (u *Usage, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		u = &Usage{Sites: map[string]*SiteUsage{}}
		if err := u.addInstances(ctx, tx, caller.Account); err != nil {
			return err
		}
		if err := u.addVolumes(ctx, tx, caller.Account); err != nil {
			return err
		}
		return tx.NewRaw("SELECT COUNT(*), COUNT(CASE WHEN EXISTS (SELECT 1 FROM instances AS i WHERE i.grp = g.uid AND i.state = ?) THEN 1 END) FROM groups AS g WHERE g.account = ?", Running,
			caller.Account).Scan(ctx, &u.Groups, &u.RunningGroups)
	})
	return u, err
}

func (u *Usage) at(site string) *SiteUsage {
	if u.Sites[site] == nil {
		u.Sites[site] = &SiteUsage{}
	}
	return u.Sites[site]
}

func (u *Usage) addInstances(ctx context.Context, tx *store.Tx, account string) error {
	var rows []struct {
		Site      string
		N         int
		Running   int
		VCPUs     int64 `bun:"vcpus"`
		MemoryMiB int64 `bun:"memory_mib"`
	}
	err := tx.NewSelect().Model((*Instance)(nil)).ColumnExpr("site, COUNT(*) AS n, COUNT(CASE WHEN state = ? THEN 1 END) AS running, SUM(vcpus) AS vcpus, SUM(memory_mib) AS memory_mib", Running).
		Where("account = ?", account).Group("site").Scan(ctx, &rows)
	for _, r := range rows {
		s := u.at(r.Site)
		s.Instances, s.VCPUs, s.MemoryMiB = r.N, r.VCPUs, r.MemoryMiB
		u.Instances, u.Running = u.Instances+r.N, u.Running+r.Running
		u.VCPUs, u.MemoryMiB = u.VCPUs+r.VCPUs, u.MemoryMiB+r.MemoryMiB
	}
	return err
}

func (u *Usage) addVolumes(ctx context.Context, tx *store.Tx, account string) error {
	var rows []struct {
		Site string
		Role volume.Role
		GiB  int64 `bun:"gib"`
	}
	err := tx.NewSelect().Model((*volume.Volume)(nil)).ColumnExpr("site, role, SUM(gib) AS gib").Where("account = ?", account).Group("site", "role").Scan(ctx, &rows)
	for _, r := range rows {
		u.at(r.Site).DiskGiB += r.GiB
		if r.Role == volume.System {
			u.SystemGiB += r.GiB
			continue
		}
		u.DataGiB += r.GiB
	}
	return err
}
