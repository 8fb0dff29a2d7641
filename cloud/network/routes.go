package network

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// HopKind says what a route leads to.
type HopKind string

// The kinds of next hops. A local route leads into the network itself: it is computed, never stored, and cannot be changed.
const (
	HopInstance HopKind = "instance"
	HopVirtual  HopKind = "virtual_ip"
	HopNAT      HopKind = "nat_gateway"
	HopLocal    HopKind = "local"
)

// Route leads what goes to a destination to a next hop. It goes when the next hop does.
type Route struct {
	bun.BaseModel `bun:"table:routes,alias:route"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Table       string     `bun:"tbl"`
	Source      string     `bun:"source"`      // CIDR: only for the subnets within it; empty: for all
	Destination string     `bun:"destination"` // CIDR without host bits: one form, so that duplicates are seen
	Spelled     string     `bun:"spelled"`     // the destination as the caller wrote it
	HopKind     HopKind    `bun:"hop_kind"`
	Hop         string     `bun:"hop"`              // UID of the instance or NAT gateway, or address of the virtual IP
	Port        string     `bun:"port,nullzero"`    // UID of the port that it leads to; empty: to none
	Gateway     string     `bun:"gateway,nullzero"` // UID of the NAT gateway that it leads to; empty: to none
	Description string     `bun:"description"`
	Created     store.Time `bun:"created"`
}

// NewRoute is what a caller says of a route.
type NewRoute struct {
	Source      string // CIDR; empty: any
	Destination string // CIDR
	HopKind     HopKind
	Hop         string // UID of an instance, address or slug of a virtual IP, UID or slug of a NAT gateway
	Description string
}

// platform are ranges that no route may lead to: the cloud keeps them for itself (IEC listRoutes names them as local routes).
var platform = []string{"198.19.128.0/20", "127.0.0.0/8", "100.64.0.0/10"}

// ListRoutes gives a route table's routes: first the local ones, then the others, oldest first.
func (n *Networks) ListRoutes(ctx context.Context, caller *identity.Caller, table string) (routes []*Route, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := FindRouteTable(ctx, tx, caller, table)
		if err != nil {
			return err
		}
		local, err := localRanges(ctx, tx, t.Network)
		if err != nil {
			return err
		}
		routes = nil
		for _, r := range local {
			r.Table = t.UID
			routes = append(routes, r)
		}
		custom, err := routesOf(ctx, tx, t)
		routes = append(routes, custom...)
		return err
	})
	return routes, err
}

// localRanges are what a network reaches by itself: its subnets (the route has the subnet's slug), and the platform's ranges (without one).
func localRanges(ctx context.Context, tx *store.Tx, network string) ([]*Route, error) {
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("network = ?", network).OrderExpr("uid").Scan(ctx); err != nil {
		return nil, err
	}
	var out []*Route
	for _, s := range subnets {
		cidr := s.Prefix().String()
		out = append(out, &Route{Slug: s.Slug, Destination: cidr, Spelled: cidr, HopKind: HopLocal})
	}
	for _, cidr := range platform {
		out = append(out, &Route{Destination: cidr, Spelled: cidr, HopKind: HopLocal})
	}
	return out, nil
}

func routesOf(ctx context.Context, tx *store.Tx, t *RouteTable) (routes []*Route, err error) {
	err = tx.NewSelect().Model(&routes).Where("tbl = ?", t.UID).OrderExpr("uid").Scan(ctx)
	return routes, err
}

// AddRoutes adds routes to a route table: all, or none if one is wrong or there already. It gives all routes of the table but the local ones.
func (n *Networks) AddRoutes(ctx context.Context, caller *identity.Caller, table string, wanted []NewRoute) ([]*Route, error) {
	return n.changeRoutes(ctx, caller, table, len(wanted), func(ctx context.Context, tx *store.Tx, t *RouteTable) error {
		if err := quota.Count(ctx, tx, t.Account, quota.Change{Name: quota.Routes, Scope: t.UID, Delta: int64(len(wanted))}); err != nil {
			return err
		}
		for _, w := range wanted {
			r := &Route{UID: tx.NewUID(), Slug: tx.NewSlug(), Table: t.UID, Created: tx.Time()}
			if err := w.fill(ctx, tx, caller, t, r); err != nil {
				return err
			}
			if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
				if _, dup := store.IsUnique(err); dup {
					return fault.New(fault.Exists, "The route table has a route to %s already.", r.Destination).About("route", r.Destination).On("destination")
				}
				return err
			}
		}
		return nil
	})
}

// UpdateRoutes changes the next hops and descriptions of routes, which are found by destination.
func (n *Networks) UpdateRoutes(ctx context.Context, caller *identity.Caller, table string, wanted []NewRoute) ([]*Route, error) {
	return n.changeRoutes(ctx, caller, table, len(wanted), func(ctx context.Context, tx *store.Tx, t *RouteTable) error {
		for _, w := range wanted {
			r, err := findRoute(ctx, tx, t, w.Destination)
			if err != nil {
				return err
			}
			if err := w.fill(ctx, tx, caller, t, r); err != nil {
				return err
			}
			if _, err := tx.NewUpdate().Model(r).Column("hop_kind", "hop", "port", "gateway", "description").WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveRoutes removes routes by their destinations: all, or none if one is not there.
func (n *Networks) RemoveRoutes(ctx context.Context, caller *identity.Caller, table string, destinations []string) ([]*Route, error) {
	return n.changeRoutes(ctx, caller, table, len(destinations), func(ctx context.Context, tx *store.Tx, t *RouteTable) error {
		for _, to := range destinations {
			r, err := findRoute(ctx, tx, t, to)
			if err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		return quota.Count(ctx, tx, t.Account, quota.Change{Name: quota.Routes, Scope: t.UID, Delta: -int64(len(destinations))})
	})
}

func (n *Networks) changeRoutes(ctx context.Context, caller *identity.Caller, table string, count int, change func(context.Context, *store.Tx, *RouteTable) error) (routes []*Route, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, fault.BadField("routes", "must name at least one route")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		t, err := lockTable(ctx, tx, caller, table)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, t); err != nil {
			return err
		}
		if err := putRoutes(ctx, tx, t); err != nil {
			return err
		}
		if routes, err = routesOf(ctx, tx, t); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "route table", t.UID)
	})
	return routes, err
}

// putRoutes writes a table's routes into the specs of its subnets.
func putRoutes(ctx context.Context, tx *store.Tx, t *RouteTable) error {
	if err := t.loadSubnets(ctx, tx); err != nil {
		return err
	}
	sites := map[string]bool{}
	for _, s := range t.Subnets {
		if err := renewSubnet(ctx, tx, s); err != nil {
			return err
		}
		sites[s.Site] = true
	}
	return renewGateways(ctx, tx, t.Network, slices.Sorted(maps.Keys(sites))...)
}

// findRoute finds a table's route by its destination: the one for every source first.
func findRoute(ctx context.Context, tx *store.Tx, t *RouteTable, destination string) (*Route, error) {
	to, err := parseDestination(destination)
	if err != nil {
		return nil, err
	}
	local, err := localRanges(ctx, tx, t.Network)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(local, func(l *Route) bool { return l.Destination == to.String() }) {
		return nil, fault.New(fault.Invalid, "The local route to %s cannot be changed or removed.", to).On("destination")
	}
	r := new(Route)
	err = tx.NewSelect().Model(r).Where("tbl = ? AND destination = ?", t.UID, to.String()).OrderExpr("source, uid").Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("route", destination)
	}
	return r, err
}

func parseDestination(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, fault.BadField("destination", "must be an IPv4 range such as 10.10.10.0/24, not %q", text)
	}
	return p.Masked(), nil
}

// fill checks what is wanted of a route and writes it down.
func (w NewRoute) fill(ctx context.Context, tx *store.Tx, caller *identity.Caller, t *RouteTable, r *Route) error {
	to, err := parseDestination(w.Destination)
	if err != nil {
		return err
	}
	local, err := localRanges(ctx, tx, t.Network)
	if err != nil {
		return err
	}
	for _, l := range local {
		if covers(netip.MustParsePrefix(l.Destination), to) {
			return fault.BadField("destination", "must not lie within the local route %s", l.Destination)
		}
	}
	source, err := w.checkSource(local)
	if err != nil {
		return err
	}
	if err := (Text{Description: &w.Description}).checkPlain(""); err != nil {
		return err
	}
	r.Source, r.Destination, r.Spelled, r.HopKind, r.Description = source, to.String(), w.Destination, w.HopKind, w.Description
	if w.HopKind == HopNAT {
		return w.toGateway(ctx, tx, caller, t, r)
	}
	p, err := w.findHop(ctx, tx, caller, t)
	if err != nil {
		return err
	}
	r.Port, r.Hop, r.Gateway = p.UID, p.Address, ""
	if w.HopKind == HopInstance {
		r.Hop = p.Instance
	}
	return nil
}

// checkSource gives the one form of a source: empty for everywhere. It must be or hold a subnet of the network (BEC createRouteRule: "the block of a subnet"):
// routes are a subnet's, whole.
func (w NewRoute) checkSource(local []*Route) (string, error) {
	if w.Source == "" {
		return "", nil
	}
	from, err := netip.ParsePrefix(w.Source)
	if err != nil || !from.Addr().Is4() {
		return "", fault.BadField("source", "must be an IPv4 range such as 192.168.0.0/16, not %q", w.Source)
	}
	if from = from.Masked(); from.Bits() == 0 {
		return "", nil
	}
	if !slices.ContainsFunc(local, func(l *Route) bool { return l.Slug != "" && covers(from, netip.MustParsePrefix(l.Destination)) }) {
		return "", fault.BadField("source", "must be the range of a subnet of the network, or hold one: %s does not", from)
	}
	return from.String(), nil
}

// findHop finds the port that a route leads to: an instance's first on the network, or a virtual IP's.
func (w NewRoute) findHop(ctx context.Context, tx *store.Tx, caller *identity.Caller, t *RouteTable) (*Port, error) {
	var ports []*Port
	q := tx.NewSelect().Model(&ports).Where("account = ? AND NOT doomed", caller.Account).OrderExpr("position, uid")
	switch w.HopKind {
	case HopInstance:
		q = q.Where("instance = ? AND instance <> ''", w.Hop)
	case HopVirtual:
		q = q.Where("network = ? AND kind = ?", t.Network, Virtual).Where("address = ? OR slug = ?", w.Hop, w.Hop)
	default:
		return nil, fault.BadField("type", "must be an instance, a virtual IP or a NAT gateway")
	}
	if err := q.Scan(ctx); err != nil {
		return nil, err
	}
	if len(ports) == 0 && w.HopKind == HopInstance {
		return nil, fault.Missing("instance", w.Hop)
	}
	if k := slices.IndexFunc(ports, func(p *Port) bool { return p.Network == t.Network }); k >= 0 {
		return ports[k], nil
	}
	if w.HopKind == HopInstance {
		return nil, fault.BadField("nexthop", "must have a port on the route table's network: the instance %s has none there", w.Hop)
	}
	return nil, fault.BadField("nexthop", "must be the address of a virtual IP of the route table's network, not %q", w.Hop)
}

// lead is a route as it holds for a subnet.
type lead struct {
	Source      string `bun:"source"`
	Destination string `bun:"destination"`
	Address     string `bun:"address"` // that it leads to; empty: to a NAT gateway
	Gateway     string `bun:"gateway"` // UID of that
}

// leadsOf gives the routes that hold for a subnet: a next hop at another site is none there, and of two with one destination the one for a source goes before the one for
// all.
func leadsOf(ctx context.Context, tx *store.Tx, s *Subnet) (out []lead, err error) {
	t, err := tableOf(ctx, tx, s)
	if err != nil {
		return nil, err
	}
	var rows []lead
	err = tx.NewSelect().TableExpr("routes AS r").Join("LEFT JOIN ports AS p ON p.uid = r.port").Join("LEFT JOIN nat_gateways AS g ON g.uid = r.gateway").
		ColumnExpr("r.source, r.destination, COALESCE(p.address, '') AS address, COALESCE(r.gateway, '') AS gateway").
		Where("r.tbl = ? AND (p.site = ? OR g.site = ?)", t.UID, s.Site, s.Site).OrderExpr("r.destination, r.source DESC, r.uid").Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Source != "" && !covers(netip.MustParsePrefix(r.Source), s.Prefix()) {
			continue
		}
		if slices.ContainsFunc(out, func(o lead) bool { return o.Destination == r.Destination }) {
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// leads gives a subnet's routes as its site is told. Those to NAT gateways are in the gateways' specs instead: the way out of the network is the same.
func leads(ctx context.Context, tx *store.Tx, s *Subnet) ([]spec.Route, error) {
	all, err := leadsOf(ctx, tx, s)
	var out []spec.Route
	for _, r := range all {
		if r.Address != "" {
			out = append(out, spec.Route{Destination: netip.MustParsePrefix(r.Destination), NextHop: netip.MustParseAddr(r.Address)})
		}
	}
	return out, err
}

func covers(whole, part netip.Prefix) bool {
	return whole.Bits() <= part.Bits() && whole.Contains(part.Addr())
}

// dropRoutesTo removes the routes that lead to ports which go.
func dropRoutesTo(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if len(ports) == 0 {
		return nil
	}
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.UID
	}
	var gone []*Route
	err := tx.NewDelete().Model((*Route)(nil)).Where("port IN (?)", bun.In(uids)).Returning("*").Scan(ctx, &gone)
	if err != nil && !store.NotFound(err) {
		return err
	}
	tables := map[string]int64{}
	var order []string
	for _, r := range gone {
		if tables[r.Table] == 0 {
			order = append(order, r.Table)
		}
		tables[r.Table]++
	}
	for _, uid := range order {
		t := new(RouteTable)
		if err := tx.NewSelect().Model(t).Where("uid = ?", uid).Scan(ctx); err != nil {
			return err
		}
		if err := quota.Count(ctx, tx, t.Account, quota.Change{Name: quota.Routes, Scope: t.UID, Delta: -tables[uid]}); err != nil {
			return err
		}
		if err := putRoutes(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}
