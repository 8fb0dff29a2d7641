package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/place"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1overview"
	"edgecloud/dialect/bec/wire/v1resource"
)

func (d *Door) v1Overviews() dialect.Handlers {
	return dialect.Handlers{
		wire.OpGetOverviewSummary:                d.overview,
		wire.OpGetTotalOverviewSummary:           d.overview,
		wire.OpGetVMOverviewSummary:              d.vmOverview,
		v1resource.OpListResourcePackages:        d.v1ListPackages,
		v1resource.OpListPassthroughDiskPackages: d.listPassthroughDisks,
	}
}

// mainland are the regions that a count by region always has (BEC 1.0 getVmOverviewSummary).
var mainland = []string{wire.RegionCENTRALCHINA, wire.RegionEASTCHINA, wire.RegionNORTHCHINA, wire.RegionSOUTHCHINA, wire.RegionNORTHEAST, wire.RegionNORTHWEST, wire.RegionSOUTHWEST}

// overview answers two pages of the document that have one path and method, with nothing to tell them apart: their members do not overlap, so the answer has both.
// The first one counts containers, of which there are none.
func (d *Door) overview(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	u, err := d.Compute.Usage(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	used, perCarrier := []*place.Site{}, map[string]wire.Usage{}
	sites, err := d.Place.Sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		at := u.Sites[s.UID]
		if at == nil {
			continue
		}
		used = append(used, s)
		sum := perCarrier[string(s.Carrier)]
		if sum.CPU == nil {
			sum = wire.Usage{CPU: new(int32(0)), Memory: new(int32(0)), Storage: new(int64(0))}
		}
		*sum.CPU, *sum.Memory, *sum.Storage = *sum.CPU+int32(at.VCPUs), *sum.Memory+int32(at.MemoryMiB>>10), *sum.Storage+at.DiskGiB
		perCarrier[string(s.Carrier)] = sum
	}
	up, down, err := d.Place.UpAndDown(ctx)
	if err != nil {
		return nil, err
	}
	none := &wire.ResourceCount{Total: new(int32(0)), RunningCount: new(int32(0)), FailedCount: new(int32(0)), ClosedCount: new(int32(0))}
	return dialect.OK(wire.OverviewSummary{ServiceCount: none, DeploymentCount: none, PodCount: none, CPU: new(0.0), Memory: new(0.0), Bandwidth: new(int64(0)),
		Ready: new(int32(len(up))), NotReady: new(int32(len(down))), Used: new(int32(len(used))), ResourceUsage: &wire.ResourceUsageInISP{UsageMap: perCarrier},
		UsedNodes: nodeInfo(used), ReadyNodes: nodeInfo(up), NotReadyNodes: nodeInfo(down)}), nil
}

// nodeInfo shows nodes by region and city.
func nodeInfo(sites []*place.Site) *wire.NodeInfoVo {
	tree := &nodeTree{}
	for _, s := range sites {
		tree.add(s)
	}
	out := &wire.NodeInfoVo{RegionList: []wire.RegionInfo{}, NodeSum: new(int32(tree.sum))}
	for _, a := range tree.areas {
		area := wire.RegionInfo{Region: &a.site.Area, Name: &a.site.AreaName}
		for _, one := range a.cities {
			city := wire.CityInfo{City: &one.sites[0].City, Name: &one.sites[0].CityName}
			for _, s := range one.sites {
				city.ServiceProviderList = append(city.ServiceProviderList, wire.ServiceProviderInfo{ServiceProvider: new(string(s.Carrier)), Name: new(s.Carrier.ChineseName())})
			}
			area.CityList = append(area.CityList, city)
		}
		out.RegionList = append(out.RegionList, area)
	}
	return out
}

func (d *Door) vmOverview(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	u, err := d.Compute.Usage(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	out := wire.ResourceTypeOverview{ServiceCount: runningOf(u.Groups, u.RunningGroups), InstanceCount: runningOf(u.Instances, u.Running),
		ResourceOverview: &wire.ResourceOverview{TotalCPU: new(int32(u.VCPUs)), TotalMem: new(int32(u.MemoryMiB >> 10)), TotalRootDisk: &u.SystemGiB, TotalDataDisk: &u.DataGiB,
			TotalGPU: new(int32(0)), TotalBLB: new(int32(0))},
		NodeOverview: map[string]int32{}}
	out.NodeOverview, err = d.nodesByRegion(ctx, u)
	return dialect.OK(out), err
}

func runningOf(total, running int) *wire.ResourceCount {
	return &wire.ResourceCount{Total: new(int32(total)), RunningCount: new(int32(running)), OtherCount: new(int32(total - running))}
}

// nodesByRegion counts the nodes where the account has instances.
func (d *Door) nodesByRegion(ctx context.Context, u *compute.Usage) (map[string]int32, error) {
	counts := map[string]int32{"totalCount": 0}
	for _, region := range mainland {
		counts[region] = 0
	}
	for uid, at := range u.Sites {
		if at.Instances == 0 {
			continue
		}
		site, err := d.Place.Site(ctx, uid)
		if err != nil {
			return nil, err
		}
		counts[site.Area]++
		counts["totalCount"]++
	}
	return counts, nil
}

// v1ListPackages lists the flavors. Only machines have any yet, and only of the policy by which the caller chooses the model.
func (d *Door) v1ListPackages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	out := v1resource.ResourcePackageResult{Success: new(true), Result: []v1resource.BecResourcePackageVo{}}
	if c.Path("type") != "vm" || c.Param("policy") != "spec" {
		return dialect.OK(out), nil
	}
	flavors, err := d.Place.Flavors(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range flavors {
		one := v1resource.BecResourcePackageVo{Name: &f.Name, Spec: &f.Name, CPU: new(int32(f.VCPUs)), Memory: new(int32(f.MemoryMiB >> 10)), SpecID: &f.Family, Enabled: new(true),
			NetworkPacketData: new(int32(0))}
		if f.GPUs > 0 {
			one.GPU, one.GPUModel = new(int32(f.GPUs)), &f.GPUModel
		}
		out.Result = append(out.Result, one)
	}
	return dialect.OK(out), nil
}

// listPassthroughDisks: no machine here gives a whole disk away.
func (d *Door) listPassthroughDisks(context.Context, *dialect.Call) (*dialect.Answer, error) {
	return dialect.OK(v1resource.PassthroughPackageResult{Result: []v1resource.PassthroughPackage{}, Success: new(true)}), nil
}
