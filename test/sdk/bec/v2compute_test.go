package bec_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/bce"
	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/util/crypto"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v2deployset"
	"edgecloud/dialect/bec/wire/v2vminstance"
	"edgecloud/dialect/bec/wire/v2vmservice"
	"edgecloud/engine/sim/rfb/rfbtest"
	"edgecloud/store"
)

func TestV2InstanceLifeCycle(t *testing.T) {
	v := newV2(t)
	service, ids := v.create(t, values{"name": "web", "hostname": "web-1", "networkCapacityInMbps": 100, "rootDiskSizeInGb": 60,
		"ephemeralDisks": []values{{"sizeInGB": 30}}, "createCdsList": []values{{"cdsSizeInGB": 50, "name": "data"}}, "tags": []values{{"tagKey": "k", "tagValue": "v"}},
		"userData": base64.StdEncoding.EncodeToString([]byte("user_injected_data: " + base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))))})
	require.Regexp(t, "^s-[a-z0-9]{8}$", service)
	require.Len(t, ids, 1)
	id := ids[0]
	require.Regexp(t, "^vm-"+strings.TrimPrefix(service, "s-")+"-cn-hangzhou-cm-[a-z0-9]{5}$", id)
	v.await(t, "RUNNING", id)
	i := v.get(t, id)
	require.Equal(t, "web", *i.Name)
	require.Equal(t, []int32{1, 4, 60, 100}, []int32{*i.CPUCount, *i.MemoryCapacityInGB, *i.RootDiskSizeInGb, *i.NetworkCapacityInMbps})
	require.Equal(t, "bec.g4.c1m4", *i.Spec)
	require.Equal(t, "becCommon", *i.ImageType)
	require.Equal(t, v.image, *i.ImageID)
	require.NotEmpty(t, *i.PublicIP)
	require.Regexp(t, "^vpc-", *i.VPCID)
	require.Equal(t, "v", *i.Tags[0].TagValue)
	require.Nil(t, i.ExpireTime)
	require.Equal(t, "web-1", v.guest(t, id).Hostname)

	var s v2vmservice.GetVMServiceResponse
	v.must(t, "GET", "/v2/vm/service/"+service, nil, &s)
	require.Equal(t, []int32{1, 4, 60, 80, 1, 1}, []int32{*s.Service.TotalCPUCount, *s.Service.TotalMemoryCapacityInGB, *s.Service.TotalRootDiskSizeInGb,
		*s.Service.TotalDataDiskSizeInGb, *s.Service.RunningInstanceCount, *s.Service.TotalInstanceCount})

	changeAndResize(t, v, id)
	rebootAndRebuild(t, v, id)
	at := "/v2/vm/instance/" + id
	v.must(t, "DELETE", at, nil, nil)
	controlplanetest.Eventually(t, "the instance is gone", func() bool { return v.call("GET", at, nil, nil) != nil })
	v.refused(t, 404, "NoSuchObject", id[3:], "GET", at, nil)
	v.must(t, "DELETE", "/v2/vm/service/"+service, nil, nil)
	v.refused(t, 404, "NoSuchObject", service[2:], "GET", "/v2/vm/service/"+service, nil)
}

// changeAndResize changes what can be changed of a running instance and of a stopped one.
func changeAndResize(t *testing.T, v *v2, id string) {
	t.Helper()
	at := "/v2/vm/instance/" + id
	v.must(t, "PUT", at+"?modifyAttribute", values{"name": "renamed"}, nil)
	v.must(t, "PUT", at+"?changeHostname", values{"hostname": "other-1"}, nil)
	v.must(t, "PUT", at+"?changeNetworkCapacity", values{"networkCapacityInMbps": 200}, nil)
	i := v.get(t, id)
	require.Equal(t, "renamed", *i.Name)
	require.Equal(t, int32(200), *i.NetworkCapacityInMbps)

	v.must(t, "PUT", at+"?stop", nil, nil)
	v.refused(t, 409, "OperationDenied", "cannot be stopped", "PUT", at+"?stop", nil)
	v.await(t, "STOPPED", id)
	require.False(t, v.guest(t, id).On)
	v.refused(t, 409, "OperationDenied", "cannot be restarted", "PUT", at+"?reboot", nil)
	v.refused(t, 409, "OperationDenied", "cannot be shown", "GET", at+"/vnc", nil)
	v.must(t, "PUT", at+"?resize", values{"cpuCount": 3, "memoryCapacityInGB": 6}, nil)
	v.must(t, "PUT", at+"?start=", nil, nil)
	v.await(t, "RUNNING", id)
	i = v.get(t, id)
	require.Equal(t, []int32{3, 6}, []int32{*i.CPUCount, *i.MemoryCapacityInGB})
	require.Nil(t, i.Spec)
	require.Equal(t, int64(6<<10), v.guest(t, id).MemoryMiB)

	v.must(t, "PUT", at+"?resize", values{"spec": "bec.g4.c2m8"}, nil)
	v.refused(t, 409, "OperationDenied", "cannot be resized", "PUT", at+"?resize", values{"spec": "bec.g4.c1m4"})
	v.await(t, "RUNNING", id)
	require.Equal(t, 2, v.guest(t, id).VCPUs)
}

// rebootAndRebuild restarts an instance, gives it another password and then a new system.
func rebootAndRebuild(t *testing.T, v *v2, id string) {
	t.Helper()
	at := "/v2/vm/instance/" + id
	boots := v.guest(t, id).Boots
	v.must(t, "PUT", at+"?reboot", nil, nil)
	v.await(t, "RUNNING", id)
	require.Greater(t, v.guest(t, id).Boots, boots)

	before := v.guest(t, id).Passwords
	v.must(t, "PUT", at+"?changePass", values{"adminPass": v.encrypted(t, "Other1!!")}, nil)
	v.await(t, "RUNNING", id)
	require.NotEqual(t, before, v.guest(t, id).Passwords)

	v.must(t, "PUT", at+"?rebuild", values{"imageId": v.image, "imageType": "bec", "adminPass": v.encrypted(t, v2Pass), "resetDataDisk": true}, nil)
	v.await(t, "RUNNING", id)
	require.Equal(t, "other-1", v.guest(t, id).Hostname, "a first boot learns the new host name")
}

func TestV2CreateOverNodesIntoAService(t *testing.T) {
	v := newV2(t)
	service, first := v.create(t, values{"hostname": "node", "networkCapacityInMbps": 10, "deployInstances": []values{{"regionId": v2Site, "purchaseCount": 2},
		{"regionId": v2Sites, "purchaseCount": "1", "networkType": "vpc"}}})
	require.Len(t, first, 3)
	pair, _, err := v.Control.Compute.CreateKeyPair(t.Context(), v.caller, "mine")
	require.NoError(t, err)
	again, more := v.create(t, values{"serviceId": service, "adminPass": nil, "keypairId": "k-" + pair.Slug, "spec": "", "cpuCount": 1, "memoryCapacityInGB": 2,
		"billing": values{"paymentTiming": "Prepaid", "reservation": values{"reservationLength": 1, "reservationTimeUnit": "year"}}, "autoRenewTime": 1, "autoRenewTimeUnit": "year"})
	require.Equal(t, service, again)
	v.await(t, "RUNNING", append(first, more...)...)
	i := v.get(t, more[0])
	require.Equal(t, []string{"k-" + pair.Slug, "mine", "Prepaid"}, []string{*i.KeypairID, *i.KeypairName, *i.PaymentTiming})
	require.True(t, *i.AutoRenew)
	require.NotNil(t, i.ExpireTime)
	require.Nil(t, i.PublicIP)
	require.Equal(t, more[0], *i.Name)
	hosts := map[string]bool{}
	for _, id := range first {
		hosts[v.guest(t, id).Hostname] = true
	}
	require.Equal(t, map[string]bool{"node-0": true, "node-1": true, "node-2": true}, hosts)

	var s v2vmservice.GetVMServiceResponse
	v.must(t, "GET", "/v2/vm/service/"+service, nil, &s)
	require.Equal(t, "NORMAL", *s.Service.Status)
	require.Equal(t, int32(4), *s.Service.RunningInstanceCount)
	require.Len(t, s.Service.DeployInstances, 2)
	require.Equal(t, int32(3), s.Service.DeployInstances[0].PurchaseCount)

	v.must(t, "PUT", "/v2/vm/service/"+service+"?stop", nil, nil)
	v.await(t, "STOPPED", first...)
	v.must(t, "PUT", "/v2/vm/service/"+service+"?start&clientToken=t", nil, nil)
	v.await(t, "RUNNING", first...)
	v.must(t, "PUT", "/v2/vm/service/"+service+"?modifyAttribute", values{"name": "test-api2"}, nil)
	v.must(t, "GET", "/v2/vm/service/"+service, nil, &s)
	require.Equal(t, "test-api2", *s.Service.Name)
	v.must(t, "DELETE", "/v2/vm/service/"+service, nil, nil)
	controlplanetest.Eventually(t, "the service is gone", func() bool { return v.call("GET", "/v2/vm/service/"+service, nil, nil) != nil })
}

func TestV2PrepaidHasAnOrder(t *testing.T) {
	v := newV2(t)
	var out v2vminstance.CreateBecVMInstanceResponse
	v.must(t, "POST", "/v2/vm/instance", v.request(t, values{"billing": values{"paymentTiming": "Prepaid", "reservation": values{"reservationLength": 1}}}), &out)
	require.Len(t, out.OrderIDList, 1)
	require.Regexp(t, "^[0-9a-f]{32}$", out.OrderIDList[0])
}

func TestV2WrongInputsAreNamed(t *testing.T) {
	v := newV2(t)
	wrongKey, err := crypto.EBCEncrypto([]byte("another key 1234"), []byte(v2Pass))
	require.NoError(t, err)
	for says, c := range map[string]struct {
		status int
		code   string
		change values
	}{
		"rootDiskSizeInGb:":                    {400, "BadRequest", values{"rootDiskSizeInGb": 39}},
		"ephemeralDisks[0].sizeInGB":           {400, "BadRequest", values{"ephemeralDisks": []values{{"storageType": "NVME"}}}},
		"createCdsList[0].cdsSizeInGB":         {400, "BadRequest", values{"ephemeralDisks": []values{{"sizeInGB": 20}}, "createCdsList": []values{{"cdsSizeInGB": 5}}}},
		"deployInstances[0].purchaseCount":     {400, "BadRequest", values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 0}}}},
		"deployInstances[0].networkType":       {400, "BadRequest", values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 1, "networkType": "classic", "vpcId": "vpc-x"}}}},
		"deployInstances: ":                    {400, "BadRequest", values{"deployInstances": []values{}}},
		"billing.reservation":                  {400, "BadRequest", values{"billing": values{"paymentTiming": "Prepaid"}}},
		"billing.paymentTiming":                {400, "BadRequest", values{"billing": values{"paymentTiming": "never"}}},
		"cpuCount: ":                           {400, "BadRequest", values{"spec": ""}},
		"networkCapacityInMbps":                {400, "BadRequest", values{"networkCapacityInMbps": -1}},
		"adminPass: a password or a key pair":  {400, "BadRequest", values{"adminPass": nil}},
		"adminPass: must be encrypted":         {400, "BadRequest", values{"adminPass": v2Pass}},
		"adminPass: must have 8 to 32":         {400, "BadRequest", values{"adminPass": v.encrypted(t, "short1!")}},
		"adminPass: ":                          {400, "BadRequest", values{"adminPass": hex.EncodeToString(wrongKey)}},
		"hostname":                             {400, "BadRequest", values{"hostname": "Upper"}},
		"userData: must be base64":             {400, "BadRequest", values{"userData": "%"}},
		"passthroughDisks":                     {400, "BadRequest", values{"passthroughDisks": []values{{"passthroughCode": "x"}}}},
		"gpuCard":                              {400, "BadRequest", values{"gpuCard": "V100", "cardCount": 1}},
		"imageId":                              {400, "BadRequest", values{"imageId": nil}},
		`The image "nothing" does not exist`:   {404, "NoSuchObject", values{"imageId": "m-nothing"}},
		`The flavor "bec.none" does not exist`: {404, "NoSuchObject", values{"spec": "bec.none"}},
		`The site "cn-nowhere-cm"`:             {404, "NoSuchObject", values{"deployInstances": []values{{"regionId": "cn-nowhere-cm", "purchaseCount": 1}}}},
		`The network "nothing"`:                {404, "NoSuchObject", values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 1, "vpcId": "vpc-nothing"}}}},
		`The security group "nothing"`:         {404, "NoSuchObject", values{"securityGroupId": "sg-nothing"}},
		`The group "nothing"`:                  {404, "NoSuchObject", values{"serviceId": "s-nothing"}},
		`The key pair "nothing"`:               {404, "NoSuchObject", values{"keypairId": "k-nothing"}},
		`The placement set "nothing"`:          {404, "NoSuchObject", values{"deployIdList": []string{"dset-nothing"}}},
		"deployIdList":                         {400, "BadRequest", values{"deployIdList": []string{"dset-a", "dset-b"}}},
	} {
		t.Run(says, func(t *testing.T) {
			v.refused(t, c.status, c.code, says, "POST", "/v2/vm/instance", v.request(t, c.change))
		})
	}
	v.refused(t, 400, "BadRequest", "rawHex", "POST", "/v2/ciphers/encrypt", values{"rawHex": "xy"})
	v.refused(t, 404, "NoSuchObject", "account", "POST", "/v2/ciphers/encrypt", values{"rawHex": "00", "userId": "nobody"})
	v.refused(t, 400, "BadRequest", "X-Bce-Accesskey", "POST", "/v2/vm/instance", v.request(t, nil), "X-Bce-Accesskey", v.Admin.Key.ID)
	v.refused(t, 400, "BadRequest", "maxKeys", "GET", "/v2/vm/instance?maxKeys=many", nil)
	v.refused(t, 404, "NoSuchObject", "cn-nowhere-cm", "GET", "/v2/vm/instance?regionId=cn-nowhere-cm", nil)
	ids, _ := v.list(t, "")
	require.Empty(t, ids, "nothing was made")
}

func TestV2ForeignIDsLookAbsent(t *testing.T) {
	v := newV2(t)
	service, ids := v.create(t, nil)
	other := v2Tenant(t, v.Cloud, "other")
	at := "/v2/vm/instance/" + ids[0]
	pass := other.encrypted(t, v2Pass)
	for target, body := range map[string]any{
		"?start": nil, "?stop": nil, "?reboot": nil, "?modifyAttribute": values{"name": "n"}, "?changeHostname": values{"hostname": "hn"},
		"?changePass": values{"adminPass": pass}, "?resize": values{"spec": "bec.g4.c2m8"}, "?changeNetworkCapacity": values{"networkCapacityInMbps": 1},
		"?bind": values{"securityGroupId": "sg-x"}, "?unbind": values{"securityGroupId": "sg-x"}, "?rebuild": values{"imageId": v.image, "imageType": "bec", "adminPass": pass},
	} {
		other.refused(t, 404, "NoSuchObject", "does not exist", "PUT", at+target, body)
	}
	other.refused(t, 404, "NoSuchObject", "does not exist", "GET", at, nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "GET", at+"/vnc", nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "DELETE", at, nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "GET", "/v2/vm/service/"+service, nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "DELETE", "/v2/vm/service/"+service, nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "PUT", "/v2/vm/service/"+service+"?stop", nil)
	other.refused(t, 404, "NoSuchObject", "does not exist", "POST", "/v2/vm/instance", other.request(t, values{"serviceId": service}))
	found, _ := other.list(t, "instanceIds="+ids[0])
	require.Empty(t, found)
	// An operator of the cloud is an account like others at this door.
	operator := bce.NewRequestBuilder(v.BEC(t)).WithMethod("GET").WithURL(at)
	refused(t, operator.Do(), 404)
	v.await(t, "RUNNING", ids[0])
}

func TestV2ClientToken(t *testing.T) {
	v := newV2(t)
	body := v.request(t, nil)
	var first, second v2vminstance.CreateBecVMInstanceResponse
	v.must(t, "POST", "/v2/vm/instance?clientToken=be31b98c", body, &first)
	v.must(t, "POST", "/v2/vm/instance?clientToken=be31b98c", body, &second)
	require.Equal(t, first, second)
	body["name"] = "another"
	v.refused(t, 403, "IdempotentParameterMismatch", "", "POST", "/v2/vm/instance?clientToken=be31b98c", body)
	ids, _ := v.list(t, "")
	require.Len(t, ids, 1)
	v.await(t, "RUNNING", ids[0])
	v.must(t, "PUT", "/v2/vm/instance/"+ids[0]+"?stop&clientToken=s", nil, nil)
	v.must(t, "PUT", "/v2/vm/instance/"+ids[0]+"?stop&clientToken=s", nil, nil)
}

func TestV2ListsWalkAndFilter(t *testing.T) {
	v := newV2(t)
	_, there := v.create(t, values{"deployInstances": []values{{"regionId": v2Sites, "purchaseCount": 1}}})
	_, ids := v.create(t, values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 6}}})
	all, whole := v.list(t, "")
	require.Len(t, all, 7)
	require.Nil(t, whole.Marker)
	require.Nil(t, whole.NextMarker)
	require.Equal(t, int32(1000), *whole.MaxKeys)
	var walked []string
	for marker := ""; ; {
		page, out := v.list(t, "maxKeys=3&marker="+marker)
		require.Equal(t, marker, *out.Marker)
		walked = append(walked, page...)
		if !*out.IsTruncated {
			require.Nil(t, out.NextMarker)
			break
		}
		require.NotContains(t, page, *out.NextMarker)
		marker = *out.NextMarker
	}
	require.Equal(t, all, walked)
	i := v.get(t, there[0])
	for query, want := range map[string][]string{
		"regionId=" + v2Sites: there, "internalIp=" + *i.InternalIP + "&vpcId=" + *i.VPCID: there, "vpcId=vpc-nothing": nil, "imageId=m-nothing": nil,
		"imageId=" + v.image: all, "instanceIds=" + ids[0] + ",vm-none": {ids[0]},
	} {
		found, _ := v.list(t, query)
		require.ElementsMatch(t, want, found, query)
	}
	var services v2vmservice.ListVMServiceResponse
	v.must(t, "GET", "/v2/vm/service?maxKeys=1", nil, &services)
	require.True(t, *services.IsTruncated)
	first := *services.Services[0].ID
	v.must(t, "GET", "/v2/vm/service?maxKeys=1&marker="+*services.NextMarker, nil, &services)
	require.False(t, *services.IsTruncated)
	require.NotEqual(t, first, *services.Services[0].ID)
}

func TestV2ListOfAHundredCostsFiveStatements(t *testing.T) {
	v := newV2(t)
	pair, _, err := v.Control.Compute.CreateKeyPair(t.Context(), v.caller, "mine")
	require.NoError(t, err)
	v.create(t, values{"keypairId": "k-" + pair.Slug, "networkCapacityInMbps": 1, "deployInstances": []values{{"regionId": v2Site, "purchaseCount": 100}}})
	ids, _ := v.list(t, "") // fills the caches of keys and places
	require.Len(t, ids, 100)
	for _, path := range []string{"/v2/vm/instance", "/v2/vm/service"} {
		ctx, count := store.CountStatements(context.Background())
		server := httptest.NewUnstartedServer(v.Control.Door("bec"))
		server.Config.BaseContext = func(listener) context.Context { return ctx }
		server.Start()
		client, err := sdk.NewClient(v.key, v.secret, server.URL)
		require.NoError(t, err)
		require.NoError(t, bce.NewRequestBuilder(client).WithMethod("GET").WithURL(path).Do())
		require.LessOrEqual(t, count.N(), 5, strings.Join(count.Statements(), "\n"))
		require.Positive(t, count.N())
		server.Close()
	}
}

func TestV2ScreenThroughItsAddress(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids[0])
	var out struct{ VncUrl string }
	v.must(t, "GET", "/v2/vm/instance/"+ids[0]+"/vnc", nil, &out)
	address, err := url.Parse(out.VncUrl)
	require.NoError(t, err)
	server := httptest.NewServer(v.Control)
	t.Cleanup(server.Close)
	page, err := server.Client().Get(server.URL + address.RequestURI())
	require.NoError(t, err)
	text, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	require.Equal(t, 200, page.StatusCode)
	require.Contains(t, string(text), "<canvas")
	socket, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+strings.TrimSuffix(address.Path, "/"), &websocket.DialOptions{Subprotocols: []string{"binary"}})
	require.NoError(t, err)
	defer socket.CloseNow()
	socket.SetReadLimit(1 << 22)
	viewer, err := rfbtest.Connect(websocket.NetConn(context.Background(), socket, websocket.MessageBinary))
	require.NoError(t, err)
	require.NoError(t, viewer.Ask(false))
	require.NoError(t, viewer.Update())
	require.Positive(t, viewer.Lit())
	require.NoError(t, viewer.Close())
}

func TestV2SecurityGroupsOfAnInstance(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids[0])
	group, err := v.Control.Networks.CreateGroup(t.Context(), v.caller, newGroup("mine"))
	require.NoError(t, err)
	at := "/v2/vm/instance/" + ids[0]
	body := values{"securityGroupId": "sg-" + group.Slug}
	v.must(t, "PUT", at+"?bind", body, nil)
	detail, err := v.Control.Compute.Get(t.Context(), v.caller, ids[0][3:])
	require.NoError(t, err)
	require.Len(t, detail.Groups, 2)
	v.must(t, "PUT", at+"?unbind", body, nil)
	standard := values{"securityGroupId": "sg-" + detail.Groups[0].Slug}
	v.refused(t, 409, "OperationDenied", "at least one security group", "PUT", at+"?unbind", standard)
	v.refused(t, 404, "NoSuchObject", "security group", "PUT", at+"?bind", values{"securityGroupId": "sg-none"})
}

func TestV2DeploySets(t *testing.T) {
	v := newV2(t)
	var made v2deployset.DeploySetCreateResponse
	v.must(t, "POST", "/v2/vm/instance/deployset/create", values{"name": "testv2", "desc": "testv2"}, &made)
	set := made.DeploySetIDs[0]
	require.Regexp(t, "^dset-[a-z0-9]{8}$", set)
	_, ids := v.create(t, values{"deployIdList": []string{set}, "deployInstances": []values{{"regionId": v2Site, "purchaseCount": 2}}})
	v.refused(t, 500, "ServiceInternalError", "no host left", "POST", "/v2/vm/instance", v.request(t, values{"deployIdList": []string{set}}))
	var one v2deployset.DeploySetVo
	v.must(t, "GET", "/v2/vm/instance/deployset/"+set, nil, &one)
	require.Equal(t, int32(2), *one.InstanceCount)
	require.ElementsMatch(t, ids, one.NodeInstanceStatisList[0].InstanceIDs)
	require.Equal(t, v2Site, *one.NodeInstanceStatisList[0].RegionID)
	v.refused(t, 409, "OperationDenied", "has instances", "DELETE", "/v2/vm/instance/deployset/"+set, nil)

	_, alone := v.create(t, nil)
	join := values{"instanceId": alone[0], "deploysetIdList": []string{set}}
	v.refused(t, 409, "OperationDenied", "same host", "POST", "/v2/vm/instance/deployset/updateRelation", join)
	v.must(t, "POST", "/v2/vm/instance/deployset/delRelation", values{"deployId": set, "instanceIdList": ids}, nil)
	v.refused(t, 409, "OperationDenied", "not in the placement set", "POST", "/v2/vm/instance/deployset/delRelation", values{"deployId": set, "instanceIdList": ids})
	v.must(t, "POST", "/v2/vm/instance/deployset/updateRelation", join, nil)
	v.must(t, "POST", "/v2/vm/instance/deployset/updateRelation", values{"instanceId": alone[0], "deploysetIdList": []string{}}, nil)
	v.must(t, "PUT", "/v2/vm/instance/deployset/"+set+"?modifyAttribute", values{"name": "testv2modify", "desc": "d"}, nil)
	var all v2deployset.ListDeploySetResponse
	v.must(t, "GET", "/v2/vm/instance/deployset/list", nil, &all)
	require.Equal(t, "testv2modify", *all.DeploySets[0].Name)
	require.Empty(t, all.DeploySets[0].NodeInstanceStatisList)
	v.must(t, "DELETE", "/v2/vm/instance/deployset/"+set, nil, nil)
	v.refused(t, 404, "NoSuchObject", "placement set", "GET", "/v2/vm/instance/deployset/"+set, nil)
}
