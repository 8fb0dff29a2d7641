package bec

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2securitygroup"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v2SecurityGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateSecurityGroup:        d.v2CreateSecurityGroup,
		wire.OpListSecurityGroups:         d.v2ListSecurityGroups,
		wire.OpDeleteSecurityGroup:        d.deleteSecurityGroup,
		wire.OpAuthorizeSecurityGroupRule: d.v2AuthorizeRule,
		wire.OpUpdateSecurityGroupRule:    d.v2UpdateRule,
		wire.OpDeleteSecurityGroupRule:    d.v2DeleteRule,
	}
}

// ports reads a portRange: "80", "80-9000"; empty is every port.
func ports(text string) (first, last int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	first, errLow := strconv.Atoi(strings.TrimSpace(low))
	last, errHigh := strconv.Atoi(strings.TrimSpace(high))
	if errLow != nil || errHigh != nil || first < 1 {
		return 0, 0, fault.BadField("portRange", "must be a port such as 80 or a range such as 80-9000, not %q", text)
	}
	if first == 1 && last == 65535 {
		return 0, 0, nil // all ports, in the one form that shows duplicates
	}
	return first, last, nil
}

// portRange writes a rule's ports. ICMP has none, and its rules are answered without (1.0 batchAddSecurityGroupRules).
func portRange(r *network.Rule) *string {
	switch {
	case r.Protocol == "icmp":
		return nil
	case r.PortMin == 0 && r.PortMax == 0:
		return new("1-65535")
	case r.PortMin == r.PortMax:
		return new(strconv.Itoa(r.PortMin))
	}
	return new(strconv.Itoa(r.PortMin) + "-" + strconv.Itoa(r.PortMax))
}

// addresses gives a rule's source or destination, by its direction. Everywhere is written out. A rule that names a group, which BEC cannot say, has neither.
func addresses(r *network.Rule) (source, dest *string) {
	remote := r.Remote
	if remote == "" {
		remote = "0.0.0.0/0"
		if r.Ethertype == "IPv6" {
			remote = "::/0"
		}
	}
	if r.RemoteGroup != "" {
		return nil, nil
	}
	if r.Direction == spec.Egress {
		return nil, &remote
	}
	return &remote, nil
}

// wanted makes a rule of the members that both versions have.
func wanted(direction string, ethertype, protocol, portText, source, dest, remark *string) (network.NewRule, error) {
	first, last, err := ports(scalar.Value(portText))
	if err != nil {
		return network.NewRule{}, err
	}
	r := network.NewRule{Direction: spec.Direction(direction), Ethertype: scalar.Value(ethertype), Protocol: scalar.Value(protocol), PortMin: first, PortMax: last,
		Remote: scalar.Value(source), Remark: scalar.Value(remark)}
	if r.Direction == spec.Egress {
		r.Remote = scalar.Value(dest)
	}
	return r, nil
}

// change makes a change of the members that an update has. A rule has either a source or a destination: the one that was sent is it.
func change(protocol, portText, source, dest, remark *string) (network.RuleChange, error) {
	c := network.RuleChange{Protocol: protocol, Remark: remark, Remote: source}
	if scalar.Value(source) == "" && dest != nil {
		c.Remote = dest
	}
	if portText == nil {
		return c, nil
	}
	first, last, err := ports(*portText)
	c.PortMin, c.PortMax = &first, &last
	return c, err
}

func (d *Door) v2CreateSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecSecurityGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	rules := make([]network.NewRule, len(in.Rules))
	for i, r := range in.Rules {
		one, err := wanted(r.Direction, &r.Ethertype, r.Protocol, r.PortRange, r.SourceIP, r.DestIP, r.Remark)
		if err != nil {
			return nil, err
		}
		rules[i] = one
	}
	g, err := d.Networks.CreateGroup(ctx, c.Caller, network.NewGroup{Name: in.Name, Description: in.Desc, Rules: rules})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateSecurityGroupResponse{SecurityGroupID: new(securityID(g))}), nil
}

func (d *Door) v2ListSecurityGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter := network.GroupFilter{}
	if id := c.Param("instanceId"); id != "" {
		detail, err := d.Compute.Get(ctx, c.Caller, bare("vm-", id))
		if err != nil {
			return nil, err
		}
		filter.Instance = detail.UID
	}
	m := marker(bare("sg-", c.Param("marker")), c.Int("maxKeys", 0))
	groups, next, err := d.Networks.ListGroupsFrom(ctx, c.Caller, filter, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListSecurityGroupsResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), SecurityGroups: []wire.BecSecurityGroupModel{}}
	echo(c, &out.Marker, &out.NextMarker, "sg-", next)
	for _, g := range groups {
		one := wire.BecSecurityGroupModel{ID: new(securityID(g)), Name: &g.Name, Desc: &g.Description, CreatedTime: new(stamp(g.Created)),
			Rules: []wire.BecSecurityGroupRuleModel{}}
		for _, r := range sayable(g.Rules) {
			one.Rules = append(one.Rules, v2Rule(g, r))
		}
		out.SecurityGroups = append(out.SecurityGroups, one)
	}
	return dialect.OK(out), nil
}

// sayable are the rules that BEC has words for: it knows none that deny, and tcp, udp, icmp and all only. Others were made through another dialect.
func sayable(rules []*network.Rule) (out []*network.Rule) {
	for _, r := range rules {
		if !r.Deny && slices.Contains([]string{"tcp", "udp", "icmp", "all"}, r.Protocol) {
			out = append(out, r)
		}
	}
	return out
}

func v2Rule(g *network.SecurityGroup, r *network.Rule) wire.BecSecurityGroupRuleModel {
	out := wire.BecSecurityGroupRuleModel{SecurityGroupID: new(securityID(g)), SecurityGroupRuleID: new(ruleID(g, r)), Direction: string(r.Direction),
		Ethertype: r.Ethertype, Protocol: &r.Protocol, PortRange: portRange(r), Remark: &r.Remark, CreatedTime: new(stamp(r.Created)), UpdatedTime: new(stamp(r.Updated))}
	out.SourceIP, out.DestIP = addresses(r)
	return out
}

// deleteSecurityGroup is the same in both versions.
func (d *Door) deleteSecurityGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.DeleteGroup(ctx, c.Caller, bare("sg-", c.Path("securityGroupId")))
}

func (d *Door) v2AuthorizeRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.AuthorizeSecurityGroupRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	r := in.Rule
	rule, err := wanted(r.Direction, r.Ethertype, r.Protocol, r.PortRange, r.SourceIP, r.DestIP, r.Remark)
	if err != nil {
		return nil, err
	}
	_, err = d.Networks.AddRules(ctx, c.Caller, bare("sg-", c.Path("securityGroupId")), []network.NewRule{rule})
	return dialect.Empty(), err
}

func (d *Door) v2UpdateRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBecSecurityGroupRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	with, err := change(in.Protocol, in.PortRange, in.SourceIP, in.DestIP, in.Remark)
	if err != nil {
		return nil, err
	}
	_, err = d.Networks.UpdateRule(ctx, c.Caller, "", bareRule(in.SecurityGroupRuleID), with)
	return dialect.Empty(), err
}

func (d *Door) v2DeleteRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.DeleteRules(ctx, c.Caller, bareRule(c.Path("securityGroupRuleId")))
}
