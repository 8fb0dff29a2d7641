package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Router is a network's presence at one site. A network of one site has it from the start, one that spans sites from the first subnet there on; it stays until
// the network goes.
type Router struct {
	bun.BaseModel `bun:"table:routers,alias:router"`

	Network string     `bun:"network,pk"`
	Site    string     `bun:"site,pk"`
	Line    string     `bun:"line"`           // its uplink; empty until it needs one
	Address string     `bun:"router_address"` // its own address on that line
	Created store.Time `bun:"created"`
}

// addRouter brings a network to a site, unless it is there.
func addRouter(ctx context.Context, tx *store.Tx, net *Network, site string) error {
	r := &Router{Network: net.UID, Site: site, Created: tx.Time()}
	res, err := tx.NewInsert().Model(r).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("add router: %w", err)
	}
	if added, err := res.RowsAffected(); err != nil || added == 0 {
		return err
	}
	net.Sites = append(net.Sites, site)
	return putRouter(ctx, tx, r, false)
}

func findRouter(ctx context.Context, tx *store.Tx, network, site string) (*Router, error) {
	r := new(Router)
	err := tx.NewSelect().Model(r).Where("network = ? AND site = ?", network, site).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.New(fault.Invalid, "The network has no subnet at this site.").About("network", network)
	}
	return r, err
}

// dropRouters takes a network away from all its sites. An address of a router is free again when its site has confirmed (ObserveNetwork).
func dropRouters(ctx context.Context, tx *store.Tx, net *Network) error {
	var routers []*Router
	if err := tx.NewSelect().Model(&routers).Where("network = ?", net.UID).Order("site").Scan(ctx); err != nil {
		return err
	}
	for _, r := range routers {
		if err := link.Delete(ctx, tx, spec.SiteTarget(r.Site), spec.KindNetwork, net.UID); err != nil {
			return err
		}
	}
	_, err := tx.NewDelete().Model((*Router)(nil)).Where("network = ?", net.UID).Exec(ctx)
	return err
}

// loadSites fills in where networks are: one statement for all.
func loadSites(ctx context.Context, tx *store.Tx, networks ...*Network) error {
	if len(networks) == 0 {
		return nil
	}
	byUID := map[string]*Network{}
	uids := make([]string, len(networks))
	for k, n := range networks {
		uids[k], byUID[n.UID] = n.UID, n
		n.Sites = nil
	}
	var routers []*Router
	if err := tx.NewSelect().Model(&routers).Where("network IN (?)", bun.In(uids)).Order("created", "site").Scan(ctx); err != nil {
		return err
	}
	for _, r := range routers {
		byUID[r.Network].Sites = append(byUID[r.Network].Sites, r.Site)
	}
	return nil
}

// ensureRouterAddress gives a network's router at the line's site its own address on the line, once: without it nothing outside can answer.
func ensureRouterAddress(ctx context.Context, tx *store.Tx, network string, l *place.Line) (*Router, error) {
	r, err := findRouter(ctx, tx, network, l.Site)
	if err != nil || r.Address != "" {
		return r, err
	}
	if err := lockNetwork(ctx, tx, network); err != nil {
		return nil, err
	}
	if err := tx.NewSelect().Model(r).WherePK().Scan(ctx); err != nil || r.Address != "" {
		return r, err
	}
	free, err := poolOf(l, false).take(ctx, tx, 1)
	if err != nil {
		return nil, err
	}
	r.Line, r.Address = l.UID, free[0].String()
	if _, err := tx.NewInsert().Model(&lineAddress{Line: l.UID, Address: r.Address, Holder: network}).Exec(ctx); err != nil {
		return nil, err
	}
	if _, err := tx.NewUpdate().Model(r).Column("line", "router_address").WherePK().Exec(ctx); err != nil {
		return nil, err
	}
	if err := putUplink(ctx, tx, l); err != nil {
		return nil, err
	}
	return r, putRouter(ctx, tx, r, l.SNAT)
}

// reachOut gives a network that comes to a site the router's address by which its ports reach out, if one of the site's lines is for that.
func reachOut(ctx context.Context, tx *store.Tx, network, site string) error {
	l := new(place.Line)
	err := tx.NewSelect().Model(l).Where("site = ? AND snat", site).Order("uid").Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil
	}
	if err == nil {
		_, err = ensureRouterAddress(ctx, tx, network, l)
	}
	return err
}

func putRouter(ctx context.Context, tx *store.Tx, r *Router, snat bool) error {
	s := spec.Network{UID: r.Network, Uplink: r.Line, SNAT: snat}
	if r.Address != "" {
		s.Address = netip.MustParseAddr(r.Address)
	}
	_, err := link.Put(ctx, tx, spec.SiteTarget(r.Site), spec.KindNetwork, r.Network, s)
	return err
}
