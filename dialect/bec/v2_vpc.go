package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vpc"
	"edgecloud/fault"
)

func (d *Door) v2VPCs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVPC: d.v2CreateVPC,
		wire.OpListVPCs:  d.v2ListVPCs,
		wire.OpGetVPC:    d.v2GetVPC,
		wire.OpUpdateVPC: d.v2UpdateVPC,
		wire.OpDeleteVPC: d.v2DeleteVPC,
	}
}

func (d *Door) v2CreateVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecVPCRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	site, err := d.Place.SiteByName(ctx, in.RegionID)
	if err != nil {
		return nil, fault.From(err).On("regionId")
	}
	tags := make([]network.Tag, len(in.Tags))
	for i, t := range in.Tags {
		tags[i] = network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)}
	}
	n, err := d.Networks.CreateNetwork(ctx, c.Caller, network.NewNetwork{Site: site, Name: in.Name, Description: scalar.Value(in.Description), CIDR: in.CIDR, Tags: tags})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateVPCResponse{VPCID: new(networkID(n))}), nil
}

func (d *Door) v2ListVPCs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter := network.NetworkFilter{}
	if name := c.Param("regionId"); name != "" {
		site, err := d.Place.SiteByName(ctx, name)
		if err != nil {
			return nil, fault.From(err).On("regionId")
		}
		filter.Site = site.UID
	}
	m := marker(bare("vpc-", c.Param("marker")), c.Int("maxKeys", 0))
	networks, next, err := d.Networks.ListNetworksFrom(ctx, c.Caller, filter, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListVPCsResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), VPCs: []wire.BecVPC{}}
	echo(c, &out.Marker, &out.NextMarker, "vpc-", next)
	for _, n := range networks {
		site, err := d.home(ctx, n, filter.Site)
		if err != nil {
			return nil, err
		}
		out.VPCs = append(out.VPCs, v2VPC(n, site))
	}
	return dialect.OK(out), nil
}

// echo repeats the marker that was sent (null if none was), and names the next page's.
func echo(c *dialect.Call, marker, nextMarker **string, prefix, next string) {
	if c.Query.Has("marker") {
		*marker = new(c.Param("marker"))
	}
	if next != "" {
		*nextMarker = new(prefix + next)
	}
}

func v2VPC(n *network.Network, site *place.Site) wire.BecVPC {
	return wire.BecVPC{VPCID: new(networkID(n)), Name: &n.Name, CIDR: &n.CIDR, Description: &n.Description, RegionID: &site.Name, Region: &site.Area, City: &site.City,
		ServiceProvider: new(string(site.Carrier)), CreatedTime: new(stamp(n.Created)), IsDefault: new(isDefault(n.Kind)), Tags: v2VPCTags(n.Tags.V)}
}

func v2VPCTags(tags []network.Tag) []wire.TagModel {
	out := make([]wire.TagModel, len(tags))
	for i, t := range tags {
		out[i] = wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)}
	}
	return out
}

func (d *Door) v2GetVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	n, subnets, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")))
	if err != nil {
		return nil, err
	}
	site, err := d.home(ctx, n, "")
	if err != nil {
		return nil, err
	}
	v := v2VPC(n, site)
	out := &wire.ShowBecVPCModel{VPCID: v.VPCID, Name: v.Name, CIDR: v.CIDR, Description: v.Description, RegionID: v.RegionID, Region: v.Region, City: v.City,
		ServiceProvider: v.ServiceProvider, CreatedTime: v.CreatedTime, IsDefault: v.IsDefault, Tags: v.Tags, Subnets: []wire.BecSubnet{}}
	for _, s := range subnets {
		if site, err = d.Place.Site(ctx, s.Site); err != nil {
			return nil, err
		}
		out.Subnets = append(out.Subnets, wire.BecSubnet{SubnetID: new(subnetID(s)), Name: &s.Name, CIDR: &s.CIDR, VPCID: v.VPCID, Description: &s.Description,
			RegionID: &site.Name, CreatedTime: new(stamp(s.Created))})
	}
	return dialect.OK(wire.GetVPCResponse{VPC: out}), nil
}

func (d *Door) v2UpdateVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVPCAttributesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Networks.UpdateNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")), network.NetworkChange{Text: network.Text{Name: in.Name, Description: in.Description}})
	return dialect.Empty(), err
}

func (d *Door) v2DeleteVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Networks.DeleteNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")))
	return dialect.Empty(), err
}
