package bec

import (
	"context"
	"slices"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1deployset"
	"edgecloud/fault"
)

func (d *Door) v1DeploySets() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateDeploySet:          d.v1CreateDeploySet,
		wire.OpListDeploySets:           d.v1ListDeploySets,
		wire.OpGetDeploySet:             d.v1GetDeploySet,
		wire.OpModifyDeploySetAttribute: d.v1ModifyDeploySet,
		wire.OpDeleteDeploySet:          d.v1DeleteDeploySet,
		wire.OpUpdateDeploySetRelation:  d.v1UpdateRelation,
		wire.OpRemoveDeploySetInstances: d.v1DelRelation,
	}
}

func v1PathSet(c *dialect.Call) string { return bare("dset-", c.Path("deploysetId")) }

func (d *Door) v1CreateDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateDeploySetRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var desc string
	if in.Desc != nil {
		desc = *in.Desc
	}
	s, err := d.Place.CreateSet(ctx, c.Caller, in.Name, desc)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateDeploySetResponse{DeploysetIDList: []string{setID(s)}}), nil
}

// v1ListDeploySets pages in memory: an account has few sets, and their quota bounds them.
func (d *Door) v1ListDeploySets(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	sets, err := d.Compute.Sets(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	word := c.Param("keyword")
	sets = slices.DeleteFunc(sets, func(s *compute.SetView) bool {
		if c.Param("keywordType") == "name" {
			return !strings.Contains(s.Name, word)
		}
		return !strings.Contains(setID(s.Set), word)
	})
	slices.Reverse(sets) // newest first, as the example is sorted
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), v1PageSize)
	out := wire.DeploySetListResponse{Result: []wire.DeploySetDetailVo{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)),
		PageSize: new(int32(p.Size)), TotalCount: new(int32(len(sets)))}
	first := min((p.Number-1)*p.Size, len(sets))
	for _, s := range sets[first:min(first+p.Size, len(sets))] {
		one, err := d.v1DeploySet(ctx, s)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, one)
	}
	return dialect.OK(out), nil
}

func (d *Door) v1GetDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	s, err := d.Compute.Set(ctx, c.Caller, v1PathSet(c))
	if err != nil {
		return nil, err
	}
	out, err := d.v1DeploySet(ctx, s)
	return dialect.OK(out), err
}

func (d *Door) v1DeploySet(ctx context.Context, s *compute.SetView) (wire.DeploySetDetailVo, error) {
	full, err := d.v2DeploySet(ctx, s)
	if err != nil {
		return wire.DeploySetDetailVo{}, err
	}
	out := wire.DeploySetDetailVo{DeploysetID: full.DeploysetID, Name: full.Name, Desc: full.Desc, InstanceCount: full.InstanceCount,
		InstanceTotal: new(int32(place.MaxSetPerSite)), CreateTime: full.CreateTime, NodeInstanceStatisList: []wire.NodeInstanceStatis{}}
	for _, n := range full.NodeInstanceStatisList {
		out.NodeInstanceStatisList = append(out.NodeInstanceStatisList, wire.NodeInstanceStatis{RegionID: n.RegionID, InstanceCount: n.InstanceCount,
			InstanceTotal: n.InstanceTotal, InstanceIDs: n.InstanceIDs})
	}
	return out, nil
}

func (d *Door) v1ModifyDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyDeploySetRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	// An empty text leaves a field, and both must not be empty (x-behavior).
	name, desc := in.Name, in.Desc
	if name != nil && *name == "" {
		name = nil
	}
	if desc != nil && *desc == "" {
		desc = nil
	}
	if name == nil && desc == nil {
		return nil, fault.BadField("name", "name and desc must not both be empty")
	}
	return dialect.Empty(), d.Place.UpdateSet(ctx, c.Caller, v1PathSet(c), name, desc)
}

func (d *Door) v1DeleteDeploySet(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Place.DeleteSet(ctx, c.Caller, v1PathSet(c))
}

func (d *Door) v1UpdateRelation(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateDeploySetRelationRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	set := ""
	if len(in.DeploysetIDList) > 0 {
		set = bare("dset-", in.DeploysetIDList[0])
	}
	return dialect.Empty(), d.Compute.Place(ctx, c.Caller, bare("vm-", in.InstanceID), set)
}

func (d *Door) v1DelRelation(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.DelDeploySetRelationRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Compute.Unplace(ctx, c.Caller, bare("dset-", in.DeploysetID), bareAll("vm-", in.InstanceIDList))
}
