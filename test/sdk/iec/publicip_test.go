package iec_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/huaweicloud/golangsdk"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/bandwidths"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/publicips"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/sites"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
)

// newIP makes a public IP as Terraform does, and waits until it is ready.
func (n *tenant) newIP(t *testing.T, site *place.Site, line string) *common.PublicIP {
	t.Helper()
	made, err := publicips.Create(n.golang, publicips.CreateOpts{Publicip: publicips.PublicIPRequest{SiteID: site.UID, Type: line}}).Extract()
	require.NoError(t, err)
	require.Equal(t, "PENDING_CREATE", made.Status)
	require.NotEmpty(t, made.PublicIpAddress)
	require.Zero(t, made.BandwidthSize)
	return n.ipBecomes(t, made.ID, "DOWN", "PENDING_CREATE")
}

func (n *tenant) ip(t *testing.T, id string) *common.PublicIP {
	t.Helper()
	ip, err := publicips.Get(n.golang, id).Extract()
	require.NoError(t, err)
	return ip
}

func (n *tenant) ipBecomes(t *testing.T, id, status string, onTheWay ...string) (ip *common.PublicIP) {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool {
		ip = n.ip(t, id)
		if ip.Status != status {
			require.Contains(t, onTheWay, ip.Status)
		}
		return ip.Status == status
	})
	return ip
}

func (n *tenant) bindIP(t *testing.T, ip, port string) {
	t.Helper()
	bound, err := publicips.Update(n.golang, ip, publicips.UpdateOpts{PortId: port}).Extract()
	require.NoError(t, err)
	require.Equal(t, port, bound.PortID)
	require.Equal(t, "ACTIVE", bound.Status)
}

// vip makes a virtual IP at a site.
func (n *tenant) vip(t *testing.T, cidr string, site *place.Site) *network.PortDetail {
	t.Helper()
	net, err := n.Control.Networks.CreateNetwork(t.Context(), n.caller, network.NewNetwork{Name: "vpc" + cidr[:6], CIDR: cidr})
	require.NoError(t, err)
	s, err := n.Control.Networks.CreateSubnet(t.Context(), n.caller, network.NewSubnet{Network: net.UID, Site: site.UID, Name: "subnet", CIDR: cidr})
	require.NoError(t, err)
	p, err := n.Control.Networks.CreateVirtualIP(t.Context(), n.caller, network.NewVirtualIP{Subnet: s.UID})
	require.NoError(t, err)
	return p
}

// TestLifeOfAPublicIP creates one, reads all of it back, binds it to a virtual IP and to a server's NIC, moves it, unbinds it in all three forms, and deletes it.
func TestLifeOfAPublicIP(t *testing.T) {
	g := newGround(t)
	opts := g.options("web")
	opts.ResourceOpts.BandWidth = nil
	server := g.create(t, opts)[0]
	g.becomes(t, server, "ACTIVE", "BUILD")
	nics, _, err := g.Control.Networks.ListPorts(t.Context(), g.caller, network.PortFilter{Instance: server}, all)
	require.NoError(t, err)
	vip := g.vip(t, "10.8.0.0/24", g.site)

	ip := g.newIP(t, g.site, "")
	require.Equal(t, []string{g.site.UID, "中国/华东地区/浙江/杭州市", "5_mobile_cn-hangzhou-cm", "", ""}, []string{ip.SiteID, ip.SiteInfo, ip.Type, ip.PortID, ip.PrivateIpAddress})
	require.Equal(t, 4, ip.IPVersion)
	require.Equal(t, common.Operator{ID: "3", Name: "chinamobile", I18nName: "中国移动", Sa: "CMCC"}, ip.Operator)
	require.Equal(t, "WHOLE", ip.BandwidthShareType)
	require.Equal(t, 300, ip.BandwidthSize)

	g.bindIP(t, ip.ID, nics[0].UID)
	controlplanetest.Eventually(t, "the NIC is reached", func() bool { return g.bound(t, ip.ID) })
	require.Equal(t, nics[0].Address, g.ip(t, ip.ID).PrivateIpAddress)
	refused(t, publicips.Delete(g.golang, ip.ID).ExtractErr(), http.StatusBadRequest, "IEC.020712")

	g.bindIP(t, ip.ID, vip.UID)
	controlplanetest.Eventually(t, "it moved to the virtual IP", func() bool { return g.bound(t, ip.ID) })
	require.Equal(t, vip.Address, g.ip(t, ip.ID).PrivateIpAddress)

	for name, unbind := range map[string]func() error{
		"absent": func() error {
			_, err := publicips.Update(g.golang, ip.ID, publicips.UpdateOpts{}).Extract()
			return err
		},
		"empty": func() error {
			_, err := g.v3.UpdatePublicIp(&model.UpdatePublicIpRequest{PublicipId: ip.ID, Body: &model.UpdatePublicIpRequestBody{Publicip: &model.UpdatePublicIpOption{}}})
			return err
		},
		"null": func() error {
			var out any
			_, err := g.golang.Put(g.golang.ServiceURL("publicips", ip.ID), map[string]any{"publicip": map[string]any{"port_id": nil}}, &out, &golangsdk.RequestOpts{OkCodes: []int{http.StatusOK}})
			return err
		},
	} {
		g.bindIP(t, ip.ID, nics[1].UID)
		require.NoError(t, unbind(), name)
		now := g.ip(t, ip.ID)
		require.Equal(t, []string{"DOWN", "", ""}, []string{now.Status, now.PortID, now.PrivateIpAddress}, name)
	}
	require.NoError(t, publicips.Delete(g.golang, ip.ID).ExtractErr())
	_, err = publicips.Get(g.golang, ip.ID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020706")
	refused(t, publicips.Delete(g.golang, ip.ID).ExtractErr(), http.StatusNotFound, "IEC.020706")
	g.leavesNothing(t)
}

// bound tells whether packets from outside come to what the address is bound to.
func (n *tenant) bound(t *testing.T, id string) bool {
	ip := n.ip(t, id)
	for _, s := range n.World.Sites() {
		if p, ok := s.PublicIP(id); ok && p.Port == ip.PortID && p.Bandwidth == ip.BandwidthID {
			return true
		}
	}
	return false
}

// leavesNothing waits until addresses, bandwidths and what sites know of them are gone, and holds every rule.
func (n *tenant) leavesNothing(t *testing.T) {
	t.Helper()
	controlplanetest.Eventually(t, "nothing is left at the sites", func() bool {
		found, err := check.Settled(t.Context(), n.Control.DB)
		require.NoError(t, err)
		return len(found) == 0
	})
	found, err := check.Rows(t.Context(), n.Control.DB)
	require.NoError(t, err)
	require.Empty(t, found)
	of, err := quota.Of(t.Context(), n.Control.DB, n.caller)
	require.NoError(t, err)
	require.Zero(t, of[quota.PublicIPs].Used)
	require.Zero(t, of[quota.Bandwidths].Used)
	require.Zero(t, of[quota.BandwidthMbps].Used)
}

// TestAServersPublicIPOutlivesIt deletes a server to which one is bound.
func TestAServersPublicIPOutlivesIt(t *testing.T) {
	g := newGround(t)
	opts := g.options("web")
	opts.ResourceOpts.BandWidth = nil
	server := g.create(t, opts)[0]
	g.becomes(t, server, "ACTIVE", "BUILD")
	nics, _, err := g.Control.Networks.ListPorts(t.Context(), g.caller, network.PortFilter{Instance: server}, all)
	require.NoError(t, err)
	ip := g.newIP(t, g.site, "")
	g.bindIP(t, ip.ID, nics[0].UID)
	view, err := g.Control.Compute.Get(t.Context(), g.caller, server)
	require.NoError(t, err)
	require.Equal(t, ip.PublicIpAddress, view.IPs[0].Address, "every dialect sees it at the instance")
	g.deleteServers(t, server)
	g.becomes(t, server, "DELETED", "ACTIVE", "SHUTOFF")
	now := g.ip(t, ip.ID)
	require.Equal(t, []string{"DOWN", ""}, []string{now.Status, now.PortID})
	require.NoError(t, publicips.Delete(g.golang, ip.ID).ExtractErr())
	g.leavesNothing(t)
}

// TestLifeOfABandwidth: it comes with a line's first address, is shared by all of them, is renamed and resized, and goes when it is empty.
func TestLifeOfABandwidth(t *testing.T) {
	n := newTenant(t)
	lines := listSites(t, n, siteNamed(n.triple)).Sites[0].EipPools
	one, two, other := n.newIP(t, n.triple, lines[0].PoolID), n.newIP(t, n.triple, lines[0].PoolID), n.newIP(t, n.triple, lines[1].PoolID)
	require.Equal(t, one.BandwidthID, two.BandwidthID, "all of a line share one")
	require.NotEqual(t, one.BandwidthID, other.BandwidthID)
	shown, err := bandwidths.Get(n.golang, one.BandwidthID).Extract()
	require.NoError(t, err)
	b := shown.BandWidth
	require.Equal(t, []string{"WHOLE", "share", "95peak_plus", "NORMAL", n.triple.UID, lines[0].PoolID, one.BandwidthName, lines[0].OperatorID.Sa},
		[]string{b.ShareType, b.BandwidthType, b.ChargeMode, b.Status, b.SiteID, b.PoolID, b.Name, b.Operator.Sa})
	require.Equal(t, []string{one.ID, two.ID}, []string{b.PublicipInfo[0].PublicipId, b.PublicipInfo[1].PublicipId})
	require.Equal(t, one.PublicIpAddress, b.PublicipInfo[0].PublicipAddress)
	require.Equal(t, lines[0].PoolID, b.PublicipInfo[0].PublicipType)
	require.False(t, b.CreateTime.IsZero())

	changed, err := bandwidths.Update(n.golang, b.ID, bandwidths.UpdateOpts{Name: "renamed"}).Extract()
	require.NoError(t, err)
	require.Equal(t, "renamed", changed.BandWidth.Name)
	require.Equal(t, 300, changed.BandWidth.Size, "what is not given stays")
	changed, err = bandwidths.Update(n.golang, b.ID, bandwidths.UpdateOpts{Size: 500}).Extract()
	require.NoError(t, err)
	require.Equal(t, "renamed", changed.BandWidth.Name)
	require.Equal(t, 500, n.ip(t, two.ID).BandwidthSize)
	controlplanetest.Eventually(t, "the site enforces it", func() bool {
		for _, s := range n.World.Sites() {
			if limit, ok := s.Bandwidth(b.ID); ok && limit.Mbps == 500 {
				return true
			}
		}
		return false
	})
	_, err = bandwidths.Update(n.golang, b.ID, bandwidths.UpdateOpts{Size: 299}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020809")
	_, err = bandwidths.Update(n.golang, b.ID, bandwidths.UpdateOpts{}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020819")

	page, err := n.v3.ListBandwidths(&model.ListBandwidthsRequest{SiteId: &n.triple.UID, Limit: ptr[int32](1), Offset: ptr[int32](1)})
	require.NoError(t, err)
	require.EqualValues(t, 2, *page.Count)
	require.Equal(t, other.BandwidthID, *(*page.Bandwidths)[0].Id)
	_, err = n.v3.DeleteBandwidth(&model.DeleteBandwidthRequest{BandwidthId: b.ID})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
	for _, ip := range []*common.PublicIP{one, two, other} {
		require.NoError(t, publicips.Delete(n.golang, ip.ID).ExtractErr())
	}
	_, err = bandwidths.Get(n.golang, other.BandwidthID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020811") // nobody changed it: it goes with its last address
	_, err = n.v3.DeleteBandwidth(&model.DeleteBandwidthRequest{BandwidthId: b.ID})
	require.NoError(t, err, "one that was changed on purpose is deleted on purpose")
	_, err = n.v3.ShowBandwidth(&model.ShowBandwidthRequest{BandwidthId: b.ID})
	refusedV3(t, err, http.StatusNotFound, "IEC.020811")
	n.leavesNothing(t)
}

func TestBandwidthTypesAreThoseOfTheSites(t *testing.T) {
	n := newTenant(t)
	types, err := n.v3.ListBandwidthTypes(&model.ListBandwidthTypesRequest{})
	require.NoError(t, err)
	require.EqualValues(t, len(controlplanetest.Sites), *types.Count)
	kind := "share"
	types, err = n.v3.ListBandwidthTypes(&model.ListBandwidthTypesRequest{SiteId: &n.site.UID, BandwidthType: &kind})
	require.NoError(t, err)
	require.Len(t, *types.ShareBandwidthTypes, 1)
	require.Equal(t, n.site.UID, *(*types.ShareBandwidthTypes)[0].SiteId)
	kind = "other"
	types, err = n.v3.ListBandwidthTypes(&model.ListBandwidthTypesRequest{BandwidthType: &kind})
	require.NoError(t, err)
	require.Empty(t, *types.ShareBandwidthTypes)
}

func TestPublicIPsAreFoundBySiteAndPort(t *testing.T) {
	n := newTenant(t)
	vip := n.vip(t, "10.8.0.0/24", n.site)
	here, there := n.newIP(t, n.site, ""), n.newIP(t, n.triple, "")
	n.bindIP(t, here.ID, vip.UID)
	for _, tt := range []struct {
		opts publicips.ListOpts
		want []string
	}{
		{publicips.ListOpts{}, []string{here.ID, there.ID}}, {publicips.ListOpts{SiteID: n.triple.UID}, []string{there.ID}},
		{publicips.ListOpts{PortID: vip.UID}, []string{here.ID}}, {publicips.ListOpts{Offset: 1}, []string{there.ID}}, {publicips.ListOpts{Limit: 1}, []string{here.ID}},
	} {
		found, err := publicips.List(n.golang, tt.opts).Extract()
		require.NoError(t, err)
		var ids []string
		for _, ip := range found.PublicIPs {
			ids = append(ids, ip.ID)
		}
		require.Equal(t, tt.want, ids, "%+v", tt.opts)
	}
}

func TestWrongPublicIPsAreRefused(t *testing.T) {
	n := newTenant(t)
	const nobody = "705da43d-fa20-11ea-9fb2-fa1640495574"
	create := func(ip publicips.PublicIPRequest, b publicips.BandWidth) error {
		_, err := publicips.Create(n.golang, publicips.CreateOpts{Publicip: ip, Bandwidth: b}).Extract()
		return err
	}
	here := publicips.PublicIPRequest{SiteID: n.site.UID}
	for code, err := range map[string]error{
		"IEC.020403": create(publicips.PublicIPRequest{SiteID: nobody}, publicips.BandWidth{}),
		"IEC.020711": create(publicips.PublicIPRequest{SiteID: n.site.UID, Type: "5_bgp_site1"}, publicips.BandWidth{}),
		"IEC.020714": create(publicips.PublicIPRequest{SiteID: n.site.UID, IPVersion: "6"}, publicips.BandWidth{}),
		"IEC.020804": create(here, publicips.BandWidth{ID: "mine"}),
	} {
		refused(t, err, http.StatusBadRequest, code)
	}
	refused(t, create(here, publicips.BandWidth{ID: nobody}), http.StatusNotFound, "IEC.020811")
	ip, vip := n.newIP(t, n.site, ""), n.vip(t, "10.8.0.0/24", n.triple)
	for _, tt := range []struct {
		port   string
		status int
		code   string
	}{{"port", http.StatusBadRequest, "IEC.020609"}, {nobody, http.StatusNotFound, "IEC.020607"}, {vip.UID, http.StatusBadRequest, "IEC.020707"}} {
		_, err := publicips.Update(n.golang, ip.ID, publicips.UpdateOpts{PortId: tt.port}).Extract()
		refused(t, err, tt.status, tt.code)
	}
	_, err := publicips.Get(n.golang, "mine").Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020718")
	local := n.vip(t, "10.9.0.0/24", n.site)
	n.bindIP(t, ip.ID, local.UID)
	second := n.newIP(t, n.site, "")
	_, err = publicips.Update(n.golang, second.ID, publicips.UpdateOpts{PortId: local.UID}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020704")
	_, err = n.v3.AttachVipBandwidth(&model.AttachVipBandwidthRequest{VportId: local.UID, Body: &model.AttachVipBandwidthRequestBody{BandwidthId: ip.BandwidthID}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020613")
	_, err = n.v3.DetachVipBandwidth(&model.DetachVipBandwidthRequest{VportId: local.UID})
	refusedV3(t, err, http.StatusBadRequest, "IEC.020614")
	other := tenantOf(t, n.Cloud, "other")
	_, err = publicips.Get(other.golang, ip.ID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020706")
}

// TestAddressesRunOut takes all of a small line, and one more.
func TestAddressesRunOut(t *testing.T) {
	n := newTenant(t)
	small := place.NewLine{Carrier: place.BGP, PhysicalNetwork: "provider", Prefix: netip.MustParsePrefix("192.0.2.0/29"), Gateway: netip.MustParseAddr("192.0.2.1")}
	require.NoError(t, n.Control.Place.EnsureLine(t.Context(), n.site.UID, small))
	line := "5_bgp_" + n.site.Name
	seen := map[string]bool{}
	var ids []string
	for range 5 {
		ip := n.newIP(t, n.site, line)
		require.False(t, seen[ip.PublicIpAddress], "an address twice")
		seen[ip.PublicIpAddress] = true
		ids = append(ids, ip.ID)
	}
	_, err := publicips.Create(n.golang, publicips.CreateOpts{Publicip: publicips.PublicIPRequest{SiteID: n.site.UID, Type: line}}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020717")
	require.NoError(t, publicips.Delete(n.golang, ids[2]).ExtractErr())
	n.newIP(t, n.site, line)
}

var all = store.Window{}

func siteNamed(s *place.Site) sites.ListSiteOpts { return sites.ListSiteOpts{ID: s.UID} }
