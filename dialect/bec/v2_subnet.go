package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2subnet"
)

func (d *Door) v2Subnets() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateSubnet: d.v2CreateSubnet,
		wire.OpListSubnets:  d.v2ListSubnets,
		wire.OpGetSubnet:    d.v2GetSubnet,
		wire.OpUpdateSubnet: d.v2UpdateSubnet,
		wire.OpDeleteSubnet: d.deleteSubnet,
	}
}

func (d *Door) v2CreateSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecSubnetRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	tags := make([]network.Tag, len(in.Tags))
	for i, t := range in.Tags {
		tags[i] = network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)}
	}
	s, err := d.Networks.CreateSubnet(ctx, c.Caller, network.NewSubnet{Network: bare("vpc-", in.VPCID), Name: in.Name, Description: scalar.Value(in.Description),
		CIDR: in.CIDR, Tags: tags})
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateSubnetResponse{SubnetID: new(subnetID(s))}), nil
}

func (d *Door) v2ListSubnets(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter, err := d.subnetFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	m := marker(bareSubnet(c.Param("marker")), c.Int("maxKeys", 0))
	subnets, next, err := d.Networks.ListSubnetsFrom(ctx, c.Caller, filter, m)
	if err != nil {
		return nil, err
	}
	ids, err := d.networkIDs(ctx, c, subnets)
	if err != nil {
		return nil, err
	}
	out := wire.ListSubnetsResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), Subnets: []wire.BecSubnet{}}
	echo(c, &out.Marker, &out.NextMarker, "sbn-", next)
	for _, s := range subnets {
		site, err := d.Place.Site(ctx, s.Site)
		if err != nil {
			return nil, err
		}
		out.Subnets = append(out.Subnets, wire.BecSubnet{SubnetID: new(subnetID(s)), Name: &s.Name, CIDR: &s.CIDR, VPCID: new(ids[s.Network]),
			Description: &s.Description, RegionID: &site.Name, CreatedTime: new(stamp(s.Created)), Tags: v2SubnetTags(s.Tags.V)})
	}
	return dialect.OK(out), nil
}

func v2SubnetTags(tags []network.Tag) []wire.TagModel {
	out := make([]wire.TagModel, len(tags))
	for i, t := range tags {
		out[i] = wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)}
	}
	return out
}

func (d *Door) v2GetSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, n, use, err := d.Networks.GetSubnet(ctx, c.Caller, bareSubnet(c.Path("subnetId")))
	if err != nil {
		return nil, err
	}
	site, err := d.Place.Site(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetSubnetResponse{Subnet: &wire.BecSubnetDetail{SubnetID: new(subnetID(s)), Name: &s.Name, CIDR: &s.CIDR, VPCID: new(networkID(n)),
		Description: &s.Description, RegionID: &site.Name, CreatedTime: new(stamp(s.Created)), AvailableIP: new(int32(use.Total - use.Used)),
		Tags: v2SubnetTags(s.Tags.V)}}), nil
}

func (d *Door) v2UpdateSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecSubnetAttributesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Networks.UpdateSubnet(ctx, c.Caller, bareSubnet(c.Path("subnetId")), network.SubnetChange{Text: network.Text{Name: in.Name, Description: in.Description}})
	return dialect.Empty(), err
}
