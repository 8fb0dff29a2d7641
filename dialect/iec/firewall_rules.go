package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/firewall"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) updateFirewallRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateFirewallRuleRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.Firewall == nil {
		return nil, fault.BadField("firewall", "is required")
	}
	return d.changeRules(ctx, c, in.Firewall.IngressFirewallPolicy, in.Firewall.EgressFirewallPolicy)
}

// updateFirewallRuleHistorical is the older path of the same change: for IPv4 only.
func (d *Door) updateFirewallRuleHistorical(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.HistoricalUpdateFirewallRuleRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.Firewall == nil {
		return nil, fault.BadField("firewall", "is required")
	}
	ingress, err := modern(in.Firewall.IngressFirewallPolicy)
	if err != nil {
		return nil, err
	}
	egress, err := modern(in.Firewall.EgressFirewallPolicy)
	if err != nil {
		return nil, err
	}
	return d.changeRules(ctx, c, ingress, egress)
}

func modern(p *wire.HistoricalFirewallPolicy) (*wire.FirewallPolicy, error) {
	if p == nil {
		return nil, nil
	}
	out := &wire.FirewallPolicy{ID: p.ID, Name: p.Name, InsertAfter: p.InsertAfter, InsertBefore: p.InsertBefore}
	for _, r := range p.FirewallRules {
		if r.OperateType != "delete" && (r.IPVersion != nil && *r.IPVersion == 6 || text(r.Protocol) == "icmpv6") {
			return nil, fault.BadField("ip_version", "must be 4: this operation takes no rules for IPv6")
		}
		out.FirewallRules = append(out.FirewallRules, wire.FirewallRule(r))
	}
	return out, nil
}

// changeRules carries the changes of one list out. The answer holds the rules that were added or modified: clients learn new IDs from it.
func (d *Door) changeRules(ctx context.Context, c *dialect.Call, ingress, egress *wire.FirewallPolicy) (*dialect.Answer, error) {
	id, err := firewallID(c)
	if err != nil {
		return nil, err
	}
	if (ingress == nil) == (egress == nil) {
		return nil, fault.BadField("firewall", "must hold exactly one of ingress_firewall_policy and egress_firewall_policy")
	}
	way, policy := spec.Ingress, ingress
	if policy == nil {
		way, policy = spec.Egress, egress
	}
	change := network.ACLChange{List: policy.ID, Direction: way, After: text(policy.InsertAfter), Before: text(policy.InsertBefore)}
	for _, r := range policy.FirewallRules {
		step, err := ruleStep(r)
		if err != nil {
			return nil, err
		}
		change.Steps = append(change.Steps, step)
	}
	a, changed, err := d.Networks.ChangeACLRules(ctx, c.Caller, id, change)
	if err != nil {
		return nil, err
	}
	out := &wire.UpdateFirewallRuleResp{ID: a.UID, Status: firewallStatus, IngressFirewallPolicy: &wire.FirewallPolicyResp{}, EgressFirewallPolicy: &wire.FirewallPolicyResp{}}
	if way == spec.Ingress {
		out.IngressFirewallPolicy = describePolicy(a, way, changed, nil)
	} else {
		out.EgressFirewallPolicy = describePolicy(a, way, changed, nil)
	}
	return dialect.OK(wire.UpdateFirewallRuleResponse{Firewall: out}), nil
}

var ruleSteps = map[string]network.Step{"add": network.AddRule, "modify": network.ModifyRule, "delete": network.RemoveRule}

func ruleStep(r wire.FirewallRule) (network.RuleStep, error) {
	out := network.RuleStep{Step: ruleSteps[r.OperateType], ID: text(r.ID)}
	if out.Step == network.AddRule && out.ID != "" {
		return out, fault.BadField("id", "must be empty for a rule that is added")
	}
	if out.Step == network.RemoveRule {
		return out, nil
	}
	version := int64(4)
	if r.IPVersion != nil && *r.IPVersion != 0 {
		version = int64(*r.IPVersion)
	}
	if version != 4 && version != 6 {
		return out, fault.BadField("ip_version", "must be 4 or 6")
	}
	out.Rule = network.NewACLRule{Name: text(r.Name), Description: text(r.Description), Enabled: r.Enabled == nil || bool(*r.Enabled), Action: spec.Action(text(r.Action)), IPv6: version == 6,
		Protocol: text(r.Protocol), Source: text(r.SourceIPAddress), Destination: text(r.DestinationIPAddress), SourcePorts: text(r.SourcePort), DestinationPorts: text(r.DestinationPort)}
	return out, nil
}
