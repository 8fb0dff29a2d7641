package network

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// RouteTable leads what leaves its subnets. Every network has a default one, which goes with it and holds for all subnets that are in no other.
type RouteTable struct {
	bun.BaseModel `bun:"table:route_tables,alias:rtb"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Network     string     `bun:"network"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Kind        Kind       `bun:"kind"`
	Created     store.Time `bun:"created"`

	Subnets []*Subnet `bun:"-"` // in details
}

type tableSubnet struct {
	bun.BaseModel `bun:"table:route_table_subnets,alias:bound"`

	Subnet string `bun:"subnet,pk"`
	Table  string `bun:"tbl"`
}

// NewRouteTable is what a caller says of a route table.
type NewRouteTable struct {
	Network     string // UID or slug
	Name        string
	Description string
}

// tableSigns may stand in a route table's name beside letters and digits.
const tableSigns = "_-."

// CreateRouteTable makes a route table of a network, without routes and subnets.
func (n *Networks) CreateRouteTable(ctx context.Context, caller *identity.Caller, w NewRouteTable) (t *RouteTable, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := (Text{Name: &w.Name, Description: &w.Description}).checkPlain(tableSigns); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		net, err := FindNetwork(ctx, tx, caller, w.Network)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, net.UID); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, net.Account, quota.Change{Name: quota.RouteTables, Scope: net.UID, Delta: 1}); err != nil {
			return err
		}
		t = &RouteTable{Name: w.Name, Description: w.Description, Kind: Custom}
		if err := insertTable(ctx, tx, net, t); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
	return t, err
}

func insertTable(ctx context.Context, tx *store.Tx, net *Network, t *RouteTable) error {
	t.UID, t.Slug, t.Created, t.Account, t.Network = tx.NewUID(), tx.NewSlug(), tx.Time(), net.Account, net.UID
	if _, err := tx.NewInsert().Model(t).Exec(ctx); err != nil {
		return fmt.Errorf("add route table: %w", err)
	}
	return nil
}

// addDefaultTable gives a new network its own route table.
func addDefaultTable(ctx context.Context, tx *store.Tx, net *Network) error {
	return insertTable(ctx, tx, net, &RouteTable{Name: defaultName, Kind: Default})
}

// dropTables forgets a network's route tables with their routes.
func dropTables(ctx context.Context, tx *store.Tx, net *Network) error {
	var tables []*RouteTable
	if err := tx.NewSelect().Model(&tables).Where("network = ?", net.UID).Scan(ctx); err != nil {
		return err
	}
	for _, t := range tables {
		if err := dropTable(ctx, tx, t); err != nil {
			return err
		}
	}
	return quota.Drop(ctx, tx, net.Account, quota.RouteTables, net.UID)
}

func dropTable(ctx context.Context, tx *store.Tx, t *RouteTable) error {
	if _, err := tx.NewDelete().Model((*Route)(nil)).Where("tbl = ?", t.UID).Exec(ctx); err != nil {
		return err
	}
	if err := quota.Drop(ctx, tx, t.Account, quota.Routes, t.UID); err != nil {
		return err
	}
	_, err := tx.NewDelete().Model(t).WherePK().Exec(ctx)
	return err
}

// RouteTableFilter narrows a list of route tables. Empty fields match any.
type RouteTableFilter struct {
	ID      string // UID or slug
	Name    string // the whole name
	Network string // UID or slug
	Site    string // UID: only of networks that are there
	Keyword string // part of the name
	Of      string // part of the network's name
}

// ListRouteTables gives a window of the caller's route tables, oldest first.
func (n *Networks) ListRouteTables(ctx context.Context, caller *identity.Caller, f RouteTableFilter, w store.Window) (found []*RouteTable, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*RouteTable)(nil)).Where("account = ?", caller.Account).OrderExpr("uid")
		if f.ID != "" {
			q = q.Where("uid = ? OR slug = ?", f.ID, f.ID)
		}
		if f.Name != "" {
			q = q.Where("name = ?", f.Name)
		}
		if f.Network != "" {
			q = q.Where("network IN (SELECT uid FROM networks WHERE uid = ? OR slug = ?)", f.Network, f.Network)
		}
		if f.Site != "" {
			q = q.Where("network IN (SELECT network FROM routers WHERE site = ?)", f.Site)
		}
		if f.Keyword != "" {
			q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
		}
		if f.Of != "" {
			q = q.Where("network IN (SELECT uid FROM networks WHERE account = ? AND name LIKE ? ESCAPE '!')", caller.Account, store.Contains(f.Of))
		}
		found, total, err = store.ListWindow[*RouteTable](ctx, q, w)
		return err
	})
	return found, total, err
}

// FindRouteTable finds the caller's route table by UID or slug inside a transaction.
func FindRouteTable(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*RouteTable, error) {
	t := new(RouteTable)
	err := tx.NewSelect().Model(t).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("route table", id)
	}
	return t, err
}

// GetRouteTable gives one route table with its subnets.
func (n *Networks) GetRouteTable(ctx context.Context, caller *identity.Caller, id string) (t *RouteTable, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t, err = FindRouteTable(ctx, tx, caller, id); err != nil {
			return err
		}
		return t.loadSubnets(ctx, tx)
	})
	return t, err
}

// TableOfSubnet gives the route table that holds for a subnet.
func (n *Networks) TableOfSubnet(ctx context.Context, caller *identity.Caller, subnet string) (t *RouteTable, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSubnet(ctx, tx, caller, subnet)
		if err != nil {
			return err
		}
		if t, err = tableOf(ctx, tx, s); err != nil {
			return err
		}
		return t.loadSubnets(ctx, tx)
	})
	return t, err
}

// tableOf is the table that a subnet is in, or its network's default one.
func tableOf(ctx context.Context, tx *store.Tx, s *Subnet) (*RouteTable, error) {
	t := new(RouteTable)
	err := tx.NewSelect().Model(t).Where("network = ?", s.Network).Where("kind = ? OR uid IN (SELECT tbl FROM route_table_subnets WHERE subnet = ?)", Default, s.UID).
		OrderExpr("CASE kind WHEN ? THEN 1 ELSE 0 END", Default).Limit(1).Scan(ctx)
	return t, err
}

func (t *RouteTable) loadSubnets(ctx context.Context, tx *store.Tx) error {
	t.Subnets = nil
	q := tx.NewSelect().Model(&t.Subnets).Where("network = ?", t.Network).OrderExpr("uid")
	if t.Kind == Default {
		q = q.Where("uid NOT IN (SELECT subnet FROM route_table_subnets)")
	} else {
		q = q.Where("uid IN (SELECT subnet FROM route_table_subnets WHERE tbl = ?)", t.UID)
	}
	return q.Scan(ctx)
}

// UpdateRouteTable changes a route table's name or description.
func (n *Networks) UpdateRouteTable(ctx context.Context, caller *identity.Caller, id string, text Text) (t *RouteTable, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := text.checkPlain(tableSigns); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t, err = FindRouteTable(ctx, tx, caller, id); err != nil {
			return err
		}
		t.Name, t.Description = text.apply(t.Name, t.Description)
		if _, err := tx.NewUpdate().Model(t).Column("name", "description").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := t.loadSubnets(ctx, tx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
	return t, err
}

// DeleteRouteTable removes a route table that no subnet is in. A network's default one stays.
func (n *Networks) DeleteRouteTable(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := lockTable(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if t.Kind == Default {
			return fault.Conflicting("route table", id, "The default route table of a network cannot be deleted.")
		}
		used, err := tx.NewSelect().Model((*tableSubnet)(nil)).Where("tbl = ?", t.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if used {
			return fault.Conflicting("route table", id, "The route table still has subnets; take them out first.")
		}
		if err := dropTable(ctx, tx, t); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, t.Account, quota.Change{Name: quota.RouteTables, Scope: t.Network, Delta: -1}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
}

// lockTable finds a route table; changes of all that hangs on its network go one after the other.
func lockTable(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*RouteTable, error) {
	t, err := FindRouteTable(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	return t, lockNetwork(ctx, tx, t.Network)
}

// JoinRouteTable puts subnets of its network into a route table; they leave the one that they were in.
func (n *Networks) JoinRouteTable(ctx context.Context, caller *identity.Caller, id string, subnets []string) (*RouteTable, error) {
	return n.changeTable(ctx, caller, id, subnets, func(ctx context.Context, tx *store.Tx, t *RouteTable, s *Subnet) error {
		if _, err := tx.NewDelete().Model((*tableSubnet)(nil)).Where("subnet = ?", s.UID).Exec(ctx); err != nil || t.Kind == Default {
			return err
		}
		_, err := tx.NewInsert().Model(&tableSubnet{Subnet: s.UID, Table: t.UID}).Exec(ctx)
		return err
	})
}

// LeaveRouteTable takes subnets out of a route table; the network's default one holds for them then.
func (n *Networks) LeaveRouteTable(ctx context.Context, caller *identity.Caller, id string, subnets []string) (*RouteTable, error) {
	return n.changeTable(ctx, caller, id, subnets, func(ctx context.Context, tx *store.Tx, t *RouteTable, s *Subnet) error {
		if t.Kind == Default {
			return fault.New(fault.Invalid, "A subnet leaves the default route table only for another one.").On("subnets")
		}
		res, err := tx.NewDelete().Model((*tableSubnet)(nil)).Where("subnet = ? AND tbl = ?", s.UID, t.UID).Exec(ctx)
		if err != nil {
			return err
		}
		if gone, err := res.RowsAffected(); err != nil || gone == 1 {
			return err
		}
		return fault.New(fault.Invalid, "The subnet %s is not in this route table.", s.UID).On("subnets")
	})
}

func (n *Networks) changeTable(ctx context.Context, caller *identity.Caller, id string, subnets []string,
	change func(context.Context, *store.Tx, *RouteTable, *Subnet) error) (t *RouteTable, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(subnets) == 0 {
		return nil, fault.BadField("subnets", "must name at least one subnet")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if t, err = lockTable(ctx, tx, caller, id); err != nil {
			return err
		}
		sites := map[string]bool{}
		for _, sid := range subnets {
			s, err := FindSubnet(ctx, tx, caller, sid)
			if err != nil {
				return err
			}
			if s.Network != t.Network {
				return fault.New(fault.Invalid, "The subnet %s belongs to another network than the route table.", sid).On("subnets")
			}
			if err := change(ctx, tx, t, s); err != nil {
				return err
			}
			if err := renewSubnet(ctx, tx, s); err != nil {
				return err
			}
			sites[s.Site] = true
		}
		if err := renewGateways(ctx, tx, t.Network, slices.Sorted(maps.Keys(sites))...); err != nil {
			return err
		}
		if err := t.loadSubnets(ctx, tx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
	return t, err
}
