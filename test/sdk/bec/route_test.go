package bec_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v2route"
	"edgecloud/store"
)

// TestRoutesThroughTheTypedClient makes routes by API 1.0 and 2.0 to an instance, sees one side's on the other, and follows them to the packets.
func TestRoutesThroughTheTypedClient(t *testing.T) {
	v := newV2(t)
	client := v.client
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids...)
	tables, err := client.GetRouteTableList(&api.ListRequest{RegionId: hangzhou})
	require.NoError(t, err)
	require.Equal(t, 1, tables.TotalCount)
	table := tables.Result[0]
	require.Equal(t, []string{"ready", "default", hangzhou}, []string{table.Status, table.Name, table.RegionId})
	none, err := client.GetRouteTableList(&api.ListRequest{KeywordType: "vpcName", Keyword: "absent"})
	require.NoError(t, err)
	require.Zero(t, none.TotalCount)
	renamed, err := client.UpdateRouteTable(table.TableId, &api.UpdateRouteTableRequest{TableName: "test"})
	require.NoError(t, err)
	require.Equal(t, "test", renamed.Details.TableName)
	detail, err := client.GetRouteTableDetail(table.TableId)
	require.NoError(t, err)
	require.Equal(t, []string{"test", table.VpcId, "172.16.0.0/20"}, []string{detail.Details.RouteTableVo.Name, detail.Details.RouteTableVo.VpcId, detail.Details.RouteTableVo.VpcCidr})

	rule := &api.CreateRouteRuleRequest{TableId: table.TableId, IpVersion: 4, SourceAddress: "172.16.0.0/20", DestinationAddress: "10.20.0.0/16", Nexthop: ids[0], RouteType: "CUSTOM", Description: "words"}
	made, err := client.CreateRouteRule(rule)
	require.NoError(t, err)
	require.True(t, made.Result)
	require.Equal(t, []string{ids[0], "CUSTOM", "10.20.0.0/16"}, []string{made.Details.Nexthop, made.Details.RouteType, made.Details.DestinationAddress})
	_, err = client.CreateRouteRule(rule)
	refused(t, err, 409)
	var second v2route.CreateRouteRuleResponse
	v.must(t, "POST", "/v2/route/rule", values{"routeTableId": table.TableId, "sourceAddress": "0.0.0.0/0", "destinationAddress": "10.30.0.0/16", "ipVersion": "4", "nexthopType": "custom", "nexthopId": ids[0]}, &second)

	list, err := client.GetRouteRuleList(table.TableId, &api.ListRequest{})
	require.NoError(t, err)
	var shown []string
	for _, r := range list.Result {
		shown = append(shown, strings.Join([]string{r.RouteType, r.SourceAddress, r.DestinationAddress, r.Nexthop}, " "))
	}
	require.Equal(t, []string{"SYSTEM 0.0.0.0/0 172.16.0.0/24 local", "CUSTOM 172.16.0.0/20 10.20.0.0/16 " + ids[0], "CUSTOM 0.0.0.0/0 10.30.0.0/16 " + ids[0]}, shown)
	var whole v2route.GetRouteTableResponse
	v.must(t, "GET", "/v2/route?vpcId="+table.VpcId, nil, &whole)
	require.Equal(t, table.TableId, *whole.RouteTableID)
	require.Len(t, whole.RouteRules, 3)
	require.Equal(t, []string{"system", "local"}, []string{*whole.RouteRules[0].NexthopType, *whole.RouteRules[0].NexthopID})

	v.leads(t, ids[0], "10.20.1.1", true)
	deleted, err := client.DeleteRouteRule(made.Details.RuleId)
	require.NoError(t, err)
	require.Equal(t, made.Details.RuleId, deleted.Details["ruleId"])
	v.must(t, "DELETE", "/v2/route/rule/"+*second.RouteRuleID, nil, nil)
	v.leads(t, ids[0], "10.20.1.1", false)
	_, err = client.DeleteRouteRule(made.Details.RuleId)
	refused(t, err, 404)
	_, err = client.DeleteRouteRule(*whole.RouteRules[0].RouteRuleID)
	refused(t, err, 404)
}

// leads tells whether the site is told to send an instance's neighbours to it for an address.
func (v *v2) leads(t *testing.T, id, address string, want bool) {
	t.Helper()
	to := netip.MustParseAddr(address)
	detail, err := v.Control.Compute.Get(t.Context(), v.caller, strings.TrimPrefix(id, "vm-"))
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the route is as wanted", func() bool {
		hop := v.World.Trace(detail.Ports[0].UID, to, "tcp", 80)
		return strings.Contains(hop.Why, "takes nothing for "+address) == want
	})
}

func TestRoutesRefuseWrongInputByName(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, nil)
	networks, _, err := v.Control.Networks.ListRouteTables(t.Context(), v.caller, network.RouteTableFilter{}, store.Window{})
	require.NoError(t, err)
	table := "rtb-" + networks[0].Slug
	for what, c := range map[string]struct {
		change api.CreateRouteRuleRequest
		status int
	}{
		"everywhere":          {api.CreateRouteRuleRequest{DestinationAddress: "0.0.0.0/0"}, 400},
		"within a subnet":     {api.CreateRouteRuleRequest{DestinationAddress: "172.16.0.128/25"}, 400},
		"no subnet's source":  {api.CreateRouteRuleRequest{SourceAddress: "10.1.0.0/16"}, 400},
		"IPv6":                {api.CreateRouteRuleRequest{IpVersion: 6}, 400},
		"made by the system":  {api.CreateRouteRuleRequest{RouteType: "SYSTEM"}, 400},
		"an unknown instance": {api.CreateRouteRuleRequest{Nexthop: "vm-nobody12-1-m-hangzhou-aaaaa"}, 404},
		"an unknown table":    {api.CreateRouteRuleRequest{TableId: "rtb-nobody12"}, 404},
	} {
		r := api.CreateRouteRuleRequest{TableId: table, IpVersion: 4, SourceAddress: "172.16.0.0/20", DestinationAddress: "10.20.0.0/16", Nexthop: ids[0], RouteType: "CUSTOM"}
		for at, with := range map[*string]string{&r.TableId: c.change.TableId, &r.SourceAddress: c.change.SourceAddress, &r.DestinationAddress: c.change.DestinationAddress,
			&r.Nexthop: c.change.Nexthop, &r.RouteType: c.change.RouteType} {
			if with != "" {
				*at = with
			}
		}
		r.IpVersion = max(r.IpVersion, c.change.IpVersion)
		_, err := v.client.CreateRouteRule(&r)
		require.Error(t, err, what)
		refused(t, err, c.status)
	}
}
