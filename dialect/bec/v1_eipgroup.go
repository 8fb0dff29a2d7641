package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	"edgecloud/dialect/bec/wire/v1eip"
	wire "edgecloud/dialect/bec/wire/v1eipgroup"
	"edgecloud/fault"
)

func (d *Door) v1EIPGroups() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateEIPGroup:          d.createEIPGroup,
		wire.OpListEIPGroups:           d.listEIPGroups,
		wire.OpGetEIPGroup:             d.getEIPGroup,
		wire.OpUpdateEIPGroup:          d.updateEIPGroup,
		wire.OpDeleteEIPGroup:          d.deleteEIPGroup,
		wire.OpMoveOutEIPGroupEIPs:     d.moveOutOfEIPGroup,
		wire.OpMoveInEIPGroupEIPs:      d.moveIntoEIPGroup,
		wire.OpResizeEIPGroupBandwidth: d.resizeEIPGroup,
		wire.OpAddEIPGroupEIPs:         d.addToEIPGroup,
	}
}

func eipGroupID(slug string) string       { return "eg-" + slug }
func pathEIPGroup(c *dialect.Call) string { return bare("eg-", c.Path("id")) }

func (d *Door) createEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateEIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.IPVersion != "ipv4" {
		return nil, fault.BadField("ipVersion", "must be ipv4: EIPs have IPv4 addresses")
	}
	if timing := scalar.Value(in.Billing.PaymentTiming); timing != "" && timing != "Postpaid" {
		return nil, fault.BadField("billing.paymentTiming", "must be Postpaid, not %q", timing)
	}
	site, err := d.site(ctx, in.RegionID)
	if err != nil {
		return nil, err
	}
	line, err := d.eipLine(ctx, site, routeTypes, "routeType", in.RouteType)
	if err != nil {
		return nil, err
	}
	w := network.NewSharedBandwidth{Site: site, Line: line.UID, Name: scalar.Value(in.Name), Mbps: int64(in.BandwidthInMbps), Count: int(in.EIPCount)}
	for _, t := range in.Tags {
		w.Tags = append(w.Tags, network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)})
	}
	b, err := d.Networks.CreateSharedBandwidth(ctx, c.Caller, w)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateEIPGroupResponse{ID: new(eipGroupID(b.Slug))}), nil
}

// eipGroups shows shared bandwidths with their addresses.
func (d *Door) eipGroups(ctx context.Context, c *dialect.Call, all []*network.Bandwidth) ([]wire.EIPGroupModel, error) {
	sharing, err := d.Networks.SharingIn(ctx, c.Caller, all)
	if err != nil {
		return nil, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	var every []*network.PublicIPDetail
	for _, b := range all {
		every = append(every, sharing[b.UID]...)
	}
	hosts, err := d.eipHosts(ctx, c, every)
	if err != nil {
		return nil, err
	}
	out := []wire.EIPGroupModel{}
	for _, b := range all {
		site, err := d.Place.Site(ctx, b.Site)
		if err != nil {
			return nil, err
		}
		g := eipGroup(b, site, lines[b.Site])
		for _, ip := range sharing[b.UID] {
			v, err := d.eip(ctx, ip, hosts[ip.PortInstance])
			if err != nil {
				return nil, err
			}
			g.EIPs = append(g.EIPs, memberEIP(v))
		}
		out = append(out, g)
	}
	return out, nil
}

func eipGroup(b *network.Bandwidth, site *place.Site, lines []*place.Line) wire.EIPGroupModel {
	g := wire.EIPGroupModel{Name: &b.Name, Status: new("binded"), ID: new(eipGroupID(b.Slug)), BandwidthInMbps: new(int32(b.Mbps)), CreateTime: new(stamp(b.Created)),
		Tags: []wire.TagModel{}, EIPs: []wire.EIPVo{}, IPVersion: new("ipv4"), RegionID: &site.Name, Region: &site.Area, RegionName: &site.AreaName, City: &site.City,
		CityName: &site.CityName, ServiceProvider: new(string(site.Carrier)), ServiceProviderName: new(site.Carrier.ChineseName())}
	for _, l := range lines {
		if l.UID == b.Line {
			g.RouteType = new(routeTypes[l.Carrier])
		}
	}
	for _, t := range b.Tags.V {
		g.Tags = append(g.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	return g
}

// memberEIP is an address as its bandwidth shows it: what is not bound has no status, but empty names of what it would be bound to.
func memberEIP(v *v1eip.EIPVo) wire.EIPVo {
	m := wire.EIPVo{EIPID: v.EIPID, Name: v.Name, ShareGroupID: v.ShareGroupID, EIPInstanceType: v.EIPInstanceType, EIP: v.EIP, InstanceID: v.InstanceID, InstanceType: new(""),
		InstanceIP: new(""), BandwidthInMbps: v.BandwidthInMbps, CreateTime: v.CreateTime, PaymentTiming: v.PaymentTiming, RegionID: v.RegionID, IPVersion: v.IPVersion, Mode: v.Mode,
		Isp: v.Isp, Purpose: v.Purpose}
	if *v.InstanceID != "" {
		m.InstanceType, m.InstanceIP, m.Status = v.InstanceType, v.InstanceIP, v.Status
	}
	return m
}

func (d *Door) listEIPGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.SharedFilter{}
	if keyword := c.Param("keyword"); c.Param("keywordType") == "EG_ID" {
		f.SlugPart = bare("eg-", keyword)
	} else {
		f.NamePart = keyword
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Site = site.UID
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	out := wire.EIPGroupListResponse{Result: []wire.EIPGroupModel{}, OrderBy: new("createTime"), Order: orderWord(false), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(0))}
	status, version := c.Param("status"), c.Param("ipVersion")
	if status != "" && status != "binded" || version != "" && version != "ipv4" && version != "4" {
		return dialect.OK(out), nil
	}
	found, total, err := d.Networks.ListSharedBandwidths(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	*out.TotalCount = int32(total)
	out.Result, err = d.eipGroups(ctx, c, found)
	return dialect.OK(out), err
}

func (d *Door) getEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	b, err := d.Networks.GetBandwidth(ctx, c.Caller, pathEIPGroup(c))
	if err != nil {
		return nil, err
	}
	shown, err := d.eipGroups(ctx, c, []*network.Bandwidth{b})
	if err != nil {
		return nil, err
	}
	return dialect.OK(shown[0]), nil
}

func (d *Door) updateEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateEIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Networks.UpdateBandwidth(ctx, c.Caller, pathEIPGroup(c), network.BandwidthChange{Name: &in.Name})
	return dialect.Empty(), err
}

func (d *Door) deleteEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.ReleaseSharedBandwidth(ctx, c.Caller, pathEIPGroup(c))
}

func (d *Door) resizeEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ResizeEIPGroupBandwidthRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	mbps := int64(in.BandwidthInMbps)
	if err := network.CheckIPMbps("bandwidthInMbps", mbps); err != nil {
		return nil, err
	}
	_, err := d.Networks.UpdateBandwidth(ctx, c.Caller, pathEIPGroup(c), network.BandwidthChange{Mbps: &mbps})
	return dialect.Empty(), err
}

func (d *Door) addToEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ResizeEIPGroupCountRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Networks.AddToBandwidth(ctx, c.Caller, pathEIPGroup(c), int(in.EIPAddCount))
}

func (d *Door) moveIntoEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.MoveInEIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Networks.MoveIntoBandwidth(ctx, c.Caller, pathEIPGroup(c), in.EIPs)
}

func (d *Door) moveOutOfEIPGroup(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.MoveOutEIPGroupRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	leaving := make([]network.Leaving, len(in.MoveOutEIPs))
	for k, e := range in.MoveOutEIPs {
		leaving[k] = network.Leaving{Address: e.EIP, Mbps: int64(position(e.BandwidthInMbps))}
		if e.Billing != nil && scalar.Value(e.Billing.PaymentTiming) != "" && *e.Billing.PaymentTiming != "Postpaid" {
			return nil, fault.BadField("moveOutEips.billing.paymentTiming", "must be Postpaid, not %q", *e.Billing.PaymentTiming)
		}
	}
	return dialect.Empty(), d.Networks.MoveOutOfBandwidth(ctx, c.Caller, pathEIPGroup(c), leaving)
}
