package iec_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/ports"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// portsOf gives an instance's ports in the order of its NICs.
func (g *ground) portsOf(t *testing.T, instance string) (found []*network.Port) {
	t.Helper()
	require.NoError(t, g.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		found, err = network.PortsOf(ctx, tx, instance)
		return err
	}))
	return found
}

func (g *ground) table(t *testing.T, name string) model.Routetable {
	t.Helper()
	made, err := g.v3.CreateRoutetable(&model.CreateRoutetableRequest{Body: &model.CreateRoutetableRequestBody{Routetable: &model.CreateRoutetableOption{Name: name, VpcId: g.vpc}}})
	require.NoError(t, err)
	return *made.Routetable
}

func (g *ground) defaultTable(t *testing.T) string {
	t.Helper()
	all, err := g.v3.ListRoutetables(&model.ListRoutetablesRequest{VpcId: &g.vpc})
	require.NoError(t, err)
	for _, r := range *all.Routetables {
		if *r.Default {
			return *r.Id
		}
	}
	t.Fatal("there is no default table")
	return ""
}

func (g *ground) tableOf(t *testing.T, subnet string) string {
	t.Helper()
	r, err := g.v3.ListRelatedRoutetables(&model.ListRelatedRoutetablesRequest{SubnetId: subnet})
	require.NoError(t, err)
	return *r.Routetable.Id
}

func routeTo(kind model.RouteOptionType, destination, hop string) []model.RouteOption {
	return []model.RouteOption{{Type: kind, Destination: destination, Nexthop: hop, Description: new("abc")}}
}

func (g *ground) addRoutes(table string, routes []model.RouteOption) (*model.CreateRoutesResponse, error) {
	return g.v3.CreateRoutes(&model.CreateRoutesRequest{RoutetableId: table, Body: &model.CreateRoutesRequestBody{Routes: routes}})
}

// customRoutes gives the destinations and next hops of a table's routes but the local ones.
func (g *ground) customRoutes(t *testing.T, table string) (out [][2]string) {
	t.Helper()
	all, err := g.v3.ListRoutes(&model.ListRoutesRequest{RoutetableId: table})
	require.NoError(t, err)
	for _, r := range *all.Routes {
		if *r.Nexthop != "-" {
			out = append(out, [2]string{*r.Destination, *r.Nexthop})
		}
	}
	return out
}

func TestLifeOfARouteTable(t *testing.T) {
	g := newGround(t)
	main := g.defaultTable(t)
	require.Equal(t, []string{main, main}, []string{g.tableOf(t, g.subnets[0]), g.tableOf(t, g.subnets[1])})
	made := g.table(t, "rtb.test_1")
	require.Equal(t, []string{"rtb.test_1", g.vpc, g.caller.Account}, []string{*made.Name, *made.VpcId, *made.DomainId})
	require.False(t, *made.Default)
	id := *made.Id
	changed, err := g.v3.UpdateRoutetable(&model.UpdateRoutetableRequest{RoutetableId: id, Body: &model.UpdateRoutetableRequesBody{Routetable: &model.UpdateRoutetableOption{Description: new("words")}}})
	require.NoError(t, err)
	require.Equal(t, []string{"rtb.test_1", "words"}, []string{*changed.Routetable.Name, *changed.Routetable.Description})

	joined, err := g.v3.AssociateSubnet(&model.AssociateSubnetRequest{RoutetableId: id, Body: &model.AssociateSubnetRequestBody{SubnetIds: g.subnets[:1]}})
	require.NoError(t, err)
	require.Equal(t, []model.BaseId{{Id: g.subnets[0]}}, *joined.Routetable.Subnets)
	require.Equal(t, []string{id, main}, []string{g.tableOf(t, g.subnets[0]), g.tableOf(t, g.subnets[1])})
	shown, err := g.v3.ShowRoutetable(&model.ShowRoutetableRequest{RoutetableId: main})
	require.NoError(t, err)
	require.Equal(t, []model.BaseId{{Id: g.subnets[1]}}, *shown.Routetable.Subnets)
	_, err = g.v3.DeleteRoutetable(&model.DeleteRoutetableRequest{RoutetableId: id})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
	_, err = g.v3.DeleteRoutetable(&model.DeleteRoutetableRequest{RoutetableId: main})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
	_, err = g.v3.DisassociateSubnet(&model.DisassociateSubnetRequest{RoutetableId: id, Body: &model.DisassociateSubnetRequestBody{SubnetIds: g.subnets}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.000007")
	left, err := g.v3.DisassociateSubnet(&model.DisassociateSubnetRequest{RoutetableId: id, Body: &model.DisassociateSubnetRequestBody{SubnetIds: g.subnets[:1]}})
	require.NoError(t, err)
	require.Empty(t, *left.Routetable.Subnets)
	require.Equal(t, main, g.tableOf(t, g.subnets[0]))
	_, err = g.v3.DeleteRoutetable(&model.DeleteRoutetableRequest{RoutetableId: id})
	require.NoError(t, err)
	_, err = g.v3.ShowRoutetable(&model.ShowRoutetableRequest{RoutetableId: id})
	refusedV3(t, err, http.StatusNotFound, "IEC.000022")
}

// TestRoutesLeadPackets follows routes to an instance and to a virtual IP from the API to the packets, and loses them with their next hops.
func TestRoutesLeadPackets(t *testing.T) {
	g := newGround(t)
	_, err := g.Control.Networks.AddRules(t.Context(), g.caller, g.group, []network.NewRule{{Direction: spec.Ingress}, {Direction: spec.Egress}})
	require.NoError(t, err)
	ids := g.create(t, g.options("one"))
	g.becomes(t, ids[0], "ACTIVE", "BUILD")
	nics := g.portsOf(t, ids[0])
	main, far := g.defaultTable(t), netip.MustParseAddr("172.20.1.1")
	leads := func(to string, what string) {
		t.Helper()
		controlplanetest.Eventually(t, what, func() bool { return g.World.Trace(nics[1].UID, far, "tcp", 80).Port == to })
	}

	_, err = ports.Update(g.golang, nics[0].UID, ports.UpdateOpts{AllowedAddressPairs: &[]common.AllowedAddressPair{{IpAddress: "1.1.1.1/0"}}}).Extract()
	require.NoError(t, err)
	answer, err := g.addRoutes(main, routeTo(model.GetRouteOptionTypeEnum().ECS, "172.20.0.9/16", ids[0]))
	require.NoError(t, err)
	require.Len(t, *answer.Routes, 1)
	require.Equal(t, []string{"172.20.0.9/16", ids[0], "abc"}, []string{*(*answer.Routes)[0].Destination, *(*answer.Routes)[0].Nexthop, *(*answer.Routes)[0].Description})
	leads(nics[0].UID, "the instance's first NIC on the network is the next hop")
	_, err = g.addRoutes(main, routeTo(model.GetRouteOptionTypeEnum().ECS, "172.20.0.0/16", ids[0]))
	refusedV3(t, err, http.StatusBadRequest, "IEC.000007")

	other := *g.table(t, "other").Id
	_, err = g.v3.AssociateSubnet(&model.AssociateSubnetRequest{RoutetableId: other, Body: &model.AssociateSubnetRequestBody{SubnetIds: g.subnets[1:]}})
	require.NoError(t, err)
	leads("", "another table has no such route")
	_, err = g.v3.DisassociateSubnet(&model.DisassociateSubnetRequest{RoutetableId: other, Body: &model.DisassociateSubnetRequestBody{SubnetIds: g.subnets[1:]}})
	require.NoError(t, err)
	leads(nics[0].UID, "back in the default table")

	vip, err := ports.Create(g.golang, ports.CreateOpts{NetworkId: g.subnets[0], DeviceOwner: "neutron:VIP_PORT"}).Extract()
	require.NoError(t, err)
	address := vip.FixedIPs[0].IpAddress
	_, err = g.v3.UpdateRoutes(&model.UpdateRoutesRequest{RoutetableId: main, Body: &model.UpdateRoutesRequestBody{Routes: routeTo(model.GetRouteOptionTypeEnum().VIP, "172.20.0.0/16", address)}})
	require.NoError(t, err)
	require.Equal(t, [][2]string{{"172.20.0.9/16", address}}, g.customRoutes(t, main))
	leads("", "nobody has the virtual IP")
	_, err = ports.Update(g.golang, vip.ID, ports.UpdateOpts{AllowedAddressPairs: &[]common.AllowedAddressPair{{IpAddress: nics[0].Address}}}).Extract()
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the guest announces it", func() bool { return g.firstSite(t).Announce(nics[0].UID, netip.MustParseAddr(address)) })
	leads(nics[0].UID, "whoever has the virtual IP is the next hop")

	gone, err := g.v3.DeleteRoutes(&model.DeleteRoutesRequest{RoutetableId: main, Body: &model.DeleteRoutesRequestBody{Routes: []model.DeleteRouteOption{{Destination: "172.20.0.0/16"}}}})
	require.NoError(t, err)
	require.Empty(t, *gone.Routes)
	leads("", "removed")

	_, err = g.addRoutes(main, routeTo(model.GetRouteOptionTypeEnum().ECS, "172.20.0.0/16", ids[0]))
	require.NoError(t, err)
	g.deleteServers(t, ids...)
	require.Empty(t, g.customRoutes(t, main), "a route goes with its next hop")
}

func TestRouteRefusals(t *testing.T) {
	g := newGround(t)
	main := g.defaultTable(t)
	ecs, vip := model.GetRouteOptionTypeEnum().ECS, model.GetRouteOptionTypeEnum().VIP
	local, err := g.v3.ListRoutes(&model.ListRoutesRequest{RoutetableId: main})
	require.NoError(t, err)
	var ranges []string
	for _, r := range *local.Routes {
		require.Equal(t, "-", *r.Nexthop)
		ranges = append(ranges, *r.Destination)
	}
	require.Equal(t, []string{"10.5.1.0/24", "10.5.2.0/24", "198.19.128.0/20", "127.0.0.0/8", "100.64.0.0/10"}, ranges)

	_, err = g.addRoutes(main, routeTo(ecs, "172.20.0.0/16", g.vpc))
	refusedV3(t, err, http.StatusNotFound, "IEC.010200")
	for what, r := range map[string][]model.RouteOption{
		"within a subnet": routeTo(vip, "10.5.1.128/25", "10.5.1.9"), "the platform's": routeTo(vip, "100.64.1.0/24", "10.5.1.9"), "no CIDR": routeTo(vip, "everywhere", "10.5.1.9"),
		"no virtual IP": routeTo(vip, "172.20.0.0/16", "10.5.1.99"), "of another type": routeTo(model.GetRouteOptionTypeEnum().IGW, "172.20.0.0/16", "x"), "none": {},
	} {
		_, err := g.addRoutes(main, r)
		require.Error(t, err, what)
		refusedV3(t, err, http.StatusBadRequest, "IEC.000007")
	}
	_, err = g.v3.DeleteRoutes(&model.DeleteRoutesRequest{RoutetableId: main, Body: &model.DeleteRoutesRequestBody{Routes: []model.DeleteRouteOption{{Destination: "10.5.1.0/24"}}}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.000007")
	_, err = g.v3.DeleteRoutes(&model.DeleteRoutesRequest{RoutetableId: main, Body: &model.DeleteRoutesRequestBody{Routes: []model.DeleteRouteOption{{Destination: "172.30.0.0/16"}}}})
	refusedV3(t, err, http.StatusNotFound, "IEC.000022")
	_, err = g.v3.CreateRoutetable(&model.CreateRoutetableRequest{Body: &model.CreateRoutetableRequestBody{Routetable: &model.CreateRoutetableOption{Name: "t", VpcId: g.group}}})
	refusedV3(t, err, http.StatusNotFound, "IEC.020104")
	_, err = g.v3.CreateRoutetable(&model.CreateRoutetableRequest{Body: &model.CreateRoutetableRequestBody{Routetable: &model.CreateRoutetableOption{Name: "a<b", VpcId: g.vpc}}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.000007")
	_, err = g.v3.AssociateSubnet(&model.AssociateSubnetRequest{RoutetableId: main, Body: &model.AssociateSubnetRequestBody{SubnetIds: []string{g.vpc}}})
	refusedV3(t, err, http.StatusNotFound, "IEC.020003")
	stranger := groundOf(t, tenantOf(t, g.Cloud, "stranger"))
	_, err = g.v3.AssociateSubnet(&model.AssociateSubnetRequest{RoutetableId: main, Body: &model.AssociateSubnetRequestBody{SubnetIds: stranger.subnets}})
	refusedV3(t, err, http.StatusNotFound, "IEC.020003")
	_, err = stranger.v3.ListRoutes(&model.ListRoutesRequest{RoutetableId: main})
	refusedV3(t, err, http.StatusNotFound, "IEC.000022")
	_, err = stranger.v3.ListRelatedRoutetables(&model.ListRelatedRoutetablesRequest{SubnetId: g.subnets[0]})
	refusedV3(t, err, http.StatusNotFound, "IEC.020003")
}
