package iec_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/ports"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/subnets"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/vpcs"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// vpc makes a VPC whose subnets the tenant makes.
func (n *tenant) vpc(t *testing.T, name, cidr string) *common.VPC {
	t.Helper()
	made, err := vpcs.Create(n.golang, vpcs.CreateOpts{Name: name, Cidr: cidr, Mode: "CUSTOMER"}).Extract()
	require.NoError(t, err)
	return made
}

// subnet makes a subnet and waits as Terraform does: UNKNOWN goes on, ACTIVE ends, anything else is an error.
func (n *tenant) subnet(t *testing.T, opts subnets.CreateOpts) *common.Subnet {
	t.Helper()
	made, err := subnets.Create(n.golang, opts).Extract()
	require.NoError(t, err)
	return n.active(t, made.ID)
}

func (n *tenant) active(t *testing.T, id string) (s *common.Subnet) {
	t.Helper()
	controlplanetest.Eventually(t, "the subnet is active", func() bool {
		var err error
		s, err = subnets.Get(n.golang, id).Extract()
		require.NoError(t, err)
		require.Contains(t, []string{"UNKNOWN", "ACTIVE"}, s.Status)
		return s.Status == "ACTIVE"
	})
	return s
}

func TestLifeOfAVPC(t *testing.T) {
	n := newTenant(t)
	made, err := vpcs.Create(n.golang, vpcs.CreateOpts{Name: "dc_vpc.001-中文", Cidr: "192.168.2.0/21", Mode: "SYSTEM"}).Extract()
	require.NoError(t, err)
	want := common.VPC{ID: made.ID, Name: "dc_vpc.001-中文", Cidr: "192.168.2.0/21", Mode: "SYSTEM"}
	require.Equal(t, want, *made, "as it was given, host bits too")
	shown, err := vpcs.Get(n.golang, made.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, want, *shown)

	other := n.vpc(t, "other", "10.0.0.0/8")
	require.Equal(t, "CUSTOMER", other.Mode)
	list, err := vpcs.List(n.golang, vpcs.ListOpts{Name: "other"}).Extract()
	require.NoError(t, err)
	require.Equal(t, []common.VPC{*other}, list.Vpcs)
	all, err := n.v3.ListVpcs(&model.ListVpcsRequest{Limit: new(int32(1)), Offset: new(int32(1))})
	require.NoError(t, err)
	require.EqualValues(t, 2, *all.Count, "the total, not the page's")
	require.Equal(t, other.ID, *(*all.Vpcs)[0].Id)
	none, err := n.v3.ListVpcs(&model.ListVpcsRequest{Offset: new(int32(7))})
	require.NoError(t, err)
	require.EqualValues(t, 2, *none.Count)
	require.Empty(t, *none.Vpcs)

	updated, err := vpcs.Update(n.golang, other.ID, vpcs.UpdateOpts{Name: "renamed", Cidr: "172.16.0.0/16"}).Extract()
	require.NoError(t, err)
	require.Equal(t, common.VPC{ID: other.ID, Name: "renamed", Cidr: "172.16.0.0/16", Mode: "CUSTOMER"}, *updated)
	updated, err = vpcs.Update(n.golang, other.ID, vpcs.UpdateOpts{Name: "again"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "172.16.0.0/16", updated.Cidr, "what is left out stays")

	_, err = vpcs.Create(n.golang, vpcs.CreateOpts{Name: "again", Cidr: "10.0.0.0/8", Mode: "SYSTEM"}).Extract()
	refused(t, err, http.StatusConflict, "IEC.020105")
	_, err = vpcs.Update(n.golang, made.ID, vpcs.UpdateOpts{Name: "again"}).Extract()
	refused(t, err, http.StatusConflict, "IEC.020105")
	_, err = vpcs.Create(n.golang, vpcs.CreateOpts{Name: "mode", Cidr: "10.0.0.0/8", Mode: "MAGIC"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020114")
	for _, cidr := range []string{"8.8.0.0/16", "10.0.0.0/25", "172.16.0.0/11", "fd00::/64", "all"} {
		_, err = vpcs.Create(n.golang, vpcs.CreateOpts{Name: "range", Cidr: cidr, Mode: "CUSTOMER"}).Extract()
		refused(t, err, http.StatusBadRequest, "IEC.020115")
	}
	_, err = vpcs.Create(n.golang, vpcs.CreateOpts{Name: "no blanks", Cidr: "10.0.0.0/8", Mode: "CUSTOMER"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.000007")
	_, err = n.v3.ListVpcs(&model.ListVpcsRequest{Offset: new(int32(-1))})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020916")

	for _, id := range []string{made.ID, other.ID} {
		require.NoError(t, vpcs.Delete(n.golang, id).ExtractErr())
		_, err = vpcs.Get(n.golang, id).Extract()
		refused(t, err, http.StatusNotFound, "IEC.020104")
		refused(t, vpcs.Delete(n.golang, id).ExtractErr(), http.StatusNotFound, "IEC.020104")
	}
}

func TestLifeOfASubnet(t *testing.T) {
	n := newTenant(t)
	v := n.vpc(t, "vpc", "192.168.0.0/16")
	dhcp := false
	one := n.subnet(t, subnets.CreateOpts{Name: "one", Cidr: "192.168.7.5/24", GatewayIP: "192.168.7.254", DhcpEnable: &dhcp, DNSList: []string{"114.114.114.114", "8.8.8.8", "1.1.1.1"},
		VpcID: v.ID, SiteID: n.site.UID})
	want := common.Subnet{ID: one.ID, Name: "one", Cidr: "192.168.7.5/24", GatewayIP: "192.168.7.254", DNSList: []string{"114.114.114.114", "8.8.8.8", "1.1.1.1"},
		PrimaryDNS: "114.114.114.114", SecondaryDNS: "8.8.8.8", VpcID: v.ID, SiteID: n.site.UID, SiteInfo: one.SiteInfo, Status: "ACTIVE", NeutronNetworkID: one.ID, NeutronSubnetID: one.NeutronSubnetID}
	require.Equal(t, want, *one)
	require.Regexp(t, `^[^/]+/[^/]+/[^/]+/[^/]+$`, one.SiteInfo)
	two := n.subnet(t, subnets.CreateOpts{Name: "two", Cidr: "192.168.8.0/28", GatewayIP: "192.168.8.1", VpcID: v.ID, SiteID: n.triple.UID})
	require.True(t, two.DhcpEnable, "DHCP is on unless it is off")
	require.Empty(t, two.DNSList)

	shown, err := vpcs.Get(n.golang, v.ID).Extract()
	require.NoError(t, err)
	require.EqualValues(t, 2, shown.SubnetNum)
	at, err := n.v3.ListSubnets(&model.ListSubnetsRequest{VpcId: &v.ID, SiteId: &n.triple.UID})
	require.NoError(t, err)
	require.EqualValues(t, 1, *at.Count)
	require.Equal(t, two.ID, *(*at.Subnets)[0].Id)

	n.subnetChanges(t, one)
	n.subnetRefusals(t, v)

	refused(t, vpcs.Delete(n.golang, v.ID).ExtractErr(), http.StatusConflict, "IEC.020113")
	_, err = vpcs.Update(n.golang, v.ID, vpcs.UpdateOpts{Cidr: "192.168.0.0/21"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020111")
	for _, id := range []string{one.ID, two.ID} {
		require.NoError(t, subnets.Delete(n.golang, id).ExtractErr())
		_, err = subnets.Get(n.golang, id).Extract()
		refused(t, err, http.StatusNotFound, "IEC.020003")
	}
	require.NoError(t, vpcs.Delete(n.golang, v.ID).ExtractErr())
}

func (n *tenant) subnetChanges(t *testing.T, one *common.Subnet) {
	answer, err := subnets.Update(n.golang, one.ID, subnets.UpdateOpts{Name: "renamed", DNSList: &[]string{"223.5.5.5"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, one.ID, answer.ID)
	one = n.active(t, one.ID)
	require.Equal(t, "renamed", one.Name)
	require.Equal(t, []string{"223.5.5.5"}, one.DNSList, "a list alone is no contradiction to the servers before")
	require.Equal(t, "223.5.5.5", one.PrimaryDNS)
	require.Empty(t, one.SecondaryDNS)
	require.False(t, one.DhcpEnable, "what is left out stays, though the document calls it a default")
	dhcp := true
	_, err = n.v3.UpdateSubnet(&model.UpdateSubnetRequest{SubnetId: one.ID, Body: &model.UpdateSubnetRequestBody{Subnet: &model.UpdateSubnetOption{DhcpEnable: &dhcp,
		DnsList: &[]string{"4.4.4.4", "8.8.8.8", "9.9.9.9"}, PrimaryDns: new("9.9.9.9"), SecondaryDns: new("4.4.4.4")}}})
	require.NoError(t, err)
	one = n.active(t, one.ID)
	require.Equal(t, []string{"4.4.4.4", "8.8.8.8", "9.9.9.9"}, one.DNSList)
	require.Equal(t, []string{"9.9.9.9", "4.4.4.4"}, []string{one.PrimaryDNS, one.SecondaryDNS})
	require.True(t, one.DhcpEnable)
	_, err = n.v3.UpdateSubnet(&model.UpdateSubnetRequest{SubnetId: one.ID, Body: &model.UpdateSubnetRequestBody{Subnet: &model.UpdateSubnetOption{PrimaryDns: new("5.5.5.5")}}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020010")
	_, err = n.v3.UpdateSubnet(&model.UpdateSubnetRequest{SubnetId: one.ID, Body: &model.UpdateSubnetRequestBody{Subnet: &model.UpdateSubnetOption{Ipv6Enable: &dhcp}}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020012")
}

func (n *tenant) subnetRefusals(t *testing.T, v *common.VPC) {
	managed, err := vpcs.Create(n.golang, vpcs.CreateOpts{Name: "managed", Cidr: "10.0.0.0/16", Mode: "SYSTEM"}).Extract()
	require.NoError(t, err)
	good := subnets.CreateOpts{Name: "good", Cidr: "192.168.9.0/24", GatewayIP: "192.168.9.1", VpcID: v.ID, SiteID: n.site.UID}
	for _, tt := range []struct {
		what   string
		change func(*subnets.CreateOpts)
		status int
		code   string
	}{
		{"overlap", func(o *subnets.CreateOpts) { o.Cidr, o.GatewayIP = "192.168.7.128/25", "192.168.7.129" }, 409, "IEC.020007"},
		{"outside the VPC", func(o *subnets.CreateOpts) { o.Cidr, o.GatewayIP = "10.9.0.0/24", "10.9.0.1" }, 409, "IEC.020007"},
		{"too small", func(o *subnets.CreateOpts) { o.Cidr = "192.168.9.0/29" }, 400, "IEC.020013"},
		{"no range", func(o *subnets.CreateOpts) { o.Cidr = "192.168.9.0" }, 400, "IEC.020013"},
		{"gateway outside", func(o *subnets.CreateOpts) { o.GatewayIP = "192.168.10.1" }, 400, "IEC.020013"},
		{"gateway is the range's own address", func(o *subnets.CreateOpts) { o.GatewayIP = "192.168.9.0" }, 400, "IEC.020013"},
		{"gateway is the broadcast address", func(o *subnets.CreateOpts) { o.GatewayIP = "192.168.9.255" }, 400, "IEC.020013"},
		{"primary not in the list", func(o *subnets.CreateOpts) { o.DNSList, o.PrimaryDNS = []string{"8.8.8.8"}, "4.4.4.4" }, 400, "IEC.020010"},
		{"server of IPv6", func(o *subnets.CreateOpts) { o.DNSList = []string{"fd00::1"} }, 400, "IEC.000007"},
		{"no such VPC", func(o *subnets.CreateOpts) { o.VpcID = n.site.UID }, 404, "IEC.020104"},
		{"no such site", func(o *subnets.CreateOpts) { o.SiteID = v.ID }, 400, "IEC.020403"},
		{"the system's VPC", func(o *subnets.CreateOpts) { o.VpcID, o.Cidr, o.GatewayIP = managed.ID, "10.0.1.0/24", "10.0.1.1" }, 400, "IEC.020107"},
	} {
		opts := good
		tt.change(&opts)
		_, err := subnets.Create(n.golang, opts).Extract()
		t.Log(tt.what)
		refused(t, err, tt.status, tt.code)
	}
	shown, err := vpcs.Get(n.golang, v.ID).Extract()
	require.NoError(t, err)
	require.EqualValues(t, 2, shown.SubnetNum, "nothing was made")
}

// TestTheGatewayIsAPort finds it as Terraform's data source does: exactly one, with its site.
func TestTheGatewayIsAPort(t *testing.T) {
	n := newTenant(t)
	v := n.vpc(t, "vpc", "10.0.0.0/16")
	s := n.subnet(t, subnets.CreateOpts{Name: "s", Cidr: "10.0.3.0/24", GatewayIP: "10.0.3.9", VpcID: v.ID, SiteID: n.site.UID})
	found, err := ports.List(n.golang, ports.ListOpts{NetworkID: s.ID, FixedIPs: []string{"ip_address=10.0.3.9"}}).Extract()
	require.NoError(t, err)
	require.Equal(t, 1, found.Count)
	p := found.Ports[0]
	require.Equal(t, n.site.UID, p.SiteID)
	require.Equal(t, "network:router_interface_distributed", p.DeviceOwner)
	require.Equal(t, "ACTIVE", p.Status)
	require.Equal(t, v.ID, p.DeviceID)
	require.Equal(t, s.NeutronSubnetID, p.Name)
	require.Empty(t, p.SecurityGroups)
	require.Equal(t, n.subnetSpec(t, s.ID).GatewayMAC, p.MacAddress, "it is the one that guests see")
	refused(t, ports.Delete(n.golang, p.ID).ExtractErr(), http.StatusBadRequest, "IEC.020606")
	_, err = ports.Update(n.golang, p.ID, ports.UpdateOpts{AllowedAddressPairs: &[]common.AllowedAddressPair{}}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020605")
}

func TestNetworkQuotasAreEnforced(t *testing.T) {
	n := newTenant(t)
	n.limit(t, quota.TotalNetworks, 1)
	v := n.vpc(t, "first", "10.0.0.0/16")
	_, err := vpcs.Create(n.golang, vpcs.CreateOpts{Name: "second", Cidr: "10.0.0.0/16", Mode: "CUSTOMER"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020401")
	n.limit(t, quota.TotalSubnets, 1)
	opts := subnets.CreateOpts{Name: "s", Cidr: "10.0.1.0/24", GatewayIP: "10.0.1.1", VpcID: v.ID, SiteID: n.site.UID}
	s := n.subnet(t, opts)
	opts.Cidr, opts.GatewayIP = "10.0.2.0/24", "10.0.2.1"
	_, err = subnets.Create(n.golang, opts).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020401")
	require.NoError(t, subnets.Delete(n.golang, s.ID).ExtractErr())
	n.subnet(t, opts)
}

// TestBECSeesVPCsThatSpanSites lists, shows and refuses to delete there what was made here.
func TestBECSeesVPCsThatSpanSites(t *testing.T) {
	n := newTenant(t)
	v := n.vpc(t, "spanning", "10.0.0.0/16")
	for site, cidr := range map[string]string{n.triple.UID: "10.0.2.0/24", n.site.UID: "10.0.1.0/24"} {
		n.subnet(t, subnets.CreateOpts{Name: "s", Cidr: cidr, GatewayIP: cidr[:len(cidr)-4] + "1", VpcID: v.ID, SiteID: site})
	}
	at, err := n.bec.GetVpcList(&api.ListRequest{RegionId: n.triple.Name})
	require.NoError(t, err)
	require.Len(t, at.Result, 1)
	require.Equal(t, "spanning", at.Result[0].Name)
	require.Equal(t, n.triple.Name, at.Result[0].RegionId, "where it was asked for")
	all, err := n.bec.GetVpcList(&api.ListRequest{})
	require.NoError(t, err)
	require.Len(t, all.Result, 1, "once, though it is at two nodes")
	_, err = n.bec.DeleteVpc(at.Result[0].VpcId)
	require.ErrorContains(t, err, "2 subnets")

	made, err := n.bec.CreateVpc(&api.CreateVpcRequest{RegionId: n.site.Name, Name: "of one node", Cidr: "172.20.0.0/16"})
	require.NoError(t, err)
	list, err := vpcs.List(n.golang, vpcs.ListOpts{Name: "of one node"}).Extract()
	require.NoError(t, err)
	require.Len(t, list.Vpcs, 1)
	require.Equal(t, "CUSTOMER", list.Vpcs[0].Mode)
	_, err = subnets.Create(n.golang, subnets.CreateOpts{Name: "s", Cidr: "172.20.1.0/24", GatewayIP: "172.20.1.1", VpcID: list.Vpcs[0].ID, SiteID: n.triple.UID}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020403")
	_, err = n.bec.DeleteVpc(made.Details["vpcId"].(string))
	require.NoError(t, err)
}

// limit changes a quota of the tenant.
func (n *tenant) limit(t *testing.T, name quota.Name, allowed int64) {
	t.Helper()
	operator := &identity.Caller{Account: n.Admin.Account.UID, User: n.Admin.User.UID, Role: identity.Admin, Operator: true}
	require.NoError(t, quota.Set(t.Context(), n.Control.DB, operator, n.caller.Account, name, allowed))
}

// subnetSpec is what the subnet's site was told.
func (n *tenant) subnetSpec(t *testing.T, uid string) (s spec.Subnet) {
	t.Helper()
	require.NoError(t, n.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := link.Get(ctx, tx, spec.SiteTarget(n.site.UID), spec.KindSubnet, uid, &s)
		return err
	}))
	return s
}
