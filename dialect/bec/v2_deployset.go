package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2deployset"
	"edgecloud/fault"
)

func (d *Door) v2DeploySets() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateDeploySet:              d.v2CreateDeploySet,
		wire.OpListDeploySets:               d.v2ListDeploySets,
		wire.OpGetDeploySet:                 d.v2GetDeploySet,
		wire.OpModifyDeploySetAttribute:     d.v2ModifyDeploySet,
		wire.OpDeleteDeploySet:              d.v2DeleteDeploySet,
		wire.OpUpdateInstanceDeploySets:     d.v2UpdateRelation,
		wire.OpRemoveInstancesFromDeploySet: d.v2DelRelation,
	}
}

// The only values that are supported (deployset.yaml, createDeploySet).
const (
	setStrategy    = "HOST_HA"
	setConcurrency = 1
)

func pathSet(c *dialect.Call) string { return bare("dset-", c.Path("deploySetId")) }

func (d *Door) v2CreateDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeploySetCreateRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if n := scalar.Or(in.Concurrency, setConcurrency); n != setConcurrency && n != 0 {
		return nil, fault.BadField("concurrency", "only %d is supported", setConcurrency)
	}
	s, err := d.Place.CreateSet(ctx, c.Caller, in.Name, scalar.Value(in.Desc))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.DeploySetCreateResponse{DeploySetIDs: []string{setID(s)}}), nil
}

func (d *Door) v2ListDeploySets(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	sets, err := d.Compute.Sets(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	out := wire.ListDeploySetResponse{DeploySets: make([]wire.DeploySetVo, len(sets))}
	for k, s := range sets {
		if out.DeploySets[k], err = d.v2DeploySet(ctx, s); err != nil {
			return nil, err
		}
	}
	return dialect.OK(out), nil
}

func (d *Door) v2GetDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, err := d.Compute.Set(ctx, c.Caller, pathSet(c))
	if err != nil {
		return nil, err
	}
	out, err := d.v2DeploySet(ctx, s)
	return dialect.OK(out), err
}

func (d *Door) v2DeploySet(ctx context.Context, s *compute.SetView) (wire.DeploySetVo, error) {
	out := wire.DeploySetVo{DeploysetID: new(setID(s.Set)), Name: &s.Name, Desc: &s.Description, Strategy: new(setStrategy), Concurrency: new(int32(setConcurrency)),
		InstanceCount: new(int32(len(s.Members))), InstanceTotal: new(int32(place.MaxSetPerSite)), CreateTime: new(stamp(s.Created)),
		NodeInstanceStatisList: []wire.DeploySetNodeStatis{}}
	at := map[string]int{}
	for _, m := range s.Members {
		k, seen := at[m.Site]
		if !seen {
			site, err := d.Place.Site(ctx, m.Site)
			if err != nil {
				return out, err
			}
			k = len(out.NodeInstanceStatisList)
			at[m.Site] = k
			out.NodeInstanceStatisList = append(out.NodeInstanceStatisList, wire.DeploySetNodeStatis{RegionID: &site.Name, Region: &site.Area, City: &site.City,
				ServiceProvider: new(string(site.Carrier)), InstanceCount: new(int32(0)), InstanceTotal: new(int32(place.MaxSetPerSite))})
		}
		node := &out.NodeInstanceStatisList[k]
		*node.InstanceCount++
		node.InstanceIDs = append(node.InstanceIDs, "vm-"+m.Handle)
	}
	return out, nil
}

func (d *Door) v2ModifyDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DeploySetUpdateRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Place.UpdateSet(ctx, c.Caller, pathSet(c), in.Name, in.Desc)
}

func (d *Door) v2DeleteDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Place.DeleteSet(ctx, c.Caller, pathSet(c))
}

func (d *Door) v2UpdateRelation(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateDeploySetInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	set := ""
	switch len(in.DeploysetIDList) {
	case 0:
	case 1:
		set = bare("dset-", in.DeploysetIDList[0])
	default:
		return nil, fault.BadField("deploysetIdList", "an instance can be in one deploy set only")
	}
	return dialect.Empty(), d.Compute.Place(ctx, c.Caller, bare("vm-", in.InstanceID), set)
}

func (d *Door) v2DelRelation(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DelBecDeploySetInstanceRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	ids := make([]string, len(in.InstanceIDList))
	for k, id := range in.InstanceIDList {
		ids[k] = bare("vm-", id)
	}
	return dialect.Empty(), d.Compute.Unplace(ctx, c.Caller, bare("dset-", in.DeployID), ids)
}
