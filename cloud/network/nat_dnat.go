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

// NewDNATRule is what a caller says of a DNAT rule.
type NewDNATRule struct {
	Name        string
	Address     string // public: one of the gateway's
	Protocol    string // tcp or udp; empty: everything, without ports
	Port        int
	Private     string // address on a subnet of the gateway's network
	PrivatePort int
}

func (w NewDNATRule) check() error {
	if err := checkRuleName(w.Name); err != nil {
		return err
	}
	switch w.Protocol {
	case "":
		if w.Port != 0 || w.PrivatePort != 0 {
			return fault.BadField("port", "must not be given when all of the address is led on")
		}
		return nil
	case "tcp", "udp":
	default:
		return fault.BadField("protocol", "must be tcp, udp or all")
	}
	if w.Port < 1 || w.Port > 65535 {
		return fault.BadField("port", "must be from 1 to 65535")
	}
	if w.PrivatePort < 1 || w.PrivatePort > 65535 {
		return fault.BadField("private_port", "must be from 1 to 65535")
	}
	return nil
}

// fill checks the rule against its gateway and writes it down.
func (w NewDNATRule) fill(ctx context.Context, tx *store.Tx, g *NATGateway, r *DNATRule) error {
	ips, err := boundTo(ctx, tx, g.UID)
	if err != nil {
		return err
	}
	r.PublicIP = ""
	for _, ip := range ips {
		if ip.Address == w.Address {
			r.PublicIP = ip.UID
		}
	}
	if r.PublicIP == "" {
		return fault.New(fault.NotFound, "The NAT gateway has no public address %q.", w.Address).About("public IP", w.Address).On("address")
	}
	private, err := netip.ParseAddr(w.Private)
	if err != nil || !private.Is4() {
		return fault.BadField("private", "must be an IPv4 address, not %q", w.Private)
	}
	inside, err := g.within(ctx, tx, private)
	if err != nil {
		return err
	}
	if !inside {
		return fault.BadField("private", "must be an address of a subnet of the NAT gateway's network, not %s", private)
	}
	r.Name, r.Protocol, r.Port, r.Private, r.PrivatePort = w.Name, w.Protocol, w.Port, private.String(), w.PrivatePort
	return nil
}

func (w NewDNATRule) taken(err error) error {
	if _, dup := store.IsUnique(err); !dup {
		return err
	}
	if w.Protocol == "" {
		return fault.New(fault.Exists, "A DNAT rule leads all of %s on already.", w.Address).About("DNAT rule", w.Address).On("address")
	}
	return fault.New(fault.Exists, "A DNAT rule leads the %s port %d of %s on already.", w.Protocol, w.Port, w.Address).About("DNAT rule", w.Address).On("port")
}

// AddDNATRules adds rules to a gateway, all or none. A rule for a port goes before one for all of the same address.
func (n *Networks) AddDNATRules(ctx context.Context, caller *identity.Caller, gateway string, wanted []NewDNATRule) (added []*DNATRule, err error) {
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
			r := &DNATRule{UID: tx.NewUID(), Slug: tx.NewSlug(), Gateway: g.UID, Created: tx.Time()}
			if err := w.fill(ctx, tx, g, r); err != nil {
				return err
			}
			if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
				return w.taken(fmt.Errorf("add DNAT rule: %w", err))
			}
			added = append(added, r)
		}
		return putGateway(ctx, tx, g)
	})
	return added, err
}

// UpdateDNATRule replaces what a rule says.
func (n *Networks) UpdateDNATRule(ctx context.Context, caller *identity.Caller, gateway, id string, w NewDNATRule) error {
	if err := w.check(); err != nil {
		return err
	}
	return n.changeGateway(ctx, caller, gateway, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		r := new(DNATRule)
		if err := findNATRule(ctx, tx, g, r, "DNAT rule", id); err != nil {
			return err
		}
		if err := w.fill(ctx, tx, g, r); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(r).Column("name", "public_ip", "protocol", "port", "private", "private_port").WherePK().Exec(ctx); err != nil {
			return w.taken(err)
		}
		return putGateway(ctx, tx, g)
	})
}

// RemoveDNATRules removes rules of a gateway, all or none.
func (n *Networks) RemoveDNATRules(ctx context.Context, caller *identity.Caller, gateway string, ids []string) error {
	return removeNATRules(ctx, n, caller, gateway, ids, "DNAT rule", func() any { return new(DNATRule) })
}

// ListDNATRules gives a page of a gateway's rules with the total, newest first.
func (n *Networks) ListDNATRules(ctx context.Context, caller *identity.Caller, gateway string, page store.Page) (g *NATGatewayDetail, rules []*DNATRule, total int, err error) {
	return listNATRules[DNATRule](ctx, n, caller, gateway, page)
}

// ListDNATRulesFrom gives a gateway's rules from a marker (a slug, inclusive) on, in the order of slugs.
func (n *Networks) ListDNATRulesFrom(ctx context.Context, caller *identity.Caller, gateway string, m store.Marker) (g *NATGatewayDetail, rules []*DNATRule, next string, err error) {
	return listNATRulesFrom(ctx, n, caller, gateway, m, func(r *DNATRule) string { return r.Slug })
}
