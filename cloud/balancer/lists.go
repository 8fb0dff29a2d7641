package balancer

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/fault"
	"edgecloud/store"
)

// Filter narrows a list of balancers. Empty fields match any.
type Filter struct {
	Type    Type
	Serves  Serves
	ID      string   // slug
	Name    string   // the whole name
	Keyword string   // part of the name
	States  []State  // nil: any
	Sites   []string // UIDs; nil: any
}

func (f Filter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	for column, value := range map[string]string{"lb.type": string(f.Type), "lb.serves": string(f.Serves), "lb.slug": f.ID, "lb.name": f.Name} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	if f.Keyword != "" {
		q = q.Where("lb.name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
	}
	if f.States != nil {
		q = q.Where("lb.state IN (?)", bun.In(append([]State{""}, f.States...)))
	}
	if f.Sites != nil {
		q = q.Where("lb.site IN (?)", bun.In(append([]string{""}, f.Sites...)))
	}
	return q
}

const countMembers = "(SELECT COUNT(*) FROM balancer_groups AS g JOIN balancer_members AS m ON m.grp = g.uid WHERE g.balancer = lb.uid)"

func selectDetails(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*Detail)(nil)).ColumnExpr("lb.*").ColumnExpr("p.address AS address").ColumnExpr(countMembers+" AS members").
		Join("JOIN ports AS p ON p.uid = lb.port").Where("lb.account = ?", caller.Account)
}

// List gives a page of the caller's balancers with the total, newest first.
func (n *Balancers) List(ctx context.Context, caller *identity.Caller, f Filter, page store.Page) (found []*Detail, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if found, total, err = store.List[*Detail](ctx, f.apply(selectDetails(tx, caller)).OrderExpr("lb.uid DESC"), page); err != nil {
			return err
		}
		return fill(ctx, tx, found)
	})
	return found, total, err
}

// Get gives one balancer by its UID or slug.
func (n *Balancers) Get(ctx context.Context, caller *identity.Caller, id string) (d *Detail, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		d = new(Detail)
		err := selectDetails(tx, caller).Model(d).Where("(lb.uid = ? OR lb.slug = ?)", id, id).Scan(ctx)
		if store.NotFound(err) {
			return fault.Missing("balancer", id)
		}
		if err != nil {
			return err
		}
		return fill(ctx, tx, []*Detail{d})
	})
	return d, err
}

// details gives balancers in the order of their UIDs.
func details(ctx context.Context, tx *store.Tx, caller *identity.Caller, uids []string) (found []*Detail, err error) {
	if err := selectDetails(tx, caller).Where("lb.uid IN (?)", bun.In(uids)).OrderExpr("lb.uid").Scan(ctx, &found); err != nil {
		return nil, err
	}
	return found, fill(ctx, tx, found)
}

// fill adds what belongs to balancers, in two statements.
func fill(ctx context.Context, tx *store.Tx, found []*Detail) error {
	if len(found) == 0 {
		return nil
	}
	uids := make([]string, len(found))
	byUID := map[string]*Detail{}
	for k, d := range found {
		uids[k], byUID[d.UID] = d.UID, d
	}
	ips, err := network.BalancerIPs(ctx, tx, uids...)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		byUID[ip.Balancer].IPs = append(byUID[ip.Balancer].IPs, ip)
	}
	listeners, err := listenersOf(ctx, tx, uids...)
	if err != nil {
		return err
	}
	for _, l := range listeners {
		byUID[l.Balancer].Listeners = append(byUID[l.Balancer].Listeners, l)
	}
	return nil
}

// ListFrom gives a page of the caller's balancers from a marker, which is a slug, with the next page's.
func (n *Balancers) ListFrom(ctx context.Context, caller *identity.Caller, f Filter, m store.Marker) (found []*Detail, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if found, next, err = store.ListFrom[*Detail](ctx, f.apply(selectDetails(tx, caller)), m, "lb.slug", func(d *Detail) string { return d.Slug }); err != nil {
			return err
		}
		return fill(ctx, tx, found)
	})
	return found, next, err
}
