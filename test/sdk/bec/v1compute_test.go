package bec_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/bce"
	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
)

const (
	v1Image    = "Ubuntu 22.04 server 64bit"
	v1Password = "password1234!"
)

func v1Args(replicas int, nodes ...string) *api.CreateVmServiceArgs {
	var where []api.DeploymentInstance
	for _, n := range nodes {
		where = append(where, api.DeploymentInstance{RegionId: n, Replicas: replicas, NetworkType: "vpc"})
	}
	return &api.CreateVmServiceArgs{ServiceName: "web", ImageId: v1Image, ImageType: api.ImageTypeBec, Cpu: 1, Memory: 2, NeedPublicIp: true, Bandwidth: 10,
		DeployInstances: &where, SystemVolume: &api.SystemVolumeConfig{VolumeType: api.DiskTypeNVME, SizeInGB: 40, Name: "sys"},
		DataVolumeList: &[]api.VolumeConfig{{Name: "d", VolumeType: api.DiskTypeSATA, SizeInGB: 20}},
		KeyConfig:      &api.KeyConfig{Type: "password", AdminPass: v1Password}, PaymentMethod: "postpay", Tags: &[]api.Tag{{TagKey: "k", TagValue: "v"}}}
}

func v1Running(t *testing.T, client *sdk.Client, service string, want int) {
	t.Helper()
	controlplanetest.Eventually(t, fmt.Sprintf("%d instances of %s run", want, service), func() bool {
		s, err := client.GetVmServiceDetail(service)
		require.NoError(t, err)
		return s.RunningInstances == want
	})
}

func v1Status(t *testing.T, client *sdk.Client, vm, want string) {
	t.Helper()
	controlplanetest.Eventually(t, vm+" is "+want, func() bool {
		v, err := client.GetVirtualMachine(vm)
		require.NoError(t, err)
		return v.Status == want
	})
}

// v1Refused expects an error of a status whose message names what is wrong.
func v1Refused(t *testing.T, err error, status int, names string) {
	t.Helper()
	var fail *bce.BceServiceError
	require.ErrorAs(t, err, &fail)
	require.Equal(t, status, fail.StatusCode, fail.Message)
	require.Contains(t, fail.Message, names)
}

func v1List(t *testing.T, client *sdk.Client, args api.ListRequest) []string {
	t.Helper()
	page, err := client.GetVmInstanceList(&args)
	require.NoError(t, err)
	ids := []string{}
	for _, v := range page.Result {
		ids = append(ids, v.VmId)
	}
	return ids
}

func TestV1ServiceAtTwoSitesLivesItsWholeLife(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	made, err := client.CreateVmService(v1Args(1, "cn-hangzhou-cm", "cn-changchun-ix"))
	require.NoError(t, err)
	service := made.Details.ServiceId
	require.Regexp(t, `^s-[a-z0-9]{8}$`, service)
	require.Equal(t, "create", made.Action)
	require.Equal(t, 2, made.Details.TotalCpu)
	require.Equal(t, 4, made.Details.TotalMem)
	require.Equal(t, 80, made.Details.TotalRootDisk)
	require.Equal(t, 40, made.Details.TotalDisk)
	require.Empty(t, made.Details.CreateTime)
	v1Running(t, client, service, 2)

	detail, err := client.GetVmServiceDetail(service)
	require.NoError(t, err)
	require.Equal(t, 2, detail.Regions)
	require.Equal(t, "10Mbps", detail.Bandwidth)
	require.Equal(t, "20Mbps", detail.TotalBandwidth)
	require.Equal(t, "Ubuntu", detail.OsImage.OsName)

	page, err := client.GetVmInstanceList(&api.ListRequest{KeywordType: "serviceId", Keyword: service, OrderBy: "createTime", Order: "asc"})
	require.NoError(t, err)
	require.Equal(t, 2, page.TotalCount)
	single, triple := page.Result[0], page.Result[1]
	require.Equal(t, "cn-hangzhou-cm", single.RegionId)
	require.NotEmpty(t, single.PublicIp)
	require.Empty(t, single.MultiplePublicIp)
	require.Empty(t, triple.PublicIp)
	require.Len(t, triple.MultiplePublicIp, 3)
	require.NotEmpty(t, single.InternalIp)
	require.Len(t, single.SecurityGroups, 1)
	require.Equal(t, 40, single.SystemVolume.SizeInGB)

	v1Power(t, client, service, single.VmId)
	v1Change(t, client, service, single.VmId, triple.VmId)

	gone, err := client.DeleteVmInstance(single.VmId)
	require.NoError(t, err)
	require.Equal(t, single.VmId, gone.Details["vmId"])
	controlplanetest.Eventually(t, "the instance is gone", func() bool {
		_, err := client.GetVirtualMachine(single.VmId)
		return err != nil
	})
	_, err = client.DeleteVmService(service)
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the service is gone", func() bool {
		_, err := client.GetVmServiceDetail(service)
		return err != nil
	})
	_, err = client.GetVmServiceDetail(service)
	v1Refused(t, err, http.StatusNotFound, "does not exist")
}

func v1Power(t *testing.T, client *sdk.Client, service, vm string) {
	_, err := client.OperateVmDeployment(vm, "start")
	v1Refused(t, err, http.StatusConflict, "running")
	done, err := client.OperateVmDeployment(vm, "stop")
	require.NoError(t, err)
	require.Equal(t, vm, done.Details["vmId"])
	v1Status(t, client, vm, "STOPPED")
	_, err = client.OperateVmDeployment(vm, "restart")
	v1Refused(t, err, http.StatusConflict, "stopped")
	_, err = client.OperateVmDeployment(vm, "start")
	require.NoError(t, err)
	v1Status(t, client, vm, "RUNNING")
	_, err = client.OperateVmDeployment(vm, "restart")
	require.NoError(t, err)
	v1Status(t, client, vm, "RUNNING")
	acted, err := client.VmServiceAction(service, api.VmServiceActionStop)
	require.NoError(t, err)
	require.Equal(t, service, acted.Details["serviceId"])
	controlplanetest.Eventually(t, "both are off", func() bool { return len(v1List(t, client, api.ListRequest{Status: "STOPPED"})) == 2 })
	batch, err := client.BatchOperateVmService(&api.VmServiceBatchActionArgs{IdList: []string{service, "s-absent00"}, Action: "start"})
	require.NoError(t, err)
	require.True(t, batch.Details[0].Success)
	require.False(t, batch.Details[1].Success)
	require.Contains(t, batch.Details[1].Error, "does not exist")
	v1Running(t, client, service, 2)
}

func v1Change(t *testing.T, client *sdk.Client, service, vm, other string) {
	_, err := client.UpdateVmInstance(vm, &api.UpdateVmInstanceArgs{Type: "vmName", VmName: "renamed"})
	require.NoError(t, err)
	changed, err := client.UpdateVmInstance(vm, &api.UpdateVmInstanceArgs{Type: "resource", Cpu: 1, Memory: 2, Bandwidth: 67})
	require.NoError(t, err)
	require.Equal(t, "RUNNING", changed.Details.Status, "a change of the bandwidth does not restart")
	require.Equal(t, "67Mbps", changed.Details.Bandwidth)
	require.Equal(t, "renamed", changed.Details.VmName)
	changed, err = client.UpdateVmInstance(vm, &api.UpdateVmInstanceArgs{Type: "resource", Cpu: 2, Memory: 4})
	require.NoError(t, err)
	require.Equal(t, "RESTARTING", changed.Details.Status)
	v1Status(t, client, vm, "RUNNING")
	_, err = client.UpdateVmInstance(vm, &api.UpdateVmInstanceArgs{Type: "password", KeyConfig: &api.KeyConfig{Type: "password", AdminPass: "another5678!"}})
	require.NoError(t, err)
	v1Status(t, client, vm, "RUNNING")
	again, err := client.ReinstallVmInstance(vm, &api.ReinstallVmInstanceArg{ImageId: "Debian 12 64bit", ImageType: "bec", AdminPass: v1Password})
	require.NoError(t, err)
	require.Equal(t, "reinstall", again.Action)
	require.Equal(t, "REINSTALLING", again.Details.Status)
	v1Status(t, client, vm, "RUNNING")
	detail, err := client.GetVirtualMachine(vm)
	require.NoError(t, err)
	require.Equal(t, 2, detail.Cpu)
	require.Equal(t, "Debian", detail.OsImage.OsName)
	require.Len(t, *detail.NetworkConfig.NetworksList, 2)
	config, err := client.GetVmConfig(vm)
	require.NoError(t, err)
	require.Equal(t, 4, config.Mem)
	require.Equal(t, "67", config.Bandwidth)

	_, err = client.UpdateVmService(service, &api.UpdateVmServiceArgs{UpdateBecVmForm: api.UpdateBecVmForm{Type: "serviceName"}, ServiceName: "YourNewName"})
	require.NoError(t, err)
	scaled, err := client.UpdateVmService(service, &api.UpdateVmServiceArgs{UpdateBecVmForm: api.UpdateBecVmForm{Type: "replicas"},
		DeployInstances: &[]api.DeploymentInstance{{RegionId: "cn-changchun-ix", Replicas: 2}}, ReplicaTemplate: &api.ReplicaTemplate{Type: "instance", TemplateId: other}})
	require.NoError(t, err)
	require.Equal(t, 3, scaled.Details.TotalInstances)
	require.Equal(t, "YourNewName", scaled.Details.ServiceName)
	v1Running(t, client, service, 3)
	_, err = client.UpdateVmService(service, &api.UpdateVmServiceArgs{UpdateBecVmForm: api.UpdateBecVmForm{Type: "replicas"},
		DeployInstances: &[]api.DeploymentInstance{{RegionId: "cn-changchun-ix", Replicas: 1}}})
	v1Refused(t, err, http.StatusBadRequest, "deployInstances.replicas")
	_, err = client.UpdateVmService(service, &api.UpdateVmServiceArgs{UpdateBecVmForm: api.UpdateBecVmForm{Type: "resource", Cpu: 4, Memory: 8, Bandwidth: 20}})
	require.NoError(t, err)
	v1Running(t, client, service, 3)
	s, err := client.GetVmServiceDetail(service)
	require.NoError(t, err)
	require.Equal(t, 12, s.TotalCpu)
	require.Equal(t, "60Mbps", s.TotalBandwidth)
}

func TestV1EmptyServiceTakesInstancesOnChosenLines(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	empty, err := client.CreateVmService(&api.CreateVmServiceArgs{ServiceName: "test", PaymentMethod: "postpay"})
	require.NoError(t, err)
	require.Equal(t, "NORMAL", empty.Details.Status)
	args := v1Args(1, "cn-changchun-ix")
	(*args.DeployInstances)[0].SubServiceProviders = []string{"ct"}
	args.UserData = "dXNlcl9pbmplY3RlZF9kYXRhOiBhR1ZzYkc4PQ=="
	made, err := client.CreateVmServiceInstance(empty.Details.ServiceId, args)
	require.NoError(t, err)
	require.Len(t, made.Details.Instances, 1)
	require.Equal(t, "cn-changchun-ix", made.Details.Instances[0].RegionId)
	v1Running(t, client, empty.Details.ServiceId, 1)
	vm, err := client.GetVirtualMachine(made.Details.Instances[0].VmId)
	require.NoError(t, err)
	require.Len(t, vm.MultiplePublicIp, 1)
	require.Equal(t, api.ServiceChinaTelecom, vm.MultiplePublicIp[0].ServiceProvider)
	require.Equal(t, args.UserData, vm.UserData)
	require.Equal(t, "TRIPLE_CT", (*vm.NetworkConfig.NetworksList)[1].NetType)

	at, err := client.GetNodeVmInstanceList(string(vm.Region), "TRIPLE_LINE", "CHANGCHUN", &api.ListRequest{})
	require.NoError(t, err)
	require.Len(t, at.Result, 1)
}

func TestV1ListsFilterOrderAndPage(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	first, err := client.CreateVmService(v1Args(2, "cn-hangzhou-cm"))
	require.NoError(t, err)
	args := v1Args(1, "cn-changchun-ix")
	args.VmName, args.ServiceName = "odd", "other"
	_, err = client.CreateVmService(args)
	require.NoError(t, err)
	all := v1List(t, client, api.ListRequest{Order: "asc"})
	require.Len(t, all, 3)
	odd, err := client.GetVirtualMachine(all[2])
	require.NoError(t, err)
	for name, one := range map[string]struct {
		args api.ListRequest
		want []string
	}{
		"newest first":   {api.ListRequest{}, []string{all[2], all[1], all[0]}},
		"second page":    {api.ListRequest{Order: "asc", PageNo: 2, PageSize: 2}, all[2:]},
		"behind the end": {api.ListRequest{PageNo: 9, PageSize: 2}, []string{}},
		"ID":             {api.ListRequest{KeywordType: "instanceId", Keyword: all[0]}, all[:1]},
		"name":           {api.ListRequest{KeywordType: "instanceName", Keyword: "od"}, all[2:]},
		"address":        {api.ListRequest{KeywordType: "instanceIp", Keyword: odd.MultiplePublicIp[0].Ip}, all[2:]},
		"service":        {api.ListRequest{KeywordType: "serviceId", Keyword: first.Details.ServiceId, Order: "asc"}, all[:2]},
		"service too":    {api.ListRequest{ServiceId: first.Details.ServiceId, Order: "asc"}, all[:2]},
		"no group":       {api.ListRequest{KeywordType: "securityGroupId", Keyword: "sg-absent00"}, []string{}},
		"group":          {api.ListRequest{KeywordType: "securityGroupId", Keyword: odd.SecurityGroups[0].Id, Order: "asc"}, all},
		"no set":         {api.ListRequest{KeywordType: "deploysetId", Keyword: "dset-absent00"}, []string{}},
		"region":         {api.ListRequest{Region: "NORTH_EAST"}, all[2:]},
		"no such region": {api.ListRequest{Region: "NOWHERE"}, []string{}},
		"system":         {api.ListRequest{OsName: "ubuntu", Order: "asc"}, all},
		"no system":      {api.ListRequest{OsName: "CentOS"}, []string{}},
		"status":         {api.ListRequest{Status: "FAILED"}, []string{}},
		"by name":        {api.ListRequest{OrderBy: "vmName", Order: "asc", PageSize: 1}, all[2:]},
	} {
		require.Equal(t, one.want, v1List(t, client, one.args), name)
	}
	beyond, err := client.GetVmInstanceList(&api.ListRequest{PageNo: 9, PageSize: 2})
	require.NoError(t, err)
	require.Equal(t, 3, beyond.TotalCount)
	_, err = client.GetVmInstanceList(&api.ListRequest{OrderBy: "colour"})
	v1Refused(t, err, http.StatusBadRequest, "orderBy")
	v1ServiceLists(t, client, first.Details.ServiceId, all)
}

func v1ServiceLists(t *testing.T, client *sdk.Client, first string, vms []string) {
	for name, one := range map[string]struct {
		args api.ListVmServiceArgs
		want []string
	}{
		"newest first": {api.ListVmServiceArgs{}, []string{"other", "web"}},
		"oldest first": {api.ListVmServiceArgs{Order: "ASC", PageSize: 1}, []string{"web"}},
		"by name":      {api.ListVmServiceArgs{OrderBy: "serviceName", Order: "DESC"}, []string{"web", "other"}},
		"ID":           {api.ListVmServiceArgs{KeywordType: "serviceId", Keyword: first}, []string{"web"}},
		"name":         {api.ListVmServiceArgs{KeywordType: "serviceName", Keyword: "the"}, []string{"other"}},
		"instance":     {api.ListVmServiceArgs{KeywordType: "instanceId", Keyword: vms[2]}, []string{"other"}},
		"service":      {api.ListVmServiceArgs{ServiceId: first}, []string{"web"}},
		"region":       {api.ListVmServiceArgs{Region: "NORTH_EAST"}, []string{"other"}},
		"failed":       {api.ListVmServiceArgs{Status: "FAILED"}, []string{}},
		"normal":       {api.ListVmServiceArgs{Status: "NORMAL"}, []string{"other", "web"}},
		"no system":    {api.ListVmServiceArgs{OsName: "CentOS"}, []string{}},
	} {
		page, err := client.GetVmServiceList(&one.args)
		require.NoError(t, err, name)
		got := []string{}
		for _, s := range page.Result {
			got = append(got, s.ServiceName)
		}
		require.Equal(t, one.want, got, name)
	}
}

func TestV1RefusesWrongInputByName(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	for field, one := range map[string]struct {
		status int
		change func(a *api.CreateVmServiceArgs)
	}{
		"deployInstances[0].regionId":            {400, func(a *api.CreateVmServiceArgs) { (*a.DeployInstances)[0].RegionId = "" }},
		"deployInstances[0].city":                {400, func(a *api.CreateVmServiceArgs) { (*a.DeployInstances)[0].City = "XIAN" }},
		"deployInstances[0].subServiceProviders": {400, func(a *api.CreateVmServiceArgs) { (*a.DeployInstances)[0].SubServiceProviders = []string{"ct"} }},
		"systemVolume.sizeInGB":                  {400, func(a *api.CreateVmServiceArgs) { a.SystemVolume.SizeInGB = 39 }},
		"dataVolumeList[0].sizeInGB":             {400, func(a *api.CreateVmServiceArgs) { (*a.DataVolumeList)[0].SizeInGB = 2001 }},
		"dataVolumeList[0].volumeType":           {400, func(a *api.CreateVmServiceArgs) { (*a.DataVolumeList)[0].VolumeType = "SSD_PASSTHROUGH" }},
		"keyConfig.adminPass":                    {400, func(a *api.CreateVmServiceArgs) { a.KeyConfig.AdminPass = "onlyletters" }},
		"keyConfig":                              {400, func(a *api.CreateVmServiceArgs) { a.KeyConfig = nil }},
		"cpu":                                    {400, func(a *api.CreateVmServiceArgs) { a.Cpu = 0 }},
		"bandwidth":                              {400, func(a *api.CreateVmServiceArgs) { a.Bandwidth = 0 }},
		"serviceName":                            {400, func(a *api.CreateVmServiceArgs) { a.ServiceName = "a b" }},
		"vmName":                                 {400, func(a *api.CreateVmServiceArgs) { a.VmName = strings.Repeat("x", 66) }},
		"gpu":                                    {400, func(a *api.CreateVmServiceArgs) { a.Gpu = &api.GpuRequest{Type: "T4", Num: 1} }},
		"userData":                               {400, func(a *api.CreateVmServiceArgs) { a.UserData = "%" }},
		"tmpl-1":                                 {404, func(a *api.CreateVmServiceArgs) { a.TemplateId = "tmpl-1" }},
		"im-absent00"[3:]:                        {404, func(a *api.CreateVmServiceArgs) { a.ImageId = "im-absent00" }},
		"sg-absent00"[3:]:                        {404, func(a *api.CreateVmServiceArgs) { a.SecurityGroupIds = []string{"sg-absent00"} }},
	} {
		args := v1Args(1, "cn-hangzhou-cm")
		one.change(args)
		_, err := client.CreateVmService(args)
		v1Refused(t, err, one.status, field)
	}
	page, err := client.GetVmServiceList(&api.ListVmServiceArgs{})
	require.NoError(t, err)
	require.Zero(t, page.TotalCount, "a refused creation leaves nothing")
}

func TestV1ForeignResourcesAreAbsent(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	made, err := client.CreateVmService(v1Args(1, "cn-hangzhou-cm"))
	require.NoError(t, err)
	vm := v1List(t, client, api.ListRequest{})[0]
	stranger := v1Stranger(t, c)
	_, err = stranger.GetVirtualMachine(vm)
	v1Refused(t, err, http.StatusNotFound, "does not exist")
	_, err = stranger.OperateVmDeployment(vm, "stop")
	v1Refused(t, err, http.StatusNotFound, "does not exist")
	_, err = stranger.DeleteVmService(made.Details.ServiceId)
	v1Refused(t, err, http.StatusNotFound, "does not exist")
	require.Empty(t, v1List(t, stranger, api.ListRequest{}))
	gone, err := stranger.BatchDeleteVmService(&[]string{made.Details.ServiceId})
	require.NoError(t, err)
	require.False(t, gone.Details[0].Success)
}

func TestV1TokenMakesOneService(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	create := func(name string) (string, error) {
		var out api.CreateVmServiceResult
		args := v1Args(1, "cn-hangzhou-cm")
		args.ServiceName = name
		err := bce.NewRequestBuilder(client).WithMethod("POST").WithURL("/v1/vm/service").WithQueryParam("clientToken", "t-1").WithBody(args).WithResult(&out).Do()
		return out.Details.ServiceId, err
	}
	one, err := create("a")
	require.NoError(t, err)
	same, err := create("a")
	require.NoError(t, err)
	require.Equal(t, one, same)
	_, err = create("b")
	require.ErrorContains(t, err, "IdempotentParameterMismatch")
	require.Len(t, v1List(t, client, api.ListRequest{}), 1)
}

func TestV1GroupsOfInstancesAndDeploySets(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	set, err := client.CreateDeploySet(&api.CreateDeploySetArgs{Name: "testname", Desc: "testdesc"})
	require.NoError(t, err)
	id := set.DeploysetIdList[0]
	args := v1Args(2, "cn-hangzhou-cm")
	args.DeploysetIdList = []string{id}
	made, err := client.CreateVmService(args)
	require.NoError(t, err)
	vms := v1List(t, client, api.ListRequest{KeywordType: "deploysetId", Keyword: id})
	require.Len(t, vms, 2)
	detail, err := client.GetDeploySetDetail(id)
	require.NoError(t, err)
	require.Equal(t, 2, detail.InstanceCount)
	require.ElementsMatch(t, vms, detail.NodeInstanceStatisList[0].InstanceIds)
	args = v1Args(1, "cn-hangzhou-cm")
	args.DeploysetIdList = []string{id}
	_, err = client.CreateVmServiceInstance(made.Details.ServiceId, args)
	require.Error(t, err, "both hosts hold a member")
	require.NoError(t, client.UpdateDeploySet(id, &api.CreateDeploySetArgs{Name: "other"}))
	require.Error(t, client.DeleteDeploySet(id), "it has instances")
	require.NoError(t, client.DeleteVmInstanceFromDeploySet(&api.DeleteVmDeploySetArgs{DeploysetId: id, InstanceIdList: vms}))
	require.NoError(t, client.UpdateVmInstanceDeploySet(&api.UpdateVmDeploySetArgs{InstanceId: vms[0], DeploysetIdList: []string{id}}))
	vm, err := client.GetVirtualMachine(vms[0])
	require.NoError(t, err)
	require.Equal(t, "other", vm.DeploysetList[0].Name)
	require.NoError(t, client.UpdateVmInstanceDeploySet(&api.UpdateVmDeploySetArgs{InstanceId: vms[0]}))
	require.NoError(t, client.DeleteDeploySet(id))
	list, err := client.GetDeploySetList(&api.ListRequest{})
	require.NoError(t, err)
	require.Zero(t, list.TotalCount)

	standard := vm.SecurityGroups[0].Id
	_, err = client.BindSecurityGroup("unbind", &api.BindSecurityGroupInstances{Instances: []api.InstancesBinding{{InstanceId: vms[0], SecurityGroupIds: []string{standard}}}})
	v1Refused(t, err, http.StatusConflict, "at least one security group")
	bound, err := client.BindSecurityGroup("bind", &api.BindSecurityGroupInstances{Instances: []api.InstancesBinding{{InstanceId: vms[0], SecurityGroupIds: []string{standard}}}})
	require.NoError(t, err)
	require.True(t, bound.Result)
}

func TestV1ListsOfAHundredTakeFiveStatements(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	_, err := client.CreateVmService(v1Args(50, "cn-hangzhou-cm", "cn-changchun-ix"))
	require.NoError(t, err)
	require.Len(t, v1List(t, client, api.ListRequest{PageSize: 100}), 100)
	caller := &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin}
	ctx, counter := store.CountStatements(t.Context())
	views, total, err := c.Control.Compute.List(ctx, caller, compute.Filter{}, compute.Order{}, store.Page{Number: 1, Size: 100})
	require.NoError(t, err)
	require.Len(t, views, 100)
	require.Equal(t, 100, total)
	require.LessOrEqual(t, counter.N(), 5, counter.Statements())
	ctx, counter = store.CountStatements(t.Context())
	_, _, err = c.Control.Compute.ListGroups(ctx, caller, compute.GroupFilter{}, compute.GroupOrder{}, store.Page{Number: 1, Size: 100})
	require.NoError(t, err)
	require.LessOrEqual(t, counter.N(), 5, counter.Statements())
}

// The SDK's types hide what is null and what has a fraction: look at the text.
func TestV1NumbersHaveNoFraction(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	made, err := client.CreateVmService(v1Args(1, "cn-hangzhou-cm"))
	require.NoError(t, err)
	var raw map[string]json.RawMessage
	require.NoError(t, bce.NewRequestBuilder(client).WithMethod("GET").WithURL("/v1/vm/service/"+made.Details.ServiceId).WithResult(&raw).Do())
	require.Equal(t, "1", string(raw["totalCpu"]))
	require.Equal(t, "2", string(raw["totalMem"]))
}

// v1Stranger gives the client of another account.
func v1Stranger(t *testing.T, c *controlplanetest.Cloud) *sdk.Client {
	t.Helper()
	operator := &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin, Operator: true}
	account, err := c.Control.Identity.CreateAccount(t.Context(), operator, "stranger")
	require.NoError(t, err)
	user, err := c.Control.Identity.CreateUser(t.Context(), operator, identity.NewUser{Account: account.UID, Name: "stranger", Role: identity.Member})
	require.NoError(t, err)
	key, secret, err := c.Control.Identity.CreateKey(t.Context(), operator, user.UID)
	require.NoError(t, err)
	client, err := sdk.NewClient(key.ID, secret, c.URL["bec"])
	require.NoError(t, err)
	return client
}

// The document's example of a creation asks for what no instance here has; each such wish is refused by its name, and without them the example works.
func TestV1DocumentedCreation(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	client.Config.Retry = bce.NewNoRetryPolicy()
	set, err := client.CreateDeploySet(&api.CreateDeploySetArgs{Name: "testname"})
	require.NoError(t, err)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"dataVolumeList":[{"volumeType":"SATA","sizeInGB":20,"name":"data-disk-name"}],
		"keyConfig":{"type":"password","adminPass":"password1234!"},"imageId":"Ubuntu 22.04 server 64bit","imageType":"bec","bandwidth":100,
		"deployInstances":[{"region":"EAST_CHINA","city":"HANGZHOU","serviceProvider":"CHINA_MOBILE","networkType":"vpc","replicas":1}],
		"systemVolume":{"volumeType":"SATA","name":"system-disk-name","sizeInGB":40},"dnsConfig":{"dnsType":"CUSTOMIZE","dnsAddress":"129.29.29.29"},
		"serviceName":"test","vmName":"vmName","purchaseMonth":null,"needPublicIp":false,"spec":"bec.c2.c4m8","cpu":4,"memory":8,"paymentMethod":"postpay",
		"disableIntranet":false,"disableCloudInit":false,"networkConfigList":[{"nodeType":"SINGLE","networksList":[{"netType":"INTERNAL_IP","netName":"intra"},
		{"netType":"PUBLIC_IP","netName":"extra"}]}],"tags":[{"tagKey":"tagKey","tagValue":"tagValue"}]}`), &body))
	body["deploysetIdList"] = set.DeploysetIdList
	create := func() (out api.CreateVmServiceResult, err error) {
		return out, bce.NewRequestBuilder(client).WithMethod("POST").WithURL("/v1/vm/service").WithBody(body).WithResult(&out).Do()
	}
	_, err = create()
	v1Refused(t, err, http.StatusNotImplemented, "dnsConfig.dnsType")
	body["dnsConfig"] = map[string]any{"dnsType": "DEFAULT"}
	_, err = create()
	v1Refused(t, err, http.StatusNotImplemented, "networkConfigList[0].networksList[0].netName")
	delete(body, "networkConfigList")
	_, err = create()
	require.NoError(t, err)
	vm, err := client.GetVirtualMachine(v1List(t, client, api.ListRequest{})[0])
	require.NoError(t, err)
	require.Equal(t, "bec.c2.c4m8", vm.Spec)
	require.Equal(t, "vmName", vm.VmName)
	require.Empty(t, vm.PublicIp)
	require.Equal(t, "testname", vm.DeploysetList[0].Name)
	require.Equal(t, "SATA", string(vm.SystemVolume.VolumeType))
}
