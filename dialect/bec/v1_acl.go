package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1acl"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v1ACLs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListACLs:            d.v1ListACLs,
		wire.OpGetACLDetail:        d.v1GetACL,
		wire.OpUpdateACL:           d.v1UpdateACL,
		wire.OpBatchCreateACLRules: d.v1CreateACLRules,
		wire.OpUpdateACLRule:       d.v1UpdateACLRule,
		wire.OpBatchDeleteACLRules: d.v1DeleteACLRules,
	}
}

// A VPC's ACL is there with the VPC, and has the VPC's slug.
func aclID(n *network.Network) string     { return "acl-" + n.Slug }
func aclRuleID(r *network.ACLRule) string { return "ar-" + r.Slug }
func aclName(n *network.Network) *string  { return new(orElse(n.ACLName, network.StandardACLName)) }
func aclPorts(ports string) *string       { return new(orElse(ports, "0-65535")) }
func aclProtocol(r *network.ACLRule) *string {
	return new(strings.Replace(r.Protocol, "any", "all", 1))
}

// aclDefaultText is the remark of the rules that allow everything.
const aclDefaultText = "默认"

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// position reads a rule's position; one that was not sent is in no range.
func position(p *scalar.Int) int {
	if p == nil {
		return 0
	}
	return int(*p)
}

func (d *Door) v1CreateACLRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateACLRulesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	subnet := bareSubnet(in.SubnetID)
	rules := make([]network.SubnetRule, len(in.ACLRules))
	for k, r := range in.ACLRules {
		if r.SubnetID != nil && bareSubnet(*r.SubnetID) != subnet {
			return nil, fault.BadField("aclRules.subnetId", "must be the subnet that the request names, %s, not %q", in.SubnetID, *r.SubnetID)
		}
		if err := onlyIPv4(r.EtherType); err != nil {
			return nil, err
		}
		rules[k] = network.SubnetRule{Subnet: subnet, Direction: spec.Direction(scalar.Value(r.Direction)), Position: position(r.Position), NewACLRule: network.NewACLRule{
			Action: spec.Action(scalar.Value(r.Action)), Protocol: scalar.Value(r.Protocol), Source: scalar.Value(r.SourceIPAddress), Destination: scalar.Value(r.DestinationIPAddress),
			SourcePorts: scalar.Value(r.SourcePort), DestinationPorts: scalar.Value(r.DestinationPort), Description: scalar.Value(r.Description)}}
	}
	added, err := d.Networks.AddSubnetRules(ctx, c.Caller, rules)
	if err != nil {
		return nil, err
	}
	out := wire.BatchCreateACLRulesResponse{Success: new(true)}
	out.Result = &struct {
		Action  *string                 `json:"action,omitempty"`
		Details *wire.ACLRuleIDsDetails `json:"details,omitempty"`
		Result  *bool                   `json:"result,omitempty"`
	}{new("create"), &wire.ACLRuleIDsDetails{ACLRuleIDs: aclRuleIDs(added)}, new(true)}
	return dialect.OK(out), nil
}

func aclRuleIDs(rules []*network.ACLRule) []string {
	ids := make([]string, len(rules))
	for k, r := range rules {
		ids[k] = aclRuleID(r)
	}
	return ids
}

func onlyIPv4(etherType *string) error {
	if etherType != nil && !strings.EqualFold(*etherType, "IPv4") {
		return fault.BadField("etherType", "must be IPv4: the ACL has rules for IPv4 only")
	}
	return nil
}

func (d *Door) v1UpdateACLRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateACLRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	r := in.ACLRule
	id := bare("ar-", c.Path("aclRuleId"))
	if r.ACLRuleID != nil && bare("ar-", *r.ACLRuleID) != id {
		return nil, fault.BadField("aclRule.aclRuleId", "must be the rule that the path names, not %q", *r.ACLRuleID)
	}
	if err := onlyIPv4(r.EtherType); err != nil {
		return nil, err
	}
	change := network.SubnetRuleChange{Protocol: r.Protocol, Source: r.SourceIPAddress, Destination: r.DestinationIPAddress, SourcePorts: r.SourcePort,
		DestinationPorts: r.DestinationPort, Description: r.Description}
	if r.SubnetID != nil {
		change.Subnet = new(bareSubnet(*r.SubnetID))
	}
	if r.Position != nil {
		change.Position = new(position(r.Position))
	}
	if r.Direction != nil {
		change.Direction = new(spec.Direction(*r.Direction))
	}
	if r.Action != nil {
		change.Action = new(spec.Action(*r.Action))
	}
	changed, err := d.updateACLRule(ctx, c, id, change)
	if err != nil {
		return nil, err
	}
	out := wire.UpdateACLRuleResponse{Success: new(true)}
	out.Result = &struct {
		Action  *string                `json:"action,omitempty"`
		Details *wire.ACLRuleIDDetails `json:"details,omitempty"`
		Result  *bool                  `json:"result,omitempty"`
	}{new("update"), &wire.ACLRuleIDDetails{ACLRuleID: new(aclRuleID(changed))}, new(true)}
	return dialect.OK(out), nil
}

func (d *Door) v1DeleteACLRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteACLRulesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.ACLRuleIDs))
	for k, id := range in.ACLRuleIDs {
		ids[k] = bare("ar-", id)
	}
	removed, err := d.removeACLRules(ctx, c, ids)
	if err != nil {
		return nil, err
	}
	out := wire.BatchDeleteACLRulesResponse{Success: new(true)}
	out.Result = &struct {
		Action  *string                 `json:"action,omitempty"`
		Details *wire.ACLRuleIDsDetails `json:"details,omitempty"`
		Result  *bool                   `json:"result,omitempty"`
	}{new("delete"), &wire.ACLRuleIDsDetails{ACLRuleIDs: aclRuleIDs(removed)}, new(true)}
	return dialect.OK(out), nil
}

func (d *Door) v1UpdateACL(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateACLRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	n, err := d.Networks.RenameStandardACL(ctx, c.Caller, bare("acl-", c.Path("aclId")), in.Name)
	if err != nil {
		return nil, err
	}
	out := wire.UpdateACLResponse{Success: new(true)}
	out.Result = &struct {
		Action  *string            `json:"action,omitempty"`
		Details *wire.ACLIDDetails `json:"details,omitempty"`
		Result  *bool              `json:"result,omitempty"`
	}{new("update"), &wire.ACLIDDetails{ACLID: new(aclID(n))}, new(true)}
	return dialect.OK(out), nil
}

func (d *Door) v1ListACLs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.NetworkFilter{ID: bare("vpc-", c.Param("vpcId"))}
	if keyword := c.Param("keyword"); c.Param("keywordType") == "vpcName" {
		f.Keyword = keyword
	} else {
		f.ACL = keyword
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Site = site.UID
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	networks, total, err := d.Networks.ListStandardACLs(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	acls := []wire.ACLVo{}
	for _, n := range networks {
		v, err := d.v1ACL(ctx, n, f.Site)
		if err != nil {
			return nil, err
		}
		v.SubnetCount = new(int32(n.Subnets))
		acls = append(acls, *v)
	}
	out := wire.ListACLResponse{Success: new(true)}
	out.Result = &struct {
		Result     []wire.ACLVo `json:"result,omitzero"`
		Orders     any          `json:"orders"`
		OrderBy    *string      `json:"orderBy,omitempty"`
		Order      *string      `json:"order,omitempty"`
		PageNo     *int32       `json:"pageNo,omitempty"`
		PageSize   *int32       `json:"pageSize,omitempty"`
		TotalCount *int32       `json:"totalCount,omitempty"`
	}{acls, nil, new("createTime"), new("desc"), new(int32(p.Number)), new(int32(p.Size)), new(int32(total))}
	return dialect.OK(out), nil
}

func (d *Door) v1ACL(ctx context.Context, n *network.Network, asked string) (*wire.ACLVo, error) {
	site, err := d.home(ctx, n, asked)
	if err != nil {
		return nil, err
	}
	return &wire.ACLVo{ACLID: new(aclID(n)), ACLName: aclName(n), VPCID: new(networkID(n)), VPCName: &n.Name, VPCCIDR: &n.CIDR, Region: &site.Area, City: &site.City,
		ServiceProvider: new(string(site.Carrier)), RegionID: &site.Name}, nil
}

func (d *Door) v1GetACL(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id := c.Param("vpcId")
	if id == "" {
		return nil, fault.BadField("vpcId", "is required")
	}
	a, err := d.Networks.GetStandardACL(ctx, c.Caller, bare("vpc-", id))
	if err != nil {
		return nil, err
	}
	v, err := d.v1ACL(ctx, a.Network, "")
	if err != nil {
		return nil, err
	}
	v.ACLEntrys = []wire.ACLEntryVo{}
	for _, s := range a.Subnets {
		entry := wire.ACLEntryVo{SubnetID: new(subnetID(s)), SubnetName: &s.Name, SubnetCIDR: &s.CIDR, SubnetDescription: &s.Description}
		for _, r := range a.Rules[s.UID] {
			entry.ACLRules = append(entry.ACLRules, wire.ACLRuleVo{ACLRuleID: new(aclRuleID(r)), ACLID: v.ACLID, VPCID: v.VPCID, SubnetID: entry.SubnetID, Description: &r.Description,
				Protocol: aclProtocol(r), SourceIPAddress: &r.Source, DestinationIPAddress: &r.Destination, SourcePort: aclPorts(r.SourcePorts), DestinationPort: aclPorts(r.DestinationPorts),
				Position: new(int32(r.Position)), Direction: new(string(r.Direction)), EtherType: new("IPv4"), Action: new(string(r.Action)), IsDefault: new(false)})
		}
		for _, way := range []spec.Direction{spec.Ingress, spec.Egress} {
			entry.ACLRules = append(entry.ACLRules, wire.ACLRuleVo{SubnetID: entry.SubnetID, Description: new(aclDefaultText), Protocol: new("all"), SourceIPAddress: new("0.0.0.0/0"),
				DestinationIPAddress: new("0.0.0.0/0"), SourcePort: aclPorts(""), DestinationPort: aclPorts(""), Position: new(int32(network.DefaultPosition)),
				Direction: new(string(way)), EtherType: new("IPv4"), Action: new(string(spec.Allow)), IsDefault: new(true)})
		}
		v.ACLEntrys = append(v.ACLEntrys, entry)
	}
	out := wire.GetACLDetailResponse{Success: new(true)}
	out.Result = &struct {
		ACL *wire.ACLVo `json:"acl,omitempty"`
	}{v}
	return dialect.OK(out), nil
}
