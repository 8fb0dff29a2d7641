package bec_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1eni"
	"edgecloud/dialect/bec/wire/v2eni"
	"edgecloud/link/spec"
)

// eniBed is a cloud with an instance, the names of what it is on, and a security group.
type eniBed struct {
	*v2
	id, subnet, vpc, group string
}

func newENIBed(t *testing.T) *eniBed {
	t.Helper()
	v := newV2(t)
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids...)
	i := v.get(t, ids[0])
	g, err := v.Control.Networks.CreateGroup(t.Context(), v.caller, network.NewGroup{Name: "enis", Rules: []network.NewRule{{Direction: spec.Ingress}, {Direction: spec.Egress}}})
	require.NoError(t, err)
	return &eniBed{v2: v, id: ids[0], subnet: *i.SubnetID, vpc: *i.VPCID, group: "sg-" + g.Slug}
}

func ipSet(primary string, further ...string) []values {
	set := []values{{"primary": true, "privateIpAddress": primary}}
	for _, a := range further {
		set = append(set, values{"primary": false, "privateIpAddress": a})
	}
	return set
}

func (b *eniBed) request(set []values, change values) values {
	body := values{"name": "eniname", "description": "enidesc", "subnetId": b.subnet, "securityGroupIds": []string{b.group}, "privateIpSet": set}
	for name, value := range change {
		body[name] = value
	}
	return body
}

func (b *eniBed) make(t *testing.T, version string, set []values) string {
	t.Helper()
	var out v1eni.CreateENIResponse
	b.must(t, "POST", "/"+version+"/vpc/eni", b.request(set, nil), &out)
	require.True(t, *out.Result)
	return *out.Details.ENIID
}

func (b *eniBed) eni(t *testing.T, id string) (out v1eni.ENI) {
	t.Helper()
	b.must(t, "GET", "/v1/vpc/eni/"+id, nil, &out)
	return out
}

func (b *eniBed) awaitENI(t *testing.T, id, status string) {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool { return *b.eni(t, id).Status == status })
}

func shown(set []v1eni.PrivateIP) string {
	var all []string
	for _, a := range set {
		word := a.PrivateIPAddress
		if a.Primary {
			word = "*" + word
		}
		all = append(all, word)
	}
	return strings.Join(all, " ")
}

func (b *eniBed) port(t *testing.T, eni string) string {
	t.Helper()
	p, err := b.Control.Networks.GetElasticNIC(t.Context(), b.caller, strings.TrimPrefix(eni, "eni-"))
	require.NoError(t, err)
	return p.UID
}

// reaches tells whether the instance's own NIC gets packets through to an address.
func (b *eniBed) reaches(t *testing.T, address string, want bool) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	controlplanetest.Eventually(t, fmt.Sprintf("%s is reached: %v", address, want), func() bool {
		hop := b.World.Trace(detail.Ports[0].UID, netip.MustParseAddr(address), "tcp", 80)
		return hop.OK == want
	})
}

// TestAnENILivesThroughBothVersions follows an interface from its making over two instances and a change of addresses to its end, each version seeing the other's.
func TestAnENILivesThroughBothVersions(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			b := newENIBed(t)
			id := b.make(t, version, ipSet("172.16.0.50", "", "172.16.0.51"))
			eni := b.eni(t, id)
			require.Equal(t, []string{"eniname", "enidesc", b.vpc, b.subnet, v2Site, "available"}, []string{*eni.Name, *eni.Description, *eni.VPCID, *eni.SubnetID, *eni.RegionID, *eni.Status})
			require.Equal(t, []string{b.group}, eni.SecurityGroupIDs)
			require.Nil(t, eni.InstanceID)
			require.Len(t, eni.IPSet, 3)
			require.True(t, strings.HasPrefix(shown(eni.IPSet), "*172.16.0.50 ") && strings.HasSuffix(shown(eni.IPSet), " 172.16.0.51"), shown(eni.IPSet))

			target := func(verb string) string {
				if version == "v1" {
					return "/v1/vpc/eni/" + id + "/" + verb
				}
				return "/v2/vpc/eni/" + id + "?" + verb
			}
			b.must(t, "PUT", target("attach"), values{"instanceId": b.id}, nil)
			b.awaitENI(t, id, "inuse")
			b.await(t, "RUNNING", b.id)
			require.Equal(t, b.id, *b.eni(t, id).InstanceID)
			require.Contains(t, b.guest(t, b.id).Ports, b.port(t, id), "the machine has the interface, without a restart")
			require.Equal(t, *b.get(t, b.id).InternalIP, b.main(t), "the instance's own address stays the main one")
			b.refused(t, 409, "OperationDenied", "attached", "DELETE", "/"+version+"/vpc/eni/"+id, nil)
			b.refused(t, 409, "OperationDenied", "one instance only", "PUT", target("attach"), values{"instanceId": b.id})

			b.addresses(t, version, id)

			b.must(t, "PUT", target("detach"), values{"instanceId": b.id}, nil)
			b.awaitENI(t, id, "available")
			require.NotContains(t, b.guest(t, b.id).Ports, b.port(t, id))
			b.refused(t, 409, "OperationDenied", "not attached", "PUT", target("detach"), values{"instanceId": b.id})

			b.moves(t, version, id, target)
			b.must(t, "DELETE", "/"+version+"/vpc/eni/"+id, nil, nil)
			notFound := map[string]string{"v1": "Resource Not Found", "v2": "NoSuchObject"}[version]
			b.refused(t, 404, notFound, "does not exist", "GET", "/"+version+"/vpc/eni/"+id, nil)
			again := b.make(t, version, ipSet("172.16.0.50"))
			b.must(t, "DELETE", "/"+version+"/vpc/eni/"+again, nil, nil)
		})
	}
}

func (b *eniBed) main(t *testing.T) string {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	return detail.Ports[0].Address
}

// addresses adds and removes addresses of an interface that is in use, and follows them to the packets.
func (b *eniBed) addresses(t *testing.T, version, id string) {
	t.Helper()
	base := "/" + version + "/vpc/eni/" + id + "/privateIp"
	for _, a := range []string{"172.16.0.50", "172.16.0.51"} {
		b.reaches(t, a, true)
	}
	b.reaches(t, "172.16.0.60", false)
	var one v1eni.AddENIPrivateIPResponse
	b.must(t, "POST", base, values{"privateIpAddress": "172.16.0.60"}, &one)
	require.Equal(t, "172.16.0.60", *one.PrivateIPAddress)
	b.reaches(t, "172.16.0.60", true)
	b.must(t, "POST", base, values{"privateIpAddress": ""}, &one)
	require.NotEmpty(t, *one.PrivateIPAddress)
	b.must(t, "DELETE", base+"/"+*one.PrivateIPAddress, nil, nil)
	b.reaches(t, *one.PrivateIPAddress, false)

	var batch struct {
		v1eni.BatchAddENIPrivateIPsResponse
		PrivateIPAddresses []string `json:"privateIpAddresses"`
	}
	b.must(t, "POST", base+"/batchAdd", values{"privateIpAddresses": []string{"172.16.0.61", "172.16.0.62"}, "privateIpAddressCount": 1}, &batch)
	added := batch.PrivateIPAddresses
	if version == "v1" {
		added = batch.Details.PrivateIPAddresses
	}
	require.Len(t, added, 3)
	require.Equal(t, []string{"172.16.0.61", "172.16.0.62"}, added[:2])
	require.True(t, strings.HasSuffix(shown(b.eni(t, id).IPSet), "172.16.0.60 "+strings.Join(added, " ")), shown(b.eni(t, id).IPSet))
	b.must(t, "POST", base+"/batchDel", values{"privateIpAddresses": []string{"172.16.0.61", "172.16.0.62"}}, nil)
	b.reaches(t, "172.16.0.61", false)
	controlplanetest.Eventually(t, "a lost address is free", func() bool { // once the site has confirmed
		return b.call("POST", base, values{"privateIpAddress": "172.16.0.61"}, nil) == nil
	})
	for _, c := range []struct {
		status       int
		says, method string
		target       string
		body         any
	}{
		{409, "primary", "DELETE", base + "/172.16.0.50", nil},
		{404, "does not exist", "DELETE", base + "/172.16.0.99", nil},
		{409, "primary", "POST", base + "/batchDel", values{"privateIpAddresses": []string{"172.16.0.60", "172.16.0.50"}}},
		{409, "in use", "POST", base, values{"privateIpAddress": b.main(t)}},
		{400, "172.16.9.9", "POST", base, values{"privateIpAddress": "172.16.9.9"}},
		{400, "privateIpAddress", "POST", base, values{"privateIpAddress": "one"}},
		{400, "privateIpAddress", "POST", base + "/batchAdd", values{}},
		{409, "in use", "POST", base + "/batchAdd", values{"privateIpAddresses": []string{"172.16.0.70", "172.16.0.60"}}},
	} {
		code := map[int]string{409: "OperationDenied", 404: "NoSuchObject", 400: "BadRequest"}[c.status]
		if version == "v1" {
			code = map[int]string{409: "OperationDenied", 404: "Resource Not Found", 400: "Illegal parameters"}[c.status]
		}
		b.refused(t, c.status, code, c.says, c.method, c.target, c.body)
	}
	b.reaches(t, "172.16.0.60", true)
	b.reaches(t, "172.16.0.70", false)
}

// moves puts the interface onto another instance, with which it does not go.
func (b *eniBed) moves(t *testing.T, version, id string, target func(string) string) {
	t.Helper()
	before := shown(b.eni(t, id).IPSet)
	_, ids := b.create(t, nil)
	b.await(t, "RUNNING", ids...)
	b.must(t, "PUT", "/v2/vm/instance/"+ids[0]+"?stop", values{}, nil)
	b.await(t, "STOPPED", ids...)
	b.must(t, "PUT", target("attach"), values{"instanceId": ids[0]}, nil)
	b.awaitENI(t, id, "inuse")
	require.Equal(t, ids[0], *b.eni(t, id).InstanceID)
	b.must(t, "PUT", "/v2/vm/instance/"+ids[0]+"?start", values{}, nil)
	b.await(t, "RUNNING", ids...)
	b.reaches(t, "172.16.0.60", true)
	b.must(t, "DELETE", "/v2/vm/instance/"+ids[0], nil, nil)
	b.awaitENI(t, id, "available")
	require.Equal(t, before, shown(b.eni(t, id).IPSet), "it keeps its addresses")
	b.reaches(t, "172.16.0.60", false)
	_ = version
}

func TestENIsAreListedAsDocumented(t *testing.T) {
	b := newENIBed(t)
	first := b.make(t, "v1", ipSet("172.16.0.50", "172.16.0.150"))
	second := b.make(t, "v2", ipSet("172.16.0.61"))
	b.must(t, "PUT", "/v1/vpc/eni/"+second, values{"name": "other"}, nil)
	b.must(t, "PUT", "/v1/vpc/eni/"+first+"/attach", values{"instanceId": b.id}, nil)
	b.awaitENI(t, first, "inuse")
	for query, want := range map[string][]string{
		"": {second, first}, "name=other": {second}, "instanceId=" + b.id: {first}, "subnetId=" + b.subnet: {second, first},
		"privateIpAddress=50": {first}, "privateIpAddress=1": {second}, "privateIpAddress=9": nil, "privateIpAddress=172.16.0.150,172.16.0.61": {second, first},
		"privateIpAddress=150,61": nil, "keywordType=eniId&keyword=" + second: {second}, "keywordType=sgId&keyword=" + b.group: {second, first},
		"keywordType=privateIp&keyword=0.61": {second}, "keywordType=&keyword=": {second, first}, "maxKeys=1": {second},
	} {
		var list v1eni.ListENIResponse
		b.must(t, "GET", "/v1/vpc/eni?vpcId="+b.vpc+"&"+query, nil, &list)
		var got []string
		for _, e := range list.Result {
			got = append(got, *e.ENIID)
		}
		require.Equal(t, want, got, query)
	}
	b.refused(t, 400, "Illegal parameters", "vpcId", "GET", "/v1/vpc/eni", nil)
	b.refused(t, 404, "Resource Not Found", "absent", "GET", "/v1/vpc/eni?vpcId=vpc-absent", nil)
	var page v2eni.ListENIsResponse
	b.must(t, "GET", "/v2/vpc/eni?maxKeys=1", nil, &page)
	require.True(t, *page.IsTruncated)
	seen := []string{*page.ENIs[0].ENIID}
	b.must(t, "GET", "/v2/vpc/eni?maxKeys=1&vpcId="+b.vpc+"&marker="+*page.NextMarker, nil, &page)
	require.False(t, *page.IsTruncated)
	require.ElementsMatch(t, []string{first, second}, append(seen, *page.ENIs[0].ENIID))
	b.must(t, "GET", "/v2/vpc/eni?instanceId="+b.id, nil, &page)
	require.Equal(t, []string{first, "inuse", b.id}, []string{*page.ENIs[0].ENIID, *page.ENIs[0].Status, *page.ENIs[0].InstanceID})
	require.Len(t, page.ENIs[0].PrivateIPSet, 2)
}

func TestENIsKeepTheirOwnSecurityGroups(t *testing.T) {
	b := newENIBed(t)
	id := b.make(t, "v1", ipSet(""))
	more, err := b.Control.Networks.CreateGroup(t.Context(), b.caller, newGroup("more"))
	require.NoError(t, err)
	other := "sg-" + more.Slug
	entry := func(groups ...string) values {
		return values{"enis": []values{{"eniId": id, "securityGroupIds": groups}}}
	}
	b.must(t, "PUT", "/v1/vpc/eni/securityGroup/bind", entry(b.group, other), nil)
	require.Equal(t, []string{b.group, other}, b.eni(t, id).SecurityGroupIDs)
	b.must(t, "PUT", "/v1/vpc/eni/securityGroup/unbind", entry(b.group), nil)
	require.Equal(t, []string{other}, b.eni(t, id).SecurityGroupIDs)
	b.refused(t, 409, "OperationDenied", "at least one", "PUT", "/v1/vpc/eni/securityGroup/unbind", entry(other))
	b.refused(t, 400, "Illegal parameters", "securityGroupIds", "PUT", "/v1/vpc/eni/securityGroup/bind", entry())
	b.refused(t, 404, "Resource Not Found", "absent", "PUT", "/v1/vpc/eni/securityGroup/bind", entry("sg-absent"))
	b.must(t, "PUT", "/v2/vpc/eni/"+id+"?bindSg", values{"enis": []values{{"securityGroupIds": []string{b.group}}}}, nil)
	require.Equal(t, []string{b.group}, b.eni(t, id).SecurityGroupIDs)
	b.refused(t, 400, "BadRequest", "enis", "PUT", "/v2/vpc/eni/"+id+"?bindSg", values{"enis": []values{}})

	b.must(t, "PUT", "/v1/vpc/eni/"+id+"/attach", values{"instanceId": b.id}, nil)
	b.awaitENI(t, id, "inuse")
	b.must(t, "PUT", "/v1/vm/instance/securityGroup/bind", values{"instances": []values{{"instanceId": b.id, "securityGroupIds": []string{other}}}}, nil)
	require.Equal(t, []string{b.group}, b.eni(t, id).SecurityGroupIDs, "the instance's groups are those of its own NICs")
}

func TestENIsRefuseWrongInputByName(t *testing.T) {
	b := newENIBed(t)
	elsewhere := b.elsewhere(t)
	for what, c := range map[string]struct {
		body   values
		status int
		says   string
	}{
		"two primaries":      {values{"privateIpSet": append(ipSet(""), ipSet("")...)}, 400, "privateIpSet"},
		"no primary":         {values{"privateIpSet": []values{}}, 400, "privateIpSet"},
		"an address twice":   {values{"privateIpSet": ipSet("172.16.0.77", "172.16.0.77")}, 409, "172.16.0.77"},
		"an address in use":  {values{"privateIpSet": ipSet(b.main(t))}, 409, "in use"},
		"the gateway's":      {values{"privateIpSet": ipSet("172.16.0.1")}, 409, "in use"},
		"outside":            {values{"privateIpSet": ipSet("10.0.0.1")}, 400, "10.0.0.1"},
		"too many":           {values{"privateIpSet": ipSet("", strings.Split(strings.Repeat(",", 39), ",")...)}, 413, "40 allowed"},
		"no group":           {values{"securityGroupIds": []string{}}, 400, "securityGroupIds"},
		"an unknown group":   {values{"securityGroupIds": []string{"sg-absent"}}, 404, "absent"},
		"an unknown subnet":  {values{"subnetId": "sbn-absent"}, 404, "absent"},
		"a name too long":    {values{"name": strings.Repeat("n", 66)}, 400, "name"},
		"a long description": {values{"description": strings.Repeat("n", 201)}, 400, "description"},
	} {
		err := b.call("POST", "/v1/vpc/eni", b.request(ipSet(""), c.body), nil)
		require.ErrorContains(t, err, c.says, what)
		refused(t, err, c.status)
	}
	other := b.make(t, "v1", ipSet(""))
	for what, c := range map[string]struct {
		eni, instance string
		status        int
		says          string
	}{
		"another subnet":      {elsewhere, b.id, 409, "another subnet"},
		"an unknown instance": {other, "vm-absent", 404, "absent"},
		"an unknown ENI":      {"eni-absent", b.id, 404, "absent"},
	} {
		err := b.call("PUT", "/v1/vpc/eni/"+c.eni+"/attach", values{"instanceId": c.instance}, nil)
		require.ErrorContains(t, err, c.says, what)
		refused(t, err, c.status)
	}
	b.refused(t, 400, "Illegal parameters", "name", "PUT", "/v1/vpc/eni/"+other, values{})
	b.refused(t, 409, "OperationDenied", "network interfaces", "DELETE", "/v1/vpc/subnet/"+b.subnet, nil)
}

// elsewhere makes an ENI on a subnet that the instance is not on.
func (b *eniBed) elsewhere(t *testing.T) string {
	t.Helper()
	var net struct {
		VPCID string `json:"vpcId"`
	}
	b.must(t, "POST", "/v2/vpc", values{"name": "own", "cidr": "10.0.0.0/8", "regionId": v2Site}, &net)
	var subnet struct {
		SubnetID string `json:"subnetId"`
	}
	b.must(t, "POST", "/v2/vpc/subnet", values{"name": "own", "cidr": "10.9.0.0/24", "vpcId": net.VPCID}, &subnet)
	var out v1eni.CreateENIResponse
	b.must(t, "POST", "/v1/vpc/eni", b.request(ipSet(""), values{"subnetId": subnet.SubnetID}), &out)
	return *out.Details.ENIID
}

// TestSecondaryAddressesOfInstancesThroughTheTypedClient: the instance has 4 GiB, so that its main NIC may have 8 addresses.
func TestSecondaryAddressesOfInstancesThroughTheTypedClient(t *testing.T) {
	b := newENIBed(t)
	got, err := b.client.CreateVmPrivateIp(b.id, &api.CreateVmPrivateIpForm{PrivateIps: []string{"172.16.0.80", "172.16.0.81"}})
	require.NoError(t, err)
	require.True(t, got.Success && got.Result.Success)
	require.Equal(t, []string{"172.16.0.80", "172.16.0.81"}, got.Result.Ips)
	got, err = b.client.CreateVmPrivateIp(b.id, &api.CreateVmPrivateIpForm{SecondaryPrivateIpAddressCount: 5})
	require.NoError(t, err)
	require.Len(t, got.Result.Ips, 5)
	_, err = b.client.CreateVmPrivateIp(b.id, &api.CreateVmPrivateIpForm{SecondaryPrivateIpAddressCount: 1})
	refused(t, err, 413)
	detail, err := b.client.GetVirtualMachine(b.id)
	require.NoError(t, err)
	require.Len(t, detail.PrivateIps, 7)

	_, ids := b.create(t, nil)
	b.await(t, "RUNNING", ids...)
	neighbour, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(ids[0], "vm-"))
	require.NoError(t, err)
	arrives := func(want bool) {
		controlplanetest.Eventually(t, fmt.Sprintf("a neighbour reaches it: %v", want), func() bool {
			return b.World.Trace(neighbour.Ports[0].UID, netip.MustParseAddr("172.16.0.80"), "tcp", 80).OK == want
		})
	}
	require.NoError(t, b.Control.Compute.BindGroups(t.Context(), b.caller, []string{strings.TrimPrefix(b.id, "vm-")}, []string{strings.TrimPrefix(b.group, "sg-")}, true))
	arrives(true)
	got, err = b.client.DeleteVmPrivateIp(b.id, &api.DeleteVmPrivateIpForm{PrivateIps: []string{"172.16.0.80"}})
	require.NoError(t, err)
	require.Equal(t, []string{"172.16.0.80"}, got.Result.Ips)
	arrives(false)
	for what, c := range map[string]struct {
		form   api.CreateVmPrivateIpForm
		status int
	}{
		"both":      {api.CreateVmPrivateIpForm{PrivateIps: []string{"172.16.0.90"}, SecondaryPrivateIpAddressCount: 1}, 400},
		"neither":   {api.CreateVmPrivateIpForm{}, 400},
		"elsewhere": {api.CreateVmPrivateIpForm{PrivateIps: []string{"10.0.0.1"}}, 400},
		"in use":    {api.CreateVmPrivateIpForm{PrivateIps: []string{"172.16.0.81"}}, 409},
	} {
		_, err := b.client.CreateVmPrivateIp(b.id, &c.form)
		require.Error(t, err, what)
		refused(t, err, c.status)
	}
	b.refused(t, 400, "Illegal parameters", "netName", "PUT", "/v1/vm/instance/"+b.id+"/privateIp/release", values{"netName": "eth1", "privateIps": []string{"172.16.0.81"}})
	b.must(t, "PUT", "/v1/vm/instance/"+b.id+"/privateIp/release", values{"netName": "eth0", "privateIps": []string{"172.16.0.81"}}, nil)
	_, err = b.client.DeleteVmPrivateIp(b.id, &api.DeleteVmPrivateIpForm{PrivateIps: []string{b.main(t)}})
	refused(t, err, 409)
}
