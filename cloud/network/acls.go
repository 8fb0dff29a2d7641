package network

import (
	"context"
	"fmt"
	"unicode"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NetworkACL guards the borders of the subnets it is bound to: an ordered list of rules for each direction. The first rule that matches decides, what none
// matches is denied, and nothing is remembered: answers need a rule of their own. What stays inside a subnet is not asked.
type NetworkACL struct {
	bun.BaseModel `bun:"table:network_acls,alias:acl"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Account     string     `bun:"account"`
	Network     string     `bun:"network"` // it has a subnet's own rules of this network's standard one; empty: it is bound by hand
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Enabled     bool       `bun:"enabled"` // off: it guards nothing
	Ingress     string     `bun:"ingress"` // UIDs of the two lists, which some clients name
	Egress      string     `bun:"egress"`
	Revision    int64      `bun:"revision"`
	Created     store.Time `bun:"created"`

	Rules   []*ACLRule             `bun:"-"` // in details: in order, ingress first
	Subnets []*Subnet              `bun:"-"` // in details: those it is bound to
	Counts  map[spec.Direction]int `bun:"-"` // in lists: of rules
}

// ACLRule is one rule of a network ACL.
type ACLRule struct {
	bun.BaseModel `bun:"table:network_acl_rules,alias:rule"`

	UID              string         `bun:"uid,pk"`
	Slug             string         `bun:"slug"`
	ACL              string         `bun:"acl"`
	Subnet           string         `bun:"subnet"` // of a standard ACL: the subnet that it is for
	Direction        spec.Direction `bun:"direction"`
	Position         int            `bun:"position"` // the lowest is asked first
	Name             string         `bun:"name"`
	Description      string         `bun:"description"`
	Enabled          bool           `bun:"enabled"`
	Action           spec.Action    `bun:"action"`
	IPv6             bool           `bun:"ipv6"`
	Protocol         string         `bun:"protocol"` // tcp, udp, icmp, icmpv6, any
	Source           string         `bun:"source"`   // as the caller wrote them: a CIDR that may have host bits, or an address
	Destination      string         `bun:"destination"`
	SourcePorts      string         `bun:"source_ports"` // 80, 80-90; empty: any
	DestinationPorts string         `bun:"destination_ports"`
	Created          store.Time     `bun:"created"`
}

type aclSubnet struct {
	bun.BaseModel `bun:"table:network_acl_subnets,alias:bound"`

	Subnet string `bun:"subnet,pk"`
	ACL    string `bun:"acl"`
}

type aclSite struct {
	bun.BaseModel `bun:"table:network_acl_sites,alias:used"`

	ACL  string `bun:"acl,pk"`
	Site string `bun:"site,pk"`
}

// NewACL is what a caller says of a network ACL.
type NewACL struct {
	Name        string
	Description string
}

// CreateACL makes a network ACL without rules, bound to nothing.
func (n *Networks) CreateACL(ctx context.Context, caller *identity.Caller, w NewACL) (a *NetworkACL, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := (Text{Name: &w.Name, Description: &w.Description}).checkPlain("-_"); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a = &NetworkACL{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Name: w.Name, Description: w.Description, Enabled: true,
			Ingress: tx.NewUID(), Egress: tx.NewUID(), Created: tx.Time()}
		if err := quota.Count(ctx, tx, a.Account, quota.Change{Name: quota.NetworkACLs, Delta: 1}); err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(a).Exec(ctx); err != nil {
			return fmt.Errorf("add network ACL: %w", err)
		}
		return audit.Note(ctx, tx, caller, "network ACL", a.UID)
	})
	return a, err
}

// checkPlain checks a name of letters, digits and some more signs (IEC createFirewall, createRoutetable: 1 to 64 of them), and the description.
func (t Text) checkPlain(signs string) error {
	if t.Description != nil {
		if len([]rune(*t.Description)) > 255 {
			return fault.BadField("description", "must have at most 255 characters")
		}
		for _, r := range *t.Description {
			if r == '<' || r == '>' {
				return fault.BadField("description", `must not have "<" or ">"`)
			}
		}
	}
	if t.Name == nil {
		return nil
	}
	if length := len([]rune(*t.Name)); length < 1 || length > 64 {
		return fault.BadField("name", "must have 1 to 64 characters")
	}
	for _, r := range *t.Name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !containsRune(signs, r) {
			return fault.BadField("name", "must have letters, digits and %q only, not %q", signs, r)
		}
	}
	return nil
}

func containsRune(signs string, r rune) bool {
	for _, s := range signs {
		if s == r {
			return true
		}
	}
	return false
}

// ACLFilter narrows a list of network ACLs. Empty fields match any.
type ACLFilter struct {
	ID      string // UID or slug
	Keyword string // part of the name
}

// ListACLs gives a window of the caller's network ACLs that are bound by hand, with the counts of their rules, oldest first.
func (n *Networks) ListACLs(ctx context.Context, caller *identity.Caller, f ACLFilter, w store.Window) (found []*NetworkACL, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model((*NetworkACL)(nil)).Where("account = ? AND network = ''", caller.Account).OrderExpr("uid")
		if f.ID != "" {
			q = q.Where("uid = ? OR slug = ?", f.ID, f.ID)
		}
		if f.Keyword != "" {
			q = q.Where("name LIKE ? ESCAPE '!'", store.Contains(f.Keyword))
		}
		if found, total, err = store.ListWindow[*NetworkACL](ctx, q, w); err != nil {
			return err
		}
		return countRules(ctx, tx, found)
	})
	return found, total, err
}

func countRules(ctx context.Context, tx *store.Tx, acls []*NetworkACL) error {
	if len(acls) == 0 {
		return nil
	}
	byUID := map[string]*NetworkACL{}
	uids := make([]string, len(acls))
	for k, a := range acls {
		uids[k], byUID[a.UID] = a.UID, a
		a.Counts = map[spec.Direction]int{}
	}
	var rows []struct {
		ACL       string         `bun:"acl"`
		Direction spec.Direction `bun:"direction"`
		Count     int            `bun:"count"`
	}
	err := tx.NewSelect().Model((*ACLRule)(nil)).ColumnExpr("acl, direction, COUNT(*) AS count").Where("acl IN (?)", bun.In(uids)).GroupExpr("acl, direction").Scan(ctx, &rows)
	for _, r := range rows {
		byUID[r.ACL].Counts[r.Direction] = r.Count
	}
	return err
}

// FindACL finds the caller's network ACL by UID or slug inside a transaction, without its rules.
func FindACL(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*NetworkACL, error) {
	a := new(NetworkACL)
	err := tx.NewSelect().Model(a).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("network ACL", id)
	}
	return a, err
}

// GetACL gives one network ACL with its rules and subnets.
func (n *Networks) GetACL(ctx context.Context, caller *identity.Caller, id string) (a *NetworkACL, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if a, err = FindACL(ctx, tx, caller, id); err != nil {
			return err
		}
		return loadACL(ctx, tx, a)
	})
	return a, err
}

func loadACL(ctx context.Context, tx *store.Tx, a *NetworkACL) error {
	a.Rules, a.Subnets = nil, nil
	err := tx.NewSelect().Model(&a.Rules).Where("acl = ?", a.UID).OrderExpr("CASE direction WHEN 'ingress' THEN 0 ELSE 1 END, subnet, position").Scan(ctx)
	if err != nil {
		return err
	}
	return tx.NewSelect().Model(&a.Subnets).Where("uid IN (SELECT subnet FROM network_acl_subnets WHERE acl = ?)", a.UID).OrderExpr("uid").Scan(ctx)
}

// Of gives the rules of one direction in their order.
func (a *NetworkACL) Of(d spec.Direction) []*ACLRule {
	var out []*ACLRule
	for _, r := range a.Rules {
		if r.Direction == d {
			out = append(out, r)
		}
	}
	return out
}

// DeleteACL removes a network ACL that guards no subnet, with its rules.
func (n *Networks) DeleteACL(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err := lockACL(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := a.mustBeBoundByHand(); err != nil {
			return err
		}
		bound, err := tx.NewSelect().Model((*aclSubnet)(nil)).Where("acl = ?", a.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if bound {
			return fault.Conflicting("network ACL", id, "The network ACL still guards subnets; unbind them first.")
		}
		if err := dropACL(ctx, tx, a); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "network ACL", a.UID)
	})
}

// mustBeBoundByHand refuses changes of a subnet's own rules as if they were a list.
func (a *NetworkACL) mustBeBoundByHand() error {
	if a.Network == "" {
		return nil
	}
	return fault.Conflicting("network ACL", a.UID, "The standard ACL of a network changes by the rules of its subnets only.")
}

func dropACL(ctx context.Context, tx *store.Tx, a *NetworkACL) error {
	var sites []aclSite
	if err := tx.NewDelete().Model((*aclSite)(nil)).Where("acl = ?", a.UID).Returning("*").Scan(ctx, &sites); err != nil && !store.NotFound(err) {
		return err
	}
	for _, s := range sites {
		if err := link.Delete(ctx, tx, spec.SiteTarget(s.Site), spec.KindNetworkACL, a.UID); err != nil {
			return err
		}
	}
	if _, err := tx.NewDelete().Model((*ACLRule)(nil)).Where("acl = ?", a.UID).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model(a).WherePK().Exec(ctx); err != nil {
		return err
	}
	for _, list := range []string{a.Ingress, a.Egress} {
		if err := quota.Drop(ctx, tx, a.Account, quota.NetworkACLRules, list); err != nil {
			return err
		}
	}
	if a.Network != "" {
		return nil
	}
	return quota.Count(ctx, tx, a.Account, quota.Change{Name: quota.NetworkACLs, Delta: -1})
}

// lockACL finds a network ACL and makes changes of it go one after the other.
func lockACL(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*NetworkACL, error) {
	a, err := FindACL(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	_, err = tx.NewUpdate().Model(a).Set("revision = revision + 1").WherePK().Exec(ctx)
	return a, err
}
