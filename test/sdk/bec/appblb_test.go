package bec_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

func TestAppBLBLeadsToIPGroups(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	service, err := client.CreateVmService(v1Args(1, "cn-hangzhou-cm"))
	require.NoError(t, err)
	v1Running(t, client, service.Details.ServiceId, 1)
	page, err := client.GetVmInstanceList(&api.ListRequest{})
	require.NoError(t, err)
	vm := page.Result[0]

	made, err := client.CreateAppBlb("", &api.CreateAppBlbRequest{Name: "app", Desc: "d", RegionId: "cn-hangzhou-cm", NeedPublicIp: true})
	require.NoError(t, err)
	id := made.BlbId
	require.Regexp(t, `^applb-cn-hangzhou-cm-[a-z0-9]{8}$`, id)
	require.NoError(t, client.UpdateAppBlb("", id, &api.ModifyBecBlbRequest{Name: "other"}))
	controlplanetest.Eventually(t, "the load balancer runs", func() bool {
		d, err := client.GetAppBlbDetails(id)
		require.NoError(t, err)
		return d.Status == "RUNNING" && d.Name == "other" && d.Desc == "d" && d.PublicIp != "" && d.Address != "" && d.SubnetCidr != ""
	})
	all, err := client.GetAppBlbList(&api.MarkerRequest{})
	require.NoError(t, err)
	require.Len(t, all.BlbList, 1)

	require.NoError(t, client.CreateTcpListener("", id, &api.CreateBecAppBlbTcpListenerRequest{ListenerPort: 80, Scheduler: "RoundRobin", TcpSessionTimeout: 1000}))
	require.NoError(t, client.CreateUdpListener("", id, &api.CreateBecAppBlbUdpListenerRequest{ListenerPort: 80, Scheduler: "Hash", UdpSessionTimeout: 1000}))
	err = client.CreateTcpListener("", id, &api.CreateBecAppBlbTcpListenerRequest{ListenerPort: 80, Scheduler: "RoundRobin"})
	v1Refused(t, err, http.StatusConflict, "already")
	require.NoError(t, client.UpdateTcpListener("", id, "80", &api.UpdateBecAppBlbTcpListenerRequest{Scheduler: "LeastConnection", TcpSessionTimeout: 2000}))
	tcp, err := client.GetTcpListener(id, &api.GetBecAppBlbListenerRequest{ListenerPort: 80})
	require.NoError(t, err)
	require.Len(t, tcp.ListenerList, 1)
	require.Equal(t, "LeastConnection", tcp.ListenerList[0].Scheduler)

	group, err := client.CreateIpGroup("", id, &api.CreateBlbIpGroupRequest{Name: "g", MemberList: []api.BlbIpGroupMember{{Ip: vm.InternalIp, Port: 8080, Weight: 50}}})
	require.NoError(t, err)
	protocol, err := client.CreateIpGroupPolicy("", id, &api.CreateBlbIpGroupBackendPolicyRequest{IpGroupId: group.Id, Type: "TCP", HealthCheck: "HTTP", HealthCheckHost: "example.com"})
	require.NoError(t, err)
	protocols, err := client.GetIpGroupPolicyList(id, &api.GetBlbIpGroupPolicyListRequest{IpGroupId: group.Id})
	require.NoError(t, err)
	require.Equal(t, protocol.Id, protocols.BackendPolicyList[0].Id)
	require.Equal(t, 3, protocols.BackendPolicyList[0].HealthCheckDownRetry)
	require.Equal(t, "/", protocols.BackendPolicyList[0].HealthCheckUrlPath)
	_, err = client.CreateIpGroupMember("", id, &api.CreateBlbIpGroupMemberRequest{IpGroupId: group.Id, MemberList: []api.BlbIpGroupMember{{Ip: "127.0.0.1", Port: 1, Weight: 1}}})
	v1Refused(t, err, http.StatusBadRequest, "memberList[0].ip")

	policy := &api.CreateAppBlbPoliciesRequest{ListenerPort: 80, AppPolicyVos: []api.AppPolicyVo{{AppIpGroupId: group.Id, Priority: 1, Desc: "d"}}}
	v1Refused(t, client.CreateListenerPolicy("", id, policy), http.StatusBadRequest, "type")
	policy.Type = "TCP"
	require.NoError(t, client.CreateListenerPolicy("", id, policy))
	v1Refused(t, client.CreateListenerPolicy("", id, policy), http.StatusConflict, "already")
	policies, err := client.GetListenerPolicy(id, &api.GetBlbListenerPolicyRequest{Port: 80, Type: "TCP"})
	require.NoError(t, err)
	require.Equal(t, group.Id, policies.PolicyList[0].AppIpGroupId)
	v1Refused(t, client.DeleteIpGroup("", id, &api.DeleteBlbIpGroupRequest{IpGroupId: group.Id}), http.StatusConflict, "policy")

	b, err := c.Control.Balancers.Get(t.Context(), &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin}, id[len(id)-8:])
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the site leads the listener to the group", func() bool {
		var s spec.Balancer
		ok := slices.ContainsFunc(c.World.Sites(), func(at *sim.Site) (ok bool) {
			s, ok = at.LoadBalancer(b.UID)
			return ok
		})
		return ok && len(s.Listeners) == 2 && len(s.Pools) == 1 && len(s.Pools[0].Members) == 1 && s.Pools[0].Check.Host == "example.com" && s.Pools[0].Check.Statuses == "^[23]"
	})

	require.NoError(t, client.DeleteListenerPolicy("", id, &api.DeleteAppBlbPoliciesRequest{Port: 80, Type: "TCP", PolicyIdList: []string{policies.PolicyList[0].Id}}))
	require.NoError(t, client.DeleteIpGroup("", id, &api.DeleteBlbIpGroupRequest{IpGroupId: group.Id}))
	require.NoError(t, client.DeleteAppBlbListener(id, "", &api.DeleteBlbListenerRequest{PortTypeList: []api.PortTypeList{{Port: 80, Type: "UDP"}}}))
	require.NoError(t, client.DeleteAppBlbInstance(id, ""))
	controlplanetest.Eventually(t, "the load balancer is gone", func() bool {
		_, err := client.GetAppBlbDetails(id)
		return err != nil
	})
}
