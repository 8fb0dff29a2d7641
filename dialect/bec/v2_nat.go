package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	"edgecloud/dialect/bec/wire/v1nat"
	wire "edgecloud/dialect/bec/wire/v2nat"
	"edgecloud/fault"
)

func (d *Door) v2NATs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateNAT:            d.v2CreateNAT,
		wire.OpListNATs:             d.v2ListNATs,
		wire.OpGetNAT:               d.v2GetNAT,
		wire.OpUpdateNAT:            d.updateNAT,
		wire.OpDeleteNAT:            d.v2DeleteNAT,
		wire.OpUpdateNATBandwidth:   d.updateNATBandwidth,
		wire.OpCreateDnatRule:       d.createDNATRule,
		wire.OpListDnatRules:        d.v2ListDNATRules,
		wire.OpBatchCreateDnatRules: d.createDNATRules,
		wire.OpUpdateDnatRule:       d.updateDNATRule,
		wire.OpDeleteDnatRule:       d.v2DeleteDNATRule,
		wire.OpCreateSnatRule:       d.createSNATRule,
		wire.OpListSnatRules:        d.v2ListSNATRules,
		wire.OpBatchCreateSnatRules: d.createSNATRules,
		wire.OpUpdateSnatRule:       d.updateSNATRule,
		wire.OpDeleteSnatRule:       d.v2DeleteSNATRule,
	}
}

func (d *Door) v2CreateNAT(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateNATRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	site, err := d.site(ctx, in.RegionID)
	if err != nil {
		return nil, err
	}
	w := network.NewNATGateway{Site: site, Network: bare("vpc-", in.VPCID), Name: in.Name, Description: scalar.Value(in.Desc), Size: network.NATSize(in.Spec),
		Mbps: int64(scalar.Value(in.Bandwidth))}
	if w.Network == "" {
		return nil, fault.BadField("vpcId", "must not be empty")
	}
	if w.Carrier, err = natCarrier("subServiceProviders", site, in.SubServiceProviders); err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		w.Tags = append(w.Tags, network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)})
	}
	made, err := d.Networks.CreateNATGateways(ctx, c.Caller, []network.NewNATGateway{w})
	if err != nil {
		return nil, inNATWords(err)
	}
	return dialect.OK(wire.CreateNATResponse{NATID: new(natID(site, made[0]))}), nil
}

func (d *Door) v2ListNATs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.NATFilter{Name: c.Param("name"), Address: c.Param("ip"), ID: bareNAT(c.Param("natId"))}
	if id := c.Param("vpcId"); id != "" {
		n, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", id))
		if err != nil {
			return nil, fault.From(err).On("vpcId")
		}
		f.Network = n.UID
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Sites = []string{site.UID}
	}
	m := marker(bareNAT(c.Param("marker")), c.Int("maxKeys", 0))
	gateways, next, err := d.Networks.ListNATGatewaysFrom(ctx, c.Caller, f, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListNATsResponse{NATs: []wire.NATVo{}, IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size))}
	echo(c, &out.Marker, &out.NextMarker, "nat-", next)
	for _, g := range gateways {
		v, err := d.v2NAT(ctx, g)
		if err != nil {
			return nil, err
		}
		out.NATs = append(out.NATs, *v)
	}
	return dialect.OK(out), nil
}

func (d *Door) v2NAT(ctx context.Context, g *network.NATGatewayDetail) (*wire.NATVo, error) {
	v, err := d.natVo(ctx, g)
	if err != nil {
		return nil, err
	}
	out := &wire.NATVo{NATID: v.NATID, Name: v.Name, Desc: v.Desc, RegionID: v.RegionID, VPCID: v.VPCID, Spec: v.Spec, Bandwidth: v.Bandwidth, Status: v.Status,
		EIPs: v2NATEIPs(v.EIPs), DnatEIPs: v2NATEIPs(v.DnatEIPs), CreateTime: v.CreateTime, Tags: []wire.TagModel{}}
	for _, t := range g.Tags.V {
		out.Tags = append(out.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	return out, nil
}

func v2NATEIPs(in []v1nat.NATEIPVo) []wire.NATEIPVo {
	out := make([]wire.NATEIPVo, len(in))
	for k, ip := range in {
		out[k] = wire.NATEIPVo(ip)
	}
	return out
}

func (d *Door) v2GetNAT(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Networks.GetNATGateway(ctx, c.Caller, pathNAT(c))
	if err != nil {
		return nil, err
	}
	v, err := d.v2NAT(ctx, g)
	if err != nil {
		return nil, err
	}
	return dialect.OK(v), nil
}

func (d *Door) v2DeleteNAT(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.DeleteNATGateways(ctx, c.Caller, []string{pathNAT(c)})
}

func (d *Door) v2ListDNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	m := marker(bare("rule-", c.Param("marker")), c.Int("maxKeys", 0))
	g, rules, next, err := d.Networks.ListDNATRulesFrom(ctx, c.Caller, pathNAT(c), m)
	if err != nil {
		return nil, err
	}
	id, err := d.shownNAT(ctx, g)
	if err != nil {
		return nil, err
	}
	out := wire.ListDnatRulesResponse{Rules: []wire.DnatRuleVo{}, IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size))}
	echo(c, &out.Marker, &out.NextMarker, "rule-", next)
	for _, r := range rules {
		v := dnatVo(id, g, r)
		out.Rules = append(out.Rules, wire.DnatRuleVo{NATID: v.NATID, PrivateIPAddress: v.PrivateIPAddress, PrivatePort: v.PrivatePort, Protocol: v.Protocol,
			PublicIPAddress: (*wire.NATEIPVo)(v.PublicIPAddress), PublicPort: v.PublicPort, RuleID: v.RuleID, RuleName: v.RuleName, Status: v.Status})
	}
	return dialect.OK(out), nil
}

func (d *Door) v2DeleteDNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.RemoveDNATRules(ctx, c.Caller, pathNAT(c), []string{pathNATRule(c)})
}

func (d *Door) v2ListSNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	m := marker(bare("rule-", c.Param("marker")), c.Int("maxKeys", 0))
	g, rules, next, err := d.Networks.ListSNATRulesFrom(ctx, c.Caller, pathNAT(c), m)
	if err != nil {
		return nil, err
	}
	id, err := d.shownNAT(ctx, g)
	if err != nil {
		return nil, err
	}
	out := wire.ListSnatRulesResponse{Rules: []wire.SnatRuleVo{}, IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size))}
	echo(c, &out.Marker, &out.NextMarker, "rule-", next)
	for _, r := range rules {
		v := snatVo(id, g, r)
		out.Rules = append(out.Rules, wire.SnatRuleVo{NATID: v.NATID, PublicIPsAddress: v2NATEIPs(v.PublicIPsAddress), RuleID: v.RuleID, RuleName: v.RuleName, SourceCIDR: v.SourceCIDR,
			Status: v.Status})
	}
	return dialect.OK(out), nil
}

func (d *Door) v2DeleteSNATRule(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.RemoveSNATRules(ctx, c.Caller, pathNAT(c), []string{pathNATRule(c)})
}
