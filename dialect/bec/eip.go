package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1eip"
	"edgecloud/fault"
	"edgecloud/store"
)

func eipID(slug string) string { return "ip-" + slug }

// routeTypes are the words for carriers in EIPs (one of them is spelled so), ispWords the short ones.
var (
	routeTypes = map[place.Carrier]string{place.Telecom: "ChinaTelcom", place.Unicom: "ChinaUnicom", place.Mobile: "ChinaMobile", place.BGP: "BGP"}
	ispWords   = map[place.Carrier]string{place.Telecom: "ct", place.Unicom: "cu", place.Mobile: "cm", place.BGP: "bgp"}
)

// eipStatus has the document's two words, and others for what it does not speak of. One that is made is available at once: it can be bound from then on.
var eipStatus = map[network.IPState]string{network.IPCreating: "available", network.IPFree: "available", network.IPBinding: "binding", network.IPBound: "binded", network.IPUnbinding: "unbinding",
	network.IPBindFailed: "error", network.IPFailed: "error"}

// eipLine finds the line of a site that a word for a carrier means; without one it is the site's first.
func (d *Door) eipLine(ctx context.Context, site *place.Site, words map[place.Carrier]string, field, word string) (*place.Line, error) {
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range lines[site.UID] {
		if word == "" || words[l.Carrier] == word {
			return l, nil
		}
	}
	return nil, fault.BadField(field, "must be the carrier of a line of the node %s, not %q", site.Name, word)
}

// eipHosts finds the instances that addresses are bound to.
func (d *Door) eipHosts(ctx context.Context, c *dialect.Call, ips []*network.PublicIPDetail) (map[string]*compute.View, error) {
	found := map[string]*compute.View{}
	var ids []string
	for _, ip := range ips {
		if ip.PortInstance != "" && ip.PortElastic == "" {
			ids = append(ids, ip.PortInstance)
		}
	}
	if len(ids) == 0 {
		return found, nil
	}
	views, _, err := d.Compute.List(ctx, c.Caller, compute.Filter{IDs: ids}, compute.Order{}, store.Page{})
	for _, v := range views {
		found[v.UID] = v
	}
	return found, err
}

// eip shows an address; host is the instance that it is bound to, if it is.
func (d *Door) eip(ctx context.Context, ip *network.PublicIPDetail, host *compute.View) (*wire.EIPVo, error) {
	site, err := d.Place.Site(ctx, ip.Site)
	if err != nil {
		return nil, err
	}
	out := &wire.EIPVo{EIPID: new(eipID(ip.Slug)), Name: &ip.Name, ShareGroupID: new(""), EIPInstanceType: new("normal"), EIP: &ip.Address, InstanceID: new(""),
		Status: new(eipStatus[ip.Now()]), BandwidthInMbps: new(int32(ip.Mbps)), RouteType: new(routeTypes[ip.Carrier]), Isp: new(ispWords[ip.Carrier]), CreateTime: new(stamp(ip.Created)),
		PaymentTiming: new("Postpaid"), Tags: []wire.TagModel{}, RegionID: &site.Name, IPVersion: new(int32(4)), Mode: new("nat"), Region: &site.Area, RegionName: &site.AreaName,
		City: &site.City, CityName: &site.CityName, ServiceProvider: new(string(site.Carrier)), ServiceProviderName: new(site.Carrier.ChineseName()), Purpose: new("public")}
	for _, t := range ip.Tags.V {
		out.Tags = append(out.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	if ip.Bandwidth != "" { // it shows what it shares as its own
		out.ShareGroupID, out.EIPInstanceType, out.BandwidthInMbps = new(eipGroupID(ip.BandwidthSlug)), new("shared"), new(int32(ip.BandwidthMbps))
	}
	if ip.Gateway != "" {
		out.InstanceType, out.InstanceID, out.InstanceName = new("nat"), new("nat-"+site.Name+"-"+ip.GatewaySlug), &ip.GatewayName
	}
	if ip.Port == "" {
		return out, nil
	}
	out.InstanceIP, out.InstanceType, out.InstanceID, out.InstanceName = &ip.Private, new("eni"), new("eni-"+ip.PortSlug), &ip.PortName
	switch {
	case ip.PortKind == network.Virtual:
		out.InstanceType, out.InstanceID = new("havip"), new("havip-"+ip.PortSlug)
	case ip.PortElastic != "":
		out.InstanceStatus = new(holdWords[ip.PortElastic])
	case host != nil:
		out.InstanceType, out.InstanceID, out.InstanceName, out.InstanceStatus = new("vm"), new(instanceID(&host.Instance)), &host.Name, new(v1State(host.State))
	}
	return out, nil
}

// eips shows addresses, with what they are bound to.
func (d *Door) eips(ctx context.Context, c *dialect.Call, ips []*network.PublicIPDetail) ([]wire.EIPVo, error) {
	hosts, err := d.eipHosts(ctx, c, ips)
	if err != nil {
		return nil, err
	}
	out := []wire.EIPVo{}
	for _, ip := range ips {
		v, err := d.eip(ctx, ip, hosts[ip.PortInstance])
		if err != nil {
			return nil, err
		}
		out = append(out, *v)
	}
	return out, nil
}

// eipTarget finds the port that an address is to be bound to, or the port or NAT gateway that it is to be freed from.
func (d *Door) eipTarget(ctx context.Context, c *dialect.Call, b wire.EIPBackend) (string, error) {
	id := scalar.Value(b.InstanceID)
	if id == "" {
		return "", fault.BadField("instanceId", "is required")
	}
	if mode := scalar.Value(b.Mode); mode != "" && mode != "nat" {
		return "", fault.BadField("mode", "must be nat: other modes are not offered")
	}
	var port, address string
	switch kind := scalar.Value(b.InstanceType); kind {
	case "eni":
		p, err := d.Networks.GetElasticNIC(ctx, c.Caller, bare("eni-", id))
		if err != nil {
			return "", err
		}
		port, address = p.UID, p.Address
	case "havip":
		v, err := d.Networks.GetVirtualIP(ctx, c.Caller, bare("havip-", id))
		if err != nil {
			return "", err
		}
		port, address = v.UID, v.Address
	case "vm":
		i, err := d.Compute.Get(ctx, c.Caller, bare("vm-", id))
		if err != nil {
			return "", err
		}
		if i.State != compute.Running && i.State != compute.Stopped {
			return "", fault.Conflicting("instance", id, "The instance is %s; a public address is bound to one that runs or is stopped.", i.State)
		}
		if len(i.Ports) == 0 {
			return "", fault.Conflicting("instance", id, "The instance has no network interface.")
		}
		port, address = i.Ports[0].UID, i.Ports[0].Address
	case "nat":
		g, err := d.Networks.GetNATGateway(ctx, c.Caller, bareNAT(id))
		if err != nil {
			return "", err
		}
		if scalar.Value(b.InstanceIP) != "" {
			return "", fault.BadField("instanceIp", "must not be given with a NAT gateway")
		}
		return g.UID, nil
	default:
		return "", fault.BadField("instanceType", "must be vm, eni, havip or nat, not %q", kind)
	}
	if ip := scalar.Value(b.InstanceIP); ip != "" && ip != address {
		return "", fault.BadField("instanceIp", "must be the primary address of the interface, %s, not %q", address, ip)
	}
	return port, nil
}
