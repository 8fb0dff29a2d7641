package iec

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"edgecloud/cloud/plan"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/edgecloud"
	"edgecloud/fault"
)

func (d *Door) edgeClouds() dialect.Handlers {
	return dialect.Handlers{wire.OpListEdgeClouds: d.listEdgeClouds, wire.OpShowEdgeCloud: d.showEdgeCloud, wire.OpDeleteEdgeCloud: d.deleteEdgeCloud}
}

var edgeCloudCodes = []refinement{
	{in: "iec/edgecloud.", kind: fault.NotFound, about: plan.Kind, code: "IEC.010000"},
	{in: "iec/edgecloud.", kind: fault.Conflict, about: plan.Kind, code: "IEC.010002"},
}

// cloudStatuses maps every state of an edge cloud.
var cloudStatuses = map[plan.State]string{plan.Creating: "creating", plan.Updating: "updating", plan.InService: "inService", plan.Failed: "failed", plan.Deleting: "deleting",
	plan.DeleteFailed: "delFailed"}

func (d *Door) listEdgeClouds(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, total, err := d.Plans.Clouds(ctx, c.Caller, plan.CloudFilter{ID: c.Param("id"), Name: c.Param("name")}, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListEdgeCloudsResponse{Count: int32(total), Edgeclouds: []wire.EdgeCloud{}}
	for _, v := range found {
		coverage, err := d.cloudCoverage(ctx, v)
		if err != nil {
			return nil, err
		}
		status := cloudStatuses[v.State]
		out.Edgeclouds = append(out.Edgeclouds, wire.EdgeCloud{ID: v.UID, Name: v.Name, Description: v.Description, Coverage: coverage, SuccessNum: int32(v.Good), FailedNum: int32(v.Bad),
			Status: &status, EdgeRegions: int32(len(v.Sites))})
	}
	return dialect.OK(out), nil
}

func (d *Door) showEdgeCloud(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := d.Plans.Cloud(ctx, c.Caller, c.Path("edgecloud_id"))
	if err != nil {
		return nil, err
	}
	status := cloudStatuses[v.State]
	out := wire.ShowEdgeCloudResponse{ID: v.UID, Name: v.Name, Description: v.Description, SuccessNum: int32(v.Good), FailedNum: int32(v.Bad), Status: &status,
		EdgeRegions: int32(len(v.Sites)), CreateAt: microStamp(v.Created), UpdateAt: microStamp(v.Changed)}
	if v.Error != "" {
		out.FailReason = &wire.FailReason{FailCode: "IEC.010900", FailMessage: v.Error}
	}
	if out.Coverage, err = d.cloudCoverage(ctx, v); err != nil {
		return nil, err
	}
	out.Stacks, err = d.cloudStacks(ctx, v)
	return dialect.OK(out), err
}

// cloudCoverage describes where an edge cloud is. One that was made without a plan covers the sites of its instances.
func (d *Door) cloudCoverage(ctx context.Context, v *plan.View) (*wire.CoverageResp, error) {
	c := v.Coverage.V
	if !v.Planned {
		c.Level = plan.Site
		for _, site := range v.Sites {
			c.Places = append(c.Places, plan.Place{Name: site, Sites: []string{site}})
		}
	}
	level, policy := string(c.Level), "centralize"
	if c.Spread {
		policy = "discrete"
	}
	out := &wire.CoverageResp{CoverageLevel: &level, CoveragePolicy: &policy, CoverageSites: []wire.CoverageSiteResp{}}
	for _, p := range c.Places {
		one := wire.CoverageSiteResp{Site: p.Name, Demands: []wire.DemandResp{}}
		for _, n := range p.Demands {
			one.Demands = append(one.Demands, wire.DemandResp{DemandCount: new(int32(n.Count))})
		}
		if len(p.Sites) > 0 {
			site, err := d.Place.Site(ctx, p.Sites[0])
			if err != nil {
				return nil, err
			}
			at := placeOf(site)
			one.I18nSite = map[plan.Level]string{plan.Area: at.i18nArea, plan.Province: at.i18nProvince, plan.City: at.i18nCity, plan.Site: at.i18nCity}[c.Level]
		}
		out.CoverageSites = append(out.CoverageSites, one)
	}
	return out, nil
}

// cloudStacks describes the stacks that have been made, each named after its place and counted there: "stack-fo09-xi_a-001".
func (d *Door) cloudStacks(ctx context.Context, v *plan.View) ([]wire.Stack, error) {
	all, counted := []wire.Stack{}, map[string]int{}
	for _, part := range v.Parts.V {
		site, err := d.Place.Site(ctx, part.Site)
		if err != nil {
			return nil, err
		}
		at := stackPlace(placeOf(site).city)
		key := part.Stack.Name + "-" + at
		counted[key]++
		one, err := as[wire.Stack](describeStack(part.UID, part.Stack))
		if err != nil {
			return nil, err
		}
		one.Name = fmt.Sprintf("%s-%03d", key, counted[key])
		all = append(all, one)
	}
	return all, nil
}

// as puts an answer into the type that another file of the contract has for the same schema.
func as[T any](answer any) (same T, err error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return same, err
	}
	return same, json.Unmarshal(text, &same)
}

// stackPlace is the beginning of a city's name, without marks.
func stackPlace(city string) string {
	short := city[:min(4, len(city))]
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, short)
}

func (d *Door) deleteEdgeCloud(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	id := c.Path("edgecloud_id")
	if err := d.Plans.DeleteCloud(ctx, c.Caller, id); err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, id)
	if fault.Is(err, fault.NotFound) { // one without a plan goes at once
		job.JobID, err = jobID(c.RequestID), nil
	}
	return &dialect.Answer{Status: http.StatusAccepted, Body: wire.DeleteEdgeCloudResponse{JobID: job.JobID}}, err
}
