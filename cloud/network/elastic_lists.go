package network

import (
	"context"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// ElasticNIC is an elastic NIC with what people want to see beside it.
type ElasticNIC struct {
	Port `bun:",extend"`

	NetworkSlug string   `bun:"network_slug,scanonly"`
	SubnetSlug  string   `bun:"subnet_slug,scanonly"`
	Groups      []string `bun:"-"` // slugs, in order
}

// ElasticFilter narrows a list of elastic NICs. Empty fields match any.
type ElasticFilter struct {
	ID        string // slug
	Network   string // UID
	Subnet    string // UID
	Instance  string // UID
	Name      string
	Group     string   // UID or slug of a security group
	Ending    string   // one of its addresses ends so
	Addresses []string // it has one of them
}

func (f ElasticFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	for column, value := range map[string]string{"port.slug": f.ID, "port.network": f.Network, "port.subnet": f.Subnet, "port.instance": f.Instance, "port.name": f.Name} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	if f.Group != "" {
		q = q.Where("EXISTS (SELECT 1 FROM port_groups AS pg JOIN security_groups AS g ON g.uid = pg.grp WHERE pg.port = port.uid AND (g.uid = ? OR g.slug = ?))", f.Group, f.Group)
	}
	const further = "EXISTS (SELECT 1 FROM ports AS f WHERE f.nic <> '' AND f.nic = port.uid AND NOT f.doomed AND f.address "
	if f.Ending != "" {
		ending := strings.TrimSuffix(store.Contains(f.Ending), "%")
		q = q.Where("port.address LIKE ? ESCAPE '!' OR "+further+"LIKE ? ESCAPE '!')", ending, ending)
	}
	if len(f.Addresses) > 0 {
		q = q.Where("port.address IN (?) OR "+further+"IN (?))", bun.In(f.Addresses), bun.In(f.Addresses))
	}
	return q
}

func selectElastic(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*ElasticNIC)(nil)).ColumnExpr("port.*").ColumnExpr("n.slug AS network_slug, s.slug AS subnet_slug").
		Join("JOIN networks AS n ON n.uid = port.network").Join("JOIN subnets AS s ON s.uid = port.subnet").Where("port.account = ? AND port.elastic <> ''", caller.Account)
}

// ListElasticNICs gives a page of the caller's elastic NICs with the total, newest first.
func (n *Networks) ListElasticNICs(ctx context.Context, caller *identity.Caller, f ElasticFilter, page store.Page) (found []*ElasticNIC, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if found, total, err = store.List[*ElasticNIC](ctx, f.apply(selectElastic(tx, caller)).OrderExpr("port.uid DESC"), page); err != nil {
			return err
		}
		return addGroupSlugs(ctx, tx, found)
	})
	return found, total, err
}

// ListElasticNICsFrom gives the caller's elastic NICs from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListElasticNICsFrom(ctx context.Context, caller *identity.Caller, f ElasticFilter, m store.Marker) (found []*ElasticNIC, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(selectElastic(tx, caller))
		if found, next, err = store.ListFrom(ctx, q, m, "port.slug", func(x *ElasticNIC) string { return x.Slug }); err != nil {
			return err
		}
		return addGroupSlugs(ctx, tx, found)
	})
	return found, next, err
}

// GetElasticNIC gives one elastic NIC.
func (n *Networks) GetElasticNIC(ctx context.Context, caller *identity.Caller, id string) (*ElasticNIC, error) {
	nic := new(ElasticNIC)
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := selectElastic(tx, caller).Where("port.uid = ? OR port.slug = ?", id, id).Scan(ctx, nic)
		if store.NotFound(err) {
			return fault.Missing("elastic NIC", id)
		}
		if err != nil {
			return err
		}
		return addGroupSlugs(ctx, tx, []*ElasticNIC{nic})
	})
	return nic, err
}

// addGroupSlugs fills in the security groups of NICs: one statement.
func addGroupSlugs(ctx context.Context, tx *store.Tx, nics []*ElasticNIC) error {
	if len(nics) == 0 {
		return nil
	}
	byUID := map[string]*ElasticNIC{}
	uids := make([]string, len(nics))
	for k, p := range nics {
		uids[k], byUID[p.UID] = p.UID, p
	}
	var rows []struct{ Port, Slug string }
	err := tx.NewSelect().TableExpr("port_groups AS pg").Join("JOIN security_groups AS g ON g.uid = pg.grp").ColumnExpr("pg.port AS port, g.slug AS slug").
		Where("pg.port IN (?)", bun.In(uids)).OrderExpr("pg.port, pg.position, pg.grp").Scan(ctx, &rows)
	for _, r := range rows {
		byUID[r.Port].Groups = append(byUID[r.Port].Groups, r.Slug)
	}
	return err
}
