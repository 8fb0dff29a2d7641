package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// NATFilter narrows a list of NAT gateways. Empty fields match any.
type NATFilter struct {
	ID      string   // slug
	Name    string   // the whole name
	Keyword string   // part of the name
	Network string   // UID
	Address string   // one of its public addresses
	Sites   []string // UIDs; nil: any
	UIDs    []string // nil: any
}

func (f NATFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	for column, value := range map[string]string{"nat.slug": f.ID, "nat.name": f.Name, "nat.network": f.Network} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	if f.Keyword != "" {
		q = q.Where("nat.name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
	}
	if f.Address != "" {
		q = q.Where("nat.uid IN (SELECT p.gateway FROM public_ips AS p WHERE p.address = ? AND p.gateway <> '')", f.Address)
	}
	if f.UIDs != nil {
		q = q.Where("nat.uid IN (?)", bun.In(f.UIDs))
	}
	if f.Sites != nil {
		q = q.Where("nat.site IN (?)", bun.In(append([]string{""}, f.Sites...)))
	}
	return q
}

func selectGateways(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*NATGatewayDetail)(nil)).ColumnExpr("nat.*").ColumnExpr("n.slug AS network_slug").Join("JOIN networks AS n ON n.uid = nat.network").
		Where("nat.account = ?", caller.Account)
}

// ListNATGateways gives a page of the caller's gateways with the total, newest first.
func (n *Networks) ListNATGateways(ctx context.Context, caller *identity.Caller, f NATFilter, page store.Page) (found []*NATGatewayDetail, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if found, total, err = store.List[*NATGatewayDetail](ctx, f.apply(selectGateways(tx, caller)).OrderExpr("nat.uid DESC"), page); err != nil {
			return err
		}
		return loadAddresses(ctx, tx, found...)
	})
	return found, total, err
}

// ListNATGatewaysFrom gives the caller's gateways from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListNATGatewaysFrom(ctx context.Context, caller *identity.Caller, f NATFilter, m store.Marker) (found []*NATGatewayDetail, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(selectGateways(tx, caller))
		if found, next, err = store.ListFrom(ctx, q, m, "nat.slug", func(g *NATGatewayDetail) string { return g.Slug }); err != nil {
			return err
		}
		return loadAddresses(ctx, tx, found...)
	})
	return found, next, err
}

// GetNATGateway gives one of the caller's gateways.
func (n *Networks) GetNATGateway(ctx context.Context, caller *identity.Caller, id string) (d *NATGatewayDetail, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, err = gatewayDetail(ctx, tx, caller, id)
		return err
	})
	return d, err
}

func gatewayDetail(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*NATGatewayDetail, error) {
	d := new(NATGatewayDetail)
	err := selectGateways(tx, caller).Where("nat.uid = ? OR nat.slug = ?", id, id).Scan(ctx, d)
	if store.NotFound(err) {
		return nil, fault.Missing("NAT gateway", id)
	}
	if err != nil {
		return nil, err
	}
	return d, loadAddresses(ctx, tx, d)
}

// loadAddresses fills in the addresses of gateways: one statement for all.
func loadAddresses(ctx context.Context, tx *store.Tx, gateways ...*NATGatewayDetail) error {
	if len(gateways) == 0 {
		return nil
	}
	byUID := map[string]*NATGatewayDetail{}
	uids := make([]string, len(gateways))
	for k, g := range gateways {
		uids[k], byUID[g.UID] = g.UID, g
		g.Addresses = nil
	}
	ips, err := boundTo(ctx, tx, uids...)
	for _, ip := range ips {
		byUID[ip.Gateway].Addresses = append(byUID[ip.Gateway].Addresses, ip)
	}
	return err
}

// boundTo are the addresses of gateways, each one's outward address first, without those that are on their way out.
func boundTo(ctx context.Context, tx *store.Tx, gateways ...string) (ips []*PublicIP, err error) {
	err = tx.NewSelect().Model(&ips).Where("gateway <> '' AND gateway IN (?)", bun.In(gateways)).Where("state <> ?", IPUnbinding).OrderExpr("gateway, outward DESC, uid").Scan(ctx)
	return ips, err
}
