package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1blb"
	"edgecloud/fault"
)

// notBound is the weight of what is not bound (BEC API 1.0, load balancers, pods that can be bound: example).
const notBound = -1

// deploymentName names the instances of a service at a node, which the document calls a deployment.
func deploymentName(b *balancer.Bindable, site *place.Site) string {
	return "vmrs-" + b.GroupSlug + "-" + site.Name
}

// bindable gives the instances that a load balancer may have or has, and its node.
func (d *Door) bindable(ctx context.Context, c *dialect.Call) ([]*balancer.Bindable, *place.Site, error) {
	b, err := d.Balancers.Get(ctx, c.Caller, pathBLB(c))
	if err != nil {
		return nil, nil, err
	}
	site, err := d.Place.Site(ctx, b.Site)
	if err != nil {
		return nil, nil, err
	}
	found, err := d.Balancers.Bindable(ctx, c.Caller, b.UID)
	return found, site, err
}

func (d *Door) listBindableDeployments(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, site, err := d.bindable(ctx, c)
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	all := deployments(found, site, c.Param("keywordType"), c.Param("keyword"))
	from := min((p.Number-1)*p.Size, len(all))
	out := wire.BLBBindableDeployListResult{Result: all[from:min(from+p.Size, len(all))], PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)), TotalCount: new(int32(len(all)))}
	return dialect.OK(out), nil
}

// deployments puts instances that are not bound together by their service; keyword narrows them to a service, by its ID or a part of its name.
func deployments(found []*balancer.Bindable, site *place.Site, kind, keyword string) []wire.LbDeployPo {
	all := []wire.LbDeployPo{}
	last := ""
	for _, b := range found {
		wanted := strings.Contains(b.GroupName, keyword)
		if kind == "serviceId" {
			wanted = keyword == "" || bare("s-", keyword) == b.GroupSlug
		}
		if b.Weight != nil || !wanted {
			continue
		}
		if b.Group != last {
			last = b.Group
			all = append(all, wire.LbDeployPo{ServiceID: new("s-" + b.GroupSlug), ServiceName: &b.GroupName, DeploymentName: new(deploymentName(b, site)), DeploymentType: new("ReplicaSet"), Region: &site.Area,
				City: &site.City, ServiceProvider: new(string(site.Carrier)), Replicas: new(int32(0)), PodCPU: new(int32(b.VCPUs)), PodMemory: new(int32(b.MemoryMiB >> 10)), PodIPRequired: new(false),
				CreateTime: new(b.Created.Time().UnixMilli()), UpdateTime: new(b.Created.Time().UnixMilli())})
		}
		one := &all[len(all)-1]
		*one.Replicas++
		one.Backends = append(one.Backends, wire.Backends{Name: new("vm-" + b.Handle), IP: &b.Address, Weight: new(int32(0))})
	}
	return all
}

func (d *Door) listBindablePods(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	name := c.Param("stsName")
	if name == "" {
		return nil, fault.BadField("stsName", "must name a deployment, as the list of those that can be bound does")
	}
	found, site, err := d.bindable(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire.ListBLBBindablePodsResponse{}
	for _, b := range found {
		if deploymentName(b, site) != name {
			continue
		}
		one := wire.Backends{Name: new("vm-" + b.Handle), IP: &b.Address, Weight: new(int32(notBound))}
		if b.Weight != nil {
			one.Weight = new(int32(*b.Weight))
		}
		out = append(out, one)
	}
	return dialect.OK(out), nil
}
