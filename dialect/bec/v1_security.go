package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1securitygroup"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v1SecurityGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateSecurityGroup:           d.v1CreateSecurityGroup,
		wire.OpListSecurityGroups:            d.v1ListSecurityGroups,
		wire.OpUpdateSecurityGroup:           d.v1UpdateSecurityGroup,
		wire.OpDeleteSecurityGroup:           d.deleteSecurityGroup,
		wire.OpUpdateSecurityGroupRule:       d.v1UpdateRule,
		wire.OpBatchAddSecurityGroupRules:    d.v1AddRules,
		wire.OpBatchDeleteSecurityGroupRules: d.v1DeleteRules,
	}
}

func pathSecurity(c *dialect.Call) string { return bare("sg-", c.Path("securityGroupId")) }

func v1Wanted(all []wire.SecurityGroupRuleInput) ([]network.NewRule, error) {
	rules := make([]network.NewRule, len(all))
	for i, r := range all {
		one, err := wanted(r.Direction, r.EtherType, r.Protocol, r.PortRange, r.SourceIP, r.DestIP, r.Remark)
		if err != nil {
			return nil, err
		}
		rules[i] = one
	}
	return rules, nil
}

func (d *Door) v1CreateSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSecurityGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	rules, err := v1Wanted(in.Rules)
	if err != nil {
		return nil, err
	}
	open := in.WithDefaultRules == nil || bool(*in.WithDefaultRules)
	g, err := d.Networks.CreateGroup(ctx, c.Caller, network.NewGroup{Name: in.Name, Description: scalar.Value(in.Desc), Rules: rules, OpenIfEmpty: open})
	if err != nil {
		return nil, err
	}
	out := wire.CreateSecurityGroupResponse{Result: new(true), Action: new("create")}
	out.Details = &struct {
		SecurityGroupID *string `json:"securityGroupId,omitempty"`
	}{new(securityID(g))}
	return dialect.OK(out), nil
}

func (d *Door) v1ListSecurityGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter, err := d.v1SecurityFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	groups, total, err := d.Networks.ListGroups(ctx, c.Caller, filter, p)
	if err != nil {
		return nil, err
	}
	out := wire.ListSecurityGroupResponse{Result: []wire.SecurityGroup{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)),
		PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for _, g := range groups {
		out.Result = append(out.Result, wire.SecurityGroup{ID: new(securityID(g)), Name: &g.Name, Desc: &g.Description, CreatedTime: new(stamp(g.Created)),
			Rules: v1Rules(g)})
	}
	return dialect.OK(out), nil
}

func (d *Door) v1SecurityFilter(ctx context.Context, c *dialect.Call) (network.GroupFilter, error) {
	keyword := c.Param("keyword")
	if keyword == "" {
		return network.GroupFilter{}, nil
	}
	switch c.Param("keywordType") {
	case "sgId":
		return network.GroupFilter{ID: bare("sg-", keyword)}, nil
	case "instanceId":
		detail, err := d.Compute.Get(ctx, c.Caller, bare("vm-", keyword))
		if err != nil {
			return network.GroupFilter{}, fault.From(err).On("keyword")
		}
		return network.GroupFilter{Instance: detail.UID}, nil
	}
	return network.GroupFilter{Keyword: keyword}, nil
}

func v1Rules(g *network.SecurityGroup) []wire.SecurityGroupRule {
	rules := make([]wire.SecurityGroupRule, 0, len(g.Rules))
	for _, r := range sayable(g.Rules) {
		if r.Ethertype != "IPv4" {
			continue // 1.0 has IPv4 rules only
		}
		one := wire.SecurityGroupRule{SecurityGroupRuleID: new(ruleID(g, r)), Direction: string(r.Direction), EtherType: &r.Ethertype, Protocol: &r.Protocol,
			PortRange: portRange(r), Remark: &r.Remark}
		one.SourceIP, one.DestIP = addresses(r)
		rules = append(rules, one)
	}
	return rules
}

func v1SecurityDone(action string, g *network.SecurityGroup) *dialect.Answer {
	return dialect.OK(wire.SecurityGroupDetailsResponse{Result: new(true), Action: &action, Details: &wire.SecurityGroupDetails{ID: new(securityID(g)), Name: &g.Name,
		Desc: &g.Description, SgVersion: &g.Revision, Rules: v1Rules(g), IsDefault: &g.Standard}})
}

func (d *Door) v1UpdateSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSecurityGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	g, err := d.Networks.UpdateGroup(ctx, c.Caller, pathSecurity(c), network.Text{Name: &in.Name, Description: in.Desc})
	if err != nil {
		return nil, err
	}
	return v1SecurityDone("update", g), nil
}

func (d *Door) v1UpdateRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSecurityGroupRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	with, err := change(in.Protocol, in.PortRange, in.SourceIP, in.DestIP, in.Remark)
	if err != nil {
		return nil, err
	}
	with.Direction = new(spec.Direction(in.Direction))
	_, err = d.Networks.UpdateRule(ctx, c.Caller, pathSecurity(c), bareRule(c.Path("securityGroupRuleId")), with)
	return dialect.Empty(), err
}

func (d *Door) v1AddRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchAddSecurityGroupRulesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	rules, err := v1Wanted(in.Rules)
	if err != nil {
		return nil, err
	}
	if _, err := d.Networks.AddRules(ctx, c.Caller, pathSecurity(c), rules); err != nil {
		return nil, err
	}
	g, err := d.Networks.GetGroup(ctx, c.Caller, pathSecurity(c))
	if err != nil {
		return nil, err
	}
	return v1SecurityDone("add", g), nil
}

func (d *Door) v1DeleteRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteSecurityGroupRulesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.SecurityGroupRuleIDs))
	for i, id := range in.SecurityGroupRuleIDs {
		ids[i] = bareRule(id)
	}
	if err := d.Networks.DeleteRulesOf(ctx, c.Caller, pathSecurity(c), ids...); err != nil {
		return nil, err
	}
	return dialect.OK(wire.BatchDeleteSecurityGroupRulesResponse{Result: new(true), Action: new("delete")}), nil
}
