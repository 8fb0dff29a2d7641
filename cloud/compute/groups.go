package compute

import (
	"context"
	"reflect"
	"regexp"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

var hostname = regexp.MustCompile(`^[a-z][a-z0-9-]{1,63}$`)

func badHostname() error {
	return fault.BadField("hostname", "must have 2 to 64 lower-case letters, digits and hyphens and begin with a letter")
}

func checkName(name string) error {
	if n := len([]rune(name)); n < 1 || n > 65 {
		return fault.BadField("name", "must have 1 to 65 characters")
	}
	if strings.ContainsAny(name, "\x00\n\r\t") {
		return fault.BadField("name", "must not hold control characters")
	}
	return nil
}

// CreateGroup makes an empty group.
func (c *Compute) CreateGroup(ctx context.Context, caller *identity.Caller, name string, payment Payment) (g *Group, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if name != "" {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if g, err = insertGroup(ctx, tx, caller, &Group{Name: name, Payment: payment}); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, caller.Account, groupCost(1)); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "group", g.UID)
	})
	return g, err
}

func groupCost(count int64) quota.Change { return quota.Change{Name: quota.Groups, Delta: count} }

// insertGroup makes a group's row; its quota is the caller's to count.
func insertGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller, g *Group) (*Group, error) {
	g.UID, g.Slug, g.Account, g.Created = tx.NewUID(), tx.NewSlug(), caller.Account, tx.Time()
	if g.Name == "" {
		g.Name = "s-" + g.Slug
	}
	_, err := tx.NewInsert().Model(g).Exec(ctx)
	return g, err
}

// GroupFilter narrows a list of groups. Empty fields match any.
type GroupFilter struct {
	Name     string // part of it
	ID       string // part of the slug
	Slug     string // the whole of it
	Instance string // part of the handle of one of its instances
	Sites    []string
	OSName   string // of the image of one of its instances
	Failed   *bool  // whether it has an instance that failed
}

func (f GroupFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.Name != "" {
		q = q.Where("grp.name LIKE ? ESCAPE '!'", store.Contains(f.Name))
	}
	if f.ID != "" {
		q = q.Where("grp.slug LIKE ? ESCAPE '!'", store.Contains(f.ID))
	}
	if f.Slug != "" {
		q = q.Where("grp.slug = ?", f.Slug)
	}
	return f.byInstances(q)
}

func (f GroupFilter) byInstances(q *bun.SelectQuery) *bun.SelectQuery {
	const has = "EXISTS (SELECT 1 FROM instances AS i LEFT JOIN images AS im ON im.uid = i.image WHERE i.grp = grp.uid AND "
	if f.Instance != "" {
		q = q.Where(has+"i.handle LIKE ? ESCAPE '!')", store.Contains(f.Instance))
	}
	if f.Sites != nil {
		q = q.Where(has+"i.site IN (?))", bun.In(append([]string{""}, f.Sites...)))
	}
	if f.OSName != "" {
		q = q.Where(has+"LOWER(im.os_name) = LOWER(?))", f.OSName)
	}
	if f.Failed != nil && *f.Failed {
		q = q.Where(has+"i.state = ?)", Failed)
	}
	if f.Failed != nil && !*f.Failed {
		q = q.Where("NOT "+has+"i.state = ?)", Failed)
	}
	return q
}

// GroupView is a group with its instances.
type GroupView struct {
	*Group
	Instances []*View
}

// GroupOrder is what a list of groups is sorted by: when they were made, or their names.
type GroupOrder struct {
	ByName bool
	Oldest bool // upwards; else downwards
}

func (o GroupOrder) apply(q *bun.SelectQuery) *bun.SelectQuery {
	direction := " DESC"
	if o.Oldest {
		direction = " ASC"
	}
	if o.ByName {
		q = q.OrderExpr("grp.name" + direction)
	}
	return q.OrderExpr("grp.uid" + direction)
}

// ListGroups gives a page of the caller's groups with the total.
func (c *Compute) ListGroups(ctx context.Context, caller *identity.Caller, f GroupFilter, o GroupOrder, page store.Page) (views []*GroupView, total int, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var rows []struct {
			Group `bun:",extend"`

			Total int `bun:"total,scanonly"`
		}
		matching := func() *bun.SelectQuery {
			return f.apply(tx.NewSelect().TableExpr("groups AS grp").Where("grp.account = ?", caller.Account))
		}
		count := allOf(quota.Groups, caller.Account, reflect.ValueOf(f).IsZero(), matching)
		if err := onPage(o.apply(matching()), page).ColumnExpr("grp.*").ColumnExpr("? AS total", count).Scan(ctx, &rows); err != nil {
			return err
		}
		if len(rows) == 0 {
			return countBeyond(ctx, tx, count, page, &total)
		}
		total = rows[0].Total
		groups := make([]*Group, len(rows))
		for k := range rows {
			groups[k] = &rows[k].Group
		}
		views, err = c.viewGroups(ctx, tx, groups)
		return err
	})
	return views, total, err
}

// ListGroupsFrom gives the caller's groups from a marker (a slug, inclusive) on, in the order of slugs.
func (c *Compute) ListGroupsFrom(ctx context.Context, caller *identity.Caller, f GroupFilter, m store.Marker) (views []*GroupView, next string, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*Group)(nil)).Where("account = ?", caller.Account))
		groups, n, err := store.ListFrom(ctx, q, m, "slug", func(g *Group) string { return g.Slug })
		if err != nil {
			return err
		}
		next = n
		views, err = c.viewGroups(ctx, tx, groups)
		return err
	})
	return views, next, err
}

// GetGroup gives one group with its instances.
func (c *Compute) GetGroup(ctx context.Context, caller *identity.Caller, id string) (view *GroupView, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		views, err := c.viewGroups(ctx, tx, []*Group{g})
		if err != nil {
			return err
		}
		view = views[0]
		return nil
	})
	return view, err
}

func (c *Compute) viewGroups(ctx context.Context, tx *store.Tx, groups []*Group) ([]*GroupView, error) {
	views := make([]*GroupView, len(groups))
	byUID := map[string]*GroupView{}
	uids := make([]string, len(groups))
	for k, g := range groups {
		views[k] = &GroupView{Group: g}
		uids[k], byUID[g.UID] = g.UID, views[k]
	}
	if len(groups) == 0 {
		return views, nil
	}
	var all []*View
	if err := selectViews(tx, &all).Where("i.grp IN (?)", bun.In(uids)).Order("i.grp", "i.uid").Scan(ctx); err != nil {
		return nil, err
	}
	err := c.complete(ctx, tx, all)
	for _, v := range all {
		byUID[v.Group].Instances = append(byUID[v.Group].Instances, v)
	}
	return views, err
}

// RenameGroup changes a group's name.
func (c *Compute) RenameGroup(ctx context.Context, caller *identity.Caller, id, name string) (*GroupView, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	err := c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		g.Name = name
		if _, err := tx.NewUpdate().Model(g).Column("name").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "group", g.UID)
	})
	if err != nil {
		return nil, err
	}
	return c.GetGroup(ctx, caller, id)
}

// DeleteGroup deletes a group and all its instances; the group's row goes with the last of them.
func (c *Compute) DeleteGroup(ctx context.Context, caller *identity.Caller, id string) (view *GroupView, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		views, err := c.viewGroups(ctx, tx, []*Group{g})
		if err != nil {
			return err
		}
		view = views[0]
		if len(view.Instances) == 0 {
			if err := tellGroup(ctx, tx, g.UID); err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(g).WherePK().Exec(ctx); err != nil {
				return err
			}
			if err := quota.Count(ctx, tx, g.Account, groupCost(-1)); err != nil {
				return err
			}
			return audit.Note(ctx, tx, caller, "group", g.UID)
		}
		if _, err := tx.NewUpdate().Model(g).Set("doomed = ?", true).WherePK().Exec(ctx); err != nil {
			return err
		}
		for _, i := range view.Instances {
			if err := doom(ctx, tx, &i.Instance); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "group", g.UID)
	})
	return view, err
}
