package plan

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// View is an edge cloud with what its instances say. A group that was made without a plan is one too: it has no coverage and no parts.
type View struct {
	Cloud `bun:",extend"`

	Good    int      `bun:"good,scanonly"` // instances that have been made
	Bad     int      `bun:"bad,scanonly"`  // that have failed
	Busy    int      `bun:"busy,scanonly"` // that are being made
	Planned bool     `bun:"planned,scanonly"`
	Sites   []string `bun:"-"` // UIDs of where its instances are, in the order of the first ones
}

// CloudFilter narrows a list of edge clouds. Empty fields match any.
type CloudFilter struct {
	ID   string
	Name string // part of it
}

// Clouds gives a window of the caller's edge clouds, oldest first, with the total: three statements however many there are.
func (p *Plans) Clouds(ctx context.Context, caller *identity.Caller, f CloudFilter, w store.Window) (found []*View, total int, err error) {
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := selectViews(tx, caller).Order("g.uid")
		if f.ID != "" {
			q = q.Where("g.uid = ?", f.ID)
		}
		if f.Name != "" {
			q = q.Where("g.name LIKE ? ESCAPE '!'", store.Contains(f.Name))
		}
		if found, total, err = store.ListWindow[*View](ctx, q, w); err != nil {
			return err
		}
		return complete(ctx, tx, found)
	})
	return found, total, err
}

// Cloud gives one of the caller's edge clouds.
func (p *Plans) Cloud(ctx context.Context, caller *identity.Caller, id string) (v *View, err error) {
	err = p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var found []*View
		if err := selectViews(tx, caller).Where("g.uid = ?", id).Scan(ctx, &found); err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.Missing(Kind, id)
		}
		v = found[0]
		return complete(ctx, tx, found)
	})
	return v, err
}

func selectViews(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	const count = "(SELECT COUNT(*) FROM instances AS i WHERE i.grp = g.uid AND i.state "
	return tx.NewSelect().TableExpr("groups AS g").Join("LEFT JOIN edge_clouds AS e ON e.uid = g.uid").Where("g.account = ?", caller.Account).
		ColumnExpr("g.uid, g.account, g.name, g.created, e.uid IS NOT NULL AS planned").
		ColumnExpr("COALESCE(e.description, '') AS description, COALESCE(e.coverage, '') AS coverage, COALESCE(e.parts, '') AS parts").
		ColumnExpr("COALESCE(e.state, '') AS state, COALESCE(e.error, '') AS error, COALESCE(e.changed, g.created) AS changed").
		ColumnExpr(count+"= ?) AS busy", compute.Creating).ColumnExpr(count+"= ?) AS bad", compute.Failed).
		ColumnExpr(count+"NOT IN (?, ?, ?)) AS good", compute.Creating, compute.Failed, compute.Deleting)
}

// complete fills in where edge clouds are, and the state of those that have none of their own.
func complete(ctx context.Context, tx *store.Tx, views []*View) error {
	if len(views) == 0 {
		return nil
	}
	byUID := map[string]*View{}
	uids := make([]string, len(views))
	for k, v := range views {
		uids[k], byUID[v.UID] = v.UID, v
		if v.Planned {
			continue
		}
		v.State = InService
		if v.Busy > 0 {
			v.State = Creating
		}
	}
	var rows []struct {
		Group string `bun:"grp"`
		Site  string `bun:"site"`
	}
	err := tx.NewSelect().TableExpr("instances").ColumnExpr("grp, site").Where("grp IN (?)", bun.In(uids)).GroupExpr("grp, site").OrderExpr("grp, MIN(uid)").Scan(ctx, &rows)
	for _, row := range rows {
		byUID[row.Group].Sites = append(byUID[row.Group].Sites, row.Site)
	}
	return err
}

// find finds one of the caller's edge clouds that have a plan.
func find(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Cloud, error) {
	c := new(Cloud)
	err := tx.NewSelect().Model(c).Where("account = ? AND uid = ?", caller.Account, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing(Kind, id)
	}
	return c, err
}

// busy says why an edge cloud cannot be changed now: one that has failed can only be deleted.
func (c *Cloud) busy(participle string) error {
	about := Kind
	if c.State == Failed || c.State == DeleteFailed {
		about = Kind + ".failed"
	}
	return fault.Conflicting(about, c.UID, "The edge cloud is %s; it cannot be %s now.", c.State, participle)
}

// DeleteCloud takes an edge cloud away. Its instances must have been deleted before, but those of one that failed go with it.
func (p *Plans) DeleteCloud(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ctx = store.Join(ctx, tx)
		v, err := p.Cloud(ctx, caller, id)
		if err != nil {
			return err
		}
		switch v.State {
		case Creating, Updating, Deleting:
			return v.busy("deleted")
		case InService:
			there, err := tx.NewSelect().Model((*compute.Instance)(nil)).Where("grp = ?", v.UID).Count(ctx)
			if err != nil {
				return err
			}
			if there > 0 {
				return fault.Conflicting(Kind+".instances", v.UID, "The edge cloud has %d instances; delete them first.", there)
			}
		}
		if _, err := p.compute.DeleteGroup(ctx, caller, v.UID); err != nil {
			return err
		}
		if !v.Planned {
			return audit.Note(ctx, tx, caller, Kind, v.UID)
		}
		v.State, v.Error, v.Changed = Deleting, "", tx.Time()
		if _, err := tx.NewUpdate().Model(&v.Cloud).Column("state", "error", "changed").WherePK().Exec(ctx); err != nil {
			return err
		}
		return v.begin(ctx, tx, caller)
	})
}
