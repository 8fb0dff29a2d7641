package bec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1eip"
	"edgecloud/dialect/bec/wire/v1eipgroup"
	"edgecloud/link/spec"
)

func (v *v2) makeEIPs(t *testing.T, name string, count int) (made []v1eip.EIPVo) {
	t.Helper()
	var out v1eip.CreateEIPResponse
	v.must(t, "POST", "/v1/eip/batch/create", values{"name": name, "bandwidthInMbps": 10, "tags": []values{{"tagKey": "默认项目", "tagValue": ""}},
		"deployInstances": []values{{"regionId": v2Site, "ipv4Num": count, "ipv4Subnet": values{"purpose": "public", "isp": "cm"}}}}, &out)
	require.True(t, *out.Result)
	require.Len(t, out.Details, count)
	return out.Details
}

func (v *v2) eip(t *testing.T, id string) *v1eip.EIPVo {
	t.Helper()
	var out v1eip.GetEIPResponse
	v.must(t, "GET", "/v1/eip/"+id, nil, &out)
	return out.Result
}

func (v *v2) awaitEIP(t *testing.T, id, status string) *v1eip.EIPVo {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool { return *v.eip(t, id).Status == status })
	return v.eip(t, id)
}

// bindEIP binds or unbinds one address, and gives what went wrong.
func (v *v2) bindEIP(t *testing.T, action string, entry values) string {
	t.Helper()
	var out v1eip.BatchEIPInstanceResponse
	v.must(t, "PUT", "/v1/eip/batch/instance/"+action, values{"backends": []values{entry}}, &out)
	require.Equal(t, action, *out.Action)
	require.Len(t, out.Details, 1)
	require.Equal(t, entry["eipId"], *out.Details[0].ResourceID)
	require.Equal(t, *out.Details[0].Success, out.Details[0].Error == nil)
	require.Equal(t, *out.Result, *out.Details[0].Success)
	if out.Details[0].Error != nil {
		return *out.Details[0].Error
	}
	return ""
}

// bareInstance is a running instance without a public address.
func (v *v2) bareInstance(t *testing.T) string {
	t.Helper()
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids...)
	return ids[0]
}

// TestAnEIPMovesFromOneInstanceToAnother follows an address over two instances and an interface (network.md, test idea 8), to the packets.
func TestAnEIPMovesFromOneInstanceToAnother(t *testing.T) {
	b := newENIBed(t)
	one, two := b.id, b.bareInstance(t)
	eip := b.makeEIPs(t, "test", 1)[0]
	id := *eip.EIPID
	require.Equal(t, []string{"available", "normal", "cm", "nat", "Postpaid", "public", "", ""},
		[]string{*eip.Status, *eip.EIPInstanceType, *eip.Isp, *eip.Mode, *eip.PaymentTiming, *eip.Purpose, *eip.InstanceID, *eip.ShareGroupID})
	vm := func(instance string) values {
		return values{"eipId": id, "instanceType": "vm", "instanceId": instance, "mode": "nat"}
	}
	require.Empty(t, b.bindEIP(t, "bind", vm(one)), "at once, as the answer says it is available")
	shown := b.awaitEIP(t, id, "binded")
	require.Equal(t, []string{one, "vm", "RUNNING", *b.get(t, one).InternalIP}, []string{*shown.InstanceID, *shown.InstanceType, *shown.InstanceStatus, *shown.InstanceIP})
	require.Equal(t, []string{"EAST_CHINA", "华东", "HANGZHOU", "杭州", "CHINA_MOBILE", "移动", "ChinaMobile", v2Site},
		[]string{*shown.Region, *shown.RegionName, *shown.City, *shown.CityName, *shown.ServiceProvider, *shown.ServiceProviderName, *shown.RouteType, *shown.RegionID})
	b.leadsTo(t, id, one)

	require.Contains(t, b.bindEIP(t, "bind", vm(two)), "bound already")
	other := b.makeEIPs(t, "other", 1)[0]
	require.Contains(t, b.bindEIP(t, "bind", values{"eipId": *other.EIPID, "instanceType": "vm", "instanceId": one}), "has a public address")
	require.Contains(t, b.bindEIP(t, "unbind", vm(two)), "not bound to that")
	b.refused(t, 409, "OperationDenied", "unbind it first", "PUT", "/v1/eip/batch/delete", values{"eipIds": []string{id}})

	require.Empty(t, b.bindEIP(t, "unbind", values{"eipId": id}))
	require.Equal(t, []string{"available", ""}, []string{*b.eip(t, id).Status, *b.eip(t, id).InstanceID})
	require.Empty(t, b.bindEIP(t, "bind", vm(two)))
	b.awaitEIP(t, id, "binded")
	b.leadsTo(t, id, two)
	require.Empty(t, b.bindEIP(t, "unbind", vm(two)))

	eni := b.make(t, "v1", ipSet("172.16.0.50"))
	b.must(t, "PUT", "/v1/vpc/eni/"+eni+"/attach", values{"instanceId": one}, nil)
	b.awaitENI(t, eni, "inuse")
	entry := values{"eipId": id, "instanceType": "eni", "instanceId": eni, "instanceIp": "172.16.0.51", "mode": "nat"}
	require.Contains(t, b.bindEIP(t, "bind", entry), "primary address")
	entry["instanceIp"] = "172.16.0.50"
	require.Empty(t, b.bindEIP(t, "bind", entry))
	shown = b.awaitEIP(t, id, "binded")
	require.Equal(t, []string{eni, "eni", "eniname", "inuse"}, []string{*shown.InstanceID, *shown.InstanceType, *shown.InstanceName, *shown.InstanceStatus})
	require.Empty(t, b.bindEIP(t, "unbind", entry))
	var gone v1eip.BatchDeleteEIPResponse
	b.must(t, "PUT", "/v1/eip/batch/delete", values{"eipIds": []string{id, *other.EIPID}}, &gone)
	require.Equal(t, []string{id, *other.EIPID}, gone.Details)
	b.v2.refused(t, 404, "Resource Not Found", "does not exist", "GET", "/v1/eip/"+id, nil)
}

// leadsTo tells what the node was told of an address: that it leads to an instance's first NIC, by which an outsider gets in.
func (b *eniBed) leadsTo(t *testing.T, id, instance string) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(instance, "vm-"))
	require.NoError(t, err)
	require.Equal(t, detail.Ports[0].UID, b.ipSpec(t, id).Port)
}

func (v *v2) ipSpec(t *testing.T, id string) (body spec.PublicIP) {
	t.Helper()
	ip, err := v.Control.Networks.GetPublicIP(t.Context(), v.caller, strings.TrimPrefix(id, "ip-"))
	require.NoError(t, err)
	v.told(t, spec.KindPublicIP, ip.UID, &body)
	return body
}

// TestEIPsAreListedChangedAndRefuseWrongInput: what is refused makes and changes nothing.
func TestEIPsAreListedChangedAndRefuseWrongInput(t *testing.T) {
	v := newV2(t)
	list := func(query string) (names []string) {
		var out v1eip.EIPListResponse
		v.must(t, "GET", "/v1/eip/list?"+query, nil, &out)
		require.EqualValues(t, len(out.Result), *out.TotalCount)
		for _, e := range out.Result {
			names = append(names, *e.Name)
		}
		return names
	}
	entry := func(change values) values { return merge(values{"regionId": v2Site, "ipv4Num": 1}, change) }
	for says, body := range map[string]values{
		"bandwidthInMbps": {"bandwidthInMbps": 0}, "name": {"name": strings.Repeat("x", 65)}, "deployInstances": {"deployInstances": []values{}},
		"ipv4Num": {"deployInstances": []values{entry(nil), entry(values{"ipv4Num": 0})}}, "isp": {"deployInstances": []values{entry(values{"ipv4Subnet": values{"isp": "ct"}})}},
		"ipv6Num": {"deployInstances": []values{entry(values{"ipv6Num": 1})}}, "purpose": {"deployInstances": []values{entry(values{"ipv4Subnet": values{"purpose": "secret"}})}},
	} {
		v.refused(t, 400, "Illegal parameters", says, "POST", "/v1/eip/batch/create", merge(values{"bandwidthInMbps": 10, "tags": []values{}, "deployInstances": []values{entry(nil)}}, body))
	}
	require.Empty(t, list(""))
	made := v.makeEIPs(t, "many", 2)
	one := v.makeEIPs(t, "one", 1)[0]
	require.Equal(t, []string{"one", "many", "many"}, list(""))
	require.Equal(t, []string{"many", "many", "one"}, list("order=ASC"))
	for _, query := range []string{"keywordType=EIP_ID&keyword=" + *one.EIPID, "keywordType=EIP_NAME&keyword=on", "keywordType=EIP_IP&keyword=" + *one.EIP} {
		require.Equal(t, []string{"one"}, list(query), query)
	}
	require.Len(t, list("regionId="+v2Site+"&status=available&eipInstanceType=normal&ipVersion=4"), 3)
	for _, query := range []string{"regionId=" + v2Sites, "status=binded", "eipInstanceType=shared", "ipVersion=6"} {
		require.Empty(t, list(query), query)
	}
	v.must(t, "PUT", "/v1/eip/batch/update", values{"eipIds": []string{*made[0].EIPID, *one.EIPID}, "name": "both", "newBandwidthInMbps": 20}, nil)
	require.Equal(t, []string{"both", "many", "both"}, list(""))
	require.EqualValues(t, 20, *v.eip(t, *one.EIPID).BandwidthInMbps)
	v.refused(t, 404, "Resource Not Found", "does not exist", "PUT", "/v1/eip/batch/update", values{"eipIds": []string{*made[1].EIPID, "ip-absent00"}, "name": "no"})
	v.refused(t, 400, "Illegal parameters", "name", "PUT", "/v1/eip/batch/update", values{"eipIds": []string{*made[1].EIPID}})
	v.refused(t, 404, "Resource Not Found", "does not exist", "PUT", "/v1/eip/batch/delete", values{"eipIds": []string{*made[1].EIPID, "ip-absent00"}})
	require.Equal(t, []string{"both", "many", "both"}, list(""))
}

func (v *v2) eipGroup(t *testing.T, id string) (out v1eipgroup.EIPGroupModel) {
	t.Helper()
	v.must(t, "GET", "/v1/eipgroup/"+id, nil, &out)
	return out
}

// TestAnEIPGroupSharesItsBandwidth makes a package, fills, resizes and empties it (network.md, test idea 7).
func TestAnEIPGroupSharesItsBandwidth(t *testing.T) {
	v := newV2(t)
	body := values{"regionId": v2Site, "routeType": "ChinaMobile", "ipVersion": "ipv4", "bandwidthInMbps": 20, "eipCount": 1, "name": "test",
		"tags": []values{{"tagKey": "默认项目", "tagValue": ""}}, "billing": values{"paymentTiming": "Postpaid"}}
	for says, change := range map[string]values{"ipVersion": {"ipVersion": "ipv6"}, "eipCount": {"eipCount": 21}, "routeType": {"routeType": "ChinaUnicom"}, "bandwidthInMbps": {"bandwidthInMbps": 0},
		"paymentTiming": {"billing": values{"paymentTiming": "Prepaid"}}} {
		v.refused(t, 400, "Illegal parameters", says, "POST", "/v1/eipgroup", merge(merge(values{}, body), change))
	}
	var made v1eipgroup.CreateEIPGroupResponse
	v.must(t, "POST", "/v1/eipgroup", body, &made)
	path := "/v1/eipgroup/" + *made.ID
	g := v.eipGroup(t, *made.ID)
	require.Equal(t, []string{"test", "binded", "ChinaMobile", v2Site, "ipv4"}, []string{*g.Name, *g.Status, *g.RouteType, *g.RegionID, *g.IPVersion})
	require.Len(t, g.EIPs, 1)
	own := g.EIPs[0]
	require.Equal(t, []string{*own.EIPID, "shared", *made.ID}, []string{*own.Name, *own.EIPInstanceType, *own.ShareGroupID})
	require.EqualValues(t, 20, *own.BandwidthInMbps)
	require.Nil(t, own.Status)

	single := v.makeEIPs(t, "single", 1)[0]
	v.must(t, "PUT", path, values{"eips": []string{*single.EIP}, "action": "move_in"}, nil)
	v.refused(t, 409, "OperationDenied", "shares a bandwidth already", "PUT", path, values{"eips": []string{*single.EIP}, "action": "move_in"})
	v.refused(t, 409, "OperationDenied", "size is changed there", "PUT", "/v1/eip/batch/update", values{"eipIds": []string{*single.EIPID}, "newBandwidthInMbps": 5})
	v.must(t, "PUT", path, values{"eipAddCount": 17, "action": "resize"}, nil)
	v.must(t, "PUT", path, values{"bandwidthInMbps": 40, "action": "resize"}, nil)
	v.must(t, "PUT", path, values{"name": "renamed", "action": "update"}, nil)
	require.Len(t, v.eipGroup(t, *made.ID).EIPs, 19)
	v.refused(t, 413, "LimitExceeded", "At most 20", "PUT", path, values{"eipAddCount": 2, "action": "resize"})
	require.EqualValues(t, 40, *v.eip(t, *single.EIPID).BandwidthInMbps)
	v.sharesPackets(t, *single.EIPID)

	v.refused(t, 400, "Illegal parameters", "bandwidthInMbps", "PUT", path, values{"moveOutEips": []values{{"eip": *own.EIP}}, "action": "move_out"})
	v.must(t, "PUT", path, values{"moveOutEips": []values{{"eip": *own.EIP, "bandwidthInMbps": 7, "billing": values{"paymentTiming": "Postpaid"}}, {"eip": *single.EIP}}, "action": "move_out"}, nil)
	require.EqualValues(t, 7, *v.eip(t, *own.EIPID).BandwidthInMbps)
	require.EqualValues(t, 10, *v.eip(t, *single.EIPID).BandwidthInMbps, "it is back at what it had")
	require.Equal(t, "normal", *v.eip(t, *single.EIPID).EIPInstanceType)
	var all []values
	for _, e := range v.eipGroup(t, *made.ID).EIPs {
		all = append(all, values{"eip": *e.EIP, "bandwidthInMbps": 1})
	}
	v.refused(t, 409, "OperationDenied", "must stay", "PUT", path, values{"moveOutEips": all, "action": "move_out"})

	var list v1eipgroup.EIPGroupListResponse
	v.must(t, "GET", "/v1/eipgroup?keywordType=EG_NAME&keyword=renam&regionId="+v2Site+"&status=binded&ipVersion=ipv4", nil, &list)
	require.EqualValues(t, 1, *list.TotalCount)
	require.Len(t, list.Result[0].EIPs, 17)
	v.must(t, "PUT", path, values{"eips": []string{*single.EIP}, "action": "move_in"}, nil)
	v.must(t, "DELETE", path, nil, nil)
	v.refused(t, 404, "Resource Not Found", "does not exist", "GET", path, nil)
	var left v1eip.EIPListResponse
	v.must(t, "GET", "/v1/eip/list", nil, &left)
	require.EqualValues(t, 2, *left.TotalCount, "those that were moved out or in")
}

// sharesPackets binds an address that shares a bandwidth, and sees that its site is told of the shared limit alone.
func (v *v2) sharesPackets(t *testing.T, id string) {
	t.Helper()
	instance := v.bareInstance(t)
	require.Empty(t, v.bindEIP(t, "bind", values{"eipId": id, "instanceType": "vm", "instanceId": instance}))
	v.awaitEIP(t, id, "binded")
	told := v.ipSpec(t, id)
	require.NotEmpty(t, told.Bandwidth)
	require.Zero(t, told.Mbps)
	require.Empty(t, v.bindEIP(t, "unbind", values{"eipId": id}))
}
