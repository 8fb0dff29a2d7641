package bec_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/dialect/bec/wire/v1havip"
	"edgecloud/dialect/bec/wire/v1route"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// haVIPBed is three instances on one subnet.
type haVIPBed struct {
	*v2
	ids         []string
	vpc, subnet string
}

func newHAVIPBed(t *testing.T) *haVIPBed {
	t.Helper()
	b := &haVIPBed{v2: newV2(t)}
	_, b.ids = b.create(t, values{"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 3}}})
	b.await(t, "RUNNING", b.ids...)
	one := b.get(t, b.ids[0])
	b.vpc, b.subnet = *one.VPCID, *one.SubnetID
	return b
}

func (b *haVIPBed) entry(change values) values {
	return merge(values{"regionId": v2Site, "vpcId": b.vpc, "subnetId": b.subnet}, change)
}

func (b *haVIPBed) make(t *testing.T, name string, entries ...values) (made []v1havip.HAVIPVo) {
	t.Helper()
	var out v1havip.BatchCreateHAVIPResponse
	b.must(t, "POST", "/v1/vpc/havip/batch/create", values{"name": name, "deployInstances": entries}, &out)
	require.True(t, *out.Result)
	return out.Details
}

func (b *haVIPBed) backends(t *testing.T, id, query string) (shown []string) {
	t.Helper()
	var out v1havip.ListHAVIPBackendResponse
	b.must(t, "GET", "/v1/vpc/havip/"+id+"/instance/list?"+query, nil, &out)
	require.EqualValues(t, len(out.Result), *out.TotalCount)
	for _, one := range out.Result {
		word := *one.InstanceID
		if *one.IsMaster {
			word = "*" + word
		}
		require.Equal(t, []string{"SERVER", "RUNNING", b.subnet, v2Site}, []string{*one.InstanceType, *one.Status, *one.SubnetID, *one.RegionID})
		shown = append(shown, word)
	}
	return shown
}

func backendsOf(ids ...string) values {
	var all []values
	for _, id := range ids {
		all = append(all, values{"instanceId": id})
	}
	return values{"backends": all}
}

func (b *haVIPBed) port(t *testing.T, id string) string {
	t.Helper()
	detail, err := b.Control.Compute.Get(t.Context(), b.caller, strings.TrimPrefix(id, "vm-"))
	require.NoError(t, err)
	return detail.Ports[0].UID
}

// TestAHaVIPMovesBetweenItsTwoBackends binds a virtual IP, moves it by what the guests announce, and takes it apart again.
func TestAHaVIPMovesBetweenItsTwoBackends(t *testing.T) {
	b := newHAVIPBed(t)
	made := b.make(t, "vip", b.entry(values{"ipAddress": "172.16.0.77"}))
	require.Len(t, made, 1)
	id := *made[0].HAVIPID
	require.Equal(t, []string{"172.16.0.77", "available"}, []string{*made[0].PrivateIPAddress, *made[0].Status})
	bind, unbind := "/v1/vpc/havip/"+id+"/instance/bind", "/v1/vpc/havip/"+id+"/instance/unbind"

	b.must(t, "PUT", bind, backendsOf(b.ids[0]), nil)
	b.must(t, "PUT", bind, backendsOf(b.ids[1]), nil)
	b.refused(t, 413, "LimitExceeded", "at most 2", "PUT", bind, backendsOf(b.ids[2]))
	b.refused(t, 409, "OperationDenied", "already", "PUT", bind, backendsOf(b.ids[1]))
	require.ElementsMatch(t, []string{"*" + b.ids[0], b.ids[1]}, b.backends(t, id, "isBound=true&instanceType=SERVER"))
	require.Equal(t, []string{b.ids[2]}, b.backends(t, id, "isBound=false"))
	require.Empty(t, b.backends(t, id, "isBound=false&keywordType=NAME&keyword=absent"))
	var one v1havip.GetHAVIPResponse
	b.must(t, "GET", "/v1/vpc/havip/"+id, nil, &one)
	require.EqualValues(t, 2, *one.Result.AssociateNum)
	require.Equal(t, []string{"binded", "vip", b.vpc, b.subnet, v2Site}, []string{*one.Result.Status, *one.Result.Name, *one.Result.VPCID, *one.Result.SubnetID, *one.Result.RegionID})

	// The NICs may use the address without anything else being said, and routes may lead to it.
	var p spec.Port
	b.portSpec(t, b.ids[0], &p)
	require.Equal(t, []spec.Pair{{Prefix: netip.MustParsePrefix("172.16.0.77/32")}}, p.AllowedPairs)
	table := b.table(t)
	var rule v1route.CreateRouteRuleResponse
	b.must(t, "POST", "/v1/route/rule", values{"tableId": table, "ipVersion": 4, "sourceAddress": "0.0.0.0/0", "destinationAddress": "10.20.0.0/16", "nexthop": id, "routeType": "HAVIP"}, &rule)
	require.Equal(t, id, *rule.Details.Nexthop)
	var rules v1route.ListRouteRuleResponse
	b.must(t, "GET", "/v1/route/rule/list/"+table, nil, &rules)
	require.Equal(t, id, *rules.Result[len(rules.Result)-1].Nexthop)

	b.refused(t, 409, "OperationDenied", "unbind it first", "POST", "/v1/vpc/havip/batch/delete", values{"haVipIds": []string{id}})
	b.refused(t, 409, "OperationDenied", "master", "PUT", unbind, backendsOf(b.ids[0]))
	b.must(t, "PUT", unbind, backendsOf(b.ids[1]), nil)
	b.must(t, "PUT", unbind, backendsOf(b.ids[0]), nil)
	b.portSpec(t, b.ids[0], &p)
	require.Empty(t, p.AllowedPairs)
	b.refused(t, 409, "OperationDenied", "next hop", "POST", "/v1/vpc/havip/batch/delete", values{"haVipIds": []string{id}})
	b.must(t, "DELETE", "/v1/route/rule/delete/"+*rule.Details.RuleID, nil, nil)
	b.must(t, "POST", "/v1/vpc/havip/batch/delete", values{"haVipIds": []string{id, id}}, nil)
	b.refused(t, 404, "Resource Not Found", "does not exist", "GET", "/v1/vpc/havip/"+id, nil)
}

func (b *haVIPBed) portSpec(t *testing.T, id string, body *spec.Port) {
	t.Helper()
	*body = spec.Port{}
	b.told(t, spec.KindPort, b.port(t, id), body)
}

// told is what the node was told of something.
func (v *v2) told(t *testing.T, kind, uid string, body any) {
	t.Helper()
	site, err := v.Control.Place.SiteByName(t.Context(), v2Site)
	require.NoError(t, err)
	require.NoError(t, v.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Get(ctx, tx, spec.SiteTarget(site.UID), kind, uid, body)
		return err
	}))
}

func (b *haVIPBed) table(t *testing.T) string {
	t.Helper()
	var tables v1route.ListRouteTableResponse
	b.must(t, "GET", "/v1/route/list?vpcId="+b.vpc, nil, &tables)
	return *tables.Result[0].TableID
}

// TestHaVIPsAreListedAndRefuseWrongInput: what is refused makes nothing.
func TestHaVIPsAreListedAndRefuseWrongInput(t *testing.T) {
	b := newHAVIPBed(t)
	var other struct{ VPCID string }
	b.must(t, "POST", "/v2/vpc", values{"name": "other", "cidr": "10.0.0.0/16", "regionId": v2Site}, &other)
	for says, entry := range map[string]values{
		"beside ipAddressCount": {"ipAddress": "172.16.0.78", "ipAddressCount": 1},
		"ipAddressCount":        {},
		"must be a subnet of":   {"ipAddressCount": 1, "regionId": v2Sites},
		"ipAddress":             {"ipAddress": "nowhere"},
		"of the VPC":            {"ipAddressCount": 1, "vpcId": other.VPCID},
	} {
		b.refused(t, 400, "Illegal parameters", says, "POST", "/v1/vpc/havip/batch/create", values{"name": "x", "deployInstances": []values{b.entry(values{"ipAddressCount": 1}), b.entry(entry)}})
	}
	list := func(query string) (names []string) {
		var out v1havip.ListHAVIPResponse
		b.must(t, "GET", "/v1/vpc/havip?"+query, nil, &out)
		require.EqualValues(t, len(out.Result), *out.TotalCount)
		for _, v := range out.Result {
			names = append(names, *v.Name)
		}
		return names
	}
	require.Empty(t, list(""))
	require.Len(t, b.make(t, "many", b.entry(values{"ipAddressCount": 2})), 2)
	one := b.make(t, "one", b.entry(values{"ipAddress": "172.16.0.90"}))[0]
	require.Equal(t, []string{"one", "many", "many"}, list(""))
	require.Equal(t, []string{"many", "many", "one"}, list("order=asc"))
	for _, query := range []string{"keywordType=HAVIP_ID&keyword=" + *one.HAVIPID, "keywordType=HAVIP_NAME&keyword=on", "keywordType=INTERNAL_IP&keyword=0.90"} {
		require.Equal(t, []string{"one"}, list(query), query)
	}
	require.Len(t, list("subnetId="+b.subnet+"&vpcId="+b.vpc), 3)
	require.Empty(t, list("vpcId=vpc-absent"))
	b.must(t, "PUT", "/v1/vpc/havip/"+*one.HAVIPID, values{"name": "two"}, nil)
	require.Equal(t, []string{"two", "many", "many"}, list(""))
	b.refused(t, 409, "OperationDenied", "172.16.0.90", "POST", "/v1/vpc/havip/batch/create", values{"name": "x", "deployInstances": []values{b.entry(values{"ipAddress": "172.16.0.90"})}})
	_, elsewhere := b.create(t, values{"deployInstances": []values{{"regionId": v2Sites, "purchaseCount": 1}}})
	b.await(t, "RUNNING", elsewhere...)
	b.refused(t, 400, "Illegal parameters", "instanceId", "PUT", "/v1/vpc/havip/"+*one.HAVIPID+"/instance/bind", backendsOf(b.ids[0], elsewhere[0]))
	require.Empty(t, b.backends(t, *one.HAVIPID, "isBound=true"))
	b.refused(t, 409, "OperationDenied", "not bound", "PUT", "/v1/vpc/havip/"+*one.HAVIPID+"/instance/unbind", backendsOf(b.ids[0]))
}
