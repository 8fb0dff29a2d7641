package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// putGateway writes a gateway's spec. One whose spec has changed works on, and is to be as wanted within its deadline.
func putGateway(ctx context.Context, tx *store.Tx, g *NATGateway) error {
	body, err := g.spec(ctx, tx)
	if err != nil {
		return err
	}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(g.Site), spec.KindNATGateway, g.UID, body)
	if err != nil || g.Wanted == generation {
		return err
	}
	g.Wanted = generation
	if g.State == NATActive || g.State == NATDown {
		g.State = NATChanging
	}
	if _, err := tx.NewUpdate().Model(g).Column("wanted", "state").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, NATGatewayKind, g.UID)
}

func (g *NATGateway) spec(ctx context.Context, tx *store.Tx) (body spec.NATGateway, err error) {
	body = spec.NATGateway{UID: g.UID, Network: g.Network, Uplink: g.Uplink, Mbps: int(g.Mbps)}
	ips, err := boundTo(ctx, tx, g.UID)
	if err != nil {
		return body, err
	}
	address := map[string]netip.Addr{}
	for _, ip := range ips {
		address[ip.UID] = netip.MustParseAddr(ip.Address)
		if ip.Outward {
			body.Address = address[ip.UID]
		}
	}
	if body.Address.IsValid() {
		if body.Sources, err = g.sources(ctx, tx); err != nil {
			return body, err
		}
	}
	var rules []*DNATRule
	if err := tx.NewSelect().Model(&rules).Where("gateway = ?", g.UID).Order("uid").Scan(ctx); err != nil {
		return body, err
	}
	for _, r := range rules {
		body.Forwards = append(body.Forwards, spec.Forward{Protocol: r.Protocol, Address: address[r.PublicIP], Port: r.Port, Private: netip.MustParseAddr(r.Private), PrivatePort: r.PrivatePort})
	}
	return body, nil
}

// sources are the ranges that a gateway translates: what its SNAT rules have in common with the subnets whose way out a route leads to it (BEC, product guide, NAT gateway:
// rules and routes are set up both).
func (g *NATGateway) sources(ctx context.Context, tx *store.Tx) (out []netip.Prefix, err error) {
	var rules []*SNATRule
	if err := tx.NewSelect().Model(&rules).Where("gateway = ?", g.UID).Order("source").Scan(ctx); err != nil || len(rules) == 0 {
		return nil, err
	}
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("network = ? AND site = ?", g.Network, g.Site).Order("uid").Scan(ctx); err != nil {
		return nil, err
	}
	for _, s := range subnets {
		all, err := leadsOf(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(l lead) bool { return l.Gateway == g.UID }) {
			continue
		}
		for _, r := range rules {
			switch p := netip.MustParsePrefix(r.Source); {
			case covers(p, s.Prefix()):
				out = append(out, s.Prefix())
			case covers(s.Prefix(), p):
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out), nil
}

// renewGateways writes the specs of a network's gateways at sites anew: its subnets or routes have changed.
func renewGateways(ctx context.Context, tx *store.Tx, network string, sites ...string) error {
	if len(sites) == 0 {
		return nil
	}
	var gateways []*NATGateway
	err := tx.NewSelect().Model(&gateways).Where("network = ? AND site IN (?) AND state <> ?", network, bun.In(sites), NATDeleting).Order("uid").Scan(ctx)
	if err != nil {
		return err
	}
	for _, g := range gateways {
		if err := putGateway(ctx, tx, g); err != nil {
			return err
		}
	}
	return nil
}

// toGateway makes a route lead to a NAT gateway of the table's network, which must have an address to send by (BEC, product guide, NAT gateway: "without a bound EIP it
// cannot be the next hop").
func (w NewRoute) toGateway(ctx context.Context, tx *store.Tx, caller *identity.Caller, t *RouteTable, r *Route) error {
	if r.Destination != "0.0.0.0/0" {
		return fault.BadField("destination", "must be 0.0.0.0/0, since a NAT gateway leads everywhere outside")
	}
	g, err := findGateway(ctx, tx, caller, w.Hop)
	if err != nil {
		return fault.From(err).On("nexthop")
	}
	if g.Network != t.Network {
		return fault.BadField("nexthop", "must be a NAT gateway of the route table's network")
	}
	if g.State == NATDeleting {
		return fault.Conflicting("NAT gateway", w.Hop, "The NAT gateway is being deleted.").On("nexthop")
	}
	ips, err := boundTo(ctx, tx, g.UID)
	if err != nil {
		return err
	}
	if len(ips) == 0 || !ips[0].Outward {
		return fault.Conflicting("NAT gateway", w.Hop, "The NAT gateway has no public address; bind one first.").On("nexthop")
	}
	r.Port, r.Gateway, r.Hop = "", g.UID, g.UID
	return nil
}

// mustHaveNoGateway refuses to delete a network that has a NAT gateway.
func mustHaveNoGateway(ctx context.Context, tx *store.Tx, net *Network) error {
	used, err := tx.NewSelect().Model((*NATGateway)(nil)).Where("network = ?", net.UID).Exists(ctx)
	if err == nil && used {
		return fault.Conflicting("NAT gateway", net.Slug, "The network has NAT gateways and cannot be deleted.")
	}
	return err
}

// mustHaveNoForwards refuses to delete a subnet into which a DNAT rule leads.
func mustHaveNoForwards(ctx context.Context, tx *store.Tx, s *Subnet) error {
	var rules []*DNATRule
	err := tx.NewSelect().Model(&rules).Where("gateway IN (SELECT g.uid FROM nat_gateways AS g WHERE g.network = ? AND g.site = ?)", s.Network, s.Site).Scan(ctx)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if s.Prefix().Contains(netip.MustParseAddr(r.Private)) {
			return fault.Conflicting("DNAT rule", s.Slug, "The DNAT rule %s of a NAT gateway leads into the subnet, which cannot be deleted.", r.Name)
		}
	}
	return nil
}
