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

// NewGroup is what a caller says of a security group.
type NewGroup struct {
	Name        string
	Description string
	Rules       []NewRule
	OpenIfEmpty bool // without rules, let everything out (BEC 1.0 createSecurityGroup, withDefaultRules)
	Tags        []Tag
}

// CreateGroup makes a security group with its first rules. It belongs to no site until a port uses it.
func (n *Networks) CreateGroup(ctx context.Context, caller *identity.Caller, w NewGroup) (g *SecurityGroup, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := checkName(w.Name); err != nil {
		return nil, err
	}
	if err := checkDescription(w.Description); err != nil {
		return nil, err
	}
	if len(w.Rules) == 0 && w.OpenIfEmpty {
		w.Rules = []NewRule{{Direction: spec.Egress, Remark: defaultName}}
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g = &SecurityGroup{Account: caller.Account, Name: w.Name, Description: w.Description, Tags: TagsOf(w.Tags)}
		if err := insertGroup(ctx, tx, caller, g, w.Rules); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "security group", g.UID)
	})
	return g, err
}

func insertGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller, g *SecurityGroup, rules []NewRule) error {
	g.UID, g.Slug, g.Created = tx.NewUID(), tx.NewSlug(), tx.Time()
	if err := quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.SecurityGroups, Delta: 1}); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(g).Exec(ctx); err != nil {
		return fmt.Errorf("add security group: %w", err)
	}
	_, err := insertRules(ctx, tx, caller, g, rules)
	return err
}

// StandardGroup finds the account's default security group, or makes it: out to everywhere, in from nowhere (BEC 1.0 createVmService: "whose single rule is
// egress, all protocols, ports 1-65535, IPv4, destination 0.0.0.0/0").
func StandardGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller) (*SecurityGroup, error) {
	g := new(SecurityGroup)
	err := tx.NewSelect().Model(g).Where("account = ? AND standard", caller.Account).Scan(ctx)
	if err == nil || !store.NotFound(err) {
		return g, err
	}
	*g = SecurityGroup{Account: caller.Account, Name: defaultName, Description: "default", Standard: true}
	return g, insertGroup(ctx, tx, caller, g, []NewRule{{Direction: spec.Egress, Remark: "default"}})
}

// FindGroup finds the caller's security group by UID or slug inside a transaction, without its rules.
func FindGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*SecurityGroup, error) {
	g := new(SecurityGroup)
	err := tx.NewSelect().Model(g).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("security group", id)
	}
	return g, err
}

// GroupFilter narrows a list of security groups. Empty fields match any.
type GroupFilter struct {
	ID       string // UID or slug
	Instance string // UID: only groups that the instance's ports are in
	Keyword  string
}

func (f GroupFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.ID != "" {
		q = q.Where("uid = ? OR slug = ?", f.ID, f.ID)
	}
	if f.Instance != "" {
		q = q.Where("uid IN (SELECT pg.grp FROM port_groups AS pg JOIN ports AS p ON p.uid = pg.port WHERE p.instance = ?)", f.Instance)
	}
	if f.Keyword != "" {
		q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
	}
	return q
}

// ListGroups gives a page of the caller's security groups with their rules and the total, newest first.
func (n *Networks) ListGroups(ctx context.Context, caller *identity.Caller, f GroupFilter, page store.Page) (found []*SecurityGroup, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*SecurityGroup)(nil)).Where("account = ?", caller.Account)).OrderExpr("uid DESC")
		if found, total, err = store.List[*SecurityGroup](ctx, q, page); err != nil {
			return err
		}
		return loadRules(ctx, tx, found)
	})
	return found, total, err
}

// ListGroupsFrom gives the caller's security groups with their rules from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListGroupsFrom(ctx context.Context, caller *identity.Caller, f GroupFilter, m store.Marker) (found []*SecurityGroup, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(tx.NewSelect().Model((*SecurityGroup)(nil)).Where("account = ?", caller.Account))
		if found, next, err = store.ListFrom(ctx, q, m, "slug", func(x *SecurityGroup) string { return x.Slug }); err != nil {
			return err
		}
		return loadRules(ctx, tx, found)
	})
	return found, next, err
}

// ListGroupsWithin gives some of the caller's security groups with their rules and the total, oldest first.
func (n *Networks) ListGroupsWithin(ctx context.Context, caller *identity.Caller, w store.Window) (found []*SecurityGroup, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*SecurityGroup)(nil)).Where("account = ?", caller.Account).OrderExpr("uid")
		if found, total, err = store.ListWindow[*SecurityGroup](ctx, q, w); err != nil {
			return err
		}
		return loadRules(ctx, tx, found)
	})
	return found, total, err
}

// GetGroup gives one security group with its rules.
func (n *Networks) GetGroup(ctx context.Context, caller *identity.Caller, id string) (g *SecurityGroup, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if g, err = FindGroup(ctx, tx, caller, id); err != nil {
			return err
		}
		return loadRules(ctx, tx, []*SecurityGroup{g})
	})
	return g, err
}

func loadRules(ctx context.Context, tx *store.Tx, groups []*SecurityGroup) error {
	if len(groups) == 0 {
		return nil
	}
	byUID := map[string]*SecurityGroup{}
	uids := make([]string, len(groups))
	for i, g := range groups {
		uids[i], byUID[g.UID] = g.UID, g
		g.Rules = nil
	}
	var rules []*Rule
	if err := tx.NewSelect().Model(&rules).Where("grp IN (?)", bun.In(uids)).Order("grp", "uid").Scan(ctx); err != nil {
		return err
	}
	for _, r := range rules {
		byUID[r.Group].Rules = append(byUID[r.Group].Rules, r)
	}
	return nil
}

// UpdateGroup changes a security group's name or description. The default group keeps its name.
func (n *Networks) UpdateGroup(ctx context.Context, caller *identity.Caller, id string, t Text) (g *SecurityGroup, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if g, err = FindGroup(ctx, tx, caller, id); err != nil {
			return err
		}
		if g.Standard && t.Name != nil {
			return fault.Conflicting("security group", id, "The default security group cannot be renamed.").On("name")
		}
		g.Name, g.Description = t.apply(g.Name, g.Description)
		if _, err := tx.NewUpdate().Model(g).Column("name", "description").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := loadRules(ctx, tx, []*SecurityGroup{g}); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "security group", g.UID)
	})
	return g, err
}

// DeleteGroup removes a security group that no port is in. The default group stays.
func (n *Networks) DeleteGroup(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if g.Standard {
			return fault.Conflicting("default security group", id, "The default security group cannot be deleted.")
		}
		if err := lockGroup(ctx, tx, g.UID); err != nil {
			return err
		}
		return dropGroup(ctx, tx, caller, g)
	})
}

func dropGroup(ctx context.Context, tx *store.Tx, caller *identity.Caller, g *SecurityGroup) error {
	used, err := tx.NewSelect().Model((*PortGroup)(nil)).Where("grp = ?", g.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if used {
		return fault.Conflicting("security group", g.Slug, "The security group is used by ports and cannot be deleted.")
	}
	named, err := tx.NewSelect().Model((*Rule)(nil)).Where("remote_group = ? AND grp <> ?", g.UID, g.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if named {
		return fault.Conflicting("security group", g.Slug, "A rule of another security group names this one; remove that rule first.")
	}
	if err := loadRules(ctx, tx, []*SecurityGroup{g}); err != nil {
		return err
	}
	if err := deleteGroupRows(ctx, tx, g); err != nil {
		return err
	}
	if err := quota.Count(ctx, tx, g.Account, append(ruleCounts(-1, g.Rules...), quota.Change{Name: quota.SecurityGroups, Delta: -1})...); err != nil {
		return err
	}
	for _, d := range []spec.Direction{spec.Ingress, spec.Egress} {
		if err := quota.Drop(ctx, tx, g.Account, quota.SecurityGroupRules, (&Rule{Group: g.UID, Direction: d}).scope()); err != nil {
			return err
		}
	}
	return audit.Note(ctx, tx, caller, "security group", g.UID)
}

func deleteGroupRows(ctx context.Context, tx *store.Tx, g *SecurityGroup) error {
	var sites []groupSite
	if err := tx.NewDelete().Model((*groupSite)(nil)).Where("grp = ?", g.UID).Returning("*").Scan(ctx, &sites); err != nil && !store.NotFound(err) {
		return err
	}
	for _, s := range sites {
		if err := link.Delete(ctx, tx, spec.SiteTarget(s.Site), spec.KindSecurityGroup, g.UID); err != nil {
			return err
		}
	}
	if _, err := tx.NewDelete().Model((*Rule)(nil)).Where("grp = ?", g.UID).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewDelete().Model(g).WherePK().Exec(ctx)
	return err
}

// lockGroup makes changes of a group's rules, and its specs, go one after the other.
func lockGroup(ctx context.Context, tx *store.Tx, uid string) error {
	_, err := tx.NewUpdate().Model((*SecurityGroup)(nil)).Set("revision = revision + 1").Where("uid = ?", uid).Exec(ctx)
	return err
}
