package network

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"edgecloud/cloud/place"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// putSubnet writes a subnet's spec; leg is its gateway's port.
func putSubnet(ctx context.Context, tx *store.Tx, s *Subnet, leg *Port) error {
	body := spec.Subnet{UID: s.UID, Network: s.Network, Prefix: s.Prefix(), Gateway: netip.MustParseAddr(s.Gateway), GatewayMAC: leg.MAC, DNS: s.asked(), DHCP: s.DHCP}
	if s.Prefix6 != "" {
		body.Prefix6 = netip.MustParsePrefix(s.Prefix6)
		body.Gateway6 = body.Prefix6.Addr().Next()
	}
	var err error
	if body.ACL, err = guardOf(ctx, tx, s); err != nil {
		return err
	}
	if body.Routes, err = leads(ctx, tx, s); err != nil {
		return err
	}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(s.Site), spec.KindSubnet, s.UID, body)
	if err != nil || s.Wanted == generation {
		return err
	}
	s.Wanted = generation
	_, err = tx.NewUpdate().Model(s).Column("wanted").WherePK().Exec(ctx)
	return err
}

// renewSubnet writes the spec of a subnet whose guard or routes have changed.
func renewSubnet(ctx context.Context, tx *store.Tx, s *Subnet) error {
	leg, err := gatewayPort(ctx, tx, s.UID)
	if err != nil {
		return err
	}
	return putSubnet(ctx, tx, s, leg)
}

func putUplink(ctx context.Context, tx *store.Tx, l *place.Line) error {
	body := spec.Uplink{UID: l.UID, PhysicalNetwork: l.PhysicalNetwork, VLAN: l.VLAN, Prefix: l.Range(), Gateway: netip.MustParseAddr(l.Gateway)}
	if l.HasIPv6() {
		body.Prefix6, body.Gateway6 = l.Range6(), netip.MustParseAddr(l.Gateway6)
	}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(l.Site), spec.KindUplink, l.UID, body)
	if err != nil {
		return err
	}
	_, err = tx.NewInsert().Model(&lineUse{Line: l.UID, Wanted: generation, Phase: spec.Pending}).On("CONFLICT (line) DO UPDATE").Set("wanted = EXCLUDED.wanted").Exec(ctx)
	return err
}

func putGroup(ctx context.Context, tx *store.Tx, g *SecurityGroup, site string) error {
	if err := loadRules(ctx, tx, []*SecurityGroup{g}); err != nil {
		return err
	}
	_, err := link.Put(ctx, tx, spec.SiteTarget(site), spec.KindSecurityGroup, g.UID, g.spec())
	return err
}

func putGroupEverywhere(ctx context.Context, tx *store.Tx, g *SecurityGroup) error {
	var sites []groupSite
	if err := tx.NewSelect().Model(&sites).Where("grp = ?", g.UID).Order("site").Scan(ctx); err != nil {
		return err
	}
	for _, s := range sites {
		if err := putGroup(ctx, tx, g, s.Site); err != nil {
			return err
		}
	}
	return nil
}

func (g *SecurityGroup) spec() spec.SecurityGroup {
	body := spec.SecurityGroup{UID: g.UID, Rules: make([]spec.Rule, len(g.Rules))}
	for i, r := range g.Rules {
		body.Rules[i] = r.spec()
	}
	return body
}

func (r *Rule) spec() spec.Rule {
	s := spec.Rule{UID: r.UID, Direction: r.Direction, IPv6: r.Ethertype == "IPv6", Protocol: r.Protocol, RemoteGroup: r.RemoteGroup, Deny: r.Deny, Priority: r.Priority}
	if r.Remote != "" {
		s.Remote = netip.MustParsePrefix(r.Remote)
	}
	switch r.Protocol {
	case "all":
		s.Protocol = ""
	case "gre":
		s.Protocol = "47" // IANA's number
	case "icmp", "icmpv6":
		s.PortMin, s.PortMax = -1, -1
		if s.IPv6 {
			s.Protocol = "icmpv6"
		}
	case "tcp", "udp":
		s.PortMin, s.PortMax = r.PortMin, r.PortMax
	}
	return s
}

// Specs gives the specs of ports, in their order, and then of the public addresses that are bound to them.
func Specs(ctx context.Context, tx *store.Tx, ports []*Port, ips []*PublicIP) ([]link.Spec, error) {
	groups, err := GroupsOf(ctx, tx, ports)
	if err != nil {
		return nil, err
	}
	specs := make([]link.Spec, 0, len(ports)+len(ips))
	byUID := map[string]*Port{}
	for _, p := range ports {
		byUID[p.UID] = p
		body := spec.Port{UID: p.UID, Network: p.Network, Subnet: p.Subnet, MAC: p.MAC, Addresses: p.addresses(), SecurityGroups: groups[p.UID], AllowedPairs: pairSpecs(p.Pairs.V), Unfiltered: p.Kind == Balanced}
		specs = append(specs, link.Spec{Target: spec.SiteTarget(p.Site), Kind: spec.KindPort, UID: p.UID, Body: body})
	}
	for _, ip := range ips {
		p := byUID[ip.Port]
		if p == nil {
			return nil, fmt.Errorf("public address %s is bound to the port %s, which is not its instance's", ip.UID, ip.Port)
		}
		specs = append(specs, link.Spec{Target: spec.SiteTarget(ip.Site), Kind: spec.KindPublicIP, UID: ip.UID, Body: ip.specOf(p)})
	}
	return specs, nil
}

// pairSpecs gives what a port may use besides its own address. What cannot be read was never taken (PortChange.check).
func pairSpecs(pairs []Pair) []spec.Pair {
	var out []spec.Pair
	for _, p := range pairs {
		if r, err := p.prefix(); err == nil {
			out = append(out, spec.Pair{MAC: strings.ToLower(p.MAC), Prefix: r})
		}
	}
	return out
}

// Noted keeps the generations that Specs' specs were given, in the same order: the site is to reach them.
func Noted(ctx context.Context, tx *store.Tx, ports []*Port, ips []*PublicIP, generations []int64) error {
	for k, p := range ports {
		if p.Wanted == generations[k] {
			continue
		}
		p.Wanted = generations[k]
		if _, err := tx.NewUpdate().Model(p).Column("wanted").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	for k, ip := range ips {
		if ip.Wanted == generations[len(ports)+k] {
			continue
		}
		ip.Wanted = generations[len(ports)+k]
		if _, err := tx.NewUpdate().Model(ip).Column("wanted").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// put writes the specs of ports at once.
func put(ctx context.Context, tx *store.Tx, ports []*Port) error {
	specs, err := Specs(ctx, tx, ports, nil)
	if err != nil {
		return err
	}
	generations, err := link.PutMany(ctx, tx, specs)
	if err != nil {
		return err
	}
	return Noted(ctx, tx, ports, nil, generations)
}
