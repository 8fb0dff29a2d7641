package bec_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/contract"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1nat"
	"edgecloud/dialect/bec/wire/v1node"
	"edgecloud/dialect/bec/wire/v1route"
	"edgecloud/dialect/bec/wire/v2nat"
	"edgecloud/dialect/bec/wire/v2route"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// outside is a host beyond the site.
var outside = netip.MustParseAddr("198.51.100.7")

// natBed is an instance and a NAT gateway of its network.
type natBed struct {
	*v2
	id, address, subnet, vpc, table string
	nat                             string
}

func newNATBed(t *testing.T) *natBed {
	t.Helper()
	b := &natBed{v2: newV2(t)}
	g, err := b.Control.Networks.CreateGroup(t.Context(), b.caller, network.NewGroup{Name: "open", Rules: []network.NewRule{{Direction: spec.Ingress}, {Direction: spec.Egress}}})
	require.NoError(t, err)
	_, ids := b.create(t, values{"securityGroupId": "sg-" + g.Slug})
	b.await(t, "RUNNING", ids...)
	i := b.get(t, ids[0])
	b.id, b.subnet, b.vpc = ids[0], *i.SubnetID, *i.VPCID
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	b.address = detail.Ports[0].Address
	tables, _, err := b.Control.Networks.ListRouteTables(t.Context(), b.caller, network.RouteTableFilter{Network: strings.TrimPrefix(b.vpc, "vpc-")}, store.Window{})
	require.NoError(t, err)
	b.table = "rtb-" + tables[0].Slug
	return b
}

func (b *natBed) deployment(change values) values {
	return merge(values{"regionId": v2Site, "vpcId": b.vpc, "spec": "small"}, change)
}

// makeNAT makes a gateway by one of the versions and waits until it is active.
func (b *natBed) makeNAT(t *testing.T, version string) {
	t.Helper()
	if version == "v1" {
		var out v1nat.BatchCreateNATResponse
		b.must(t, "POST", "/v1/nat/batch/create", values{"name": "test", "desc": "words", "bandwidth": 100, "deployInstances": []values{b.deployment(nil)}}, &out)
		require.Len(t, out.DeployInstances, 1)
		b.nat = *out.DeployInstances[0].NATID
	} else {
		var out v2nat.CreateNATResponse
		b.must(t, "POST", "/v2/nat", b.deployment(values{"name": "test", "desc": "words", "bandwidth": 100, "tags": []values{{"tagKey": "k", "tagValue": "v"}}}), &out)
		b.nat = *out.NATID
	}
	require.Regexp(t, "^nat-"+v2Site+"-[a-z0-9]{8}$", b.nat)
	b.awaitNAT(t, "active")
}

func (b *natBed) shown(t *testing.T) (out v1nat.NATVo) {
	t.Helper()
	b.must(t, "GET", "/v1/nat/"+b.nat, nil, &out)
	return out
}

func (b *natBed) awaitNAT(t *testing.T, status string) {
	t.Helper()
	controlplanetest.Eventually(t, b.nat+" is "+status, func() bool { return *b.shown(t).Status == status })
}

// eip is the address that the gateway's sources are seen as.
func (b *natBed) eip(t *testing.T) string {
	t.Helper()
	eips := b.shown(t).EIPs
	require.Len(t, eips, 1)
	require.Equal(t, "CHINA_MOBILE", *eips[0].ServiceProvider)
	return *eips[0].IP
}

// seenAs tells what the outside sees the instance's packets come from; nothing if no answer would come back.
func (b *natBed) seenAs(t *testing.T, want string) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the instance is seen as "+want, func() bool {
		v := b.World.Trace(detail.Ports[0].UID, outside, "tcp", 80)
		if !v.OK {
			return want == ""
		}
		return v.Source.String() == want
	})
}

func (b *natBed) site(t *testing.T) *sim.Site {
	t.Helper()
	for _, s := range b.World.Sites() {
		if s.Name() == v2Site {
			return s
		}
	}
	t.Fatal("no site", v2Site)
	return nil
}

// leadsIn tells whether what comes for a public port gets to the instance.
func (b *natBed) leadsIn(t *testing.T, address, protocol string, port int, want bool) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	controlplanetest.Eventually(t, fmt.Sprintf("%s %s:%d leads in: %v", protocol, address, port, want), func() bool {
		v := b.site(t).TraceOutside(outside, netip.MustParseAddr(address), protocol, port)
		return (v.OK && v.Port == detail.Ports[0].UID) == want
	})
}

func (b *natBed) route(t *testing.T, change values) string {
	t.Helper()
	var out v1route.CreateRouteRuleResponse
	b.must(t, "POST", "/v1/route/rule", b.natRoute(change), &out)
	require.Equal(t, []string{"NAT", b.nat, "0.0.0.0/0"}, []string{*out.Details.RouteType, *out.Details.Nexthop, *out.Details.DestinationAddress})
	return *out.Details.RuleID
}

func (b *natBed) natRoute(change values) values {
	return merge(values{"tableId": b.table, "ipVersion": 4, "sourceAddress": "172.16.0.0/24", "destinationAddress": "0.0.0.0/0", "nexthop": b.nat, "routeType": "NAT"}, change)
}

func (b *natBed) snat(t *testing.T, source string) string {
	t.Helper()
	var out v1nat.CreateNATSnatRuleResponse
	b.must(t, "POST", "/v1/nat/"+b.nat+"/snatRule/create", values{"ruleName": "test", "sourceCIDR": source}, &out)
	return *out.RuleID
}

func (b *natBed) dnat(change values) values {
	return merge(values{"ruleName": "test", "publicIpAddress": "", "privateIpAddress": b.address, "protocol": "TCP", "publicPort": "80", "privatePort": "8080"}, change)
}

// told is what the site has of the gateway.
func (b *natBed) told(t *testing.T) spec.NATGateway {
	t.Helper()
	g, err := b.Control.Networks.GetNATGateway(t.Context(), b.caller, b.nat[len(b.nat)-8:])
	require.NoError(t, err)
	told, ok := b.site(t).NATGateway(g.UID)
	require.True(t, ok)
	return told
}

// TestANATGatewayLivesThroughBothVersions makes a gateway by one version, sees and changes it by both, and deletes it.
func TestANATGatewayLivesThroughBothVersions(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			b := newNATBed(t)
			b.makeNAT(t, version)
			g := b.shown(t)
			require.Equal(t, []string{"test", "words", v2Site, b.vpc, "small", "active"}, []string{*g.Name, *g.Desc, *g.RegionID, *g.VPCID, *g.Spec, *g.Status})
			require.EqualValues(t, 100, *g.Bandwidth)
			require.Empty(t, g.DnatEIPs)
			require.Equal(t, []any{100, b.eip(t)}, []any{b.told(t).Mbps, b.told(t).Address.String()})

			b.must(t, "PUT", "/v1/nat/"+b.nat+"/update", values{"desc": "more"}, nil)
			b.must(t, "PUT", "/v2/nat/"+b.nat, values{"name": "renamed/1.0"}, nil)
			b.must(t, "PUT", "/"+version+"/nat/"+b.nat+"/updateBandwidth", values{"bandwidth": 200}, nil)
			controlplanetest.Eventually(t, "the site has the limit", func() bool { return b.told(t).Mbps == 200 })
			b.awaitNAT(t, "active")
			var detail v2nat.NATVo
			b.must(t, "GET", "/v2/nat/"+b.nat, nil, &detail)
			require.Equal(t, []any{"renamed/1.0", "more", int32(200), "active"}, []any{*detail.Name, *detail.Desc, *detail.Bandwidth, *detail.Status})
			if version == "v2" {
				require.Equal(t, []string{"k", "v"}, []string{*detail.Tags[0].TagKey, *detail.Tags[0].TagValue})
			}

			if version == "v1" {
				b.must(t, "POST", "/v1/nat/batch/delete", values{"natIdList": []string{b.nat}}, nil)
			} else {
				b.must(t, "DELETE", "/v2/nat/"+b.nat, nil, nil)
			}
			controlplanetest.Eventually(t, "it is gone", func() bool { return b.call("GET", "/v2/nat/"+b.nat, nil, nil) != nil })
			b.refused(t, 404, "NoSuchObject", "does not exist", "GET", "/v2/nat/"+b.nat, nil)
			ips, _, err := b.Control.Networks.ListPublicIPs(t.Context(), b.caller, network.PublicIPFilter{Alone: true}, store.Window{})
			require.NoError(t, err)
			require.Empty(t, ips, "the address that came with it went with it")
		})
	}
}

// TestNATGatewaysAreFound lists gateways by every filter of both versions, page by page.
func TestNATGatewaysAreFound(t *testing.T) {
	b := newNATBed(t)
	var nodes v1node.AvailableNodeInfo
	b.must(t, "GET", "/v1/node/type/nat", nil, &nodes)
	require.EqualValues(t, 2, *nodes.NodeSum, "both nodes have a line")
	var made v1nat.BatchCreateNATResponse
	b.must(t, "POST", "/v1/nat/batch/create", values{"name": "first", "deployInstances": []values{b.deployment(nil), {"regionId": v2Sites, "spec": "mid", "subServiceProviders": []string{"un"}}}}, &made)
	require.Len(t, made.DeployInstances, 2)
	hangzhou, changchun := *made.DeployInstances[0].NATID, *made.DeployInstances[1].NATID
	require.NotEmpty(t, *made.DeployInstances[1].VPCID, "the node's default network")
	b.nat = changchun
	b.awaitNAT(t, "active")
	b.nat = hangzhou
	b.awaitNAT(t, "active")
	eip := b.eip(t)
	for query, want := range map[string][]string{
		"": {changchun, hangzhou}, "regionId=" + v2Site: {hangzhou}, "vpcId=" + b.vpc: {hangzhou}, "city=CHANGCHUN": {changchun}, "serviceProvider=CHINA_MOBILE": {hangzhou},
		"region=EAST_CHINA": {hangzhou}, "keywordType=NAT_NAME&keyword=irs": {changchun, hangzhou}, "keywordType=NAT_ID&keyword=" + hangzhou: {hangzhou}, "keywordType=&keyword=": {changchun, hangzhou},
		"pageNo=2&pageSize=1": {hangzhou}, "keyword=nobody": nil, "city=NOWHERE": nil,
	} {
		var out v1nat.NATListResponse
		b.must(t, "GET", "/v1/nat/list?"+query, nil, &out)
		var ids []string
		for _, g := range out.Result {
			ids = append(ids, *g.NATID)
		}
		require.Equal(t, want, ids, query)
	}
	for query, want := range map[string][]string{"regionId=" + v2Site: {hangzhou}, "vpcId=" + b.vpc: {hangzhou}, "name=first": {hangzhou, changchun}, "name=irs": nil, "natId=" + changchun: {changchun},
		"ip=" + eip: {hangzhou}, "marker=" + hangzhou + "&maxKeys=1": {hangzhou}} {
		var out v2nat.ListNATsResponse
		b.must(t, "GET", "/v2/nat?"+query, nil, &out)
		var ids []string
		for _, g := range out.NATs {
			ids = append(ids, *g.NATID)
		}
		require.ElementsMatch(t, want, ids, query)
	}
	b.nat = changchun
	require.Equal(t, "CHINA_UNICOM", *b.shown(t).EIPs[0].ServiceProvider, "the carrier that was picked")
}

// TestSNATTakesARuleAndARoute follows an instance's packets out (network.md, test ideas 11 and 13).
func TestSNATTakesARuleAndARoute(t *testing.T) {
	b := newNATBed(t)
	b.makeNAT(t, "v1")
	eip := b.eip(t)
	b.seenAs(t, "")
	rule := b.snat(t, "172.16.0.0/20")
	route := b.route(t, nil)
	b.seenAs(t, eip)
	b.refused(t, 409, "OperationDenied", "same", "POST", "/v1/nat/"+b.nat+"/snatRule/create", values{"ruleName": "again", "sourceCIDR": "172.16.0.0/20"})
	var batch v2nat.BatchCreateSnatRuleResponse
	b.must(t, "POST", "/v2/nat/"+b.nat+"/snatRule/batchCreate", values{"snatRules": []values{{"ruleName": "test", "sourceCIDR": b.address + "/32"}, {"ruleName": "test", "sourceCIDR": "172.16.0.128/25"}}}, &batch)
	require.Len(t, batch.SnatRuleIDs, 2)
	b.must(t, "POST", "/v1/nat/"+b.nat+"/snatRule/batch/delete", values{"ruleIdList": []string{rule}}, nil)
	b.seenAs(t, eip)
	b.must(t, "PUT", "/v2/nat/"+b.nat+"/snatRule/"+batch.SnatRuleIDs[0], values{"ruleName": "moved", "sourceCIDR": "172.16.0.200/32"}, nil)
	b.seenAs(t, "")
	b.must(t, "PUT", "/v1/nat/"+b.nat+"/snatRule/"+batch.SnatRuleIDs[1], values{"ruleName": "wide", "sourceCIDR": "172.16.0.0/24"}, nil)
	b.seenAs(t, eip)

	var list v1nat.SnatRuleListResponse
	b.must(t, "GET", "/v1/nat/"+b.nat+"/snatRule", nil, &list)
	require.EqualValues(t, []int32{1, 1000, 2}, []int32{*list.PageNo, *list.PageSize, *list.TotalCount})
	newest := list.Result[0]
	require.Equal(t, []string{b.nat, batch.SnatRuleIDs[1], "wide", "172.16.0.0/24", eip, "active"}, []string{*newest.NATID, *newest.RuleID, *newest.RuleName, *newest.SourceCIDR,
		*newest.PublicIPsAddress[0].IP, *newest.Status})

	own := b.freeIP(t)
	b.bindToInstance(t, own)
	b.seenAs(t, own.Address)
	_, err := b.Control.Networks.BindPublicIP(t.Context(), b.caller, own.UID, "")
	require.NoError(t, err)
	b.seenAs(t, eip)

	b.refused(t, 409, "OperationDenied", "Routes lead", "DELETE", "/v2/nat/"+b.nat, nil)
	b.must(t, "DELETE", "/v1/route/rule/delete/"+route, nil, nil)
	b.seenAs(t, "")
	for _, id := range batch.SnatRuleIDs {
		b.must(t, "DELETE", "/v2/nat/"+b.nat+"/snatRule/"+id, nil, nil)
	}
	b.refused(t, 404, "NoSuchObject", "does not exist", "DELETE", "/v2/nat/"+b.nat+"/snatRule/"+rule, nil)
}

// freeIP is an address of the account's that stands alone and is bound to nothing.
func (b *natBed) freeIP(t *testing.T) *network.PublicIPDetail {
	t.Helper()
	site, err := b.Control.Place.SiteByName(t.Context(), v2Site)
	require.NoError(t, err)
	made, err := b.Control.Networks.CreatePublicIPs(t.Context(), b.caller, network.NewPublicIP{Site: site, Name: "own", Mbps: 5})
	require.NoError(t, err)
	b.awaitIP(t, made[0].UID, network.IPFree)
	return made[0]
}

func (b *natBed) awaitIP(t *testing.T, uid string, state network.IPState) {
	t.Helper()
	controlplanetest.Eventually(t, "the address is "+string(state), func() bool {
		ip, err := b.Control.Networks.GetPublicIP(t.Context(), b.caller, uid)
		require.NoError(t, err)
		return ip.State == state
	})
}

func (b *natBed) bindToInstance(t *testing.T, ip *network.PublicIPDetail) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	_, err = b.Control.Networks.BindPublicIP(t.Context(), b.caller, ip.UID, detail.Ports[0].UID)
	require.NoError(t, err)
	b.awaitIP(t, ip.UID, network.IPBound)
}

// TestDNATLeadsPortsAndWholeAddressesIn follows packets from outside in (network.md, test idea 12).
func TestDNATLeadsPortsAndWholeAddressesIn(t *testing.T) {
	b := newNATBed(t)
	b.makeNAT(t, "v2")
	eip, rules := b.eip(t), "/v1/nat/"+b.nat+"/dnatRule"
	var made v1nat.CreateNATDnatRuleResponse
	b.must(t, "POST", rules+"/create", b.dnat(values{"publicIpAddress": eip}), &made)
	b.leadsIn(t, eip, "tcp", 80, true)
	b.leadsIn(t, eip, "tcp", 8080, false)
	b.leadsIn(t, eip, "udp", 80, false)
	b.refused(t, 409, "OperationDenied", "port 80", "POST", "/v2/nat/"+b.nat+"/dnatRule", b.dnat(values{"publicIpAddress": eip, "privatePort": "81"}))
	b.must(t, "POST", "/v2/nat/"+b.nat+"/dnatRule", b.dnat(values{"publicIpAddress": eip, "protocol": "UDP"}), nil)
	b.leadsIn(t, eip, "udp", 80, true)

	more := b.freeIP(t)
	entry := values{"eipId": "ip-" + more.Slug, "instanceType": "nat", "instanceId": b.nat, "mode": "nat"}
	require.Empty(t, b.bindEIP(t, "bind", entry))
	shown := b.awaitEIP(t, "ip-"+more.Slug, "binded")
	require.Equal(t, []string{"nat", b.nat, "test"}, []string{*shown.InstanceType, *shown.InstanceID, *shown.InstanceName})
	require.Contains(t, b.bindEIP(t, "bind", entry), "bound already")
	require.Contains(t, b.bindEIP(t, "bind", values{"eipId": "ip-" + more.Slug, "instanceType": "vm", "instanceId": b.id}), "NAT gateway")
	b.refused(t, 409, "OperationDenied", "unbind it first", "PUT", "/v1/eip/batch/delete", values{"eipIds": []string{"ip-" + more.Slug}})
	b.refused(t, 409, "OperationDenied", "NAT gateway", "PUT", "/v1/eip/batch/update", values{"eipIds": []string{"ip-" + more.Slug}, "newBandwidthInMbps": 9})
	require.Equal(t, more.Address, *b.shown(t).DnatEIPs[0].IP)
	require.Equal(t, eip, b.eip(t))
	whole := values{"ruleName": "whole", "publicIpAddress": more.Address, "privateIpAddress": b.address, "protocol": "all"}
	var batch v1nat.BatchCreateNATDnatRulesResponse
	b.must(t, "POST", rules+"/batchCreate", values{"rules": []values{whole}}, &batch)
	b.leadsIn(t, more.Address, "tcp", 5555, true)
	b.refused(t, 409, "OperationDenied", "all of", "POST", rules+"/create", whole)
	require.Contains(t, b.bindEIP(t, "unbind", entry), "DNAT rules")

	b.must(t, "PUT", rules+"/"+*made.RuleID, b.dnat(values{"publicIpAddress": eip, "publicPort": "8443", "privatePort": "443"}), nil)
	b.leadsIn(t, eip, "tcp", 8443, true)
	b.leadsIn(t, eip, "tcp", 80, false)
	var list v2nat.ListDnatRulesResponse
	b.must(t, "GET", "/v2/nat/"+b.nat+"/dnatRule", nil, &list)
	require.Len(t, list.Rules, 3)
	for _, r := range list.Rules {
		switch *r.RuleID {
		case *made.RuleID:
			require.Equal(t, []string{b.nat, eip, "8443", b.address, "443", "TCP", "active", "CHINA_MOBILE"}, []string{*r.NATID, *r.PublicIPAddress.IP, *r.PublicPort, *r.PrivateIPAddress,
				*r.PrivatePort, *r.Protocol, *r.Status, *r.PublicIPAddress.ServiceProvider})
		case batch.RuleIDs[0]:
			require.Equal(t, []string{more.Address, "all"}, []string{*r.PublicIPAddress.IP, *r.Protocol})
			require.Nil(t, r.PublicPort)
		}
	}
	b.must(t, "POST", rules+"/batch/delete", values{"ruleIdList": batch.RuleIDs}, nil)
	b.leadsIn(t, more.Address, "tcp", 5555, false)
	require.Empty(t, b.bindEIP(t, "unbind", entry))
	b.awaitIP(t, more.UID, network.IPFree)
	b.must(t, "DELETE", "/v2/nat/"+b.nat+"/dnatRule/"+*made.RuleID, nil, nil)
	b.must(t, "DELETE", "/v2/nat/"+b.nat, nil, nil)
	controlplanetest.Eventually(t, "it is gone", func() bool { return b.call("GET", "/v2/nat/"+b.nat, nil, nil) != nil })
	require.NoError(t, b.Control.Networks.DeletePublicIP(t.Context(), b.caller, more.UID))
}

// TestNATRefusesWrongInputByName names the field and what was expected, and what stands in the way.
func TestNATRefusesWrongInputByName(t *testing.T) {
	b := newNATBed(t)
	b.makeNAT(t, "v1")
	eip, dnat, snat := b.eip(t), "/v2/nat/"+b.nat+"/dnatRule", "/v2/nat/"+b.nat+"/snatRule"
	for _, c := range []struct {
		says, target string
		body         values
	}{
		{"bandwidth:", "/v2/nat", b.deployment(values{"name": "n", "bandwidth": 10001})},
		{"bandwidth:", "/v2/nat", b.deployment(values{"name": "n", "bandwidth": -1})},
		{"name:", "/v2/nat", b.deployment(values{"name": "with space"})},
		{"name:", "/v2/nat", b.deployment(values{"name": strings.Repeat("n", 65)})},
		{"spec", "/v2/nat", b.deployment(values{"name": "n", "spec": "huge"})},
		{"subServiceProviders:", "/v2/nat", b.deployment(values{"name": "n", "subServiceProviders": []string{"ct"}})},
		{"vpcId:", "/v2/nat", b.deployment(values{"name": "n", "regionId": v2Sites})},
		{"publicPort:", dnat, b.dnat(values{"publicIpAddress": eip, "publicPort": "0"})},
		{"publicPort:", dnat, b.dnat(values{"publicIpAddress": eip, "publicPort": "65536"})},
		{"publicPort:", dnat, b.dnat(values{"publicIpAddress": eip, "publicPort": "http"})},
		{"privatePort:", dnat, b.dnat(values{"publicIpAddress": eip, "privatePort": ""})},
		{"publicPort:", dnat, b.dnat(values{"publicIpAddress": eip, "protocol": "all"})},
		{"privateIpAddress:", dnat, b.dnat(values{"publicIpAddress": eip, "privateIpAddress": "10.0.0.1"})},
		{"sourceCIDR:", snat, values{"ruleName": "n", "sourceCIDR": "10.0.0.0/8"}},
		{"sourceCIDR:", snat, values{"ruleName": "n", "sourceCIDR": "172.16.0.1/24"}},
		{"ruleName:", snat, values{"ruleName": "", "sourceCIDR": "172.16.0.0/24"}},
		{"destinationAddress:", "/v2/route/rule", values{"routeTableId": b.table, "sourceAddress": "172.16.0.0/24", "destinationAddress": "10.9.0.0/16", "ipVersion": "4", "nexthopType": "nat", "nexthopId": b.nat}},
	} {
		b.refused(t, 400, "BadRequest", c.says, "POST", c.target, c.body)
	}
	var rules v2nat.ListSnatRulesResponse
	b.must(t, "GET", snat, nil, &rules)
	require.Empty(t, rules.Rules)
	b.refused(t, 404, "NoSuchObject", "has no public address", "POST", dnat, b.dnat(values{"publicIpAddress": "192.0.2.99"}))
	b.refused(t, 404, "NoSuchObject", "does not exist", "POST", "/v2/nat", b.deployment(values{"name": "n", "vpcId": "vpc-nobody12"}))
	b.refused(t, 404, "Resource Not Found", "does not exist", "POST", "/v1/route/rule", b.natRoute(values{"nexthop": "nat-" + v2Site + "-nobody12"}))
	b.refused(t, 400, "Illegal parameters", "destinationAddress", "POST", "/v1/route/rule", b.natRoute(values{"nexthop": b.id, "routeType": "CUSTOM"}))
	b.refused(t, 400, "Illegal parameters", "bandwidth:", "PUT", "/v1/nat/"+b.nat+"/updateBandwidth", values{"bandwidth": 0})
}

// TestWhatAGatewayHoldsStays refuses to delete what a gateway needs, and routes to one without an address (network.md, test idea 13).
func TestWhatAGatewayHoldsStays(t *testing.T) {
	b := newNATBed(t)
	var vpc struct{ VPCID string }
	b.must(t, "POST", "/v2/vpc", values{"name": "own", "cidr": "10.7.0.0/16", "regionId": v2Site}, &vpc)
	var subnet struct{ SubnetID string }
	b.must(t, "POST", "/v2/vpc/subnet", values{"name": "own", "cidr": "10.7.1.0/24", "vpcId": vpc.VPCID}, &subnet)
	b.vpc = vpc.VPCID
	b.makeNAT(t, "v2")
	b.refused(t, 409, "OperationDenied", "NAT gateways", "DELETE", "/v2/vpc/"+b.vpc, nil)
	var rule v2nat.CreateDnatRuleResponse
	b.must(t, "POST", "/v2/nat/"+b.nat+"/dnatRule", b.dnat(values{"publicIpAddress": b.eip(t), "privateIpAddress": "10.7.1.9"}), &rule)
	b.refused(t, 409, "OperationDenied", "DNAT rule", "DELETE", "/v2/vpc/subnet/"+subnet.SubnetID, nil)
	b.must(t, "DELETE", "/v2/nat/"+b.nat+"/dnatRule/"+*rule.RuleID, nil, nil)

	var table v2route.GetRouteTableResponse
	b.must(t, "GET", "/v2/route?vpcId="+b.vpc, nil, &table)
	to := values{"routeTableId": *table.RouteTableID, "sourceAddress": "10.7.1.0/24", "destinationAddress": "0.0.0.0/0", "ipVersion": "4", "nexthopType": "nat", "nexthopId": b.nat}
	var route v2route.CreateRouteRuleResponse
	b.must(t, "POST", "/v2/route/rule", to, &route)
	b.must(t, "GET", "/v2/route?vpcId="+b.vpc, nil, &table)
	last := table.RouteRules[len(table.RouteRules)-1]
	require.Equal(t, []string{"nat", b.nat}, []string{*last.NexthopType, *last.NexthopID})
	ips, _, err := b.Control.Networks.ListPublicIPs(t.Context(), b.caller, network.PublicIPFilter{Address: b.eip(t)}, store.Window{})
	require.NoError(t, err)
	_, err = b.Control.Networks.BindPublicIP(t.Context(), b.caller, ips[0].UID, "")
	require.ErrorContains(t, err, "Routes lead")
	b.must(t, "DELETE", "/v2/route/rule/"+*route.RouteRuleID, nil, nil)
	_, err = b.Control.Networks.BindPublicIP(t.Context(), b.caller, ips[0].UID, "")
	require.NoError(t, err)
	b.awaitIP(t, ips[0].UID, network.IPFree)
	b.refused(t, 409, "OperationDenied", "no public address", "POST", "/v2/route/rule", to)
	require.Empty(t, b.shown(t).EIPs)

	_, err = b.Control.Networks.BindToGateway(t.Context(), b.caller, ips[0].UID, b.nat[len(b.nat)-8:])
	require.NoError(t, err)
	b.awaitIP(t, ips[0].UID, network.IPBound)
	require.Equal(t, ips[0].Address, b.eip(t))
	b.must(t, "DELETE", "/v2/nat/"+b.nat, nil, nil)
	controlplanetest.Eventually(t, "it is gone", func() bool { return b.call("GET", "/v2/nat/"+b.nat, nil, nil) != nil })
	b.awaitIP(t, ips[0].UID, network.IPFree)
	b.must(t, "DELETE", "/v2/vpc/"+b.vpc, nil, nil)
}

// TestNATDocumentedExamples replays every request that the contract documents on a VPC as the examples have it, with the IDs that exist put in place.
func TestNATDocumentedExamples(t *testing.T) {
	b := &natBed{v2: newV2(t)}
	loaded, err := contract.Load("bec")
	require.NoError(t, err)
	var vpc struct{ VPCID string }
	b.must(t, "POST", "/v2/vpc", values{"name": "own", "cidr": "192.168.0.0/16", "regionId": v2Sites}, &vpc)
	b.must(t, "POST", "/v2/vpc/subnet", values{"name": "own", "cidr": "192.168.0.0/24", "vpcId": vpc.VPCID}, nil)
	replayed := 0
	for _, op := range loaded.Operations() {
		if !strings.HasPrefix(op.Key, "bec/v1/nat.") && !strings.HasPrefix(op.Key, "bec/v2/nat.") || op.ID == "getNatMonitor" {
			continue
		}
		for _, e := range op.Examples().Requests {
			t.Run(op.Key+" "+e.Name, func(t *testing.T) {
				var made v2nat.CreateNATResponse
				b.must(t, "POST", "/v2/nat", values{"name": "own", "regionId": v2Sites, "vpcId": vpc.VPCID, "spec": "large"}, &made)
				b.nat = *made.NATID
				eip := *b.shown(t).EIPs[0].IP
				var snat v2nat.CreateSnatRuleResponse
				b.must(t, "POST", "/v2/nat/"+b.nat+"/snatRule", values{"ruleName": "own", "sourceCIDR": "192.168.0.0/24"}, &snat)
				var dnat v2nat.CreateDnatRuleResponse
				b.must(t, "POST", "/v2/nat/"+b.nat+"/dnatRule", values{"ruleName": "own", "publicIpAddress": eip, "privateIpAddress": "192.168.0.9", "protocol": "UDP", "publicPort": "22", "privatePort": "22"}, &dnat)
				rule := *dnat.RuleID
				if strings.Contains(strings.ToLower(op.ID), "snat") {
					rule = *snat.RuleID
				}
				put := strings.NewReplacer("nat-cn-changchun-ix-qotjedkx", b.nat, "vpc-u8wjaroqoqba", vpc.VPCID, "1.1.1.1", eip, "rule-mktfe6nkmuiu", rule, "rule-acqj49qe39di", rule, "x-natid", b.nat, "x-ruleid", rule)
				b.must(t, e.Method, put.Replace(e.Target), rawBody(put.Replace(string(e.Body))), nil)
				replayed++
			})
		}
	}
	require.GreaterOrEqual(t, replayed, 32)
}
