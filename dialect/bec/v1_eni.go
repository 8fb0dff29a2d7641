package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1eni"
	"edgecloud/fault"
)

func (d *Door) v1ENIs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateENI:                d.createENI,
		wire.OpListENIs:                 d.v1ListENIs,
		wire.OpGetENI:                   d.v1GetENI,
		wire.OpUpdateENI:                d.updateENI,
		wire.OpDeleteENI:                d.deleteENI,
		wire.OpAddENIPrivateIP:          d.addENIAddress,
		wire.OpDeleteENIPrivateIP:       d.deleteENIAddress,
		wire.OpBatchAddENIPrivateIPs:    d.v1AddENIAddresses,
		wire.OpBatchDeleteENIPrivateIPs: d.deleteENIAddresses,
		wire.OpUpdateENISecurityGroups:  d.v1UpdateENIGroups,
		wire.OpAttachENI:                d.v1AttachENI,
		wire.OpDetachENI:                d.detachENI,
	}
}

func (d *Door) v1ENIFilter(ctx context.Context, c *dialect.Call) (network.ElasticFilter, error) {
	f, err := d.eniFilter(ctx, c)
	if err != nil {
		return f, err
	}
	if id := c.Param("subnetId"); id != "" {
		s, _, _, err := d.Networks.GetSubnet(ctx, c.Caller, bareSubnet(id))
		if err != nil {
			return f, fault.From(err).On("subnetId")
		}
		f.Subnet = s.UID
	}
	keyword := c.Param("keyword")
	if keyword == "" {
		return f, nil
	}
	switch c.Param("keywordType") {
	case "eniId":
		f.ID = bare("eni-", keyword)
	case "sgId":
		f.Group = bare("sg-", keyword)
	case "privateIp":
		f.Ending = keyword
	default:
		return f, fault.BadField("keywordType", "must be eniId, sgId or privateIp when keyword is given")
	}
	return f, nil
}

func (d *Door) v1ListENIs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := d.v1ENIFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	p := page(1, c.Int("maxKeys", 0), 1000)
	nics, total, err := d.Networks.ListElasticNICs(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	hosts, err := d.eniHosts(ctx, c.Caller, nics)
	if err != nil {
		return nil, err
	}
	out := wire.ListENIResponse{Result: []wire.ENI{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, one := range nics {
		eni, err := d.v1ENI(ctx, one, hosts[one.Instance])
		if err != nil {
			return nil, err
		}
		eni.CreateTime = new(stamp(one.Created))
		out.Result = append(out.Result, *eni)
	}
	return dialect.OK(out), nil
}

func (d *Door) v1GetENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	one, err := d.Networks.GetElasticNIC(ctx, c.Caller, pathENI(c))
	if err != nil {
		return nil, err
	}
	hosts, err := d.eniHosts(ctx, c.Caller, []*network.ElasticNIC{one})
	if err != nil {
		return nil, err
	}
	out, err := d.v1ENI(ctx, one, hosts[one.Instance])
	if err != nil {
		return nil, err
	}
	out.CreatedTime = new(eniStamp(&one.Port))
	return dialect.OK(out), nil
}

func (d *Door) v1ENI(ctx context.Context, p *network.ElasticNIC, instance string) (*wire.ENI, error) {
	site, err := d.Place.Site(ctx, p.Site)
	if err != nil {
		return nil, err
	}
	return &wire.ENI{ENIID: new("eni-" + p.Slug), Name: &p.Name, Description: &p.Description, RegionID: &site.Name, InstanceID: unlessEmpty(instance), MACAddress: &p.MAC,
		VPCID: new("vpc-" + p.NetworkSlug), SubnetID: new("sbn-" + p.SubnetSlug), SecurityGroupIDs: withPrefix("sg-", p.Groups), Status: new(holdWords[p.Elastic]),
		IPSet: addressesOfENI(&p.Port)}, nil
}

func (d *Door) v1AddENIAddresses(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	added, err := d.addENIAddresses(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire.BatchAddENIPrivateIPsResponse{Result: new(true), Action: new("batchAdd")}
	out.Details = &struct {
		PrivateIPAddresses []string `json:"privateIpAddresses,omitzero"`
	}{added}
	return dialect.OK(out), nil
}

// v1UpdateENIGroups: bound groups are all that an interface is in ("the final membership"); unbound ones, of which the document says no more, it leaves.
func (d *Door) v1UpdateENIGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateENISecurityGroupsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	all := make([]network.NICGroups, len(in.ENIs))
	for k, one := range in.ENIs {
		all[k] = network.NICGroups{NIC: bare("eni-", scalar.Value(one.ENIID)), Groups: bareAll("sg-", one.SecurityGroupIDs)}
	}
	if c.Path("action") == "unbind" {
		return dialect.Empty(), inENIWords(d.Networks.LeaveElasticGroups(ctx, c.Caller, all))
	}
	return dialect.Empty(), inENIWords(d.Networks.SetElasticGroups(ctx, c.Caller, all))
}

func (d *Door) v1AttachENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.attachENI(ctx, c); err != nil {
		return nil, err
	}
	return dialect.OK(wire.AttachENIResponse{Result: new(true), Action: new("attach")}), nil
}
