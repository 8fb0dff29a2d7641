package bec

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2eni"
	"edgecloud/fault"
)

func (d *Door) v2ENIs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateENI:                d.createENI,
		wire.OpListENIs:                 d.v2ListENIs,
		wire.OpGetENI:                   d.v2GetENI,
		wire.OpUpdateENI:                d.updateENI,
		wire.OpDeleteENI:                d.deleteENI,
		wire.OpAddENIPrivateIP:          d.addENIAddress,
		wire.OpDeleteENIPrivateIP:       d.deleteENIAddress,
		wire.OpBatchAddENIPrivateIPs:    d.v2AddENIAddresses,
		wire.OpBatchDeleteENIPrivateIPs: d.deleteENIAddresses,
		wire.OpBindENISecurityGroups:    d.v2BindENIGroups,
		wire.OpAttachENI:                d.v2AttachENI,
		wire.OpDetachENI:                d.detachENI,
	}
}

func (d *Door) v2ListENIs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := d.eniFilter(ctx, c)
	if err != nil {
		return nil, err
	}
	m := marker(bare("eni-", c.Param("marker")), c.Int("maxKeys", 0))
	nics, next, err := d.Networks.ListElasticNICsFrom(ctx, c.Caller, f, m)
	if err != nil {
		return nil, err
	}
	hosts, err := d.eniHosts(ctx, c.Caller, nics)
	if err != nil {
		return nil, err
	}
	out := wire.ListENIsResponse{ENIs: []wire.ENI{}, IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size))}
	echo(c, &out.Marker, &out.NextMarker, "eni-", next)
	for _, one := range nics {
		eni, err := d.v2ENI(ctx, one, hosts[one.Instance])
		if err != nil {
			return nil, err
		}
		eni.CreateTime = new(stamp(one.Created))
		out.ENIs = append(out.ENIs, *eni)
	}
	return dialect.OK(out), nil
}

func (d *Door) v2GetENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	one, err := d.Networks.GetElasticNIC(ctx, c.Caller, pathENI(c))
	if err != nil {
		return nil, err
	}
	hosts, err := d.eniHosts(ctx, c.Caller, []*network.ElasticNIC{one})
	if err != nil {
		return nil, err
	}
	out, err := d.v2ENI(ctx, one, hosts[one.Instance])
	if err != nil {
		return nil, err
	}
	out.CreatedTime = new(eniStamp(&one.Port))
	return dialect.OK(out), nil
}

func (d *Door) v2ENI(ctx context.Context, p *network.ElasticNIC, instance string) (*wire.ENI, error) {
	site, err := d.Place.Site(ctx, p.Site)
	if err != nil {
		return nil, err
	}
	out := &wire.ENI{ENIID: new("eni-" + p.Slug), Name: &p.Name, Description: &p.Description, RegionID: &site.Name, InstanceID: unlessEmpty(instance), MACAddress: &p.MAC,
		VPCID: new("vpc-" + p.NetworkSlug), SubnetID: new("sbn-" + p.SubnetSlug), SecurityGroupIDs: withPrefix("sg-", p.Groups), Status: new(holdWords[p.Elastic])}
	for _, a := range addressesOfENI(&p.Port) {
		out.PrivateIPSet = append(out.PrivateIPSet, wire.PrivateIP(a))
	}
	return out, nil
}

func (d *Door) v2AddENIAddresses(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	added, err := d.addENIAddresses(ctx, c)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.BatchAddENIPrivateIPResponse{PrivateIPAddresses: added}), nil
}

// v2BindENIGroups sets the groups of the interface in the path: the body has one entry for it.
func (d *Door) v2BindENIGroups(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BindENISecurityGroupsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.ENIs) != 1 {
		return nil, fault.BadField("enis", "must have one entry, for the interface that the path names")
	}
	set := []network.NICGroups{{NIC: pathENI(c), Groups: bareAll("sg-", in.ENIs[0].SecurityGroupIDs)}}
	return dialect.Empty(), inENIWords(d.Networks.SetElasticGroups(ctx, c.Caller, set))
}

func (d *Door) v2AttachENI(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.attachENI(ctx, c)
}
