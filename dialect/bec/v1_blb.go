package bec

import (
	"context"
	"fmt"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1blb"
	"edgecloud/dialect/bec/wire/v1vmservice"
	"edgecloud/fault"
)

func (d *Door) v1BLBs() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateBLB:       d.createBLB(balancer.Ordinary),
		wire.OpCreateAppBLB:    d.createBLB(balancer.Application),
		wire.OpBatchCreateBLB:  d.createBLBs,
		wire.OpListBLBs:        d.listBLBs,
		wire.OpGetBLB:          d.getBLB,
		wire.OpUpdateBLB:       d.updateBLB,
		wire.OpDeleteBLB:       d.deleteBLB,
		wire.OpBatchDeleteBLBs: d.deleteBLBs,
	}
}

// blbID has the node's name in it for application load balancers only (Go SDK chapter: applb-cn-baoding1-ix-arqfkkyw).
func blbID(site *place.Site, b *balancer.Balancer) string {
	if b.Type == balancer.Application {
		return "applb-" + site.Name + "-" + b.Slug
	}
	return "lb-" + b.Slug
}

// bareBLB gives a balancer's slug: what follows the last hyphen. A UID, which has no prefix, passes through.
func bareBLB(id string) string {
	if !strings.HasPrefix(id, "lb-") && !strings.HasPrefix(id, "applb-") {
		return id
	}
	return id[strings.LastIndexByte(id, '-')+1:]
}

func pathBLB(c *dialect.Call) string { return bareBLB(c.Path("blbId")) }

var blbWords = map[balancer.State]wire.ResourceStatus{balancer.Starting: wire.ResourceStatusPENDING, balancer.Active: wire.ResourceStatusRUNNING, balancer.Changing: wire.ResourceStatusRUNNING,
	balancer.Down: wire.ResourceStatusPENDING, balancer.Deleting: wire.ResourceStatusDELETING}

var blbServes = map[string]balancer.Serves{"vm": balancer.Instances, "container": balancer.Containers}

// blbFields are the names that the cloud's faults give to fields.
var blbFields = map[string]string{"serves": "lbType", "name": "blbName", "mbps": "bandwidthInMbpsLimit", "network": "vpcId", "subnet": "subnetId", "count": "replicas"}

func inBLBWords(err error) error { return renamed(err, blbFields) }

func (d *Door) createBLB(kind balancer.Type) dialect.Handler {
	return func(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
		var in wire.CreateBLBRequest
		if err := c.Decode(&in); err != nil {
			return nil, err
		}
		site, err := d.v1Site(ctx, "", v1vmservice.DeploymentInstanceInput{RegionID: in.RegionID, Region: in.Region, City: in.City, ServiceProvider: in.ServiceProvider})
		if err != nil {
			return nil, err
		}
		w := balancer.Wanted{Type: kind, Serves: blbServes[in.LbType], Site: site, Public: bool(scalar.Value(in.NeedPublicIP)), Name: in.BLBName, Mbps: int64(in.BandwidthInMbpsLimit), Count: 1}
		if scalar.Value(in.NetworkType) == "vpc" {
			w.Network, w.Subnet = bare("vpc-", scalar.Value(in.VPCID)), bareSubnet(scalar.Value(in.SubnetID))
		}
		if len(in.SubServiceProviders) > 0 && site.Carrier != place.TripleLine {
			return nil, fault.BadField("subServiceProviders", "%s is not a three-carrier node", site.Name)
		}
		for _, code := range in.SubServiceProviders {
			w.Carriers = append(w.Carriers, v1Carriers[code])
		}
		made, err := d.Balancers.Create(ctx, c.Caller, []balancer.Wanted{w})
		if err != nil {
			return nil, inBLBWords(err)
		}
		v, err := d.blbVo(ctx, made[0])
		if err != nil {
			return nil, err
		}
		return dialect.OK(wire.CreateBLBResult{Action: new("CreateBlb"), Details: &v, Result: new(true)}), nil
	}
}

func (d *Door) createBLBs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchCreateBLBRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.DeployInstances) == 0 {
		return nil, fault.BadField("deployInstances", "must have at least one entry")
	}
	serves, known := blbServes[scalar.Value(in.LbType)]
	if !known {
		return nil, fault.BadField("lbType", "must be vm or container")
	}
	wanted := make([]balancer.Wanted, len(in.DeployInstances))
	for k, one := range in.DeployInstances {
		site, err := d.v1Site(ctx, fmt.Sprintf("deployInstances[%d].", k), v1vmservice.DeploymentInstanceInput{RegionID: one.RegionID, Region: one.Region, City: one.City, ServiceProvider: one.ServiceProvider})
		if err != nil {
			return nil, err
		}
		wanted[k] = balancer.Wanted{Type: balancer.Ordinary, Serves: serves, Site: site, Public: bool(scalar.Value(in.NeedPublicIP)), Name: scalar.Value(in.BLBName),
			Mbps: int64(scalar.Value(in.BandwidthInMbpsLimit)), Count: 1}
		if one.Replicas != nil {
			wanted[k].Count = int(*one.Replicas)
		}
	}
	made, err := d.Balancers.Create(ctx, c.Caller, wanted)
	if err != nil {
		return nil, inBLBWords(err)
	}
	out := wire.ActionInfoVo{Action: new("BatchCreateBlb"), Result: new(true), Details: []wire.DetailVo{}}
	for _, b := range made {
		site, err := d.Place.Site(ctx, b.Site)
		if err != nil {
			return nil, err
		}
		out.Details = append(out.Details, wire.DetailVo{BLBID: new(blbID(site, &b.Balancer)), BLBName: &b.Name})
	}
	return dialect.OK(out), nil
}

func (d *Door) listBLBs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := balancer.Filter{Serves: balancer.Containers}
	if c.Param("lbType") == "vm" {
		f.Serves = balancer.Instances
	}
	switch c.Param("keywordType") {
	case "blbId":
		f.ID = bareBLB(c.Param("keyword"))
	default:
		f.Keyword = c.Param("keyword")
	}
	if status := c.Param("status"); status != "" {
		f.States = []balancer.State{}
		for state, word := range blbWords {
			if word == status {
				f.States = append(f.States, state)
			}
		}
	}
	if area := c.Param("region"); area != "" {
		var err error
		if f.Sites, err = d.v1Sites(ctx, area, "", ""); err != nil {
			return nil, err
		}
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	found, total, err := d.Balancers.List(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	out := wire.BLBListResult{Result: []wire.BLBInstanceVo{}, PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(total))}
	for _, b := range found {
		v, err := d.blbVo(ctx, b)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, v)
	}
	return dialect.OK(out), nil
}

func (d *Door) getBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := d.blb(ctx, c)
	if err != nil {
		return nil, err
	}
	return dialect.OK(v), nil
}

func (d *Door) blb(ctx context.Context, c *dialect.Call) (wire.BLBInstanceVo, error) {
	b, err := d.Balancers.Get(ctx, c.Caller, pathBLB(c))
	if err != nil {
		return wire.BLBInstanceVo{}, err
	}
	return d.blbVo(ctx, b)
}

func (d *Door) blbVo(ctx context.Context, b *balancer.Detail) (wire.BLBInstanceVo, error) {
	site, err := d.Place.Site(ctx, b.Site)
	if err != nil {
		return wire.BLBInstanceVo{}, err
	}
	lbType := "vm"
	if b.Serves == balancer.Containers {
		lbType = "container"
	}
	v := wire.BLBInstanceVo{BLBID: new(blbID(site, &b.Balancer)), BLBName: &b.Name, Status: new(blbWords[b.State]), LbType: &lbType, RegionID: &site.Name, Region: &site.Area,
		ServiceProvider: new(string(site.Carrier)), City: &site.City, InternalIP: &b.Address, Ports: []wire.Listeners{}, PodCount: new(int32(b.Members)),
		BandwidthInMbpsLimit: new(int32(b.Mbps)), CreateTime: new(stamp(b.Created))}
	showBLBIPs(&v, b.IPs)
	for _, l := range b.Listeners {
		v.Ports = append(v.Ports, blbListener(l))
	}
	return v, nil
}

// showBLBIPs writes the first address, and that of each carrier.
func showBLBIPs(v *wire.BLBInstanceVo, ips []*network.PublicIP) {
	for _, ip := range ips {
		if v.PublicIP == nil {
			v.PublicIP = &ip.Address
		}
		switch ip.Carrier {
		case place.Mobile:
			v.CmPublicIP = &ip.Address
		case place.Telecom:
			v.CtPublicIP = &ip.Address
		case place.Unicom:
			v.UnPublicIP = &ip.Address
		}
	}
}

func (d *Door) updateBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateBLBRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	change := balancer.Change{Name: in.BLBName}
	if in.BandwidthInMbpsLimit != nil {
		change.Mbps = new(int64(*in.BandwidthInMbpsLimit))
	}
	switch scalar.Value(in.Type) {
	case "":
	case "name":
		change.Mbps = nil
	case "bandwidth":
		change.Name = nil
	default:
		return nil, fault.BadField("type", "must be name or bandwidth")
	}
	if err := d.Balancers.Update(ctx, c.Caller, pathBLB(c), change); err != nil {
		return nil, inBLBWords(err)
	}
	v, err := d.blb(ctx, c)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.UpdateBLBResponse{Result: true, Action: "update", Details: v}), nil
}

func (d *Door) deleteBLB(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if _, err := d.Balancers.Delete(ctx, c.Caller, pathBLB(c)); err != nil {
		return nil, err
	}
	return blbDone(c, "DeleteBlb"), nil
}

// blbDone answers the calls that act on one load balancer.
func blbDone(c *dialect.Call, action string) *dialect.Answer {
	out := wire.BLBActionResult{Result: new(true), Action: &action}
	out.Details = &struct {
		BLBID *string `json:"blbId,omitempty"`
	}{new(c.Path("blbId"))}
	return dialect.OK(out)
}

func (d *Door) deleteBLBs(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteBLBsRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if err := c.Caller.MayWrite(); err != nil { // of no load balancer, so that it is no answer on each
		return nil, err
	}
	out := wire.BatchDeleteBLBsResponse{Result: true, Action: "delete"}
	for _, id := range in {
		_, err := d.Balancers.Delete(ctx, c.Caller, bareBLB(id))
		f := fault.From(err)
		if err != nil && f.Kind == fault.Internal {
			return nil, err
		}
		one := struct {
			ResourceID string `json:"resourceId"`
			Success    bool   `json:"success"`
			Error      string `json:"error"`
		}{ResourceID: id, Success: err == nil}
		if err != nil {
			one.Error, out.Result = f.Sentence, false
		}
		out.Details = append(out.Details, one)
	}
	return dialect.OK(out), nil
}
