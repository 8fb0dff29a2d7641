package bec

import (
	"context"
	"fmt"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1nat"
	"edgecloud/fault"
)

func (d *Door) v1NATs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpBatchCreateNATs:         d.v1CreateNATs,
		wire.OpListNATs:                d.v1ListNATs,
		wire.OpGetNAT:                  d.v1GetNAT,
		wire.OpUpdateNAT:               d.updateNAT,
		wire.OpUpdateNATBandwidth:      d.updateNATBandwidth,
		wire.OpBatchDeleteNATs:         d.v1DeleteNATs,
		wire.OpCreateNATDnatRule:       d.createDNATRule,
		wire.OpBatchCreateNATDnatRules: d.createDNATRules,
		wire.OpListNATDnatRules:        d.v1ListDNATRules,
		wire.OpUpdateNATDnatRule:       d.updateDNATRule,
		wire.OpBatchDeleteNATDnatRules: d.v1DeleteDNATRules,
		wire.OpCreateNATSnatRule:       d.createSNATRule,
		wire.OpBatchCreateNATSnatRules: d.createSNATRules,
		wire.OpListNATSnatRules:        d.v1ListSNATRules,
		wire.OpUpdateNATSnatRule:       d.updateSNATRule,
		wire.OpBatchDeleteNATSnatRules: d.v1DeleteSNATRules,
	}
}

func (d *Door) v1CreateNATs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateNATRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	wanted := make([]network.NewNATGateway, len(in.DeployInstances))
	for k, one := range in.DeployInstances {
		at := fmt.Sprintf("deployInstances[%d].", k)
		site, err := d.Place.SiteByName(ctx, one.RegionID)
		if err != nil {
			return nil, fault.From(err).On(at + "regionId")
		}
		w := network.NewNATGateway{Site: site, Network: bare("vpc-", scalar.Value(one.VPCID)), Name: in.Name, Description: scalar.Value(in.Desc), Size: network.NATSize(one.Spec),
			Mbps: int64(scalar.Value(in.Bandwidth))}
		if w.Carrier, err = natCarrier(at+"subServiceProviders", site, one.SubServiceProviders); err != nil {
			return nil, err
		}
		wanted[k] = w
	}
	made, err := d.Networks.CreateNATGateways(ctx, c.Caller, wanted)
	if err != nil {
		return nil, inNATWords(renamed(err, map[string]string{"gateways": "deployInstances"}))
	}
	out := wire.BatchCreateNATResponse{DeployInstances: []wire.NATDeploymentInstance{}}
	for k, g := range made {
		out.DeployInstances = append(out.DeployInstances, wire.NATDeploymentInstance{RegionID: in.DeployInstances[k].RegionID, Spec: string(g.Size), VPCID: new("vpc-" + g.NetworkSlug),
			SubServiceProviders: in.DeployInstances[k].SubServiceProviders, NATID: new(natID(wanted[k].Site, g))})
	}
	return dialect.OK(out), nil
}

func (d *Door) v1NATFilter(ctx context.Context, c *dialect.Call) (f network.NATFilter, err error) {
	if id := c.Param("vpcId"); id != "" {
		n, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", id))
		if err != nil {
			return f, fault.From(err).On("vpcId")
		}
		f.Network = n.UID
	}
	if area, city, carrier := c.Param("region"), c.Param("city"), c.Param("serviceProvider"); area+city+carrier != "" {
		if f.Sites, err = d.v1Sites(ctx, area, city, carrier); err != nil {
			return f, err
		}
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return f, err
		}
		f.Sites = []string{site.UID}
	}
	if keyword := c.Param("keyword"); c.Param("keywordType") == "NAT_ID" {
		f.ID = bareNAT(keyword)
	} else {
		f.Keyword = keyword
	}
	return f, nil
}

func (d *Door) v1ListNATs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := d.v1NATFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	gateways, total, err := d.Networks.ListNATGateways(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	out := wire.NATListResponse{Result: []wire.NATVo{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for _, g := range gateways {
		v, err := d.natVo(ctx, g)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, v)
	}
	return dialect.OK(out), nil
}

func (d *Door) v1GetNAT(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Networks.GetNATGateway(ctx, c.Caller, pathNAT(c))
	if err != nil {
		return nil, err
	}
	v, err := d.natVo(ctx, g)
	if err != nil {
		return nil, err
	}
	return dialect.OK(v), nil
}

func (d *Door) v1DeleteNATs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteNATRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.NATIDList))
	for k, id := range in.NATIDList {
		ids[k] = bareNAT(id)
	}
	return dialect.Empty(), renamed(d.Networks.DeleteNATGateways(ctx, c.Caller, ids), map[string]string{"gateways": "natIdList"})
}

func (d *Door) v1ListDNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	g, rules, total, err := d.Networks.ListDNATRules(ctx, c.Caller, pathNAT(c), p)
	if err != nil {
		return nil, err
	}
	id, err := d.shownNAT(ctx, g)
	if err != nil {
		return nil, err
	}
	out := wire.DnatRuleListResponse{Result: []wire.DnatRuleVo{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, r := range rules {
		out.Result = append(out.Result, dnatVo(id, g, r))
	}
	return dialect.OK(out), nil
}

func (d *Door) v1DeleteDNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteDnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	err := d.Networks.RemoveDNATRules(ctx, c.Caller, pathNAT(c), bareAll("rule-", in.RuleIDList))
	return dialect.Empty(), renamed(err, map[string]string{"rules": "ruleIdList"})
}

func (d *Door) v1ListSNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	g, rules, total, err := d.Networks.ListSNATRules(ctx, c.Caller, pathNAT(c), p)
	if err != nil {
		return nil, err
	}
	id, err := d.shownNAT(ctx, g)
	if err != nil {
		return nil, err
	}
	out := wire.SnatRuleListResponse{Result: []wire.SnatRuleVo{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, r := range rules {
		out.Result = append(out.Result, snatVo(id, g, r))
	}
	return dialect.OK(out), nil
}

func (d *Door) v1DeleteSNATRules(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteSnatRuleRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	err := d.Networks.RemoveSNATRules(ctx, c.Caller, pathNAT(c), bareAll("rule-", in.RuleIDList))
	return dialect.Empty(), renamed(err, map[string]string{"rules": "ruleIdList"})
}
