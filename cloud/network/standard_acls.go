package network

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// A network's standard ACL is there without being made (BEC, product guide, ACL): each of its subnets has rules of its own, by position, and behind them one in
// each direction that allows everything. Only a subnet that has rules has rows: a network ACL of its own, which goes with the last of them.

// StandardACLName is the name of a network's standard ACL until it is renamed (BEC 1.0 listAcls).
const StandardACLName = "默认ACL"

// DefaultPosition is where the rules that allow everything are shown, behind all others (BEC 1.0 getAclDetail).
const DefaultPosition = 32769

// SubnetRule is what a caller says of a rule of a subnet.
type SubnetRule struct {
	NewACLRule
	Subnet    string // UID or slug
	Direction spec.Direction
	Position  int // 1 to 32768; the lowest is asked first, and a direction has none twice
}

// checkOn fills the defaults in, and holds the rule against its subnet.
func (w SubnetRule) checkOn(s *Subnet) (SubnetRule, error) {
	if w.Direction != spec.Ingress && w.Direction != spec.Egress {
		return w, fault.BadField("direction", "must be ingress or egress")
	}
	if w.Position < 1 || w.Position >= DefaultPosition {
		return w, fault.BadField("position", "must be within 1 to %d, not %d", DefaultPosition-1, w.Position)
	}
	if w.Action == spec.Reject {
		return w, fault.BadField("action", "must be allow or deny")
	}
	var err error
	if w.NewACLRule, err = w.check(); err != nil {
		return w, err
	}
	inward, err := parseRange(w.Destination)
	if err != nil || w.Direction == spec.Egress || inward.Bits() == 0 {
		return w, err
	}
	if whole := s.Prefix(); inward.Bits() < whole.Bits() || !whole.Contains(inward.Addr()) {
		return w, fault.BadField("destinationIpAddress", "must lie in the range of the subnet, %s, since the rule is for what comes in", whole)
	}
	return w, nil
}

// AddSubnetRules adds rules to subnets: all or none. They are given in the order in which they were named.
func (n *Networks) AddSubnetRules(ctx context.Context, caller *identity.Caller, rules []SubnetRule) (added []*ACLRule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, fault.BadField("aclRules", "must name at least one rule")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		added = nil
		var guards []*guard
		for _, w := range rules {
			g, err := guardNamed(ctx, tx, caller, &guards, w.Subnet)
			if err != nil {
				return err
			}
			r, err := g.add(tx, w)
			if err != nil {
				return err
			}
			added = append(added, r)
		}
		for _, g := range guards {
			if err := g.save(ctx, tx); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "subnet", guards[0].subnet.UID)
	})
	return added, err
}

// SubnetRuleChange changes a rule; nil leaves a field. Its subnet and direction stay.
type SubnetRuleChange struct {
	Subnet      *string // slug or UID; may be repeated
	Direction   *spec.Direction
	Position    *int
	Action      *spec.Action
	Protocol    *string
	Source      *string
	Destination *string
	Description *string

	SourcePorts, DestinationPorts *string
}

func (c SubnetRuleChange) apply(r *ACLRule, s *Subnet) (w SubnetRule, err error) {
	if c.Subnet != nil && *c.Subnet != s.Slug && *c.Subnet != s.UID {
		return w, fault.BadField("subnetId", "cannot be changed")
	}
	if c.Direction != nil && *c.Direction != r.Direction {
		return w, fault.BadField("direction", "cannot be changed")
	}
	w = SubnetRule{Subnet: s.UID, Direction: r.Direction, Position: r.Position, NewACLRule: NewACLRule{Name: r.Name, Description: r.Description, Enabled: r.Enabled, Action: r.Action,
		Protocol: r.Protocol, Source: r.Source, Destination: r.Destination, SourcePorts: r.SourcePorts, DestinationPorts: r.DestinationPorts}}
	set(&w.Position, c.Position)
	set(&w.Action, c.Action)
	set(&w.Protocol, c.Protocol)
	set(&w.Source, c.Source)
	set(&w.Destination, c.Destination)
	set(&w.Description, c.Description)
	set(&w.SourcePorts, c.SourcePorts)
	set(&w.DestinationPorts, c.DestinationPorts)
	return w.checkOn(s)
}

// UpdateSubnetRule changes one rule of a subnet, by UID or slug.
func (n *Networks) UpdateSubnetRule(ctx context.Context, caller *identity.Caller, id string, c SubnetRuleChange) (r *ACLRule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var g *guard
		if g, r, err = guardOfRule(ctx, tx, caller, id); err != nil {
			return err
		}
		w, err := c.apply(r, g.subnet)
		if err != nil {
			return err
		}
		if other := g.at(w.Direction, w.Position); other != nil && other != r {
			return taken(w)
		}
		w.fill(r)
		r.Position = w.Position
		if _, err := tx.NewUpdate().Model(r).ExcludeColumn("uid", "slug", "acl", "subnet", "direction", "created").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := g.save(ctx, tx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", g.subnet.UID)
	})
	return r, err
}

// RemoveSubnetRules removes rules of subnets, by UID or slug: all or none.
func (n *Networks) RemoveSubnetRules(ctx context.Context, caller *identity.Caller, ids []string) (removed []*ACLRule, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, fault.BadField("aclRuleIds", "must name at least one rule")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		removed = nil
		for _, id := range ids {
			if slices.ContainsFunc(removed, func(r *ACLRule) bool { return r.UID == id || r.Slug == id }) {
				continue
			}
			g, r, err := guardOfRule(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if err := g.remove(ctx, tx, r); err != nil {
				return err
			}
			removed = append(removed, r)
		}
		return audit.Note(ctx, tx, caller, "subnet", removed[0].Subnet)
	})
	return removed, err
}

// StandardACL is a network's standard ACL: its subnets, and the rules of those that have some, by the subnets' UIDs and in order.
type StandardACL struct {
	Network *Network
	Subnets []*Subnet
	Rules   map[string][]*ACLRule
}

// GetStandardACL gives the standard ACL of a network.
func (n *Networks) GetStandardACL(ctx context.Context, caller *identity.Caller, id string) (a *StandardACL, err error) {
	net, subnets, err := n.GetNetwork(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	a = &StandardACL{Network: net, Subnets: subnets}
	uids := make([]string, len(subnets))
	for k, s := range subnets {
		uids[k] = s.UID
	}
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		a.Rules, err = subnetRules(ctx, tx, uids...)
		return err
	})
	return a, err
}

// SubnetRules gives the rules of one subnet in order.
func (n *Networks) SubnetRules(ctx context.Context, caller *identity.Caller, id string) (s *Subnet, rules []*ACLRule, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = FindSubnet(ctx, tx, caller, id); err != nil {
			return err
		}
		found, err := subnetRules(ctx, tx, s.UID)
		rules = found[s.UID]
		return err
	})
	return s, rules, err
}

func subnetRules(ctx context.Context, tx *store.Tx, subnets ...string) (map[string][]*ACLRule, error) {
	found := map[string][]*ACLRule{}
	if len(subnets) == 0 {
		return found, nil
	}
	var all []*ACLRule
	err := tx.NewSelect().Model(&all).Where("acl IN (SELECT acl FROM network_acl_subnets WHERE subnet IN (?))", bun.In(subnets)).Where("subnet <> ''").
		OrderExpr("CASE direction WHEN 'ingress' THEN 0 ELSE 1 END, position").Scan(ctx)
	for _, r := range all {
		found[r.Subnet] = append(found[r.Subnet], r)
	}
	return found, err
}

// RenameStandardACL renames the standard ACL of a network, which has the network's UID and slug.
func (n *Networks) RenameStandardACL(ctx context.Context, caller *identity.Caller, id, name string) (net *Network, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if length := len([]rune(name)); length < 1 || length > 65 {
		return nil, fault.BadField("name", "must have 1 to 65 characters")
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		net, err = FindNetwork(ctx, tx, caller, id)
		if fault.Is(err, fault.NotFound) {
			return fault.Missing("network ACL", id)
		}
		if err != nil {
			return err
		}
		net.ACLName = name
		if _, err := tx.NewUpdate().Model(net).Column("acl_name").WherePK().Exec(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "network", net.UID)
	})
	return net, err
}

// guard is the network ACL of one subnet's own rules.
type guard struct {
	*NetworkACL
	subnet *Subnet
	fresh  []*ACLRule
	isNew  bool
}

// guardNamed finds or makes the rules of a subnet, once in a call.
func guardNamed(ctx context.Context, tx *store.Tx, caller *identity.Caller, known *[]*guard, id string) (*guard, error) {
	s, err := FindSubnet(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	for _, g := range *known {
		if g.subnet.UID == s.UID {
			return g, nil
		}
	}
	if err := lockNetwork(ctx, tx, s.Network); err != nil {
		return nil, err
	}
	g := &guard{NetworkACL: new(NetworkACL), subnet: s}
	*known = append(*known, g)
	err = tx.NewSelect().Model(g.NetworkACL).Where("uid IN (SELECT acl FROM network_acl_subnets WHERE subnet = ?)", s.UID).Scan(ctx)
	switch {
	case store.NotFound(err):
		g.isNew = true
		*g.NetworkACL = NetworkACL{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: s.Account, Network: s.Network, Name: StandardACLName, Enabled: true,
			Ingress: tx.NewUID(), Egress: tx.NewUID(), Created: tx.Time()}
		return g, nil
	case err != nil:
		return nil, err
	case g.Network == "":
		return nil, fault.Conflicting("subnet", s.UID, "The subnet %s is guarded by the network ACL %s, which was bound to it; unbind it first.", s.Name, g.Name)
	}
	return g, loadACL(ctx, tx, g.NetworkACL)
}

// guardOfRule finds a rule of a subnet, among all that the subnet has.
func guardOfRule(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*guard, *ACLRule, error) {
	r := new(ACLRule)
	err := tx.NewSelect().Model(r).Where("uid = ? OR slug = ?", id, id).Where("subnet <> ''").Scan(ctx)
	if store.NotFound(err) {
		return nil, nil, fault.Missing("network ACL rule", id)
	}
	if err != nil {
		return nil, nil, err
	}
	g, err := guardNamed(ctx, tx, caller, new([]*guard), r.Subnet)
	if fault.Is(err, fault.NotFound) {
		return nil, nil, fault.Missing("network ACL rule", id)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, own := range g.Rules {
		if own.UID == r.UID {
			return g, own, nil
		}
	}
	return nil, nil, fault.Missing("network ACL rule", id) // it went while the network was waited for
}

func (g *guard) at(d spec.Direction, position int) *ACLRule {
	for _, r := range g.Rules {
		if r.Direction == d && r.Position == position {
			return r
		}
	}
	return nil
}

func taken(w SubnetRule) error {
	return fault.New(fault.Exists, "The subnet has a rule of this direction at position %d already.", w.Position).About("network ACL rule", "").On("position")
}

func (g *guard) add(tx *store.Tx, w SubnetRule) (*ACLRule, error) {
	w, err := w.checkOn(g.subnet)
	if err != nil {
		return nil, err
	}
	if g.at(w.Direction, w.Position) != nil {
		return nil, taken(w)
	}
	r := &ACLRule{UID: tx.NewUID(), Slug: tx.NewSlug(), ACL: g.UID, Subnet: g.subnet.UID, Direction: w.Direction, Position: w.Position, Created: tx.Time()}
	w.fill(r)
	r.Enabled = true
	g.Rules, g.fresh = append(g.Rules, r), append(g.fresh, r)
	return r, nil
}

// save writes what was added, and tells the site.
func (g *guard) save(ctx context.Context, tx *store.Tx) error {
	if g.isNew {
		if _, err := tx.NewInsert().Model(g.NetworkACL).Exec(ctx); err != nil {
			return err
		}
		if err := bindACL(ctx, tx, g.NetworkACL, g.subnet); err != nil {
			return err
		}
	}
	if len(g.fresh) > 0 {
		if _, err := tx.NewInsert().Model(&g.fresh).Exec(ctx); err != nil {
			return err
		}
	}
	for _, r := range g.fresh {
		if err := quota.Count(ctx, tx, g.Account, g.use(r, 1)); err != nil {
			return err
		}
	}
	if err := loadACL(ctx, tx, g.NetworkACL); err != nil {
		return err
	}
	if !g.isNew {
		return putACLEverywhere(ctx, tx, g.NetworkACL)
	}
	if err := useACL(ctx, tx, g.NetworkACL, g.subnet.Site); err != nil {
		return err
	}
	return renewSubnet(ctx, tx, g.subnet)
}

func (g *guard) use(r *ACLRule, delta int64) quota.Change {
	return quota.Change{Name: quota.NetworkACLRules, Scope: map[spec.Direction]string{spec.Ingress: g.Ingress, spec.Egress: g.Egress}[r.Direction], Delta: delta}
}

// remove removes one rule, and with the last of them the rows and the site's part.
func (g *guard) remove(ctx context.Context, tx *store.Tx, r *ACLRule) error {
	if _, err := tx.NewDelete().Model(r).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := quota.Count(ctx, tx, g.Account, g.use(r, -1)); err != nil {
		return err
	}
	if len(g.Rules) > 1 {
		if err := loadACL(ctx, tx, g.NetworkACL); err != nil {
			return err
		}
		return putACLEverywhere(ctx, tx, g.NetworkACL)
	}
	if _, err := tx.NewDelete().Model((*aclSubnet)(nil)).Where("subnet = ?", g.subnet.UID).Exec(ctx); err != nil {
		return err
	}
	if err := renewSubnet(ctx, tx, g.subnet); err != nil {
		return err
	}
	return dropACL(ctx, tx, g.NetworkACL)
}

// dropSubnetRules forgets the rules of a subnet that goes.
func dropSubnetRules(ctx context.Context, tx *store.Tx, s *Subnet) error {
	a := new(NetworkACL)
	err := tx.NewSelect().Model(a).Where("uid IN (SELECT acl FROM network_acl_subnets WHERE subnet = ?)", s.UID).Scan(ctx)
	if store.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*aclSubnet)(nil)).Where("subnet = ?", s.UID).Exec(ctx); err != nil || a.Network == "" {
		return err
	}
	return dropACL(ctx, tx, a)
}
