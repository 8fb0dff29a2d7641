package network

import (
	"context"
	"net/netip"
	"strings"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewRule is what a caller says of a rule. Empty fields take the defaults: IPv4, all protocols, all ports, every address (BEC 2.0 authorizeSecurityGroupRule).
type NewRule struct {
	Direction   spec.Direction
	Ethertype   string
	Protocol    string
	PortMin     int
	PortMax     int
	Remote      string // CIDR or address
	RemoteGroup string // UID or slug
	Remark      string
}

const (
	minPort = 1
	maxPort = 65535
)

// normal fills the defaults in and checks, so that equal rules have equal fields.
func (w NewRule) normal() (NewRule, error) {
	if w.Direction != spec.Ingress && w.Direction != spec.Egress {
		return w, fault.BadField("direction", "must be ingress or egress")
	}
	if w.Ethertype == "" {
		w.Ethertype = "IPv4"
	}
	if w.Ethertype != "IPv4" && w.Ethertype != "IPv6" {
		return w, fault.BadField("ethertype", "must be IPv4 or IPv6")
	}
	w.Protocol = strings.ToLower(w.Protocol)
	if w.Protocol == "" {
		w.Protocol = "all"
	}
	if w.Protocol != "all" && w.Protocol != "tcp" && w.Protocol != "udp" && w.Protocol != "icmp" {
		return w, fault.BadField("protocol", "must be tcp, udp, icmp or all")
	}
	if w.PortMin == 0 && w.PortMax == 0 {
		w.PortMin, w.PortMax = minPort, maxPort
	}
	if w.PortMin < minPort || w.PortMax > maxPort || w.PortMin > w.PortMax {
		return w, fault.BadField("portRange", "must lie between %d and %d, the lower one first", minPort, maxPort)
	}
	if len([]rune(w.Remark)) > 200 {
		return w, fault.BadField("remark", "must have at most 200 characters")
	}
	return w.withRemote()
}

func (w NewRule) withRemote() (NewRule, error) {
	if w.Remote != "" && w.RemoteGroup != "" {
		return w, fault.BadField("remoteGroup", "and an address cannot both be given")
	}
	if w.Remote == "all" || w.RemoteGroup != "" {
		w.Remote = ""
	}
	if w.Remote == "" {
		return w, nil
	}
	p, err := netip.ParsePrefix(w.Remote)
	if err != nil {
		a, badAddress := netip.ParseAddr(w.Remote)
		if badAddress != nil {
			return w, fault.BadField(w.remoteField(), "must be an IP address or CIDR, not %q", w.Remote)
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if p.Addr().Is4() != (w.Ethertype == "IPv4") {
		return w, fault.BadField(w.remoteField(), "must be an %s address", w.Ethertype)
	}
	if p = p.Masked(); p.Bits() == 0 {
		w.Remote = "" // everywhere: one form, so that duplicates are seen
		return w, nil
	}
	w.Remote = p.String()
	return w, nil
}

func (w NewRule) remoteField() string {
	if w.Direction == spec.Egress {
		return "destIp"
	}
	return "sourceIp"
}

func insertRules(ctx context.Context, tx *store.Tx, caller *identity.Caller, g *SecurityGroup, wanted []NewRule) ([]*Rule, error) {
	rules := make([]*Rule, 0, len(wanted))
	for _, w := range wanted {
		w, err := w.normal()
		if err != nil {
			return nil, err
		}
		if w.RemoteGroup != "" {
			remote, err := FindGroup(ctx, tx, caller, w.RemoteGroup)
			if err != nil {
				return nil, err
			}
			w.RemoteGroup = remote.UID
		}
		rules = append(rules, &Rule{UID: tx.NewUID(), Slug: tx.NewSlug(), Group: g.UID, Direction: w.Direction, Ethertype: w.Ethertype, Protocol: w.Protocol,
			PortMin: w.PortMin, PortMax: w.PortMax, Remote: w.Remote, RemoteGroup: w.RemoteGroup, Remark: w.Remark, Created: tx.Time(), Updated: tx.Time()})
	}
	if len(rules) == 0 {
		return nil, nil
	}
	if err := quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.SecurityGroupRules, Scope: g.UID, Delta: int64(len(rules))}); err != nil {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(&rules).Exec(ctx); err != nil {
		return nil, duplicateRule(err)
	}
	g.Rules = append(g.Rules, rules...)
	return rules, nil
}

func duplicateRule(err error) error {
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Exists, "The security group has a rule with the same protocol, direction, port range and address already.").About("security group rule", "")
	}
	return err
}

// AddRules adds rules to a security group: all, or none if one is wrong or there already.
func (n *Networks) AddRules(ctx context.Context, caller *identity.Caller, group string, wanted []NewRule) (added []*Rule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, fault.BadField("rules", "must name at least one rule")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, group)
		if err != nil {
			return err
		}
		if added, err = insertRules(ctx, tx, caller, g, wanted); err != nil {
			return err
		}
		if err := groupChanged(ctx, tx, g); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "security group", g.UID)
	})
	return added, err
}

// groupChanged writes the new rules into the specs of every site that the group is used at.
func groupChanged(ctx context.Context, tx *store.Tx, g *SecurityGroup) error {
	if err := lockGroup(ctx, tx, g.UID); err != nil {
		return err
	}
	return putGroupEverywhere(ctx, tx, g)
}

// RuleChange changes a rule; nil leaves a field.
type RuleChange struct {
	Direction *spec.Direction
	Ethertype *string
	Protocol  *string
	PortMin   *int
	PortMax   *int
	Remote    *string
	Remark    *string
}

func (c RuleChange) apply(r *Rule) NewRule {
	w := NewRule{Direction: r.Direction, Ethertype: r.Ethertype, Protocol: r.Protocol, PortMin: r.PortMin, PortMax: r.PortMax, Remote: r.Remote,
		RemoteGroup: r.RemoteGroup, Remark: r.Remark}
	set(&w.Direction, c.Direction)
	set(&w.Ethertype, c.Ethertype)
	set(&w.Protocol, c.Protocol)
	set(&w.PortMin, c.PortMin)
	set(&w.PortMax, c.PortMax)
	set(&w.Remark, c.Remark)
	if c.Remote != nil {
		w.Remote, w.RemoteGroup = *c.Remote, ""
	}
	return w
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// UpdateRule changes one rule of the caller's, named by UID or slug. group is the security group that it must be in; empty: any. A rule for TCP or UDP cannot
// become one for ICMP (BEC 1.0 updateSecurityGroupRule).
func (n *Networks) UpdateRule(ctx context.Context, caller *identity.Caller, group, id string, c RuleChange) (r *Rule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var g *SecurityGroup
		if r, g, err = findRule(ctx, tx, caller, group, id); err != nil {
			return err
		}
		if c.Protocol != nil && *c.Protocol == "icmp" && (r.Protocol == "tcp" || r.Protocol == "udp") {
			return fault.BadField("protocol", "cannot change from %s to icmp; add another rule", r.Protocol)
		}
		w, err := c.apply(r).normal()
		if err != nil {
			return err
		}
		r.Direction, r.Ethertype, r.Protocol, r.PortMin, r.PortMax = w.Direction, w.Ethertype, w.Protocol, w.PortMin, w.PortMax
		r.Remote, r.RemoteGroup, r.Remark, r.Updated = w.Remote, w.RemoteGroup, w.Remark, tx.Time()
		if _, err := tx.NewUpdate().Model(r).ExcludeColumn("uid", "slug", "grp", "created").WherePK().Exec(ctx); err != nil {
			return duplicateRule(err)
		}
		if err := groupChanged(ctx, tx, g); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "security group rule", r.UID)
	})
	return r, err
}

func findRule(ctx context.Context, tx *store.Tx, caller *identity.Caller, group, id string) (*Rule, *SecurityGroup, error) {
	r := new(Rule)
	err := tx.NewSelect().Model(r).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, nil, fault.Missing("security group rule", id)
	}
	if err != nil {
		return nil, nil, err
	}
	g, err := FindGroup(ctx, tx, caller, r.Group)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, fault.Missing("security group rule", id)
	}
	if err == nil && group != "" && group != g.UID && group != g.Slug {
		return nil, nil, fault.Missing("security group rule", id)
	}
	return r, g, err
}

// DeleteRules removes rules of the caller's, named by UID or slug: all, or none if one is not there.
func (n *Networks) DeleteRules(ctx context.Context, caller *identity.Caller, ids ...string) error {
	return n.DeleteRulesOf(ctx, caller, "", ids...)
}

// DeleteRulesOf is DeleteRules for rules that must all be in one security group, named by UID or slug; empty: any.
func (n *Networks) DeleteRulesOf(ctx context.Context, caller *identity.Caller, group string, ids ...string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if group != "" {
			if _, err := FindGroup(ctx, tx, caller, group); err != nil {
				return err
			}
		}
		changed := map[string]*SecurityGroup{}
		for _, id := range ids {
			r, g, err := findRule(ctx, tx, caller, group, id)
			if err != nil {
				return err
			}
			if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
				return err
			}
			if err := quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.SecurityGroupRules, Scope: g.UID, Delta: -1}); err != nil {
				return err
			}
			changed[g.UID] = g
		}
		for _, g := range changed {
			if err := groupChanged(ctx, tx, g); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "security group rule", strings.Join(ids, ","))
	})
}
