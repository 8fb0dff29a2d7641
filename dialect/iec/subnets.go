package iec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/subnet"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) subnets() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListSubnets:  d.listSubnets,
		wire.OpCreateSubnet: d.createSubnet,
		wire.OpShowSubnet:   d.showSubnet,
		wire.OpUpdateSubnet: d.updateSubnet,
		wire.OpDeleteSubnet: d.deleteSubnet,
	}
}

var subnetCodes = []refinement{
	{kind: fault.NotFound, about: "subnet", code: "IEC.020003"},
	{in: "iec/subnet.createSubnet", kind: fault.NotFound, about: "site", code: "IEC.020403"},
	{in: "iec/subnet.createSubnet", kind: fault.Invalid, field: "site", code: "IEC.020403"},
	{in: "iec/subnet.createSubnet", kind: fault.Invalid, about: "network range", code: "IEC.020007"},
	{in: "iec/subnet.createSubnet", kind: fault.Conflict, field: "cidr", code: "IEC.020007"},
	{in: "iec/subnet.createSubnet", kind: fault.Invalid, field: "cidr", code: "IEC.020013"},
	{in: "iec/subnet.createSubnet", kind: fault.Invalid, field: "gateway", code: "IEC.020013"},
	{in: "iec/subnet.", kind: fault.Invalid, about: "name server", code: "IEC.020010"},
	{in: "iec/subnet.", kind: fault.Denied, about: "subnet", code: "IEC.020107"},
	{in: "iec/subnet.createSubnet", kind: fault.Quota, code: "IEC.020401"},
	{in: "iec/subnet.updateSubnet", kind: fault.Invalid, field: "ipv6_enable", code: "IEC.020012"},
	{in: "iec/subnet.deleteSubnet", kind: fault.Conflict, about: "virtual IP", code: "IEC.020009"},
	{in: "iec/subnet.deleteSubnet", kind: fault.Conflict, about: "port", code: "IEC.020008"},
}

// subnetStatus tells how far a subnet has come: ACTIVE once it hangs on its router (NOTES-network, item 5).
func subnetStatus(p spec.Phase) string {
	switch p {
	case spec.Applied:
		return "ACTIVE"
	case spec.Failed:
		return "ERROR"
	}
	return "UNKNOWN"
}

func (d *Door) describeSubnet(ctx context.Context, s *network.Subnet) (*wire.Subnet, error) {
	site, err := d.Place.Site(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	servers, primary, secondary := s.Servers()
	return &wire.Subnet{ID: s.UID, Name: s.Name, CIDR: s.CIDR, DNSList: append(scalar.List[string]{}, servers...), GatewayIP: s.Gateway, DhcpEnable: s.DHCP,
		PrimaryDNS: filled(&primary), SecondaryDNS: filled(&secondary), Status: new(subnetStatus(s.Phase)), VPCID: s.Network, SiteID: s.Site, SiteInfo: siteInfo(site),
		NeutronNetworkID: s.UID, NeutronSubnetID: s.UID}, nil
}

func (d *Door) listSubnets(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Networks.ListSubnetsWithin(ctx, c.Caller, network.SubnetFilter{Network: c.Param("vpc_id"), Site: c.Param("site_id")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListSubnetsResponse{Count: int32(total), Subnets: scalar.List[wire.Subnet]{}}
	for _, s := range found {
		one, err := d.describeSubnet(ctx, s)
		if err != nil {
			return nil, err
		}
		out.Subnets = append(out.Subnets, *one)
	}
	return dialect.OK(out), nil
}

func (d *Door) createSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSubnetRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	site, err := d.Place.Site(ctx, in.Subnet.SiteID)
	if err != nil {
		return nil, err
	}
	servers := network.Servers{List: listed(in.Subnet.DNSList), Primary: filled(in.Subnet.PrimaryDNS), Secondary: filled(in.Subnet.SecondaryDNS)}
	if servers.List == nil && servers.Primary == nil && servers.Secondary == nil {
		servers.List = &[]string{} // the cloud's default is for those who cannot say
	}
	s, err := d.Networks.CreateSubnet(ctx, c.Caller, network.NewSubnet{Network: in.Subnet.VPCID, Site: site.UID, Name: in.Subnet.Name, CIDR: in.Subnet.CIDR, HostBits: true,
		Gateway: in.Subnet.GatewayIP, NoDHCP: in.Subnet.DhcpEnable != nil && !bool(*in.Subnet.DhcpEnable), DNS: servers})
	if err != nil {
		return nil, err
	}
	return d.answerSubnet(ctx, s)
}

// listed tells an absent list from an empty one.
func listed(list []string) *[]string {
	if list == nil {
		return nil
	}
	return &list
}

func (d *Door) answerSubnet(ctx context.Context, s *network.Subnet) (*dialect.Answer, error) {
	one, err := d.describeSubnet(ctx, s)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.SubnetResponse{Subnet: one}), nil
}

func (d *Door) showSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, _, _, err := d.Networks.GetSubnet(ctx, c.Caller, c.Path("subnet_id"))
	if err != nil {
		return nil, err
	}
	return d.answerSubnet(ctx, s)
}

// updateSubnet answers ID and status only (NOTES-network, item 15).
func (d *Door) updateSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSubnetRequestBody
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := network.SubnetChange{}
	if o := in.Subnet; o != nil {
		if o.IPv6Enable != nil && bool(*o.IPv6Enable) {
			return nil, fault.BadField("ipv6_enable", "IPv6 is not available for subnets")
		}
		change.Name, change.DHCP = filled(o.Name), (*bool)(o.DhcpEnable)
		change.DNS = network.Servers{List: listed(o.DNSList), Primary: filled(o.PrimaryDNS), Secondary: filled(o.SecondaryDNS)}
	}
	s, err := d.Networks.UpdateSubnet(ctx, c.Caller, c.Path("subnet_id"), change)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateSubnetResponse{Subnet: &wire.UpdateSubnetResponseObject{ID: s.UID, Status: new(subnetStatus(s.Phase))}}), nil
}

func (d *Door) deleteSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Networks.DeleteSubnet(ctx, c.Caller, c.Path("subnet_id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
