package bec_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/dialect/bec/wire/v1overview"
	"edgecloud/dialect/bec/wire/v1resource"
)

// TestOverviewsSumUpWhatThereIs: two instances at one node and one at another, one of them stopped.
func TestOverviewsSumUpWhatThereIs(t *testing.T) {
	v := newV2(t)
	var vm v1overview.ResourceTypeOverview
	v.must(t, "GET", "/v1/overview/summary/vm", nil, &vm)
	require.Equal(t, []int32{0, 0, 0, 8}, []int32{*vm.ServiceCount.Total, *vm.InstanceCount.Total, vm.NodeOverview["totalCount"], int32(len(vm.NodeOverview))})

	_, ids := v.create(t, values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 2}}})
	_, more := v.create(t, values{"deployInstances": []values{{"regionId": v2Sites, "purchaseCount": 1}}})
	v.await(t, "RUNNING", append(ids, more...)...)
	v.must(t, "PUT", "/v2/vm/instance/"+more[0]+"?stop", nil, nil)
	v.await(t, "STOPPED", more[0])
	v.makeVolumes(t, "alone", 1)

	v.must(t, "GET", "/v1/overview/summary/vm", nil, &vm)
	require.Equal(t, []int32{2, 1, 1}, []int32{*vm.ServiceCount.Total, *vm.ServiceCount.RunningCount, *vm.ServiceCount.OtherCount})
	require.Equal(t, []int32{3, 2, 1}, []int32{*vm.InstanceCount.Total, *vm.InstanceCount.RunningCount, *vm.InstanceCount.OtherCount})
	require.Nil(t, vm.DeploymentCount)
	require.Equal(t, []int32{3, 12}, []int32{*vm.ResourceOverview.TotalCPU, *vm.ResourceOverview.TotalMem})
	require.EqualValues(t, 52, *vm.ResourceOverview.TotalDataDisk)
	require.Equal(t, []int32{2, 1, 1, 0}, []int32{vm.NodeOverview["totalCount"], vm.NodeOverview["EAST_CHINA"], vm.NodeOverview["NORTH_EAST"], vm.NodeOverview["SOUTH_CHINA"]})

	var total v1overview.OverviewSummary
	v.must(t, "GET", "/v1/overview/summary", nil, &total)
	require.Zero(t, *total.PodCount.Total, "there are no containers")
	require.EqualValues(t, 2, *total.Used)
	require.EqualValues(t, 2, *total.UsedNodes.NodeSum)
	require.Equal(t, []int32{2, 8}, []int32{*total.ResourceUsage.UsageMap["CHINA_MOBILE"].CPU, *total.ResourceUsage.UsageMap["CHINA_MOBILE"].Memory})
	require.EqualValues(t, *total.Ready, *total.ReadyNodes.NodeSum)
	require.Positive(t, *total.Ready)
	require.Zero(t, *total.NotReady)
}

// TestPackagesOfOne: the models of machines are listed for who chooses one, and nothing is that cannot be made.
func TestPackagesOfOne(t *testing.T) {
	v := newV2(t)
	names := func(target string) (all []string) {
		var out v1resource.ResourcePackageResult
		v.must(t, "GET", target, nil, &out)
		for _, p := range out.Result {
			all = append(all, *p.Name)
		}
		return all
	}
	require.Contains(t, names("/v1/resource/package/vm?policy=spec"), "bec.g4.c1m4")
	for _, target := range []string{"/v1/resource/package/vm", "/v1/resource/package/bm", "/v1/resource/package/container", "/v1/resource/disk/passthrough"} {
		require.Empty(t, names(target), target)
	}
}
