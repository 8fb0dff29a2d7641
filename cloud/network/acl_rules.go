package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewACLRule is what a caller says of a rule. Empty addresses and ports mean all, and so does the protocol.
type NewACLRule struct {
	Name             string
	Description      string
	Enabled          bool
	Action           spec.Action
	IPv6             bool
	Protocol         string // tcp, udp, icmp, icmpv6, any
	Source           string // CIDR or address
	Destination      string
	SourcePorts      string // 80, 80-90
	DestinationPorts string
}

// anyProtocol is what matches all.
const anyProtocol = "any"

// check fills the defaults in.
func (w NewACLRule) check() (NewACLRule, error) {
	if w.Action != spec.Allow && w.Action != spec.Deny && w.Action != spec.Reject {
		return w, fault.BadField("action", "must be allow, deny or reject")
	}
	w.Protocol = strings.ToLower(strings.TrimSpace(w.Protocol))
	switch w.Protocol {
	case "", "all":
		w.Protocol = anyProtocol
	case anyProtocol, "tcp", "udp":
	case "icmp", "icmpv6":
		if (w.Protocol == "icmpv6") != w.IPv6 {
			return w, fault.BadField("protocol", "must be of the rule's IP version")
		}
	default:
		return w, fault.BadField("protocol", "must be tcp, udp, icmp, icmpv6 or any")
	}
	if len([]rune(w.Name)) > 64 {
		return w, fault.BadField("name", "must have at most 64 characters")
	}
	if err := checkDescription(w.Description); err != nil {
		return w, err
	}
	return w.checkEnds()
}

func (w NewACLRule) checkEnds() (_ NewACLRule, err error) {
	if w.Source, err = w.everywhere("source", w.Source); err != nil {
		return w, err
	}
	if w.Destination, err = w.everywhere("destination", w.Destination); err != nil {
		return w, err
	}
	for _, end := range []struct{ field, text string }{{"sourcePorts", w.SourcePorts}, {"destinationPorts", w.DestinationPorts}} {
		ports, err := parsePorts(end.field, end.text)
		if err != nil {
			return w, err
		}
		if ports != (spec.PortRange{}) && w.Protocol != "tcp" && w.Protocol != "udp" {
			return w, fault.BadField(end.field, "can only be given with the protocol tcp or udp")
		}
	}
	return w, nil
}

// everywhere checks an address and puts the whole range of the IP version in an empty one's place.
func (w NewACLRule) everywhere(field, text string) (string, error) {
	if text == "" || text == "all" {
		if w.IPv6 {
			return "::/0", nil
		}
		return "0.0.0.0/0", nil
	}
	p, err := parseRange(text)
	if err != nil {
		return text, fault.BadField(field, "must be an IP address or CIDR, not %q", text)
	}
	if p.Addr().Is6() != w.IPv6 {
		return text, fault.BadField(field, "must be of the rule's IP version, not %q", text)
	}
	return text, nil
}

// parseRange reads a CIDR, which may have host bits, or an address.
func parseRange(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no CIDR and no address", text)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// parsePorts reads "80" or "80-90". The whole range is like none.
func parsePorts(field, text string) (spec.PortRange, error) {
	if text == "" || text == "0-65535" || text == "1-65535" {
		return spec.PortRange{}, nil
	}
	low, high, ranged := strings.Cut(text, "-")
	if !ranged {
		high = low
	}
	from, bad := strconv.Atoi(low)
	to, worse := strconv.Atoi(high)
	if bad != nil || worse != nil || from < 0 || to < max(from, 1) || to > maxPort {
		return spec.PortRange{}, fault.BadField(field, "must be a port or a range such as 80-90 within 0 to %d, not %q", maxPort, text)
	}
	return spec.PortRange{Min: from, Max: to}, nil
}

func (w NewACLRule) fill(r *ACLRule) {
	r.Name, r.Description, r.Enabled, r.Action, r.IPv6, r.Protocol = w.Name, w.Description, w.Enabled, w.Action, w.IPv6, w.Protocol
	r.Source, r.Destination, r.SourcePorts, r.DestinationPorts = w.Source, w.Destination, w.SourcePorts, w.DestinationPorts
}

// Step says what to do with one rule.
type Step int

// The steps.
const (
	AddRule Step = iota
	ModifyRule
	RemoveRule
)

// RuleStep changes one rule: Rule for those that are added or modified, ID (UID or slug) for those that are there.
type RuleStep struct {
	Step Step
	ID   string
	Rule NewACLRule
}

// ACLChange changes one of a network ACL's lists, in the order of its steps: all or none. New rules go behind the rule After, or before the rule Before, or to
// the end, in the order in which they are named.
type ACLChange struct {
	List          string // UID of the list; empty: Direction says which
	Direction     spec.Direction
	Steps         []RuleStep
	After, Before string // UID or slug
}

// ChangeACLRules changes a list of rules, and tells which ones were added or modified.
func (n *Networks) ChangeACLRules(ctx context.Context, caller *identity.Caller, id string, c ACLChange) (a *NetworkACL, changed []*ACLRule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, nil, err
	}
	if len(c.Steps) == 0 {
		return nil, nil, fault.BadField("rules", "must name at least one rule")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a, err = lockACL(ctx, tx, caller, id); err != nil {
			return err
		}
		if err := a.mustBeBoundByHand(); err != nil {
			return err
		}
		if err := loadACL(ctx, tx, a); err != nil {
			return err
		}
		if changed, err = c.apply(ctx, tx, a); err != nil {
			return err
		}
		if err := loadACL(ctx, tx, a); err != nil {
			return err
		}
		if err := putACLEverywhere(ctx, tx, a); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "network ACL", a.UID)
	})
	return a, changed, err
}

// list is what a change works on: the rules in their new order.
type list struct {
	rules   []*ACLRule
	at      int // where the next new rule goes
	changed []*ACLRule
	removed []*ACLRule
	before  map[string]int // the positions that were, by UID
}

func (c ACLChange) apply(ctx context.Context, tx *store.Tx, a *NetworkACL) ([]*ACLRule, error) {
	if c.List != "" && c.List != map[spec.Direction]string{spec.Ingress: a.Ingress, spec.Egress: a.Egress}[c.Direction] {
		return nil, fault.Missing("network ACL list", c.List)
	}
	l := &list{rules: a.Of(c.Direction), before: map[string]int{}}
	for _, r := range l.rules {
		l.before[r.UID] = r.Position
	}
	if err := c.anchor(l); err != nil {
		return nil, err
	}
	for _, s := range c.Steps {
		if err := c.step(tx, a, l, s); err != nil {
			return nil, err
		}
	}
	use := quota.Change{Name: quota.NetworkACLRules, Scope: map[spec.Direction]string{spec.Ingress: a.Ingress, spec.Egress: a.Egress}[c.Direction], Delta: int64(len(l.rules) - len(l.before))}
	if err := quota.Count(ctx, tx, a.Account, use); err != nil {
		return nil, err
	}
	return l.changed, l.save(ctx, tx)
}

func (c ACLChange) anchor(l *list) error {
	l.at = len(l.rules)
	if c.After != "" && c.Before != "" {
		return fault.BadField("before", "cannot be given beside after")
	}
	if c.After == "" && c.Before == "" {
		return nil
	}
	id := c.After + c.Before
	l.at = l.index(id)
	if l.at < 0 {
		return fault.BadField("position", "names no rule of this list: %q", id)
	}
	if c.After != "" {
		l.at++
	}
	return nil
}

func (l *list) index(id string) int {
	return slices.IndexFunc(l.rules, func(r *ACLRule) bool { return id != "" && (r.UID == id || r.Slug == id) })
}

func (c ACLChange) step(tx *store.Tx, a *NetworkACL, l *list, s RuleStep) error {
	k := l.index(s.ID)
	if s.Step != AddRule && k < 0 {
		return fault.Missing("network ACL rule", s.ID)
	}
	if s.Step == RemoveRule {
		l.removed = append(l.removed, l.rules[k])
		l.rules = slices.Delete(l.rules, k, k+1)
		if k < l.at {
			l.at--
		}
		return nil
	}
	rule, err := s.Rule.check()
	if err != nil {
		return err
	}
	r := &ACLRule{}
	if s.Step == ModifyRule {
		r = l.rules[k]
	} else {
		*r = ACLRule{UID: tx.NewUID(), Slug: tx.NewSlug(), ACL: a.UID, Direction: c.Direction, Created: tx.Time()}
		l.rules = slices.Insert(l.rules, l.at, r)
		l.at++
	}
	rule.fill(r)
	l.changed = append(l.changed, r)
	return nil
}

// save numbers the rules from 1 on. Positions are unique at every moment, so those that move go by way of negative ones.
func (l *list) save(ctx context.Context, tx *store.Tx) error {
	for _, r := range l.removed {
		if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	var fresh []*ACLRule
	for k, r := range l.rules {
		old, there := l.before[r.UID]
		r.Position = k + 1
		if !there {
			fresh = append(fresh, r)
			continue
		}
		if old == r.Position && !slices.Contains(l.changed, r) {
			continue
		}
		if old != r.Position {
			r.Position = -r.Position
		}
		if _, err := tx.NewUpdate().Model(r).ExcludeColumn("uid", "slug", "acl", "created").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	for _, r := range l.rules {
		if r.Position > 0 {
			continue
		}
		r.Position = -r.Position
		if _, err := tx.NewUpdate().Model(r).Column("position").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&fresh).Exec(ctx)
	return err
}

func putACL(ctx context.Context, tx *store.Tx, a *NetworkACL, site string) error {
	_, err := link.Put(ctx, tx, spec.SiteTarget(site), spec.KindNetworkACL, a.UID, a.spec())
	return err
}

func putACLEverywhere(ctx context.Context, tx *store.Tx, a *NetworkACL) error {
	var sites []aclSite
	if err := tx.NewSelect().Model(&sites).Where("acl = ?", a.UID).Order("site").Scan(ctx); err != nil {
		return err
	}
	for _, s := range sites {
		if err := putACL(ctx, tx, a, s.Site); err != nil {
			return err
		}
	}
	return nil
}

// spec is what a site is told: the rules that are on.
func (a *NetworkACL) spec() spec.NetworkACL {
	body := spec.NetworkACL{UID: a.UID, Ingress: []spec.ACLRule{}, Egress: []spec.ACLRule{}}
	for _, r := range a.Rules {
		switch {
		case !r.Enabled:
		case r.Direction == spec.Ingress:
			body.Ingress = append(body.Ingress, r.spec())
		default:
			body.Egress = append(body.Egress, r.spec())
		}
	}
	if a.Network != "" { // behind a subnet's own rules, everything is allowed
		body.Ingress = append(body.Ingress, spec.ACLRule{UID: a.Ingress, Action: spec.Allow})
		body.Egress = append(body.Egress, spec.ACLRule{UID: a.Egress, Action: spec.Allow})
	}
	return body
}

func (r *ACLRule) spec() spec.ACLRule {
	s := spec.ACLRule{UID: r.UID, Action: r.Action, IPv6: r.IPv6, Protocol: r.Protocol}
	if s.Protocol == anyProtocol {
		s.Protocol = ""
	}
	// What is stored was read when it came.
	s.Source, _ = parseRange(r.Source)
	s.Destination, _ = parseRange(r.Destination)
	s.SourcePorts, _ = parsePorts("", r.SourcePorts)
	s.DestinationPorts, _ = parsePorts("", r.DestinationPorts)
	return s
}
