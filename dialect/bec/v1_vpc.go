package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vpc"
	"edgecloud/fault"
)

func (d *Door) v1VPCs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVPC: d.v1CreateVPC,
		wire.OpListVPCs:  d.v1ListVPCs,
		wire.OpGetVPC:    d.v1GetVPC,
		wire.OpUpdateVPC: d.v1UpdateVPC,
		wire.OpDeleteVPC: d.v1DeleteVPC,
	}
}

func (d *Door) v1CreateVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateVPCRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	site, err := d.site(ctx, in.RegionID)
	if err != nil {
		return nil, err
	}
	tags := make([]network.Tag, len(in.Tags))
	for i, t := range in.Tags {
		tags[i] = network.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)}
	}
	n, err := d.Networks.CreateNetwork(ctx, c.Caller, network.NewNetwork{Site: site, Name: in.Name, Description: scalar.Value(in.Description), CIDR: in.CIDR, Tags: tags})
	if err != nil {
		return nil, err
	}
	return v1VPCDone("create", n), nil
}

// site finds a node by the regionId that a request names.
func (d *Door) site(ctx context.Context, regionID string) (*place.Site, error) {
	site, err := d.Place.SiteByName(ctx, regionID)
	if err != nil {
		return nil, fault.From(err).On("regionId")
	}
	return site, nil
}

// home is the node that a VPC is shown at. One that spans sites (IEC's) is shown at the node that was asked for, else where it was first; its region is empty
// while it is nowhere.
func (d *Door) home(ctx context.Context, n *network.Network, asked string) (*place.Site, error) {
	switch {
	case n.Site != "":
		return d.Place.Site(ctx, n.Site)
	case asked != "":
		return d.Place.Site(ctx, asked)
	case len(n.Sites) > 0:
		return d.Place.Site(ctx, n.Sites[0])
	}
	return &place.Site{}, nil
}

func v1VPCDone(action string, n *network.Network) *dialect.Answer {
	out := wire.VPCOperationResponse{Result: new(true), Action: &action}
	out.Details = &struct {
		VPCID *string `json:"vpcId,omitempty"`
	}{new(networkID(n))}
	return dialect.OK(out)
}

func (d *Door) v1ListVPCs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter := network.NetworkFilter{}
	if keyword := c.Param("keyword"); c.Param("keywordType") == "vpcId" {
		filter.ID = bare("vpc-", keyword)
	} else {
		filter.Keyword = keyword
	}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		filter.Site = site.UID
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	networks, total, err := d.Networks.ListNetworks(ctx, c.Caller, filter, p)
	if err != nil {
		return nil, err
	}
	out := wire.ListVPCResponse{Result: []wire.VPC{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, n := range networks {
		v, err := d.v1VPC(ctx, n, filter.Site)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, *v)
	}
	return dialect.OK(out), nil
}

func (d *Door) v1VPC(ctx context.Context, n *network.Network, asked string) (*wire.VPC, error) {
	site, err := d.home(ctx, n, asked)
	if err != nil {
		return nil, err
	}
	return &wire.VPC{VPCID: new(networkID(n)), Name: &n.Name, CIDR: &n.CIDR, Description: &n.Description, Region: &site.Area, City: &site.City,
		ServiceProvider: new(string(site.Carrier)), RegionID: &site.Name, IsDefault: new(isDefault(n.Kind)), CreatedTime: new(stamp(n.Created))}, nil
}

func (d *Door) v1GetVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	n, _, err := d.Networks.GetNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")))
	if err != nil {
		return nil, err
	}
	v, err := d.v1VPC(ctx, n, "")
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetVPCResponse{VPC: v}), nil
}

func (d *Door) v1UpdateVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateVPCRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	n, err := d.Networks.UpdateNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")), network.NetworkChange{Text: network.Text{Name: &in.Name, Description: in.Description}})
	if err != nil {
		return nil, err
	}
	return v1VPCDone("update", n), nil
}

func (d *Door) v1DeleteVPC(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	n, err := d.Networks.DeleteNetwork(ctx, c.Caller, bare("vpc-", c.Path("vpcId")))
	if err != nil {
		return nil, err
	}
	return v1VPCDone("deleting", n), nil
}
