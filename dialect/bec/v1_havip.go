package bec

import (
	"context"
	"net/netip"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1havip"
	"edgecloud/fault"
)

func (d *Door) v1HAVIPs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpBatchCreateHAVIPs:          d.createHAVIPs,
		wire.OpListHAVIPs:                 d.listHAVIPs,
		wire.OpGetHAVIP:                   d.getHAVIP,
		wire.OpUpdateHAVIP:                d.updateHAVIP,
		wire.OpBatchDeleteHAVIPs:          d.deleteHAVIPs,
		wire.OpBindOrUnbindHAVIPInstances: d.bindHAVIP,
		wire.OpListHAVIPBackends:          d.listHAVIPBackends,
	}
}

func haVIPID(p *network.Port) string   { return "havip-" + p.Slug }
func pathHAVIP(c *dialect.Call) string { return bare("havip-", c.Path("haVipId")) }

// haVIPStatus has the document's word for a virtual IP that is bound.
func haVIPStatus(members int) string {
	if members > 0 {
		return "binded"
	}
	return "available"
}

// maxHAVIPs is how many virtual IPs one entry of a request may ask for; the document has no number.
const maxHAVIPs = 100

func (d *Door) createHAVIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateHAVIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if length := len([]rune(in.Name)); length < 1 || length > 65 {
		return nil, fault.BadField("name", "must have 1 to 65 characters")
	}
	if len(in.DeployInstances) == 0 {
		return nil, fault.BadField("deployInstances", "must have at least one entry")
	}
	var wanted []network.NewVirtualIP
	for _, one := range in.DeployInstances {
		more, err := d.wantedHAVIPs(ctx, c, in.Name, one)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, more...)
	}
	made, err := d.Networks.CreateVirtualIPs(ctx, c.Caller, wanted)
	if err != nil {
		return nil, err
	}
	out := wire.BatchCreateHAVIPResponse{Result: new(true), Details: []wire.HAVIPVo{}}
	for _, v := range made {
		out.Details = append(out.Details, wire.HAVIPVo{HAVIPID: new(haVIPID(&v.Port)), PrivateIPAddress: &v.Address, Status: new(haVIPStatus(0))})
	}
	return dialect.OK(out), nil
}

// wantedHAVIPs reads one entry: an address, or a number of them, on a subnet that must be of the node and the VPC that are named beside it.
func (d *Door) wantedHAVIPs(ctx context.Context, c *dialect.Call, name string, one wire.DeploymentInstance) ([]network.NewVirtualIP, error) {
	site, err := d.site(ctx, one.RegionID)
	if err != nil {
		return nil, err
	}
	net, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", one.VPCID))
	if err != nil {
		return nil, err
	}
	s, _, _, err := d.Networks.GetSubnet(ctx, c.Caller, bareSubnet(one.SubnetID))
	if err != nil {
		return nil, err
	}
	if s.Network != net.UID {
		return nil, fault.BadField("deployInstances.subnetId", "must be a subnet of the VPC %s", one.VPCID)
	}
	if s.Site != site.UID {
		return nil, fault.BadField("deployInstances.subnetId", "must be a subnet of the node %s", one.RegionID)
	}
	address, count := scalar.Value(one.IPAddress), position(one.IPAddressCount)
	switch {
	case address != "" && count != 0:
		return nil, fault.BadField("deployInstances.ipAddress", "cannot be given beside ipAddressCount")
	case address != "":
		a, err := netip.ParseAddr(address)
		if err != nil || !a.Is4() {
			return nil, fault.BadField("deployInstances.ipAddress", "must be an IPv4 address, not %q", address)
		}
		return []network.NewVirtualIP{{Subnet: s.UID, Name: name, Address: a}}, nil
	case count < 1 || count > maxHAVIPs:
		return nil, fault.BadField("deployInstances.ipAddressCount", "must be within 1 to %d, or ipAddress be given", maxHAVIPs)
	}
	wanted := make([]network.NewVirtualIP, count)
	for k := range wanted {
		wanted[k] = network.NewVirtualIP{Subnet: s.UID, Name: name}
	}
	return wanted, nil
}

func (d *Door) haVIP(ctx context.Context, v *network.VirtualIP) (*wire.HAVIPVo, error) {
	site, err := d.Place.Site(ctx, v.Site)
	if err != nil {
		return nil, err
	}
	return &wire.HAVIPVo{HAVIPID: new(haVIPID(&v.Port)), Name: &v.Name, VPCID: new("vpc-" + v.NetworkSlug), SubnetID: new("sbn-" + v.SubnetSlug), RegionID: &site.Name,
		PrivateIPAddress: &v.Address, Status: new(haVIPStatus(v.Members)), AssociateNum: new(int32(v.Members)), CreateTime: new(stamp(v.Created))}, nil
}

// ascending reads the two ways of an order; newest first is the default.
func ascending(c *dialect.Call) bool { return strings.EqualFold(c.Param("order"), "asc") }

func orderWord(asc bool) *string {
	if asc {
		return new("asc")
	}
	return new("desc")
}

func (d *Door) listHAVIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := network.VirtualIPFilter{Network: bare("vpc-", c.Param("vpcId")), Subnet: bareSubnet(c.Param("subnetId")), Oldest: ascending(c)}
	switch keyword := c.Param("keyword"); c.Param("keywordType") {
	case "HAVIP_ID":
		f.ID = bare("havip-", keyword)
	case "INTERNAL_IP":
		f.Address = keyword
	default:
		f.Name = keyword
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	found, total, err := d.Networks.ListVirtualIPs(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	out := wire.ListHAVIPResponse{Result: []wire.HAVIPVo{}, OrderBy: new("createTime"), Order: orderWord(f.Oldest), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, v := range found {
		vo, err := d.haVIP(ctx, v)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, *vo)
	}
	return dialect.OK(out), nil
}

func (d *Door) getHAVIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := d.Networks.GetVirtualIP(ctx, c.Caller, pathHAVIP(c))
	if err != nil {
		return nil, err
	}
	vo, err := d.haVIP(ctx, v)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetHAVIPResponse{Result: vo, Success: new(true)}), nil
}

func (d *Door) updateHAVIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateHAVIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	name := scalar.Value(in.Name)
	if length := len([]rune(name)); length < 1 || length > 65 {
		return nil, fault.BadField("name", "must have 1 to 65 characters")
	}
	return dialect.Empty(), d.Networks.RenameVirtualIP(ctx, c.Caller, pathHAVIP(c), name)
}

func (d *Door) deleteHAVIPs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteHAVIPRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Networks.DeleteVirtualIPs(ctx, c.Caller, bareAll("havip-", in.HAVIPIDs))
}

func (d *Door) bindHAVIP(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.HAVIPInstanceActionRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.HAVIPID != nil && bare("havip-", *in.HAVIPID) != pathHAVIP(c) {
		return nil, fault.BadField("haVipId", "must be the HaVip that the path names, not %q", *in.HAVIPID)
	}
	var instances []string
	for _, b := range in.Backends {
		detail, err := d.Compute.Get(ctx, c.Caller, bare("vm-", b.InstanceID))
		if err != nil {
			return nil, err
		}
		instances = append(instances, detail.UID)
	}
	if c.Path("action") == "unbind" {
		return dialect.Empty(), d.Networks.UnbindVirtualIP(ctx, c.Caller, pathHAVIP(c), instances)
	}
	return dialect.Empty(), d.Networks.BindVirtualIP(ctx, c.Caller, pathHAVIP(c), instances)
}

func (d *Door) listHAVIPBackends(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := d.Networks.GetVirtualIP(ctx, c.Caller, pathHAVIP(c))
	if err != nil {
		return nil, err
	}
	backends, err := d.Networks.Backends(ctx, c.Caller, v.UID, c.Param("isBound") != "false")
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	out := wire.ListHAVIPBackendResponse{Result: []wire.BackendDetailVo{}, OrderBy: new("createTime"), Order: orderWord(ascending(c)), PageNo: new(int32(p.Number)),
		PageSize: new(int32(p.Size)), TotalCount: new(int32(0))}
	if vpc := bare("vpc-", c.Param("vpcId")); len(backends) == 0 || vpc != "" && vpc != v.NetworkSlug && vpc != v.Network {
		return dialect.OK(out), nil
	}
	byInstance, f := map[string]network.Backend{}, compute.Filter{}
	byAddress := c.Param("keywordType") == "INTERNAL_IP"
	if !byAddress {
		f.Name = c.Param("keyword")
	}
	for _, b := range backends {
		if byAddress && !strings.Contains(b.Address.String(), c.Param("keyword")) {
			continue
		}
		byInstance[b.Instance] = b
		f.IDs = append(f.IDs, b.Instance)
	}
	if len(f.IDs) == 0 {
		return dialect.OK(out), nil
	}
	views, total, err := d.Compute.List(ctx, c.Caller, f, compute.Order{By: compute.ByCreated, Oldest: ascending(c)}, p)
	if err != nil {
		return nil, err
	}
	*out.TotalCount = int32(total)
	for _, view := range views {
		out.Result = append(out.Result, haVIPBackend(view, byInstance[view.UID], "sbn-"+v.SubnetSlug))
	}
	return dialect.OK(out), nil
}

func haVIPBackend(v *compute.View, b network.Backend, subnet string) wire.BackendDetailVo {
	out := wire.BackendDetailVo{InstanceID: new(instanceID(&v.Instance)), Name: &v.Name, InstanceType: new("SERVER"), SubnetID: &subnet, RegionID: &v.Where.Name,
		InternalIP: new(b.Address.String()), Status: new(v1State(v.State)), IsMaster: &b.Master, CreateTime: new(stamp(v.Created))}
	if v.Where.Carrier != place.TripleLine {
		if len(v.IPs) > 0 {
			out.PublicIP = &v.IPs[0].Address
		}
		return out
	}
	for _, ip := range v.IPs {
		out.MultiplePublicIP = append(out.MultiplePublicIP, wire.IPInfo{IP: &ip.Address, ServiceProvider: new(string(ip.Carrier))})
	}
	return out
}
