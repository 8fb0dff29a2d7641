package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/publicip"
	"edgecloud/fault"
)

func (d *Door) publicIPs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListPublicIPs:  d.listPublicIPs,
		wire.OpCreatePublicIP: d.createPublicIP,
		wire.OpShowPublicIP:   d.showPublicIP,
		wire.OpUpdatePublicIP: d.updatePublicIP,
		wire.OpDeletePublicIP: d.deletePublicIP,
	}
}

var publicIPCodes = []refinement{
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, field: "publicip.site_id", code: "IEC.020403"},
	{in: "iec/publicip.createPublicIp", kind: fault.NotFound, about: "site", code: "IEC.020403"},
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, field: "line", code: "IEC.020711"},
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, field: "publicip.ip_version", code: "IEC.020714"},
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, field: "bandwidth.id", code: "IEC.020804"},
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, field: "bandwidth", code: "IEC.020711"},
	{in: "iec/publicip.createPublicIp", kind: fault.NotFound, about: "bandwidth", code: "IEC.020811"},
	{in: "iec/publicip.createPublicIp", kind: fault.Invalid, code: "IEC.020702"},
	{in: "iec/publicip.createPublicIp", kind: fault.Capacity, about: "line", code: "IEC.020713"},
	{in: "iec/publicip.createPublicIp", kind: fault.Capacity, code: "IEC.020717"},
	{in: "iec/publicip.createPublicIp", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/publicip.", kind: fault.Invalid, field: "publicip_id", code: "IEC.020718"},
	{in: "iec/publicip.updatePublicIp", kind: fault.NotFound, about: "port", code: "IEC.020607"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Invalid, field: "publicip.port_id", code: "IEC.020609"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Invalid, field: "port", code: "IEC.020707"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Invalid, code: "IEC.020704"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Conflict, field: "state", code: "IEC.020708"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Conflict, code: "IEC.020704"},
	{in: "iec/publicip.updatePublicIp", kind: fault.Capacity, code: "IEC.020717"},
	{in: "iec/publicip.deletePublicIp", kind: fault.Conflict, code: "IEC.020712"},
	{in: "iec/publicip.", kind: fault.NotFound, about: "public IP", code: "IEC.020706"},
}

// ipStates are the states as IEC names them. A binding under way shows as done, as the document's answers do; BIND_ERROR tells if it fails.
var ipStates = map[network.IPState]string{network.IPCreating: "PENDING_CREATE", network.IPFree: "DOWN", network.IPBinding: "ACTIVE", network.IPBound: "ACTIVE",
	network.IPUnbinding: "ACTIVE", network.IPBindFailed: "BIND_ERROR", network.IPFailed: "ERROR"}

// The share types of a bandwidth: of many addresses, or one address's own (only with instances made through BEC).
const (
	shareWhole = "WHOLE"
	sharePer   = "PER"
)

func (d *Door) describePublicIP(ctx context.Context, ip *network.PublicIPDetail) (*wire.PublicIP, error) {
	site, line, err := d.whereIs(ctx, ip.Site, ip.Line)
	if err != nil {
		return nil, err
	}
	operator := wire.Operator(operatorOf(ip.Carrier))
	out := &wire.PublicIP{ID: ip.UID, Status: ipStates[ip.Now()], PortID: ip.Port, PublicIPAddress: ip.Address, PrivateIPAddress: ip.Private, CreateTime: stamp(ip.Created),
		IPVersion: 4, SiteID: ip.Site, SiteInfo: siteInfo(site), Operator: &operator, Type: line}
	switch {
	case ip.Now() == network.IPCreating: // the bandwidth is filled in when the address is ready
	case ip.Bandwidth != "":
		out.BandwidthID, out.BandwidthName, out.BandwidthShareType, out.BandwidthSize = ip.Bandwidth, &ip.BandwidthName, shareWhole, int32(ip.BandwidthMbps)
	default:
		out.BandwidthShareType, out.BandwidthSize = sharePer, int32(ip.Mbps)
	}
	return out, nil
}

// whereIs gives a site, and what clients call a line of it.
func (d *Door) whereIs(ctx context.Context, siteUID, lineUID string) (*place.Site, string, error) {
	site, err := d.Place.Site(ctx, siteUID)
	if err != nil {
		return nil, "", err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, "", err
	}
	if l := lineNamed(site, lines[siteUID], lineUID); l != nil {
		return site, lineID(site, l), nil
	}
	return site, "", nil
}

func (d *Door) answerPublicIP(ctx context.Context, ip *network.PublicIPDetail) (*dialect.Answer, error) {
	body, err := d.describePublicIP(ctx, ip)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.PublicIPResponse{Publicip: body}), nil
}

func (d *Door) listPublicIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListPublicIPs(ctx, c.Caller, network.PublicIPFilter{Site: c.Param("site_id"), Port: c.Param("port_id")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListPublicIPsResponse{Count: int32(total), Publicips: []wire.PublicIP{}}
	for _, ip := range found {
		one, err := d.describePublicIP(ctx, ip)
		if err != nil {
			return nil, err
		}
		out.Publicips = append(out.Publicips, *one)
	}
	return dialect.OK(out), nil
}

func (d *Door) createPublicIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreatePublicIPRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if v := scalar.Value(in.Publicip.IPVersion); v != "" && v != "4" {
		return nil, fault.BadField("publicip.ip_version", "must be 4")
	}
	site, err := d.Place.Site(ctx, in.Publicip.SiteID)
	if err != nil {
		return nil, err
	}
	if !site.Enabled {
		return nil, fault.Missing("site", in.Publicip.SiteID)
	}
	w := network.NewPublicIP{Site: site}
	if name := scalar.Value(in.Publicip.Type); name != "" {
		lines, err := d.Place.Uplinks(ctx)
		if err != nil {
			return nil, err
		}
		l := lineNamed(site, lines[site.UID], name)
		if l == nil {
			return nil, fault.BadField("line", "must be a line of the site, such as GET /v1/sites lists as pool_id").On("line")
		}
		w.Line = l.UID
	}
	if err := readBandwidth(in.Bandwidth, &w); err != nil {
		return nil, err
	}
	made, err := d.Networks.CreatePublicIPs(ctx, c.Caller, w)
	if err != nil {
		return nil, err
	}
	return d.answerPublicIP(ctx, made[0])
}

// readBandwidth: an ID comes before a type; without either, the line's latest bandwidth is shared, or a first one made.
func readBandwidth(in *wire.CreatePublicIPBandwidthOption, w *network.NewPublicIP) error {
	w.Shared = network.Share
	if in == nil {
		return nil
	}
	if id := scalar.Value(in.ID); id != "" {
		if !isUUID(id) {
			return fault.BadField("bandwidth.id", "must be a bandwidth's ID")
		}
		w.Bandwidth = id
		return nil
	}
	if kind := scalar.Value(in.BandwidthType); kind != "" && kind != string(network.Share) {
		return fault.BadField("bandwidth.bandwidth_type", "must be one of GET /v1/share-bandwidth-types")
	}
	return nil
}

func (d *Door) showPublicIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("publicip_id", c.Path("publicip_id"))
	if err != nil {
		return nil, err
	}
	ip, err := d.Networks.GetPublicIP(ctx, c.Caller, id)
	if err != nil {
		return nil, err
	}
	return d.answerPublicIP(ctx, ip)
}

// updatePublicIP binds to a port, or unbinds: an absent, null or empty port all mean that (NOTES-network, item 7).
func (d *Door) updatePublicIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("publicip_id", c.Path("publicip_id"))
	if err != nil {
		return nil, err
	}
	var in wire.UpdatePublicIPRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	port := scalar.Value(in.Publicip.PortID)
	if port != "" && !isUUID(port) {
		return nil, fault.BadField("publicip.port_id", "must be a port's ID")
	}
	ip, err := d.Networks.BindPublicIP(ctx, c.Caller, id, port)
	if err != nil {
		return nil, err
	}
	return d.answerPublicIP(ctx, ip)
}

func (d *Door) deletePublicIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id, err := wantUUID("publicip_id", c.Path("publicip_id"))
	if err != nil {
		return nil, err
	}
	if err := d.Networks.DeletePublicIP(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// wantUUID demands an ID's form before it is looked up.
func wantUUID(field, id string) (string, error) {
	if !isUUID(id) {
		return "", fault.BadField(field, "must be a UUID")
	}
	return id, nil
}
