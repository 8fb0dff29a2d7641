package network

import (
	"context"
	"fmt"
	"net/netip"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// NewSNATRule is what a caller says of an SNAT rule.
type NewSNATRule struct {
	Name   string
	Source string // CIDR within the network's
}

func (w NewSNATRule) check() error {
	return checkRuleName(w.Name)
}

// checkRuleName checks the name of a rule, which need not be the only one.
func checkRuleName(name string) error { return Text{Name: &name}.checkPlain(natSigns) }

// fill checks the rule against its gateway's network and writes it down.
func (w NewSNATRule) fill(ctx context.Context, tx *store.Tx, g *NATGateway, r *SNATRule) error {
	net := new(Network)
	if err := tx.NewSelect().Model(net).Where("uid = ?", g.Network).Scan(ctx); err != nil {
		return err
	}
	from, err := parseCIDR("source", w.Source, 0, 32, false)
	if err != nil {
		return err
	}
	if !net.holds(from) {
		return fault.BadField("source", "must lie inside the network's range %s", net.Prefix())
	}
	r.Name, r.Source = w.Name, from.String()
	return nil
}

func sourceTaken(err error, source string) error {
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Exists, "The NAT gateway has an SNAT rule for %s already: ranges may overlap, but not be the same.", source).About("SNAT rule", source).On("source")
	}
	return err
}

// AddSNATRules adds rules to a gateway, all or none. The ranges of rules may overlap.
func (n *Networks) AddSNATRules(ctx context.Context, caller *identity.Caller, gateway string, wanted []NewSNATRule) (added []*SNATRule, err error) {
	if len(wanted) == 0 {
		return nil, fault.BadField("rules", "must name at least one rule")
	}
	for _, w := range wanted {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	err = n.changeGateway(ctx, caller, gateway, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		added = nil
		if err := quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.NATRules, Scope: g.UID, Delta: int64(len(wanted))}); err != nil {
			return err
		}
		for _, w := range wanted {
			r := &SNATRule{UID: tx.NewUID(), Slug: tx.NewSlug(), Gateway: g.UID, Created: tx.Time()}
			if err := w.fill(ctx, tx, g, r); err != nil {
				return err
			}
			if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
				return sourceTaken(fmt.Errorf("add SNAT rule: %w", err), r.Source)
			}
			added = append(added, r)
		}
		return putGateway(ctx, tx, g)
	})
	return added, err
}

// UpdateSNATRule replaces what a rule says.
func (n *Networks) UpdateSNATRule(ctx context.Context, caller *identity.Caller, gateway, id string, w NewSNATRule) error {
	if err := w.check(); err != nil {
		return err
	}
	return n.changeGateway(ctx, caller, gateway, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		r := new(SNATRule)
		if err := findNATRule(ctx, tx, g, r, "SNAT rule", id); err != nil {
			return err
		}
		if err := w.fill(ctx, tx, g, r); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(r).Column("name", "source").WherePK().Exec(ctx); err != nil {
			return sourceTaken(err, r.Source)
		}
		return putGateway(ctx, tx, g)
	})
}

// findNATRule finds a gateway's rule of either kind by UID or slug.
func findNATRule(ctx context.Context, tx *store.Tx, g *NATGateway, r any, what, id string) error {
	err := tx.NewSelect().Model(r).Where("gateway = ?", g.UID).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return fault.Missing(what, id)
	}
	return err
}

// RemoveSNATRules removes rules of a gateway, all or none.
func (n *Networks) RemoveSNATRules(ctx context.Context, caller *identity.Caller, gateway string, ids []string) error {
	return removeNATRules(ctx, n, caller, gateway, ids, "SNAT rule", func() any { return new(SNATRule) })
}

func removeNATRules(ctx context.Context, n *Networks, caller *identity.Caller, gateway string, ids []string, what string, blank func() any) error {
	if len(ids) == 0 {
		return fault.BadField("rules", "must name at least one rule")
	}
	return n.changeGateway(ctx, caller, gateway, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		seen := map[string]bool{}
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			r := blank()
			if err := findNATRule(ctx, tx, g, r, what, id); err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
				return err
			}
		}
		if err := quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.NATRules, Scope: g.UID, Delta: -int64(len(seen))}); err != nil {
			return err
		}
		return putGateway(ctx, tx, g)
	})
}

// ListSNATRules gives a page of a gateway's rules with the total, newest first.
func (n *Networks) ListSNATRules(ctx context.Context, caller *identity.Caller, gateway string, page store.Page) (g *NATGatewayDetail, rules []*SNATRule, total int, err error) {
	return listNATRules[SNATRule](ctx, n, caller, gateway, page)
}

// ListSNATRulesFrom gives a gateway's rules from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListSNATRulesFrom(ctx context.Context, caller *identity.Caller, gateway string, m store.Marker) (g *NATGatewayDetail, rules []*SNATRule, next string, err error) {
	return listNATRulesFrom(ctx, n, caller, gateway, m, func(r *SNATRule) string { return r.Slug })
}

func listNATRules[R any](ctx context.Context, n *Networks, caller *identity.Caller, gateway string, page store.Page) (g *NATGatewayDetail, rules []*R, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if g, err = gatewayDetail(ctx, tx, caller, gateway); err != nil {
			return err
		}
		rules, total, err = store.List[*R](ctx, tx.NewSelect().Model((*R)(nil)).Where("gateway = ?", g.UID).OrderExpr("uid DESC"), page)
		return err
	})
	return g, rules, total, err
}

func listNATRulesFrom[R any](ctx context.Context, n *Networks, caller *identity.Caller, gateway string, m store.Marker, slug func(*R) string) (g *NATGatewayDetail, rules []*R, next string, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if g, err = gatewayDetail(ctx, tx, caller, gateway); err != nil {
			return err
		}
		rules, next, err = store.ListFrom(ctx, tx.NewSelect().Model((*R)(nil)).Where("gateway = ?", g.UID), m, "slug", slug)
		return err
	})
	return g, rules, next, err
}

// within tells whether an address is one of a subnet of the gateway's network at its site.
func (g *NATGateway) within(ctx context.Context, tx *store.Tx, a netip.Addr) (bool, error) {
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("network = ? AND site = ?", g.Network, g.Site).Scan(ctx); err != nil {
		return false, err
	}
	for _, s := range subnets {
		if checkChosen(s, a) == nil {
			return true, nil
		}
	}
	return false, nil
}
