package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vmservice"
)

func (d *Door) v2Services() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListVMServices:           d.v2ListServices,
		wire.OpGetVMService:             d.v2GetService,
		wire.OpStartVMService:           d.v2StartService,
		wire.OpStopVMService:            d.v2StopService,
		wire.OpModifyVMServiceAttribute: d.v2RenameService,
		wire.OpDeleteVMService:          d.v2DeleteService,
	}
}

// pathService is the service that a call's path names.
func pathService(c *dialect.Call) string { return bare("s-", c.Path("serviceId")) }

func (d *Door) v2ListServices(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	m := marker(bare("s-", c.Param("marker")), c.Int("maxKeys", 0))
	groups, next, err := d.Compute.ListGroupsFrom(ctx, c.Caller, compute.GroupFilter{}, m)
	if err != nil {
		return nil, err
	}
	out := wire.ListVMServiceResponse{IsTruncated: new(next != ""), MaxKeys: new(int32(m.Size)), Services: make([]wire.BecVMServiceModel, len(groups))}
	echo(c, &out.Marker, &out.NextMarker, "s-", next)
	for k, g := range groups {
		out.Services[k] = v2Service(g)
	}
	return dialect.OK(out), nil
}

func (d *Door) v2GetService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	g, err := d.Compute.GetGroup(ctx, c.Caller, pathService(c))
	if err != nil {
		return nil, err
	}
	out := v2Service(g)
	out.DeployInstances, out.NetworkCapacityInMbps = v2Deployed(g), new(int32(g.Mbps))
	return dialect.OK(wire.GetVMServiceResponse{Service: &out}), nil
}

// v2Service shows a service as lists do.
func v2Service(g *compute.GroupView) wire.BecVMServiceModel {
	var cpu, mib, root, data, running int64
	for _, i := range g.Instances {
		cpu, mib = cpu+i.VCPUs, mib+i.MemoryMiB
		if i.State == compute.Running {
			running++
		}
		for _, v := range i.Volumes {
			if v.Position == 0 {
				root += v.GiB
			} else {
				data += v.GiB
			}
		}
	}
	out := wire.BecVMServiceModel{ID: new(groupID(g.Group)), Name: &g.Name, Status: new(serviceStatus(g)), TotalCPUCount: new(int32(cpu)), TotalGPUCount: new(int32(0)),
		TotalMemoryCapacityInGB: new(int32(mib >> 10)), TotalRootDiskSizeInGb: new(int32(root)), TotalDataDiskSizeInGb: new(int32(data)),
		RunningInstanceCount: new(int32(running)), TotalInstanceCount: new(int32(len(g.Instances))), CreateTime: new(stamp(g.Created)),
		Tags: make([]wire.TagModel, len(g.Tags.V))}
	for k, t := range g.Tags.V {
		out.Tags[k] = wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)}
	}
	return out
}

// v2Deployed counts a service's instances by node and subnet, in the order in which the first of each was made.
func v2Deployed(g *compute.GroupView) []wire.DeployInstance {
	out := []wire.DeployInstance{}
	at := map[[2]string]int{}
	for _, i := range g.Instances {
		one := wire.DeployInstance{RegionID: i.Where.Name, PurchaseCount: 1}
		key := [2]string{i.Where.UID}
		if len(i.Ports) > 0 {
			p := i.Ports[0]
			key[1], one.SubnetID, one.VPCID = p.Subnet, new("sbn-"+p.SubnetSlug), new("vpc-"+p.NetworkSlug)
		}
		if k, seen := at[key]; seen {
			out[k].PurchaseCount++
			continue
		}
		at[key] = len(out)
		out = append(out, one)
	}
	return out
}

func (d *Door) v2StartService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.StartGroup(ctx, c.Caller, pathService(c))
	return dialect.Empty(), err
}

func (d *Door) v2StopService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.StopGroup(ctx, c.Caller, pathService(c))
	return dialect.Empty(), err
}

func (d *Door) v2RenameService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMServiceAttributesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Compute.RenameGroup(ctx, c.Caller, pathService(c), in.Name)
	return dialect.Empty(), err
}

// v2DeleteService deletes the instances with their service. The document does not say whether (x-doc-notes there); API 1.0 does so.
func (d *Door) v2DeleteService(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, err := d.Compute.DeleteGroup(ctx, c.Caller, pathService(c))
	return dialect.Empty(), err
}
