package quota

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// Name names a quota. Some are counted per account, some in a scope of it (a site, a network).
type Name string

// The quotas. Defaults are those of BEC's product guide (features/vm.md, network.md) where it gives one, and those that IEC shows (api/iec/quota.yaml).
const (
	Instances          Name = "instances"
	Groups             Name = "groups"
	VCPUs              Name = "vcpus"
	MemoryGiB          Name = "memory_gib"
	Volumes            Name = "volumes"
	VolumeGiB          Name = "volume_gib"
	Snapshots          Name = "snapshots"
	Images             Name = "images"
	KeyPairs           Name = "key_pairs"
	Networks           Name = "networks"             // per site; those that span sites count in the total only
	Subnets            Name = "subnets"              // per network of one site
	SecurityGroups     Name = "security_groups"      // per account
	SecurityGroupRules Name = "security_group_rules" // per group and direction
	PublicIPs          Name = "public_ips"
	PlacementSets      Name = "placement_sets"
	NetworkACLs        Name = "network_acls"
	NetworkACLRules    Name = "network_acl_rules" // per list, and in a network's standard one per subnet
	RouteTables        Name = "route_tables"      // per network
	Routes             Name = "routes"            // per route table
	Bandwidths         Name = "bandwidths"        // shared ones
	BandwidthMbps      Name = "bandwidth_mbps"    // of all shared ones together
	EdgeClouds         Name = "edge_clouds"
	ElasticNICs        Name = "elastic_nics"
	NATGateways        Name = "nat_gateways"
	NATRules           Name = "nat_rules" // of both kinds, per gateway
	Balancers          Name = "balancers"
	BalancerListeners  Name = "balancer_listeners" // per balancer
	BalancerMembers    Name = "balancer_members"   // per balancer
	BalancerGroups     Name = "balancer_groups"    // per balancer
)

// Totals over all scopes of an account. They are counted by themselves with whatever has a scope, in the same statements.
const (
	TotalNetworks           Name = "total_networks"
	TotalSubnets            Name = "total_subnets"
	TotalSecurityGroupRules Name = "total_security_group_rules"
)

// totals names the total of every quota that has scopes.
var totals = map[Name]Name{Networks: TotalNetworks, Subnets: TotalSubnets, SecurityGroupRules: TotalSecurityGroupRules}

var defaults = map[Name]int64{
	Instances: 200_000, Groups: 200_000, VCPUs: 2_000_000, MemoryGiB: 8_000_000, Volumes: 1_000_000, VolumeGiB: 100_000_000, Images: 20, KeyPairs: 100,
	Networks: 5, Subnets: 10, SecurityGroups: 100, SecurityGroupRules: 50, PublicIPs: 200_000, PlacementSets: 100,
	NetworkACLs: 1000, NetworkACLRules: 50, RouteTables: 10, Routes: 50,
	Bandwidths: 1000, BandwidthMbps: 1_000_000, TotalNetworks: 2000, TotalSubnets: 20_000, TotalSecurityGroupRules: 10_000, EdgeClouds: 10,
	ElasticNICs: 1000, NATGateways: 100, NATRules: 200, Snapshots: 1000, Balancers: 100, BalancerListeners: 50, BalancerMembers: 200, BalancerGroups: 50, // BEC names no numbers
}

// Used is an expression for a statement: how many an account, the expression's argument, has of what a quota without scopes counts. A list without filters takes
// its total from it, since counting a large account's rows would take longer than reading a page of them.
func Used(n Name) string {
	return "COALESCE((SELECT qu.used FROM quota_use AS qu WHERE qu.account = ? AND qu.name = '" + string(n) + "' AND qu.scope = ''), 0)"
}

// Names lists every quota in a fixed order.
func Names() []Name {
	all := make([]Name, 0, len(defaults))
	for n := range defaults {
		all = append(all, n)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}

// Change is one count that goes up or down.
type Change struct {
	Name  Name
	Scope string // UID of the site, network or group; empty for the account
	Delta int64
}

type use struct {
	bun.BaseModel `bun:"table:quota_use,alias:u"`

	Account string `bun:"account,pk"`
	Name    Name   `bun:"name,pk"`
	Scope   string `bun:"scope,pk"`
	Used    int64  `bun:"used"`
}

type limit struct {
	bun.BaseModel `bun:"table:quota_limits,alias:l"`

	Account string `bun:"account,pk"`
	Name    Name   `bun:"name,pk"`
	Allowed int64  `bun:"allowed"`
}

// Count applies all changes or none: a change up that would pass its limit is a Quota fault, and the caller's transaction ends. Changes down never fail.
func Count(ctx context.Context, tx *store.Tx, account string, changes ...Change) error {
	merged := merge(withTotals(changes))
	if len(merged) == 0 {
		return nil
	}
	var up, down []Change
	for _, c := range merged {
		if c.Delta > 0 {
			up = append(up, c)
		} else {
			down = append(down, c)
		}
	}
	if err := countDown(ctx, tx, account, down); err != nil {
		return err
	}
	return countUp(ctx, tx, account, up)
}

// countDown is an update and no upsert: databases hold a row that is to be inserted against the table's check before they see the conflict, so that a negative
// one would be refused.
func countDown(ctx context.Context, tx *store.Tx, account string, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	query := "UPDATE quota_use SET used = used + d.column4 FROM (VALUES " + rows(changes) + ") AS d WHERE account = d.column1 AND name = d.column2 AND scope = d.column3"
	res, err := tx.NewRaw(query, rowArgs(account, changes)...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("count quota: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n != int64(len(changes)) {
		return fmt.Errorf("count quota: only %d of %d counts were there to go down", n, len(changes))
	}
	return err
}

// countUp starts the row of an account that never held any, and holds the new counts against the limits.
func countUp(ctx context.Context, tx *store.Tx, account string, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	var now []counted
	query := "INSERT INTO quota_use (account, name, scope, used) VALUES " + rows(changes) +
		" ON CONFLICT (account, name, scope) DO UPDATE SET used = quota_use.used + excluded.used RETURNING name, scope, used, " +
		"(SELECT l.allowed FROM quota_limits AS l WHERE l.account = quota_use.account AND l.name = quota_use.name) AS own"
	if err := tx.NewRaw(query, rowArgs(account, changes)...).Scan(ctx, &now); err != nil {
		return fmt.Errorf("count quota: %w", err)
	}
	return check(changes, now)
}

// counted is a count after it went up, with the account's own limit if it has one.
type counted struct {
	Name  Name
	Scope string
	Used  int64
	Own   *int64
}

func rows(changes []Change) string {
	return strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?), ", len(changes)), ", ")
}

func rowArgs(account string, changes []Change) []any {
	args := make([]any, 0, 4*len(changes))
	for _, c := range changes {
		args = append(args, account, c.Name, c.Scope, c.Delta)
	}
	return args
}

// check compares the new counts with the limits; the caller's transaction rolls the counts back when it fails.
func check(changes []Change, now []counted) error {
	up := map[string]int64{}
	for _, c := range changes {
		up[string(c.Name)+"/"+c.Scope] = c.Delta
	}
	for _, u := range now {
		allowed := defaults[u.Name]
		if u.Own != nil {
			allowed = *u.Own
		}
		if delta := up[string(u.Name)+"/"+u.Scope]; u.Used > allowed {
			return fault.OverQuota(string(u.Name), u.Used-delta, delta, allowed)
		}
	}
	return nil
}

func withTotals(changes []Change) []Change {
	all := slices.Clone(changes)
	for _, c := range changes {
		if total, ok := totals[c.Name]; ok {
			all = append(all, Change{Name: total, Delta: c.Delta})
		}
	}
	return all
}

func merge(changes []Change) []Change {
	var merged []Change
	at := map[string]int{}
	for _, c := range changes {
		key := string(c.Name) + "/" + c.Scope
		if i, ok := at[key]; ok {
			merged[i].Delta += c.Delta
			continue
		}
		at[key] = len(merged)
		merged = append(merged, c)
	}
	kept := merged[:0]
	for _, c := range merged {
		if c.Delta != 0 {
			kept = append(kept, c)
		}
	}
	// One order for everybody, so that two transactions on PostgreSQL cannot wait for each other's rows.
	sort.Slice(kept, func(i, j int) bool { return kept[i].Name+Name(kept[i].Scope) < kept[j].Name+Name(kept[j].Scope) })
	return kept
}

func limits(ctx context.Context, tx *store.Tx, account string) (map[Name]int64, error) {
	var rows []limit
	if err := tx.NewSelect().Model(&rows).Where("account = ?", account).Scan(ctx); err != nil {
		return nil, err
	}
	own := make(map[Name]int64, len(rows))
	for _, r := range rows {
		own[r.Name] = r.Allowed
	}
	return own, nil
}

func allowedOf(own map[Name]int64, n Name) int64 {
	if allowed, ok := own[n]; ok {
		return allowed
	}
	return defaults[n]
}

// Drop forgets the counts of a scope that is gone (a deleted network's subnets), and takes them off the total.
func Drop(ctx context.Context, tx *store.Tx, account string, name Name, scope string) error {
	var gone int64
	err := tx.NewRaw("DELETE FROM quota_use WHERE account = ? AND name = ? AND scope = ? RETURNING used", account, name, scope).Scan(ctx, &gone)
	if store.NotFound(err) {
		return nil
	}
	total, ok := totals[name]
	if err != nil || !ok || gone == 0 {
		return err
	}
	return countDown(ctx, tx, account, []Change{{Name: total, Delta: -gone}})
}

// Line is one quota of an account as shown to people.
type Line struct {
	Name    Name
	Scope   string
	Used    int64
	Allowed int64
}

// List tells what an account holds and may hold. Scoped quotas appear once per scope in use.
func List(ctx context.Context, tx *store.Tx, account string) ([]Line, error) {
	var rows []use
	if err := tx.NewSelect().Model(&rows).Where("account = ?", account).Order("name", "scope").Scan(ctx); err != nil {
		return nil, err
	}
	own, err := limits(ctx, tx, account)
	if err != nil {
		return nil, err
	}
	seen := map[Name]bool{}
	var lines []Line
	for _, u := range rows {
		seen[u.Name] = true
		lines = append(lines, Line{u.Name, u.Scope, u.Used, allowedOf(own, u.Name)})
	}
	for _, n := range Names() {
		if !seen[n] {
			lines = append(lines, Line{Name: n, Allowed: allowedOf(own, n)})
		}
	}
	return lines, nil
}

// Set changes a limit of an account. For operators.
func Set(ctx context.Context, db *store.DB, caller *identity.Caller, account string, name Name, allowed int64) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	if _, known := defaults[name]; !known {
		return fault.BadField("name", "must be one of the known quotas, such as %s", Instances)
	}
	if allowed < 0 {
		return fault.BadField("limit", "must not be negative")
	}
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(&limit{Account: account, Name: name, Allowed: allowed}).On("CONFLICT (account, name) DO UPDATE").Set("allowed = excluded.allowed").Exec(ctx)
		return err
	})
}

// Of tells what the caller's account holds and may hold, by name; scoped quotas by their totals.
func Of(ctx context.Context, db *store.DB, caller *identity.Caller) (map[Name]Line, error) {
	byName := map[Name]Line{}
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		lines, err := List(ctx, tx, caller.Account)
		for _, l := range lines {
			if _, scoped := totals[l.Name]; !scoped {
				byName[l.Name] = l
			}
		}
		return err
	})
	return byName, err
}
