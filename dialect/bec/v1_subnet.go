package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1subnet"
)

func (d *Door) v1Subnets() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateSubnet: d.v1CreateSubnet,
		wire.OpListSubnets:  d.v1ListSubnets,
		wire.OpGetSubnet:    d.v1GetSubnet,
		wire.OpUpdateSubnet: d.v1UpdateSubnet,
		wire.OpDeleteSubnet: d.deleteSubnet,
	}
}

func (d *Door) v1CreateSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateSubnetRequest
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
	out := wire.CreateSubnetResponse{Result: new(true), Action: new("create")}
	out.Details = &struct {
		SubnetID *string `json:"subnetId,omitempty"`
	}{new(subnetID(s))}
	return dialect.OK(out), nil
}

// subnetFilter narrows a list to the VPC that the query names. One that the caller does not have is not found, as it is everywhere.
func (d *Door) subnetFilter(ctx context.Context, c *dialect.Call) (network.SubnetFilter, error) {
	id := c.Param("vpcId")
	if id == "" {
		return network.SubnetFilter{}, nil
	}
	n, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", id))
	if err != nil {
		return network.SubnetFilter{}, err
	}
	return network.SubnetFilter{Network: n.UID}, nil
}

// networkIDs gives the wire's IDs of the networks of subnets, by UID.
func (d *Door) networkIDs(ctx context.Context, c *dialect.Call, subnets []*network.Subnet) (map[string]string, error) {
	uids := make([]string, len(subnets))
	for i, s := range subnets {
		uids[i] = s.Network
	}
	networks, err := d.Networks.NetworksByUID(ctx, c.Caller, uids)
	ids := make(map[string]string, len(networks))
	for uid, n := range networks {
		ids[uid] = networkID(n)
	}
	return ids, err
}

func (d *Door) v1ListSubnets(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter, err := d.subnetFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	filter.Keyword = c.Param("keyword")
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	subnets, total, err := d.Networks.ListSubnets(ctx, c.Caller, filter, p)
	if err != nil {
		return nil, err
	}
	ids, err := d.networkIDs(ctx, c, subnets)
	if err != nil {
		return nil, err
	}
	out := wire.ListSubnetResponse{Result: []wire.Subnet{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, s := range subnets {
		one, err := d.v1Subnet(ctx, s, ids[s.Network])
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, *one)
	}
	return dialect.OK(out), nil
}

func (d *Door) v1Subnet(ctx context.Context, s *network.Subnet, vpc string) (*wire.Subnet, error) {
	site, err := d.Place.Site(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	return &wire.Subnet{SubnetID: new(subnetID(s)), Name: &s.Name, CIDR: &s.CIDR, Description: &s.Description, VPCID: &vpc, RegionID: &site.Name,
		IsDefault: new(isDefault(s.Kind)), CreatedTime: new(stamp(s.Created))}, nil
}

func (d *Door) v1GetSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, n, use, err := d.Networks.GetSubnet(ctx, c.Caller, bareSubnet(c.Path("subnetId")))
	if err != nil {
		return nil, err
	}
	out, err := d.v1Subnet(ctx, s, networkID(n))
	if err != nil {
		return nil, err
	}
	out.AvailableIP, out.UsedIP = new(int32(use.Total-use.Used)), new(int32(use.Used))
	return dialect.OK(wire.GetSubnetResponse{Subnet: out}), nil
}

func (d *Door) v1UpdateSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateSubnetRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Networks.UpdateSubnet(ctx, c.Caller, bareSubnet(c.Path("subnetId")), network.SubnetChange{Text: network.Text{Name: &in.Name, Description: in.Description}})
	return dialect.Empty(), err
}

// deleteSubnet is the same in both versions.
func (d *Door) deleteSubnet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Networks.DeleteSubnet(ctx, c.Caller, bareSubnet(c.Path("subnetId")))
}
