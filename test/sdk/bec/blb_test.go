package bec_test

import (
	"net/http"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
)

func TestBLBIsMadeChangedAndDeleted(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	made, err := client.CreateBlb(&api.CreateBlbArgs{LbType: "vm", PaymentMethod: "postpay", RegionId: "cn-hangzhou-cm", BlbName: "web", NeedPublicIp: true, BandwidthInMbpsLimit: 10})
	require.NoError(t, err)
	id := made.Details.BlbId
	require.Regexp(t, `^lb-[a-z0-9]{8}$`, id)
	require.Equal(t, "CreateBlb", made.Action)

	detail, err := client.GetBlbDetail(id)
	require.NoError(t, err)
	require.NotEmpty(t, detail.PublicIp)
	require.NotEmpty(t, detail.InternalIp)
	list, err := client.GetBlbList("vm", "", "", "", "", "", "", 0, 0)
	require.NoError(t, err)
	require.Equal(t, 1, list.TotalCount)
	list, err = client.GetBlbList("", "", "", "", "", "", "", 0, 0)
	require.NoError(t, err)
	require.Zero(t, list.TotalCount, "without lbType only those of containers are listed")

	_, err = client.UpdateBlb(id, &api.UpdateBlbArgs{BlbName: "other", Type: "name"})
	require.NoError(t, err)
	_, err = client.UpdateBlb(id, &api.UpdateBlbArgs{BandwidthInMbpsLimit: 20001, Type: "bandwidth"})
	v1Refused(t, err, http.StatusBadRequest, "bandwidthInMbpsLimit")
	_, err = client.CreateBlb(&api.CreateBlbArgs{LbType: "container", PaymentMethod: "postpay", RegionId: "cn-hangzhou-cm", BlbName: "web", BandwidthInMbpsLimit: 10})
	v1Refused(t, err, http.StatusNotImplemented, "lbType")
	detail, err = client.GetBlbDetail(id)
	require.NoError(t, err)
	require.Equal(t, "other", detail.BlbName)

	_, err = client.DeleteBlb(id)
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the load balancer is gone", func() bool {
		_, err := client.GetBlbDetail(id)
		return err != nil
	})
}

func TestBLBLeadsToInstances(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	service, err := client.CreateVmService(v1Args(1, "cn-hangzhou-cm"))
	require.NoError(t, err)
	v1Running(t, client, service.Details.ServiceId, 1)
	page, err := client.GetVmInstanceList(&api.ListRequest{})
	require.NoError(t, err)
	vm := page.Result[0]
	made, err := client.CreateBlb(&api.CreateBlbArgs{LbType: "vm", PaymentMethod: "postpay", RegionId: "cn-hangzhou-cm", BlbName: "web", BandwidthInMbpsLimit: 10})
	require.NoError(t, err)
	id := made.Details.BlbId

	args := &api.BlbMonitorArgs{FrontendPort: &api.Port{Protocol: api.ProtocolTcp, Port: 80}, BackendPort: 8080, LbMode: api.LbModeWrr, KeepaliveTimeout: 900}
	_, err = client.CreateBlbMonitorPort(id, args)
	require.NoError(t, err)
	_, err = client.CreateBlbMonitorPort(id, args)
	v1Refused(t, err, http.StatusConflict, "already")
	args.EnableCipTTM = true
	_, err = client.UpdateBlbMonitorPort(id, args)
	v1Refused(t, err, http.StatusNotImplemented, "enableCipTTM")
	args.EnableCipTTM, args.BackendPort = false, 8081
	_, err = client.UpdateBlbMonitorPort(id, args)
	require.NoError(t, err)
	listener, err := client.GetBlbMonitorPortDetails(id, api.ProtocolTcp, 80)
	require.NoError(t, err)
	require.Equal(t, 8081, listener.BackendPort)
	require.Equal(t, 3, listener.HealthCheck.UnhealthyThreshold)

	sts, err := client.GetBlbBackendBindingStsList(id, 1, 10, "", "")
	require.NoError(t, err)
	require.Equal(t, 1, sts.TotalCount)
	require.Equal(t, service.Details.ServiceId, sts.Result[0].ServiceId)
	free, err := client.GetBlbBindingPodListWithSts(id, sts.Result[0].DeploymentName)
	require.NoError(t, err)
	require.Equal(t, []api.Backends{{Name: vm.VmId, Ip: vm.InternalIp, Weight: -1}}, *free)
	_, err = client.CreateBlbBinding(id, &api.CreateBlbBindingArgs{BindingForms: &[]api.BlbBindingForm{{DeploymentId: "d", PodWeight: &[]api.Backends{{Name: vm.VmId, Ip: vm.InternalIp, Weight: 101}}}}})
	v1Refused(t, err, http.StatusBadRequest, "weight")
	_, _ = client.CreateBlbBinding(id, &api.CreateBlbBindingArgs{BindingForms: &[]api.BlbBindingForm{{DeploymentId: "d", PodWeight: &[]api.Backends{{Name: vm.VmId, Ip: vm.InternalIp, Weight: 7}}}}})
	pods, err := client.GetBlbBackendPodList(id, 1, 10)
	require.NoError(t, err)
	require.Equal(t, 1, pods.TotalCount)
	require.Equal(t, vm.VmId, pods.Result[0].PodName)
	require.Equal(t, 7, pods.Result[0].Weight)
	require.Equal(t, 8081, pods.Result[0].BackendPort[0].Port)

	_, err = client.DeleteVmInstance(vm.VmId)
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the instance has left its load balancer", func() bool {
		pods, err := client.GetBlbBackendPodList(id, 1, 10)
		require.NoError(t, err)
		return pods.TotalCount == 0
	})
}
