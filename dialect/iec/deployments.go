package iec

import (
	"context"
	"net/http"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/plan"
	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/deployment"
	"edgecloud/fault"
)

func (d *Door) deployments() dialect.Handlers {
	return dialect.Handlers{wire.OpCreateDeployment: d.createDeployment, wire.OpListDeployments: d.listDeployments, wire.OpDeleteDeployment: d.deleteDeployment,
		wire.OpExecuteDeployment: d.executeDeployment, wire.OpExpandEdgeCloud: d.expandEdgeCloud}
}

var deploymentCodes = []refinement{
	{in: "iec/deployment.", kind: fault.NotFound, about: "plan", code: "IEC.010100"},
	{in: "iec/deployment.", kind: fault.NotFound, about: plan.Kind, code: "IEC.010000"},
	{in: "iec/deployment.", kind: fault.Exists, about: plan.Kind, code: "IEC.010008"},
	{in: "iec/deployment.", kind: fault.Conflict, about: plan.Kind + ".failed", code: "IEC.010009"},
	{in: "iec/deployment.", kind: fault.Conflict, about: plan.Kind, code: "IEC.010002"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "name", code: "IEC.010005"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "edgecloud.name", code: "IEC.010004"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "edgecloud.description", code: "IEC.010010"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "edgecloud.stack.resources.name", code: "IEC.010401"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "edgecloud.stack.resources.image_ref", code: "IEC.010641"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "count", code: "IEC.010700"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "coverage", code: "IEC.010800"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "stack", code: "IEC.010303"},
	{in: "iec/deployment.createDeployment", kind: fault.Invalid, field: "network", code: "IEC.010303"},
	{in: "iec/deployment.createDeployment", kind: fault.Quota, about: "open plans", code: "IEC.010101"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "flavor", code: "IEC.010603"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "location", code: "IEC.011010"},
	{in: "iec/deployment.", kind: fault.Capacity, about: "site", code: "IEC.011018"},
	{in: "iec/deployment.", kind: fault.Capacity, code: "IEC.010900"},
	{in: "iec/deployment.", kind: fault.Quota, code: "IEC.010910"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "image", code: "IEC.030201"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "key pair", code: "IEC.010220"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "network", code: "IEC.020104"},
	{in: "iec/deployment.", kind: fault.NotFound, about: "security group", code: "IEC.020204"},
}

const (
	maxCloudName        = 32
	maxCloudDescription = 255
)

// createDeployment makes a plan and answers with where everything will be.
func (d *Door) createDeployment(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateDeploymentRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	one := in.Edgecloud
	w := plan.NewPlan{Name: scalar.Value(one.Name), Cloud: scalar.Value(one.ID), Description: scalar.Value(one.Description)}
	if w.Name != "" && !serverName(w.Name, maxCloudName, "_-") {
		return nil, fault.BadField("edgecloud.name", "must have 1 to %d letters, digits, Chinese characters, \"_\" and \"-\"", maxCloudName)
	}
	if len(w.Description) > maxCloudDescription {
		return nil, fault.BadField("edgecloud.description", "must have at most %d bytes", maxCloudDescription)
	}
	var err error
	if w.Coverage, err = d.coverage(ctx, one.Coverage); err != nil {
		return nil, err
	}
	if w.Stack, err = readStack(one.Stack); err != nil {
		return nil, err
	}
	p, err := d.Plans.Create(ctx, c.Caller, w)
	if err != nil {
		return nil, err
	}
	out := wire.CreateDeploymentResponse{ID: p.UID}
	out.Locations, err = locationsOf(ctx, d, p, func(l wire.Location) wire.Location { return l })
	return dialect.OK(out), err
}

// levels are the words of coverage_level; clients write them in any case.
var levels = map[string]plan.Level{"area": plan.Area, "prov": plan.Province, "city": plan.City, "site": plan.Site}

// coverage reads where stacks go. Places are named as GET /v1/sites names them, their case included; on the level of sites by ID.
func (d *Door) coverage(ctx context.Context, in wire.CoverageInput) (c plan.Coverage, err error) {
	c.Level, c.Spread = levels[strings.ToLower(in.CoverageLevel)], strings.EqualFold(in.CoveragePolicy, "discrete")
	if c.Level == "" || c.Level == plan.Site && c.Spread {
		return c, fault.BadField("coverage", "coverage_level must be area, prov, city or site, the last only with the policy centralize")
	}
	sites, err := d.Place.Sites(ctx)
	if err != nil {
		return c, err
	}
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return c, err
	}
	for _, one := range in.CoverageSites {
		p := plan.Place{Name: one.Site}
		var there []*place.Site
		for _, s := range sites {
			if nameAt(c.Level, s) == one.Site {
				p.Sites, there = append(p.Sites, s.UID), append(there, s)
			}
		}
		if len(there) == 0 {
			return c, fault.New(fault.NotFound, "There is no site at the place %q (%s).", one.Site, c.Level).About("location", one.Site)
		}
		for _, n := range one.Demands {
			demand, err := readDemand(c.Level, n, there, lines)
			if err != nil {
				return c, err
			}
			p.Demands = append(p.Demands, demand)
		}
		c.Places = append(c.Places, p)
	}
	return c, nil
}

// nameAt is what a site's place is called on a level.
func nameAt(l plan.Level, s *place.Site) string {
	p := placeOf(s)
	return map[plan.Level]string{plan.Area: p.area, plan.Province: p.province, plan.City: p.city, plan.Site: s.UID}[l]
}

func readDemand(level plan.Level, in wire.DemandInput, sites []*place.Site, lines map[string][]*place.Line) (plan.Demand, error) {
	n := plan.Demand{Count: int(in.DemandCount), Operator: scalar.Value(in.Operator), Line: scalar.Value(in.PoolID)}
	switch {
	case scalar.Value(in.PoolIDV6) != "" || in.IPv6BandwidthEnable != nil && bool(*in.IPv6BandwidthEnable):
		return n, fault.BadField("coverage", "pools of IPv6 lines (pool_id_v6) are not available")
	case n.Line != "" && (level == plan.Area || level == plan.Province):
		return n, fault.BadField("coverage", "pool_id must not be given on the levels area and prov")
	case n.Line != "":
		for _, s := range sites {
			if l := lineNamed(s, lines[s.UID], n.Line); l != nil {
				n.Carrier, n.Site = l.Carrier, s.UID
				return n, nil
			}
		}
		return n, fault.New(fault.NotFound, "There is no line %q at the place.", n.Line).About("location", n.Line)
	case n.Operator != "":
		for carrier := range operators {
			if o := operatorOf(carrier); among([]string{n.Operator}, o.Name) || among([]string{n.Operator}, o.Sa) {
				n.Carrier = carrier
				return n, nil
			}
		}
		return n, fault.New(fault.NotFound, "There is no operator %q.", n.Operator).About("location", n.Operator)
	}
	return n, nil
}

func readStack(in wire.StackInput) (s plan.Stack, err error) {
	if !serverName(in.Name, 48, "_-") {
		return s, fault.BadField("stack", "its name must have 1 to 48 letters, digits, Chinese characters, \"_\" and \"-\"")
	}
	s.Name = in.Name
	for _, one := range in.Resources {
		r, err := readResource(one)
		if err != nil {
			return s, err
		}
		s.Resources = append(s.Resources, r)
	}
	return s, nil
}

func readResource(in wire.ResourceInput) (r plan.Resource, err error) {
	if !serverName(in.Name, 48, "_-.") {
		return r, fault.BadField("edgecloud.stack.resources.name", "must have 1 to 48 letters, digits, Chinese characters, \"_\", \"-\" and \".\"")
	}
	if in.ImageRef == "" {
		return r, fault.BadField("edgecloud.stack.resources.image_ref", "must be set")
	}
	r = plan.Resource{Name: in.Name, Prefixed: in.WithPrefix == nil || bool(*in.WithPrefix), Count: 1, Flavor: in.FlavorRef, Image: in.ImageRef, Network: in.NetConfig.VPCID,
		NICs: int(in.NetConfig.NICNum), Key: scalar.Value(in.KeyName), System: volume.New{Storage: in.RootVolume.VolumeType, GiB: int64(in.RootVolume.Size)}}
	if in.Count != nil {
		r.Count = int(*in.Count)
	}
	if b := in.Bandwidth; b != nil {
		r.Public, r.Mbps = true, int64(scalar.Value(b.Size))
	}
	for _, v := range append([]wire.DataVolumeInput{wire.DataVolumeInput(in.RootVolume)}, in.DataVolumes...) {
		if !volume.KnownType(v.VolumeType) {
			return r, fault.BadField("stack", "no site offers the disk type %q", v.VolumeType)
		}
	}
	for _, v := range in.DataVolumes {
		r.Data = append(r.Data, volume.New{Role: volume.Cloud, Storage: v.VolumeType, GiB: int64(v.Size)})
	}
	for _, p := range in.NetConfig.AllowedAddressPairs {
		r.Pairs = append(r.Pairs, network.Pair{Address: p.IPAddress, MAC: scalar.Value(p.MACAddress)})
	}
	for _, g := range in.SecurityGroups {
		if id := scalar.Value(g.ID); id != "" {
			r.Groups = append(r.Groups, id)
		}
	}
	if r.UserData, err = userData("user_data", in.UserData); err != nil {
		return r, err
	}
	l, err := serverLogin(in.AdminPass, nil)
	r.PasswordHash = l.PasswordHash
	return r, err
}

func (d *Door) listDeployments(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	f := plan.Filter{ID: c.Param("id"), Cloud: c.Param("edgecloud_id")}
	if status := c.Param("status"); status != "" {
		f.Closed = new(status == "closed")
	}
	found, total, err := d.Plans.List(ctx, c.Caller, f, w)
	if err != nil {
		return nil, err
	}
	out := wire.ListDeploymentsResponse{Count: int32(total), Deployments: []wire.Deployment{}}
	for _, p := range found {
		one := wire.Deployment{ID: p.UID, Edgecloud: &wire.DeploymentEdgecloud{ID: p.Cloud, Name: p.Name, Description: p.Description, Coverage: new(describeCoverage(p.Coverage.V)),
			Stacks: new(describeStack("", p.Stack.V))}}
		if one.Distribution, err = locationsOf(ctx, d, p, func(l wire.Location) wire.Distribution {
			return wire.Distribution{SiteID: l.SiteID, Area: l.Area, Province: l.Province, City: l.City, Operator: l.Operator, PoolID: l.PoolID, StackCount: l.StackCount,
				CityShortName: l.CityShortName}
		}); err != nil {
			return nil, err
		}
		out.Deployments = append(out.Deployments, one)
	}
	return dialect.OK(out), nil
}

// locationsOf describes where a plan has been placed, in the two types that the contract has for it.
func locationsOf[T any](ctx context.Context, d *Door, p *plan.Plan, as func(wire.Location) T) ([]T, error) {
	lines, err := d.Place.Uplinks(ctx)
	if err != nil {
		return nil, err
	}
	all := []T{}
	for _, l := range p.Locations.V {
		site, err := d.Place.Site(ctx, l.Site)
		if err != nil {
			return nil, err
		}
		at := placeOf(site)
		one := wire.Location{SiteID: site.UID, Area: at.area, Province: at.province, City: at.city, Operator: operatorOf(l.Carrier).Name, StackCount: int32(l.Stacks),
			CityShortName: shortName(site)}
		for _, line := range lines[site.UID] {
			if line.Carrier == l.Carrier {
				one.PoolID = lineID(site, line)
			}
		}
		all = append(all, as(one))
	}
	return all, nil
}

func describeCoverage(c plan.Coverage) wire.Coverage {
	out := wire.Coverage{CoverageLevel: string(c.Level), CoveragePolicy: "centralize", CoverageSites: []wire.CoverageSite{}}
	if c.Spread {
		out.CoveragePolicy = "discrete"
	}
	for _, p := range c.Places {
		one := wire.CoverageSite{Site: p.Name, Demands: []wire.Demand{}}
		for _, n := range p.Demands {
			one.Demands = append(one.Demands, wire.Demand{Operator: n.Operator, PoolID: n.Line, DemandCount: int32(n.Count)})
		}
		out.CoverageSites = append(out.CoverageSites, one)
	}
	return out
}

// masked stands for a password that is kept only as a hash.
const masked = "******"

func describeStack(id string, s plan.Stack) wire.Stack {
	out := wire.Stack{ID: id, Name: s.Name, Resources: []wire.Resource{}}
	for _, r := range s.Resources {
		one := wire.Resource{Name: r.Name, WithPrefix: r.Prefixed, ImageRef: r.Image, FlavorRef: r.Flavor, KeyName: r.Key, Count: int32(r.Count),
			NetConfig:   wire.NetConfig{VPCID: r.Network, NICNum: int32(r.NICs), AllowedAddressPairs: []wire.AllowedAddressPair{}},
			RootVolume:  wire.RootVolume{Size: int32(r.System.GiB), VolumeType: r.System.Storage},
			DataVolumes: []wire.DataVolume{}, SecurityGroups: []wire.SecurityGroupOption{}, UserData: encodeUserData(r.UserData)}
		if r.PasswordHash != "" {
			one.AdminPass = masked
		}
		if r.Public {
			one.Bandwidth = &wire.BandwidthConfig{Sharetype: "WHOLE", Size: int32(r.Mbps)}
		}
		for _, p := range r.Pairs {
			one.NetConfig.AllowedAddressPairs = append(one.NetConfig.AllowedAddressPairs, wire.AllowedAddressPair{IPAddress: p.Address, MACAddress: p.MAC})
		}
		for _, v := range r.Data {
			one.DataVolumes = append(one.DataVolumes, wire.DataVolume{Size: int32(v.GiB), VolumeType: v.Storage})
		}
		for _, g := range r.Groups {
			one.SecurityGroups = append(one.SecurityGroups, wire.SecurityGroupOption{ID: g})
		}
		out.Resources = append(out.Resources, one)
	}
	return out
}

func (d *Door) deleteDeployment(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return &dialect.Answer{Status: http.StatusNoContent}, d.Plans.Delete(ctx, c.Caller, c.Path("deployment_id"))
}

func (d *Door) executeDeployment(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	made, err := d.Plans.Deploy(ctx, c.Caller, c.Path("deployment_id"), d.nameServers)
	return d.deployed(ctx, c, made, err)
}

func (d *Door) expandEdgeCloud(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	made, err := d.Plans.Expand(ctx, c.Caller, c.Path("deployment_id"), d.nameServers)
	return d.deployed(ctx, c, made, err)
}

func (d *Door) deployed(ctx context.Context, c *dialect.Call, made *plan.Cloud, err error) (*dialect.Answer, error) {
	if err != nil {
		return nil, err
	}
	job, err := d.job(ctx, c, made.UID)
	status := cloudStatuses[made.State]
	return dialect.OK(wire.DeployResponse{ID: made.UID, Name: made.Name, DeploymentID: c.Path("deployment_id"), Status: &status, JobID: job.JobID}), err
}

// nameServers calls the instances of a resource at a site. Several are counted in four digits, and those that come later are counted on.
func (d *Door) nameServers(ctx context.Context, site *place.Site, r plan.Resource, first, count int) ([]compute.Label, error) {
	name := r.Name
	if r.Prefixed {
		prefix, err := d.namePrefix(ctx, site)
		if err != nil {
			return nil, err
		}
		name = prefix + name
	}
	return labels(name, first+count)[first:], nil
}
