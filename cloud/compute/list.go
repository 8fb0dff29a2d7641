package compute

import (
	"context"
	"reflect"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/quota"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Filter narrows a list of instances. Empty fields match any; names are matched in part, the rest whole.
type Filter struct {
	Name          string
	ID            string // part of the handle
	Address       string // part of a private or public address
	PrivateIP     string
	PublicIP      string
	Group         string // UID or slug
	Sites         []string
	Network       string // UID or slug
	Image         string // UID or slug
	OSName        string
	IDs           []string // UIDs, slugs or handles
	States        []State
	Stages        []Stage // any of them
	SecurityGroup string  // UID or slug
	Set           string  // part of a placement set's slug
}

// Stage is a state that words of a dialect tell apart by what more is known. Nil fields match any.
type Stage struct {
	State State
	On    *bool // whether its host reports it on
	Hard  *bool // whether the last restart was a reset
}

func byStages(q *bun.SelectQuery, stages []Stage) *bun.SelectQuery {
	return q.WhereGroup(" AND ", func(q *bun.SelectQuery) *bun.SelectQuery {
		for _, s := range stages {
			q = q.WhereGroup(" OR ", func(q *bun.SelectQuery) *bun.SelectQuery {
				q = q.Where("i.state = ?", s.State)
				if s.On != nil {
					q = q.Where("(i.seen_power = ?) = ?", spec.On, *s.On)
				}
				if s.Hard != nil {
					q = q.Where("i.hard_reset = ?", *s.Hard)
				}
				return q
			})
		}
		return q
	})
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	like := func(column, text string) {
		if text != "" {
			q = q.Where(column+" LIKE ? ESCAPE '!'", store.Contains(text))
		}
	}
	like("i.name", f.Name)
	like("i.handle", f.ID)
	if f.Group != "" {
		q = q.Where("i.grp IN (SELECT g.uid FROM groups AS g WHERE g.uid = ? OR g.slug = ?)", f.Group, f.Group)
	}
	if len(f.Sites) > 0 {
		q = q.Where("i.site IN (?)", bun.In(f.Sites))
	}
	if f.Image != "" {
		q = q.Where("i.image IN (SELECT im.uid FROM images AS im WHERE im.uid = ? OR im.slug = ?)", f.Image, f.Image)
	}
	if f.OSName != "" {
		q = q.Where("EXISTS (SELECT 1 FROM images AS im WHERE im.uid = i.image AND LOWER(im.os_name) = LOWER(?))", f.OSName)
	}
	if len(f.IDs) > 0 {
		q = q.Where("(i.uid IN (?0) OR i.slug IN (?0) OR i.handle IN (?0))", bun.In(f.IDs))
	}
	if f.Set != "" {
		q = q.Where("EXISTS (SELECT 1 FROM placement_members AS m JOIN placement_sets AS s ON s.uid = m.pset WHERE m.instance = i.uid AND s.slug LIKE ? ESCAPE '!')", store.Contains(f.Set))
	}
	if len(f.States) > 0 {
		q = q.Where("i.state IN (?)", bun.In(f.States))
	}
	if len(f.Stages) > 0 {
		q = byStages(q, f.Stages)
	}
	return f.byNetwork(q)
}

func (f Filter) byNetwork(q *bun.SelectQuery) *bun.SelectQuery {
	const onPort = "EXISTS (SELECT 1 FROM ports AS p WHERE p.instance = i.uid AND "
	const onIP = "EXISTS (SELECT 1 FROM public_ips AS ip WHERE ip.instance = i.uid AND "
	if f.PrivateIP != "" {
		q = q.Where(onPort+"p.address = ?)", f.PrivateIP)
	}
	if f.PublicIP != "" {
		q = q.Where(onIP+"ip.address = ?)", f.PublicIP)
	}
	if f.Address != "" {
		text := store.Contains(f.Address)
		q = q.Where("("+onPort+"p.address LIKE ? ESCAPE '!') OR "+onIP+"ip.address LIKE ? ESCAPE '!'))", text, text)
	}
	if f.Network != "" {
		q = q.Where(onPort+"p.network IN (SELECT n.uid FROM networks AS n WHERE n.uid = ? OR n.slug = ?))", f.Network, f.Network)
	}
	if f.SecurityGroup != "" {
		q = q.Where(onPort+"p.uid IN (SELECT pg.port FROM port_groups AS pg JOIN security_groups AS sg ON sg.uid = pg.grp WHERE sg.uid = ? OR sg.slug = ?))", f.SecurityGroup, f.SecurityGroup)
	}
	return q
}

// Order is what a list is sorted by.
type Order struct {
	By     OrderBy
	Oldest bool // upwards; else downwards
}

// OrderBy names a sort field.
type OrderBy string

// The sort fields.
const (
	ByCreated OrderBy = "created"
	ByName    OrderBy = "name"
	ByHandle  OrderBy = "handle"
	ByState   OrderBy = "state"
	ByVCPUs   OrderBy = "vcpus"
	ByMemory  OrderBy = "memory"
)

var orderColumns = map[OrderBy]string{ByCreated: "i.uid", ByName: "i.name", ByHandle: "i.handle", ByState: "i.state", ByVCPUs: "i.vcpus", ByMemory: "i.memory_mib"}

func (o Order) apply(q *bun.SelectQuery) *bun.SelectQuery {
	column, ok := orderColumns[o.By]
	if !ok {
		column = "i.uid"
	}
	direction := " DESC"
	if o.Oldest {
		direction = " ASC"
	}
	q = q.OrderExpr(column + direction)
	if column != "i.uid" {
		q = q.OrderExpr("i.uid" + direction)
	}
	return q
}

// List gives a page of the caller's instances with the total. The page is chosen from an index before anything else of its instances is read.
func (c *Compute) List(ctx context.Context, caller *identity.Caller, f Filter, o Order, page store.Page) (views []*View, total int, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		views = nil
		matching := func() *bun.SelectQuery {
			return f.apply(tx.NewSelect().TableExpr("instances AS i").Where("i.account = ?", caller.Account))
		}
		count := allOf(quota.Instances, caller.Account, reflect.ValueOf(f).IsZero(), matching)
		q := o.apply(selectViews(tx, &views)).Where("i.uid IN (?)", onPage(o.apply(matching()), page).ColumnExpr("i.uid")).ColumnExpr("? AS total", count)
		if err := q.Scan(ctx); err != nil {
			return err
		}
		if len(views) == 0 {
			return countBeyond(ctx, tx, count, page, &total)
		}
		total = views[0].Total
		if err := c.complete(ctx, tx, views); err != nil {
			return err
		}
		if err := addPairs(ctx, tx, views); err != nil {
			return err
		}
		return addSecurity(ctx, tx, views)
	})
	return views, total, err
}

// onPage narrows a select to a page.
func onPage(q *bun.SelectQuery, page store.Page) *bun.SelectQuery {
	if page.Size <= 0 {
		return q
	}
	return q.Limit(page.Size).Offset((max(page.Number, 1) - 1) * page.Size)
}

// allOf is an expression for how many rows a list without pages would have: what the quota counts when nothing is filtered.
func allOf(counted quota.Name, account string, all bool, matching func() *bun.SelectQuery) schema.QueryAppender {
	if all {
		return bun.SafeQuery(quota.Used(counted), account)
	}
	return bun.SafeQuery("(?)", matching().ColumnExpr("COUNT(*)"))
}

// countBeyond counts the matches of a page that is empty: on the first one there are none, and a later one may lie behind the end.
func countBeyond(ctx context.Context, tx *store.Tx, count schema.QueryAppender, page store.Page, total *int) error {
	if page.Size <= 0 || page.Number <= 1 {
		return nil
	}
	return tx.NewSelect().ColumnExpr("? AS total", count).Scan(ctx, total)
}

// ListFrom gives the caller's instances from a marker (a handle, inclusive) on, in the order of handles.
func (c *Compute) ListFrom(ctx context.Context, caller *identity.Caller, f Filter, m store.Marker) (views []*View, next string, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var page []*View
		q := f.apply(selectViews(tx, &page).Where("i.account = ?", caller.Account))
		views, next, err = store.ListFrom(ctx, q, m, "i.handle", func(v *View) string { return v.Handle })
		if err != nil {
			return err
		}
		if err := c.complete(ctx, tx, views); err != nil {
			return err
		}
		return addPairs(ctx, tx, views)
	})
	return views, next, err
}

// Detail is an instance with what only its own page shows.
type Detail struct {
	*View
	Keys   []*KeyPair
	Groups []*network.SecurityGroup
}

// Get gives one instance.
func (c *Compute) Get(ctx context.Context, caller *identity.Caller, id string) (*Detail, error) {
	d := &Detail{}
	err := c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if d.View, err = c.view(ctx, tx, i.UID); err != nil {
			return err
		}
		if err := addPairs(ctx, tx, []*View{d.View}); err != nil {
			return err
		}
		d.Keys = d.Pairs
		return tx.NewSelect().Model(&d.Groups).Where("uid IN (SELECT pg.grp FROM port_groups AS pg JOIN ports AS p ON p.uid = pg.port WHERE p.instance = ? AND p.elastic = '')", i.UID).Order("uid").Scan(ctx)
	})
	return d, err
}
