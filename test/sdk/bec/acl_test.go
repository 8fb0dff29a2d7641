package bec_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1acl"
	"edgecloud/dialect/bec/wire/v2acl"
)

// aclBed is an instance and, on another subnet of its network, an interface of a second one.
type aclBed struct {
	*eniBed
	far     string // the other subnet
	address string // of the interface there
}

func newACLBed(t *testing.T) *aclBed {
	t.Helper()
	b := &aclBed{eniBed: newENIBed(t), address: "172.16.1.50"}
	var made struct{ SubnetID string }
	b.must(t, "POST", "/v2/vpc/subnet", values{"name": "far", "cidr": "172.16.1.0/24", "vpcId": b.vpc}, &made)
	b.far = made.SubnetID
	_, ids := b.create(t, nil)
	b.await(t, "RUNNING", ids...)
	home := b.subnet
	b.subnet = b.far
	eni := b.make(t, "v2", ipSet(b.address))
	b.subnet = home
	b.must(t, "PUT", "/v2/vpc/eni/"+eni+"?attach", values{"instanceId": ids[0]}, nil)
	b.awaitENI(t, eni, "inuse")
	return b
}

func aclRule(direction string, position any, change values) values {
	r := values{"protocol": "all", "sourceIpAddress": "0.0.0.0/0", "destinationIpAddress": "0.0.0.0/0", "sourcePort": "0-65535", "destinationPort": "0-65535",
		"position": position, "direction": direction, "action": "deny", "description": ""}
	for name, value := range change {
		r[name] = value
	}
	return r
}

// lets tells whether a protocol and port of the interface on the guarded subnet are reached.
func (b *aclBed) lets(t *testing.T, protocol string, port int, want bool) {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(b.id, "vm-"))
	require.NoError(t, err)
	controlplanetest.Eventually(t, fmt.Sprintf("%s %d gets through: %v", protocol, port, want), func() bool {
		return b.World.Trace(detail.Ports[0].UID, netip.MustParseAddr(b.address), protocol, port).OK == want
	})
}

func (b *aclBed) rules(t *testing.T) []v2acl.BecACLRule {
	t.Helper()
	var out v2acl.ListACLRulesResponse
	b.must(t, "GET", "/v2/vpc/acl/rule?subnetId="+b.far, nil, &out)
	return out.ACLRules
}

// TestACLRulesGoByTheirOrder writes rules by both versions and follows them to the packets (network.md, test idea 10).
func TestACLRulesGoByTheirOrder(t *testing.T) {
	b := newACLBed(t)
	b.lets(t, "tcp", 80, true)
	require.Len(t, b.rules(t), 2, "the default rules, and nothing else")

	var made v1acl.BatchCreateACLRulesResponse
	b.must(t, "POST", "/v1/vpc/acl/rule/batch/create", values{"subnetId": b.far, "aclRules": []values{
		aclRule("ingress", "100", values{"etherType": "IPv4", "sourceIpAddress": "all", "destinationIpAddress": "172.16.1.0/24", "subnetId": b.far}),
	}}, &made)
	require.Equal(t, "create", *made.Result.Action)
	require.Len(t, made.Result.Details.ACLRuleIDs, 1)
	denial := made.Result.Details.ACLRuleIDs[0]
	b.lets(t, "tcp", 80, false)

	b.must(t, "POST", "/v2/vpc/acl/rule", values{"aclRules": []values{
		aclRule("ingress", 50, values{"subnetId": b.far, "protocol": "tcp", "destinationPort": "80", "action": "allow", "destinationIpAddress": b.address}),
		aclRule("egress", 50, values{"subnetId": b.far, "protocol": "udp"})}}, nil)
	b.lets(t, "tcp", 80, true)
	b.lets(t, "tcp", 81, false)
	b.refused(t, 409, "OperationDenied", "position 50", "POST", "/v2/vpc/acl/rule", values{"aclRules": []values{aclRule("ingress", 50, values{"subnetId": b.far})}})
	b.refused(t, 409, "OperationDenied", "position 100", "PUT", "/v2/vpc/acl/rule/"+b.ruleAt(t, "ingress", 50), aclRule("ingress", 100, nil))

	// The other way round, the denial goes first.
	var changed v1acl.UpdateACLRuleResponse
	b.must(t, "PUT", "/v1/vpc/acl/rule/"+denial, values{"aclRule": values{"position": 1}}, &changed)
	require.Equal(t, denial, *changed.Result.Details.ACLRuleID)
	b.lets(t, "tcp", 80, false)
	b.must(t, "PUT", "/v2/vpc/acl/rule/"+denial, aclRule("ingress", 1, values{"protocol": "icmp", "description": "修改"}), nil)
	b.lets(t, "tcp", 80, true)
	b.shows(t, denial)

	var gone v1acl.BatchDeleteACLRulesResponse
	b.must(t, "POST", "/v1/vpc/acl/rule/batch/delete", values{"aclRuleIds": []string{denial}}, &gone)
	require.Equal(t, []string{denial}, gone.Result.Details.ACLRuleIDs)
	b.refused(t, 404, "NoSuchObject", "does not exist", "DELETE", "/v2/vpc/acl/rule/"+denial, nil)
	for _, way := range []string{"ingress", "egress"} {
		b.must(t, "DELETE", "/v2/vpc/acl/rule/"+b.ruleAt(t, way, 50), nil, nil)
	}
	require.Len(t, b.rules(t), 2)
	b.lets(t, "tcp", 81, true)
	b.lets(t, "udp", 81, true)
}

func (b *aclBed) ruleAt(t *testing.T, direction string, position int32) string {
	t.Helper()
	for _, r := range b.rules(t) {
		if r.Direction == direction && r.Position == position {
			return *r.ID
		}
	}
	t.Fatalf("no rule of %s at %d", direction, position)
	return ""
}

// shows compares how both versions show the rules that are there.
func (b *aclBed) shows(t *testing.T, denial string) {
	t.Helper()
	var detail v1acl.GetACLDetailResponse
	b.must(t, "GET", "/v1/vpc/acl/detail?vpcId="+b.vpc, nil, &detail)
	require.Equal(t, []string{"默认ACL", b.vpc, v2Site}, []string{*detail.Result.ACL.ACLName, *detail.Result.ACL.VPCID, *detail.Result.ACL.RegionID})
	require.Len(t, detail.Result.ACL.ACLEntrys, 2, "one for each subnet")
	require.Len(t, detail.Result.ACL.ACLEntrys[0].ACLRules, 2)
	var positions []int32
	for _, r := range detail.Result.ACL.ACLEntrys[1].ACLRules {
		positions = append(positions, *r.Position)
		require.Equal(t, *r.Position == 32769, *r.IsDefault)
		require.Equal(t, *r.IsDefault, r.ACLRuleID == nil)
	}
	require.Equal(t, []int32{1, 50, 50, 32769, 32769}, positions)
	first := detail.Result.ACL.ACLEntrys[1].ACLRules[0]
	require.Equal(t, []string{denial, "icmp", "0.0.0.0/0", "0-65535", "修改", "deny"},
		[]string{*first.ACLRuleID, *first.Protocol, *first.SourceIPAddress, *first.DestinationPort, *first.Description, *first.Action})
	var whole v2acl.GetACLResponse
	b.must(t, "GET", "/v2/vpc/acl?vpcId="+b.vpc, nil, &whole)
	require.Equal(t, b.vpc, *whole.VPCID)
	require.Len(t, whole.ACLEntrys[1].ACLRules, 5)

	var page v2acl.ListACLRulesResponse
	b.must(t, "GET", "/v2/vpc/acl/rule?maxKeys=3&subnetId="+b.far, nil, &page)
	require.True(t, *page.IsTruncated)
	require.Len(t, page.ACLRules, 3)
	var rest v2acl.ListACLRulesResponse
	b.must(t, "GET", "/v2/vpc/acl/rule?maxKeys=3&subnetId="+b.far+"&marker="+*page.NextMarker, nil, &rest)
	require.False(t, *rest.IsTruncated)
	require.Nil(t, rest.NextMarker)
	require.Equal(t, *page.NextMarker, *rest.ACLRules[0].ID)
	require.Len(t, rest.ACLRules, 2)
	b.refused(t, 409, "OperationDenied", "default rules", "DELETE", "/v2/vpc/acl/rule/"+*page.ACLRules[0].ID, nil)
	b.refused(t, 409, "OperationDenied", "default rules", "PUT", "/v1/vpc/acl/rule/"+*page.ACLRules[1].ID, values{"aclRule": values{"position": 5}})
}

// TestACLsAreListedAndRenamed: every network has one without anybody's doing.
func TestACLsAreListedAndRenamed(t *testing.T) {
	v := newV2(t)
	var one, two struct{ VPCID string }
	v.must(t, "POST", "/v2/vpc", values{"name": "alpha", "cidr": "10.0.0.0/16", "regionId": v2Site}, &one)
	v.must(t, "POST", "/v2/vpc", values{"name": "beta", "cidr": "10.0.0.0/16", "regionId": v2Sites}, &two)
	list := func(query string) (names []string) {
		var out v1acl.ListACLResponse
		v.must(t, "GET", "/v1/vpc/acl/list?"+query, nil, &out)
		require.EqualValues(t, len(out.Result.Result), *out.Result.TotalCount)
		for _, a := range out.Result.Result {
			names = append(names, *a.VPCName+" "+*a.ACLName)
		}
		return names
	}
	require.Equal(t, []string{"beta 默认ACL", "alpha 默认ACL"}, list(""))
	id := "acl-" + strings.TrimPrefix(one.VPCID, "vpc-")
	var renamed v1acl.UpdateACLResponse
	v.must(t, "PUT", "/v1/vpc/acl/"+id, values{"name": "guard"}, &renamed)
	require.Equal(t, id, *renamed.Result.Details.ACLID)
	require.Equal(t, []string{"alpha guard"}, list("keywordType=aclName&keyword=guar"))
	require.Equal(t, []string{"beta 默认ACL"}, list("keywordType=aclName&keyword=默认"))
	require.Equal(t, []string{"beta 默认ACL"}, list("keywordType=vpcName&keyword=bet"))
	require.Equal(t, []string{"alpha guard"}, list("vpcId="+one.VPCID))
	require.Equal(t, []string{"beta 默认ACL"}, list("regionId="+v2Sites))
}

// TestACLRulesRefuseWrongInputByName: what is refused changes nothing, and a subnet that is guarded otherwise stays so.
func TestACLRulesRefuseWrongInputByName(t *testing.T) {
	b := newACLBed(t)
	for says, change := range map[string]values{
		"position":             {"position": 32769},
		"destinationIpAddress": {"destinationIpAddress": "10.0.0.0/8"},
		"sourcePorts":          {"protocol": "icmp", "sourcePort": "80"},
		"source":               {"sourceIpAddress": "nowhere"},
		"description":          {"description": strings.Repeat("x", 201)},
	} {
		b.refused(t, 400, "BadRequest", says, "POST", "/v2/vpc/acl/rule", values{"aclRules": []values{aclRule("ingress", 1, values{"subnetId": b.far}), aclRule("ingress", 2, values{"subnetId": b.far}), aclRule("egress", 3, values{"subnetId": b.far}),
			merge(aclRule("ingress", 4, values{"subnetId": b.far}), change)}})
	}
	b.refused(t, 400, "Illegal parameters", "etherType", "POST", "/v1/vpc/acl/rule/batch/create", values{"subnetId": b.far, "aclRules": []values{aclRule("ingress", 1, values{"etherType": "IPv6"})}})
	b.refused(t, 400, "Illegal parameters", "subnetId", "POST", "/v1/vpc/acl/rule/batch/create", values{"subnetId": b.far, "aclRules": []values{aclRule("ingress", 1, values{"subnetId": b.subnet})}})
	b.refused(t, 400, "Illegal parameters", "at least one", "POST", "/v1/vpc/acl/rule/batch/create", values{"subnetId": b.far, "aclRules": []values{}})
	require.Len(t, b.rules(t), 2)

	var many []values
	for k := 1; k <= 50; k++ {
		many = append(many, aclRule("ingress", k, values{"subnetId": b.far}))
	}
	b.must(t, "POST", "/v2/vpc/acl/rule", values{"aclRules": many}, nil)
	b.refused(t, 413, "LimitExceeded", "50", "POST", "/v2/vpc/acl/rule", values{"aclRules": []values{aclRule("ingress", 51, values{"subnetId": b.far})}})
	b.must(t, "POST", "/v2/vpc/acl/rule", values{"aclRules": []values{aclRule("egress", 51, values{"subnetId": b.far})}}, nil)
	b.refused(t, 400, "BadRequest", "direction", "PUT", "/v2/vpc/acl/rule/"+b.ruleAt(t, "egress", 51), aclRule("ingress", 60, nil))
}

func merge(into, change values) values {
	for name, value := range change {
		into[name] = value
	}
	return into
}
