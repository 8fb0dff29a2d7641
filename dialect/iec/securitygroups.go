package iec

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/securitygroup"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) securityGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListSecurityGroups:      d.listSecurityGroups,
		wire.OpCreateSecurityGroup:     d.createSecurityGroup,
		wire.OpShowSecurityGroup:       d.showSecurityGroup,
		wire.OpDeleteSecurityGroup:     d.deleteSecurityGroup,
		wire.OpListSecurityGroupRules:  d.listSecurityGroupRules,
		wire.OpCreateSecurityGroupRule: d.createSecurityGroupRule,
		wire.OpShowSecurityGroupRule:   d.showSecurityGroupRule,
		wire.OpDeleteSecurityGroupRule: d.deleteSecurityGroupRule,
	}
}

// securityCodes: a group in use has no code of its own, and Terraform waits on 409 but gives up on the status of IEC.020202.
var securityCodes = []refinement{
	{kind: fault.NotFound, about: "security group", code: "IEC.020204"},
	{kind: fault.NotFound, about: "security group rule", code: "IEC.020304"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Invalid, field: "portRange", code: "IEC.020305"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Invalid, field: "security_group_rule.port_range_min", code: "IEC.020305"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Invalid, field: "security_group_rule.port_range_max", code: "IEC.020305"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Invalid, about: "remote version", code: "IEC.020307"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Invalid, about: "remote", code: "IEC.020308"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Quota, about: "security_group_rules", code: "IEC.020306"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/security-group.createSecurityGroupRule", kind: fault.Exists, code: "IEC.020300"},
	{in: "iec/security-group.createSecurityGroup", kind: fault.Invalid, about: "reserved name", code: "IEC.020310"},
	{in: "iec/security-group.createSecurityGroup", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/security-group.deleteSecurityGroup", kind: fault.Conflict, about: "default security group", code: "IEC.020311"},
	{in: "iec/security-group.deleteSecurityGroup", kind: fault.Conflict, code: "IEC.020202", status: http.StatusConflict},
}

func describeSecurityGroup(g *network.SecurityGroup) *wire.SecurityGroup {
	out := &wire.SecurityGroup{ID: g.UID, Name: &g.Name, Description: g.Description, SecurityGroupRules: scalar.List[wire.SecurityGroupRule]{}}
	for _, r := range g.Rules {
		out.SecurityGroupRules = append(out.SecurityGroupRules, describeRule(r))
	}
	return out
}

// describeRule writes a rule as it was said. Ports are texts and always there, or Terraform's client stops (NOTES-network, item 1).
func describeRule(r *network.Rule) wire.SecurityGroupRule {
	said := r.Spelled.V
	protocol, remote, action := r.Protocol, r.Remote, "allow"
	if protocol == "all" {
		protocol = ""
	}
	if remote == "" && r.RemoteGroup == "" {
		remote = everywhere(r.Ethertype)
	}
	if r.Deny {
		action = "deny"
	}
	return wire.SecurityGroupRule{ID: r.UID, Description: r.Remark, SecurityGroupID: r.Group, Direction: cmp.Or(said.Direction, string(r.Direction)),
		Ethertype: cmp.Or(said.Ethertype, r.Ethertype), Protocol: cmp.Or(said.Protocol, protocol), PortRangeMin: portText(r.PortMin), PortRangeMax: portText(r.PortMax),
		RemoteGroupID: &r.RemoteGroup, RemoteIPPrefix: new(cmp.Or(said.Remote, remote)), Action: &action, Priority: new(int32(r.Priority))}
}

func everywhere(ethertype string) string {
	if ethertype == "IPv6" {
		return "::/0"
	}
	return "0.0.0.0/0"
}

func portText(port int) string {
	if port == 0 {
		return ""
	}
	return strconv.Itoa(port)
}

func (d *Door) listSecurityGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListGroupsWithin(ctx, c.Caller, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListSecurityGroupsResponse{Count: int32(total), SecurityGroups: scalar.List[wire.SecurityGroup]{}}
	for _, g := range found {
		out.SecurityGroups = append(out.SecurityGroups, *describeSecurityGroup(g))
	}
	return dialect.OK(out), nil
}

// createSecurityGroup makes a group without rules, as Terraform's test demands.
func (d *Door) createSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSecurityGroupRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := d.Networks.CreateGroup(ctx, c.Caller, network.NewGroup{Name: in.SecurityGroup.Name, Description: scalar.Value(in.SecurityGroup.Description)})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.SecurityGroupResponse{SecurityGroup: describeSecurityGroup(g)}), nil
}

func (d *Door) showSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Networks.GetGroup(ctx, c.Caller, c.Path("security_group_id"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.SecurityGroupResponse{SecurityGroup: describeSecurityGroup(g)}), nil
}

func (d *Door) deleteSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Networks.DeleteGroup(ctx, c.Caller, c.Path("security_group_id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}

func (d *Door) listSecurityGroupRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListRules(ctx, c.Caller, c.Param("security_group_id"), w)
	if err != nil {
		return nil, err
	}
	out := wire.ListSecurityGroupRulesResponse{Count: int32(total), SecurityGroupRules: scalar.List[wire.SecurityGroupRule]{}}
	for _, r := range found {
		out.SecurityGroupRules = append(out.SecurityGroupRules, describeRule(r))
	}
	return dialect.OK(out), nil
}

func (d *Door) createSecurityGroupRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSecurityGroupRuleRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	rule, err := wantedRule(in.SecurityGroupRule)
	if err != nil {
		return nil, err
	}
	added, err := d.Networks.AddRules(ctx, c.Caller, in.SecurityGroupRule.SecurityGroupID, []network.NewRule{rule})
	if err != nil {
		return nil, err
	}
	return answerRule(added[0]), nil
}

// wantedRule reads a rule. Terraform sends 0 for ports that are left out, and some clients null; both mean all.
func wantedRule(o wire.CreateSecurityGroupRuleOption) (network.NewRule, error) {
	r := network.NewRule{Direction: spec.Direction(strings.ToLower(o.Direction)), Ethertype: ethertype(scalar.Value(o.Ethertype)), Protocol: scalar.Value(o.Protocol),
		PortMin: number(o.PortRangeMin), PortMax: number(o.PortRangeMax), Remote: scalar.Value(o.RemoteIPPrefix), RemoteGroup: scalar.Value(o.RemoteGroupID),
		Remark: scalar.Value(o.Description), Deny: strings.EqualFold(scalar.Value(o.Action), "deny"), Priority: number(o.Priority)}
	r.Spelling = network.Spelling{Direction: o.Direction, Ethertype: scalar.Value(o.Ethertype), Protocol: r.Protocol, Remote: r.Remote}
	if r.Remote == "" && r.RemoteGroup == "" {
		return r, fault.BadField("remote_ip_prefix", "is required, unless remote_group_id is there")
	}
	if strings.EqualFold(r.Protocol, "icmp") && r.Ethertype == "IPv6" {
		return r, fault.BadField("protocol", "icmp needs IPv4; of IPv6 it is icmpv6")
	}
	return r, nil
}

// ethertype writes an IP version the way the cloud does.
func ethertype(text string) string {
	if strings.EqualFold(text, "IPv6") {
		return "IPv6"
	}
	return "IPv4"
}

func number(n *scalar.Int) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func answerRule(r *network.Rule) *dialect.Answer {
	return dialect.OK(wire.SecurityGroupRuleResponse{SecurityGroupRule: new(describeRule(r))})
}

func (d *Door) showSecurityGroupRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	r, err := d.Networks.GetRule(ctx, c.Caller, c.Path("security_group_rule_id"))
	if err != nil {
		return nil, err
	}
	return answerRule(r), nil
}

func (d *Door) deleteSecurityGroupRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Networks.DeleteRules(ctx, c.Caller, c.Path("security_group_rule_id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
