package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1eip"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) v1EIPs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpBatchCreateEIPs:        d.createEIPs,
		wire.OpListEIPs:               d.listEIPs,
		wire.OpGetEIP:                 d.getEIP,
		wire.OpBatchEIPInstanceAction: d.bindEIPs,
		wire.OpBatchUpdateEIPs:        d.updateEIPs,
		wire.OpBatchDeleteEIPs:        d.deleteEIPs,
	}
}

// maxEIPs is how many addresses one request may ask for; the document has no number.
const maxEIPs = 100

func (d *Door) createEIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateEIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	base := network.NewPublicIP{Name: scalar.Value(in.Name), Mbps: int64(in.BandwidthInMbps)}
	if in.Name != nil {
		if err := network.CheckIPName(base.Name); err != nil {
			return nil, err
		}
	}
	if err := network.CheckIPMbps("bandwidthInMbps", base.Mbps); err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		base.Tags = append(base.Tags, network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)})
	}
	if len(in.DeployInstances) == 0 {
		return nil, fault.BadField("deployInstances", "must have at least one entry")
	}
	var wanted []network.NewPublicIP
	for _, one := range in.DeployInstances {
		w, err := d.wantedEIPs(ctx, base, one)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, w)
	}
	made, err := d.Networks.CreatePublicIPs(ctx, c.Caller, wanted...)
	if err != nil {
		return nil, err
	}
	shown, err := d.eips(ctx, c, made)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateEIPResponse{Result: new(true), Details: shown}), nil
}

// wantedEIPs reads what one node is asked for.
func (d *Door) wantedEIPs(ctx context.Context, w network.NewPublicIP, one wire.EIPDeployment) (network.NewPublicIP, error) {
	site, err := d.site(ctx, one.RegionID)
	if err != nil {
		return w, err
	}
	if position(one.IPv6Num) != 0 {
		return w, fault.BadField("deployInstances.ipv6Num", "must be 0: EIPs have IPv4 addresses, public IPv6 comes with instances (needIpv6PublicIp)")
	}
	if w.Count = position(one.IPv4Num); w.Count < 1 || w.Count > maxEIPs {
		return w, fault.BadField("deployInstances.ipv4Num", "must be from 1 to %d, not %d", maxEIPs, w.Count)
	}
	subnet := wire.SubnetModel{}
	if one.IPv4Subnet != nil {
		subnet = *one.IPv4Subnet
	}
	if purpose := scalar.Value(subnet.Purpose); purpose != "" && purpose != "public" {
		return w, fault.BadField("deployInstances.ipv4Subnet.purpose", "must be public, not %q", purpose)
	}
	if region := scalar.Value(subnet.RegionID); region != "" && region != one.RegionID {
		return w, fault.BadField("deployInstances.ipv4Subnet.regionId", "must be the node's, %s, not %q", one.RegionID, region)
	}
	line, err := d.eipLine(ctx, site, ispWords, "deployInstances.ipv4Subnet.isp", scalar.Value(subnet.Isp))
	if err != nil {
		return w, err
	}
	w.Site, w.Line = site, line.UID
	return w, nil
}

func (d *Door) listEIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.PublicIPFilter{Alone: true, Newest: !ascending(c), Bandwidth: bare("eg-", c.Param("shareGroupId"))}
	switch keyword := c.Param("keyword"); c.Param("keywordType") {
	case "EIP_ID":
		f.SlugPart = bare("ip-", keyword)
	case "EIP_IP":
		f.AddressPart = keyword
	default:
		f.NamePart = keyword
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Site = site.UID
	}
	if kind := c.Param("eipInstanceType"); kind != "" {
		f.Shared = new(kind == "shared")
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	out := wire.EIPListResponse{Result: []wire.EIPVo{}, OrderBy: new("createTime"), Order: orderWord(!f.Newest), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(0))}
	if word := c.Param("status"); word != "" {
		for state, w := range eipStatus {
			if w == word {
				f.States = append(f.States, state)
			}
		}
		if len(f.States) == 0 {
			return dialect.OK(out), nil
		}
	}
	if version := c.Int("ipVersion", 4); version != 4 {
		return dialect.OK(out), nil
	}
	found, total, err := d.Networks.ListPublicIPs(ctx, c.Caller, f, store.Window{Offset: (p.Number - 1) * p.Size, Limit: p.Size})
	if err != nil {
		return nil, err
	}
	*out.TotalCount = int32(total)
	out.Result, err = d.eips(ctx, c, found)
	return dialect.OK(out), err
}

func (d *Door) getEIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	ip, err := d.Networks.GetPublicIP(ctx, c.Caller, bare("ip-", c.Path("eipId")))
	if err != nil {
		return nil, err
	}
	shown, err := d.eips(ctx, c, []*network.PublicIPDetail{ip})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetEIPResponse{Result: &shown[0], Success: new(true)}), nil
}

// bindEIPs binds or frees each of several addresses, and tells of each whether it went well.
func (d *Door) bindEIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchEIPInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.Backends) == 0 {
		return nil, fault.BadField("backends", "must have at least one entry")
	}
	out := wire.BatchEIPInstanceResponse{Result: new(true), Action: new(c.Path("action")), Details: []wire.EIPInstanceActionResult{}}
	for _, b := range in.Backends {
		done := wire.EIPInstanceActionResult{ResourceID: new(scalar.Value(b.EIPID)), Success: new(true)}
		if err := d.bindEIP(ctx, c, b); err != nil {
			f := fault.From(err)
			if f.Kind == fault.Internal || f.Kind == fault.Denied {
				return nil, err
			}
			*done.Success, *out.Result, done.Error = false, false, new(f.Sentence)
		}
		out.Details = append(out.Details, done)
	}
	return dialect.OK(out), nil
}

func (d *Door) bindEIP(ctx context.Context, c *dialect.Call, b wire.EIPBackend) error {
	id := bare("ip-", scalar.Value(b.EIPID))
	if id == "" {
		return fault.BadField("eipId", "is required")
	}
	if c.Path("action") == "unbind" && scalar.Value(b.InstanceID) == "" {
		return d.Networks.FreePublicIP(ctx, c.Caller, id, "")
	}
	target, err := d.eipTarget(ctx, c, b)
	if err != nil {
		return err
	}
	if c.Path("action") == "unbind" {
		return d.Networks.FreePublicIP(ctx, c.Caller, id, target)
	}
	if scalar.Value(b.InstanceType) == "nat" {
		_, err := d.Networks.BindToGateway(ctx, c.Caller, id, target)
		return err
	}
	return d.Networks.TakePublicIP(ctx, c.Caller, id, target)
}

func (d *Door) updateEIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchUpdateEIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.PublicIPChange{Name: in.Name}
	if in.NewBandwidthInMbps != nil {
		change.Mbps = new(int64(*in.NewBandwidthInMbps))
	}
	if err := d.Networks.UpdatePublicIPs(ctx, c.Caller, bareAll("ip-", in.EIPIDs), change); err != nil {
		return nil, err
	}
	return dialect.OK(wire.BatchUpdateEIPResult{Result: new(true), Details: &wire.BecBatchUpdateEIPResponse{EIPIDs: in.EIPIDs, ErrEIPIDs: []string{}}}), nil
}

func (d *Door) deleteEIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteEIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := d.Networks.DeletePublicIPs(ctx, c.Caller, bareAll("ip-", in.EIPIDs)); err != nil {
		return nil, err
	}
	return dialect.OK(wire.BatchDeleteEIPResponse{Result: new(true), Details: in.EIPIDs}), nil
}
