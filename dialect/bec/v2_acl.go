package bec

import (
	"context"
	"slices"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2acl"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v2ACLs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateACLRules: d.v2CreateACLRules,
		wire.OpListACLRules:   d.v2ListACLRules,
		wire.OpUpdateACLRule:  d.v2UpdateACLRule,
		wire.OpDeleteACLRule:  d.v2DeleteACLRule,
		wire.OpGetACL:         d.v2GetACL,
	}
}

// defaultRules end the ID of a subnet's rules that allow everything, which is else the subnet's own slug: listAclRules gives them IDs.
var defaultRules = map[spec.Direction]string{spec.Ingress: "i", spec.Egress: "e"}

// explainDefault tells, of a rule that is not found, that it is one that the system made.
func (d *Door) explainDefault(ctx context.Context, c *dialect.Call, id string, err error) error {
	if !fault.Is(err, fault.NotFound) || len(id) < 2 {
		return err
	}
	for _, end := range defaultRules {
		if id[len(id)-1:] != end {
			continue
		}
		if _, _, _, missing := d.Networks.GetSubnet(ctx, c.Caller, id[:len(id)-1]); missing == nil {
			return fault.Conflicting("network ACL rule", id, "The default rules of a subnet cannot be changed or deleted.")
		}
	}
	return err
}

func (d *Door) updateACLRule(ctx context.Context, c *dialect.Call, id string, change network.SubnetRuleChange) (*network.ACLRule, error) {
	r, err := d.Networks.UpdateSubnetRule(ctx, c.Caller, id, change)
	return r, d.explainDefault(ctx, c, id, err)
}

func (d *Door) removeACLRules(ctx context.Context, c *dialect.Call, ids []string) ([]*network.ACLRule, error) {
	removed, err := d.Networks.RemoveSubnetRules(ctx, c.Caller, ids)
	for _, id := range ids {
		err = d.explainDefault(ctx, c, id, err)
	}
	return removed, err
}

func (d *Door) v2CreateACLRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecACLRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	rules := make([]network.SubnetRule, len(in.ACLRules))
	for k, r := range in.ACLRules {
		rules[k] = network.SubnetRule{Subnet: bareSubnet(r.SubnetID), Direction: spec.Direction(r.Direction), Position: int(r.Position), NewACLRule: network.NewACLRule{
			Action: spec.Action(r.Action), Protocol: r.Protocol, Source: r.SourceIPAddress, Destination: r.DestinationIPAddress, SourcePorts: scalar.Value(r.SourcePort),
			DestinationPorts: scalar.Value(r.DestinationPort), Description: scalar.Value(r.Description)}}
	}
	_, err := d.Networks.AddSubnetRules(ctx, c.Caller, rules)
	return dialect.Empty(), err
}

func (d *Door) v2UpdateACLRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecACLRuleAttributesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.SubnetRuleChange{Position: new(int(in.Position)), Action: new(spec.Action(in.Action)), Protocol: &in.Protocol, Source: &in.SourceIPAddress,
		Destination: &in.DestinationIPAddress, Description: in.Description, SourcePorts: in.SourcePort, DestinationPorts: in.DestinationPort}
	if in.Direction != nil {
		change.Direction = new(spec.Direction(*in.Direction))
	}
	_, err := d.updateACLRule(ctx, c, bare("ar-", c.Path("aclRuleId")), change)
	return dialect.Empty(), err
}

func (d *Door) v2DeleteACLRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.removeACLRules(ctx, c, []string{bare("ar-", c.Path("aclRuleId"))})
	return dialect.Empty(), err
}

func v2ACLRule(subnet string, r *network.ACLRule) wire.BecACLRule {
	return wire.BecACLRule{ID: new(aclRuleID(r)), SubnetID: subnet, Description: &r.Description, Protocol: *aclProtocol(r), SourceIPAddress: r.Source, DestinationIPAddress: r.Destination,
		SourcePort: aclPorts(r.SourcePorts), DestinationPort: aclPorts(r.DestinationPorts), Position: int32(r.Position), Direction: string(r.Direction), Action: string(r.Action)}
}

// v2DefaultRules are what every subnet ends with.
func v2DefaultRules(s *network.Subnet) []wire.BecACLRule {
	var out []wire.BecACLRule
	for _, way := range []spec.Direction{spec.Ingress, spec.Egress} {
		out = append(out, wire.BecACLRule{ID: new("ar-" + s.Slug + defaultRules[way]), SubnetID: subnetID(s), Description: new(aclDefaultText), Protocol: "all",
			SourceIPAddress: "0.0.0.0/0", DestinationIPAddress: "0.0.0.0/0", SourcePort: aclPorts(""), DestinationPort: aclPorts(""), Position: network.DefaultPosition,
			Direction: string(way), Action: string(spec.Allow)})
	}
	return out
}

func (d *Door) v2ListACLRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, rules, err := d.Networks.SubnetRules(ctx, c.Caller, bareSubnet(c.Param("subnetId")))
	if err != nil {
		return nil, err
	}
	all := v2DefaultRules(s)
	for _, r := range rules {
		all = append(all, v2ACLRule(subnetID(s), r))
	}
	m := marker(c.Param("marker"), c.Int("maxKeys", 0))
	if m.Start != "" {
		from := slices.IndexFunc(all, func(r wire.BecACLRule) bool { return *r.ID == m.Start })
		if from < 0 {
			return nil, fault.BadField("marker", "must be the ID of a rule of this subnet, not %q", m.Start)
		}
		all = all[from:]
	}
	out := wire.ListACLRulesResponse{MaxKeys: new(int32(m.Size)), IsTruncated: new(len(all) > m.Size)}
	next := ""
	if len(all) > m.Size {
		next, all = *all[m.Size].ID, all[:m.Size]
	}
	echo(c, &out.Marker, &out.NextMarker, "", next)
	out.ACLRules = all
	return dialect.OK(out), nil
}

func (d *Door) v2GetACL(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	a, err := d.Networks.GetStandardACL(ctx, c.Caller, bare("vpc-", c.Param("vpcId")))
	if err != nil {
		return nil, err
	}
	out := wire.GetACLResponse{VPCID: new(networkID(a.Network)), VPCName: &a.Network.Name, VPCCIDR: &a.Network.CIDR, ACLEntrys: []wire.BecACLEntry{}}
	for _, s := range a.Subnets {
		entry := wire.BecACLEntry{SubnetID: new(subnetID(s)), SubnetName: &s.Name, SubnetCIDR: &s.CIDR}
		for _, r := range a.Rules[s.UID] {
			entry.ACLRules = append(entry.ACLRules, v2ACLRule(subnetID(s), r))
		}
		for _, r := range v2DefaultRules(s) {
			r.ID = nil // here they have none
			entry.ACLRules = append(entry.ACLRules, r)
		}
		out.ACLEntrys = append(out.ACLEntrys, entry)
	}
	return dialect.OK(out), nil
}
