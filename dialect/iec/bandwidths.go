package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/bandwidth"
	"edgecloud/dialect/iec/wire/vport"
	"edgecloud/fault"
)

func (d *Door) bandwidths() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListBandwidths:      d.listBandwidths,
		wire.OpShowBandwidth:       d.showBandwidth,
		wire.OpUpdateBandwidth:     d.updateBandwidth,
		wire.OpDeleteBandwidth:     d.deleteBandwidth,
		wire.OpListBandwidthTypes:  d.listBandwidthTypes,
		vport.OpAttachVIPBandwidth: d.attachBandwidth,
		vport.OpDetachVIPBandwidth: d.detachBandwidth,
	}
}

var bandwidthCodes = []refinement{
	{in: "iec/bandwidth.", kind: fault.Invalid, field: "bandwidth_id", code: "IEC.020804"},
	{in: "iec/bandwidth.", kind: fault.NotFound, about: "bandwidth", code: "IEC.020811"},
	{in: "iec/bandwidth.updateBandwidth", kind: fault.Invalid, field: "bandwidth", code: "IEC.020819"},
	{in: "iec/bandwidth.updateBandwidth", kind: fault.Invalid, field: "bandwidth.size", code: "IEC.020809"},
	{in: "iec/bandwidth.updateBandwidth", kind: fault.Invalid, field: "size", code: "IEC.020809"},
	{in: "iec/bandwidth.updateBandwidth", kind: fault.Quota, code: "IEC.020817"},
	{in: "iec/vport.", kind: fault.Invalid, field: "vport_id", code: "IEC.020609"},
	{in: "iec/vport.", kind: fault.NotFound, about: "port", code: "IEC.020607"},
	{in: "iec/vport.attachVipBandwidth", kind: fault.Invalid, field: "bandwidth_id", code: "IEC.020804"},
	{in: "iec/vport.attachVipBandwidth", kind: fault.NotFound, about: "bandwidth", code: "IEC.020811"},
	{in: "iec/vport.attachVipBandwidth", kind: fault.Conflict, code: "IEC.020613"},
	{in: "iec/vport.detachVipBandwidth", kind: fault.Conflict, code: "IEC.020614"},
}

const (
	chargePeak95    = "95peak_plus"
	bandwidthNormal = "NORMAL"
)

func (d *Door) describeBandwidth(ctx context.Context, b *network.Bandwidth) (*wire.Bandwidth, error) {
	site, line, err := d.whereIs(ctx, b.Site, b.Line)
	if err != nil {
		return nil, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	out := &wire.Bandwidth{BandwidthType: string(b.Type), ChargeMode: new(chargePeak95), CreateTime: microStamp(b.Created), ID: b.UID, Name: &b.Name, ShareType: new(shareWhole),
		SiteID: b.Site, SiteInfo: siteInfo(site), Size: int32(b.Mbps), Status: new(bandwidthNormal), UpdateTime: microStamp(b.Updated), PoolID: line,
		PublicipInfo: []wire.PublicipInfo{}}
	if l := lineNamed(site, lines[b.Site], b.Line); l != nil {
		operator := wire.Operator(operatorOf(l.Carrier))
		out.Operator = &operator
	}
	for _, ip := range b.Addresses {
		out.PublicipInfo = append(out.PublicipInfo, wire.PublicipInfo{IPVersion: 4, PublicipAddress: ip.Address, PublicipID: ip.UID, PublicipType: line})
	}
	return out, nil
}

func (d *Door) listBandwidths(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListBandwidths(ctx, c.Caller, network.BandwidthFilter{Site: c.Param("site_id")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListBandwidthsResponse{Count: int32(total), Bandwidths: []wire.Bandwidth{}}
	for _, b := range found {
		one, err := d.describeBandwidth(ctx, b)
		if err != nil {
			return nil, err
		}
		out.Bandwidths = append(out.Bandwidths, *one)
	}
	return dialect.OK(out), nil
}

func (d *Door) answerBandwidth(ctx context.Context, b *network.Bandwidth) (*dialect.Answer, error) {
	body, err := d.describeBandwidth(ctx, b)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.BandwidthResponse{Bandwidth: body}), nil
}

func (d *Door) showBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("bandwidth_id", c.Path("bandwidth_id"))
	if err != nil {
		return nil, err
	}
	b, err := d.Networks.GetBandwidth(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	return d.answerBandwidth(ctx, b)
}

func (d *Door) updateBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("bandwidth_id", c.Path("bandwidth_id"))
	if err != nil {
		return nil, err
	}
	var in wire.UpdateBandwidthRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.Bandwidth.Name == nil && in.Bandwidth.Size == nil {
		return nil, fault.BadField("bandwidth", "must have a name or a size")
	}
	change := network.BandwidthChange{Name: in.Bandwidth.Name}
	if in.Bandwidth.Size != nil {
		change.Mbps = new(int64(*in.Bandwidth.Size))
	}
	b, err := d.Networks.UpdateBandwidth(ctx, c.Caller, id, change)
	if err != nil {
		return nil, err
	}
	return d.answerBandwidth(ctx, b)
}

func (d *Door) deleteBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("bandwidth_id", c.Path("bandwidth_id"))
	if err != nil {
		return nil, err
	}
	if err := d.Networks.DeleteBandwidth(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// listBandwidthTypes lists each type once for each site that has a line.
func (d *Door) listBandwidthTypes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	sites, err := d.Place.Sites(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	all := []wire.BandwidthType{}
	for _, s := range sites {
		if id := c.Param("site_id"); id != "" && id != s.UID || len(lines[s.UID]) == 0 {
			continue
		}
		for _, t := range network.BandwidthTypes() {
			if kind := c.Param("bandwidth_type"); kind == "" || kind == string(t) {
				all = append(all, wire.BandwidthType{Name: string(t), BandwidthType: new(string(t)), SiteID: s.UID})
			}
		}
	}
	return dialect.OK(wire.ListBandwidthTypesResponse{ShareBandwidthTypes: cut(all, w), Count: int32(len(all))}), nil
}

func (d *Door) attachBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("vport_id", c.Path("vport_id"))
	if err != nil {
		return nil, err
	}
	var in vport.AttachVIPBandwidthRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := wantUUID("bandwidth_id", in.BandwidthID); err != nil {
		return nil, err
	}
	if err := d.Networks.AttachBandwidth(ctx, c.Caller, id, in.BandwidthID); err != nil {
		return nil, err
	}
	return dialect.OK(vport.AttachVIPBandwidthResponse{Vport: &vport.VirtualPortResponse{PortID: id, IPv6BandwidthID: in.BandwidthID}}), nil
}

func (d *Door) detachBandwidth(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("vport_id", c.Path("vport_id"))
	if err != nil {
		return nil, err
	}
	if err := d.Networks.DetachBandwidth(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	return noContent(), nil
}
