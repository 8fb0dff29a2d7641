package network

import (
	"context"
	"net/netip"
	"strconv"
	"strings"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewRule is what a caller says of a rule. Empty fields take the defaults: IPv4, all protocols, all ports, every address (BEC 2.0 authorizeSecurityGroupRule), and
// that it allows with the highest priority (IEC createSecurityGroupRule).
type NewRule struct {
	Direction   spec.Direction
	Ethertype   string
	Protocol    string
	PortMin     int
	PortMax     int
	Remote      string // CIDR or address
	RemoteGroup string // UID or slug
	Remark      string
	Deny        bool
	Priority    int // 1 to 100; 0 is 1
	Spelling    Spelling
}

const (
	minPort = 1
	maxPort = 65535

	maxPriority = 100 // the lowest
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
	if err := w.checkProtocol(); err != nil {
		return w, err
	}
	if len([]rune(w.Remark)) > 200 {
		return w, fault.BadField("remark", "must have at most 200 characters")
	}
	if w.Priority == 0 {
		w.Priority = 1
	}
	if w.Priority < 1 || w.Priority > maxPriority {
		return w, fault.BadField("priority", "must lie between 1 and %d", maxPriority)
	}
	return w.withRemote()
}

// checkProtocol holds the protocol against what there is, and the ports against the protocol.
func (w NewRule) checkProtocol() error {
	ported := w.Protocol == "tcp" || w.Protocol == "udp"
	number, err := strconv.Atoi(w.Protocol)
	numbered := err == nil && number >= 0 && number <= 255
	if !ported && !numbered && w.Protocol != "all" && w.Protocol != "icmp" && w.Protocol != "icmpv6" && w.Protocol != "gre" {
		return fault.BadField("protocol", "must be tcp, udp, icmp, icmpv6, gre, all or a number from 0 to 255")
	}
	if w.Protocol == "icmpv6" && w.Ethertype != "IPv6" {
		return fault.BadField("protocol", "icmpv6 needs IPv6")
	}
	if w.PortMin == 0 && w.PortMax == 0 {
		return nil
	}
	if w.PortMin < minPort || w.PortMax > maxPort || w.PortMin > w.PortMax {
		return fault.BadField("portRange", "must lie between %d and %d, the lower one first", minPort, maxPort)
	}
	if !ported && (w.PortMin != minPort || w.PortMax != maxPort) {
		return fault.BadField("portRange", "is for tcp and udp only")
	}
	return nil
}

func (w NewRule) withRemote() (NewRule, error) {
	if w.Remote != "" && w.RemoteGroup != "" {
		return w, fault.New(fault.Invalid, "An address and a security group cannot both be the remote end.").About("remote", "").On("remoteGroup")
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
		return w, fault.BadField(w.remoteField(), "must be an %s address", w.Ethertype).About("remote version", w.Remote)
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
			PortMin: w.PortMin, PortMax: w.PortMax, Remote: w.Remote, RemoteGroup: w.RemoteGroup, Remark: w.Remark, Deny: w.Deny, Priority: w.Priority,
			Spelled: Spelled{V: w.Spelling}, Created: tx.Time(), Updated: tx.Time()})
	}
	if len(rules) == 0 {
		return nil, nil
	}
	if err := quota.Count(ctx, tx, g.Account, ruleCounts(1, rules...)...); err != nil {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(&rules).Exec(ctx); err != nil {
		return nil, duplicateRule(err)
	}
	g.Rules = append(g.Rules, rules...)
	return rules, nil
}

// ruleCounts are the quotas that rules use: of their group by direction (BEC, features/network.md: "50 inbound + 50 outbound rules each").
func ruleCounts(sign int64, rules ...*Rule) []quota.Change {
	var all []quota.Change
	for _, r := range rules {
		all = append(all, quota.Change{Name: quota.SecurityGroupRules, Scope: r.scope(), Delta: sign})
	}
	return all
}

// scope is what the quota of a group's rules counts: those of one direction.
func (r *Rule) scope() string { return r.Group + "/" + string(r.Direction) }

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
		RemoteGroup: r.RemoteGroup, Remark: r.Remark, Deny: r.Deny, Priority: r.Priority}
	set(&w.Direction, c.Direction)
	set(&w.Ethertype, c.Ethertype)
	set(&w.Protocol, c.Protocol)
	if c.Protocol != nil && *c.Protocol != "tcp" && *c.Protocol != "udp" {
		w.PortMin, w.PortMax = 0, 0 // the others have no ports to keep
	}
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
		before := ruleCounts(-1, r)
		r.Direction, r.Ethertype, r.Protocol, r.PortMin, r.PortMax = w.Direction, w.Ethertype, w.Protocol, w.PortMin, w.PortMax
		r.Remote, r.RemoteGroup, r.Remark, r.Spelled, r.Updated = w.Remote, w.RemoteGroup, w.Remark, Spelled{}, tx.Time()
		if err := quota.Count(ctx, tx, g.Account, append(before, ruleCounts(1, r)...)...); err != nil {
			return err
		}
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
			if err := quota.Count(ctx, tx, g.Account, ruleCounts(-1, r)...); err != nil {
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
