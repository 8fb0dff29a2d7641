package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/firewall"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) firewalls() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListFirewalls: d.listFirewalls, wire.OpCreateFirewall: d.createFirewall, wire.OpShowFirewall: d.showFirewall, wire.OpUpdateFirewall: d.updateFirewall,
		wire.OpDeleteFirewall: d.deleteFirewall, wire.OpUpdateFirewallRule: d.updateFirewallRule, wire.OpUpdateFirewallRuleHistorical: d.updateFirewallRuleHistorical,
	}
}

// firewallCodes keeps the document's 500s for what is no failure of the service: clients look for them.
var firewallCodes = []refinement{
	{in: "iec/firewall.", kind: fault.NotFound, about: "network ACL", code: "IEC.020903"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.NotFound, about: "network ACL list", code: "IEC.020903"},
	{in: "iec/firewall.", kind: fault.Invalid, field: "firewall_id", code: "IEC.020915"},
	{in: "iec/firewall.", kind: fault.Conflict, about: "subnet", code: "IEC.020914"},
	{in: "iec/firewall.deleteFirewall", kind: fault.Conflict, about: "network ACL", code: "IEC.020913"},
	{in: "iec/firewall.createFirewall", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/firewall.createFirewall", kind: fault.Invalid, code: "IEC.020911"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.Invalid, field: "ip_version", code: "IEC.020917"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.Invalid, code: "IEC.020910"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.NotFound, about: "network ACL rule", code: "IEC.020910"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.Quota, code: "IEC.020910"},
	{in: "iec/firewall.updateFirewallRule", kind: fault.Internal, code: "IEC.020907"},
	{in: "iec/firewall.updateFirewall", kind: fault.Invalid, code: "IEC.020909"},
	{in: "iec/firewall.updateFirewall", kind: fault.Internal, code: "IEC.020906"},
	{in: "iec/firewall.listFirewalls", kind: fault.Internal, code: "IEC.020901"},
	{in: "iec/firewall.showFirewall", kind: fault.Internal, code: "IEC.020902"},
	{in: "iec/firewall.createFirewall", kind: fault.Internal, code: "IEC.020905"},
	{in: "iec/firewall.deleteFirewall", kind: fault.Internal, code: "IEC.020904"},
}

// firewallStatus is the only state that the document knows, with subnets and without.
const firewallStatus = "INACTIVE"

// policyNames are what showFirewall calls the two lists.
var policyNames = map[spec.Direction]string{spec.Ingress: "ingress_firewall_policy", spec.Egress: "egress_firewall_policy"}

func firewallID(c *dialect.Call) (string, error) {
	id := c.Path("firewall_id")
	if !isUUID(id) {
		return "", fault.BadField("firewall_id", "must be a UUID")
	}
	return id, nil
}

func (d *Door) listFirewalls(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListACLs(ctx, c.Caller, network.ACLFilter{ID: c.Param("id"), Keyword: c.Param("name")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListFirewallsResponse{Count: int32(total), Firewalls: []wire.Firewall{}}
	for _, a := range found {
		out.Firewalls = append(out.Firewalls, describeFirewall(a, a.Counts))
	}
	return dialect.OK(out), nil
}

func (d *Door) createFirewall(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateFirewallRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	a, err := d.Networks.CreateACL(ctx, c.Caller, network.NewACL{Name: in.Firewall.Name, Description: text(in.Firewall.Description)})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.FirewallResponse{Firewall: new(describeFirewall(a, nil))}), nil
}

func (d *Door) showFirewall(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := firewallID(c)
	if err != nil {
		return nil, err
	}
	a, err := d.Networks.GetACL(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	in, out := a.Of(spec.Ingress), a.Of(spec.Egress)
	f := describeFirewall(a, map[spec.Direction]int{spec.Ingress: len(in), spec.Egress: len(out)})
	f.IngressFirewallPolicy, f.EgressFirewallPolicy = describePolicy(a, spec.Ingress, in, new("normal")), describePolicy(a, spec.Egress, out, new("normal"))
	for _, s := range a.Subnets {
		f.Subnets = append(f.Subnets, wire.FirewallSubnet{ID: s.UID, VPCID: s.Network})
	}
	return dialect.OK(wire.FirewallResponse{Firewall: &f}), nil
}

func (d *Door) updateFirewall(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := firewallID(c)
	if err != nil {
		return nil, err
	}
	var in wire.UpdateFirewallRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	u := network.ACLUpdate{Text: network.Text{Name: &in.Firewall.Name, Description: in.Firewall.Description}, Enabled: (*bool)(in.Firewall.AdminStateUp)}
	if in.Firewall.Subnets != nil {
		refs := []network.SubnetRef{}
		for _, s := range in.Firewall.Subnets {
			refs = append(refs, network.SubnetRef{ID: s.ID, Network: text(s.VPCID)})
		}
		u.Subnets = &refs
	}
	a, err := d.Networks.UpdateACL(ctx, c.Caller, id, u)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateFirewallResponse{Firewall: &wire.UpdateFirewallResp{ID: a.UID, Status: firewallStatus}}), nil
}

func (d *Door) deleteFirewall(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := firewallID(c)
	if err != nil {
		return nil, err
	}
	if err := d.Networks.DeleteACL(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// describeFirewall is how a firewall stands in lists: its policies by their IDs alone.
func describeFirewall(a *network.NetworkACL, counts map[spec.Direction]int) wire.Firewall {
	return wire.Firewall{ID: a.UID, Name: &a.Name, Description: a.Description, AdminStateUp: a.Enabled, Status: new(firewallStatus), DomainID: a.Account,
		IngressFirewallPolicy: &wire.FirewallPolicyResp{ID: a.Ingress}, EgressFirewallPolicy: &wire.FirewallPolicyResp{ID: a.Egress},
		IngressFirewallRuleCount: int32(counts[spec.Ingress]), EgressFirewallRuleCount: int32(counts[spec.Egress])}
}

func describePolicy(a *network.NetworkACL, way spec.Direction, rules []*network.ACLRule, operate *string) *wire.FirewallPolicyResp {
	out := &wire.FirewallPolicyResp{ID: map[spec.Direction]string{spec.Ingress: a.Ingress, spec.Egress: a.Egress}[way], Name: policyNames[way]}
	for _, r := range rules {
		version := int32(4)
		if r.IPv6 {
			version = 6
		}
		out.FirewallRules = append(out.FirewallRules, wire.FirewallRuleResp{ID: r.UID, Name: r.Name, Description: r.Description, Enabled: r.Enabled, Action: new(string(r.Action)),
			Protocol: &r.Protocol, IPVersion: &version, SourceIPAddress: r.Source, SourcePort: r.SourcePorts, DestinationIPAddress: r.Destination,
			DestinationPort: r.DestinationPorts, OperateType: operate})
	}
	return out
}
