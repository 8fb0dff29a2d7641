package iec_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/ports"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/subnets"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/vpcs"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
)

const vipOwner = "neutron:VIP_PORT"

// nics are the ports of a server, found as clients find them.
func (n *tenant) nics(t *testing.T, server string) []common.Port {
	t.Helper()
	found, err := ports.List(n.golang, ports.ListOpts{DeviceID: server}).Extract()
	require.NoError(t, err)
	return found.Ports
}

// TestLifeOfAVirtualIP walks Terraform's way: made, bound to two servers by the pairs of both sides, moved, unbound, deleted before what it hangs on.
func TestLifeOfAVirtualIP(t *testing.T) {
	g := newGround(t)
	ids := []string{g.create(t, g.options("one"))[0], g.create(t, g.options("two"))[0]}
	for _, id := range ids {
		g.becomes(t, id, "ACTIVE", "BUILD")
	}
	a, b := g.nics(t, ids[0])[0], g.nics(t, ids[1])[0]
	network := a.NetworkID
	require.Equal(t, network, b.NetworkID)

	chosen, err := ports.Create(g.golang, ports.CreateOpts{NetworkId: network, DeviceOwner: vipOwner, FixedIPs: []ports.FixIPEntity{{SubnetID: network, IPAddress: "10.5.1.200"}}}).Extract()
	require.NoError(t, err)
	require.Equal(t, []common.FixedIp{{SubnetId: network, IpAddress: "10.5.1.200"}}, chosen.FixedIPs)
	require.Equal(t, []any{"DOWN", "", vipOwner, "", true, network}, []any{chosen.Status, chosen.Name, chosen.DeviceOwner, chosen.DeviceID, chosen.AdminStateUp, chosen.NetworkID})
	require.Empty(t, chosen.AllowedAddressPairs)
	shown, err := ports.Get(g.golang, chosen.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, chosen, shown)
	require.Equal(t, g.site.UID, shown.SiteID)
	free, err := ports.Create(g.golang, ports.CreateOpts{NetworkId: network, DeviceOwner: vipOwner}).Extract()
	require.NoError(t, err)
	require.NotEqual(t, "10.5.1.200", free.FixedIPs[0].IpAddress)
	g.virtualIPRefusals(t, network, a.FixedIPs[0].IpAddress)

	g.bind(t, chosen.ID, a, b)
	vip := netip.MustParseAddr("10.5.1.200")
	site := g.simSite(t)
	controlplanetest.Eventually(t, "the site lets the first server have the address", func() bool { return site.Announce(a.ID, vip) })
	controlplanetest.Eventually(t, "the second one too", func() bool { return site.Announce(b.ID, vip) })
	controlplanetest.Eventually(t, "the port is active", func() bool {
		shown, err = ports.Get(g.golang, chosen.ID).Extract()
		require.NoError(t, err)
		return shown.Status == "ACTIVE"
	})
	require.Equal(t, []common.AllowedAddressPair{{IpAddress: a.FixedIPs[0].IpAddress, MacAddress: chosen.MacAddress}, {IpAddress: b.FixedIPs[0].IpAddress, MacAddress: chosen.MacAddress}},
		shown.AllowedAddressPairs, "in the order of the request, with the port's own MAC")
	refused(t, ports.Delete(g.golang, chosen.ID).ExtractErr(), http.StatusBadRequest, "IEC.020615")
	refused(t, subnets.Delete(g.golang, network).ExtractErr(), http.StatusBadRequest, "IEC.020008")

	g.bind(t, chosen.ID, b)
	controlplanetest.Eventually(t, "the first server lost it", func() bool { return !site.Announce(a.ID, vip) })
	g.deleteServers(t, ids...)
	require.NoError(t, err)
	shown, err = ports.Get(g.golang, chosen.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, "DOWN", shown.Status, "nobody can have it")
	require.NoError(t, ports.Delete(g.golang, chosen.ID).ExtractErr(), "what it was bound to is gone")

	refused(t, subnets.Delete(g.golang, network).ExtractErr(), http.StatusBadRequest, "IEC.020009")
	require.NoError(t, ports.Delete(g.golang, free.ID).ExtractErr())
	for _, id := range []string{chosen.ID, free.ID} {
		_, err = ports.Get(g.golang, id).Extract()
		refused(t, err, http.StatusNotFound, "IEC.020607")
		refused(t, ports.Delete(g.golang, id).ExtractErr(), http.StatusNotFound, "IEC.020607")
	}
	for _, s := range g.subnets {
		require.NoError(t, subnets.Delete(g.golang, s).ExtractErr(), "at once, though the site may still have the addresses")
	}
	require.NoError(t, vpcs.Delete(g.golang, g.vpc).ExtractErr())
}

// simSite is the simulated first site.
func (n *tenant) simSite(t *testing.T) *sim.Site {
	t.Helper()
	for _, s := range n.World.Sites() {
		if s.Name() == n.site.Name {
			return s
		}
	}
	t.Fatal("there is no such site")
	return nil
}

// bind sets the pairs of a virtual IP and of its NICs, as Terraform's updateIecVipAssociate does.
func (n *tenant) bind(t *testing.T, vip string, nics ...common.Port) {
	t.Helper()
	pairs := []common.AllowedAddressPair{}
	for _, p := range nics {
		pairs = append(pairs, common.AllowedAddressPair{IpAddress: p.FixedIPs[0].IpAddress})
	}
	_, err := ports.Update(n.golang, vip, ports.UpdateOpts{AllowedAddressPairs: &pairs}).Extract()
	require.NoError(t, err)
	for _, p := range nics {
		updated, err := ports.Update(n.golang, p.ID, ports.UpdateOpts{AllowedAddressPairs: &[]common.AllowedAddressPair{{IpAddress: "1.1.1.1/0"}}}).Extract()
		require.NoError(t, err)
		require.Equal(t, []common.AllowedAddressPair{{IpAddress: "1.1.1.1/0", MacAddress: p.MacAddress}}, updated.AllowedAddressPairs)
	}
}

func (n *tenant) virtualIPRefusals(t *testing.T, network, taken string) {
	t.Helper()
	for address, code := range map[string]string{"10.5.1.999": "IEC.020608", "fd00::1": "IEC.020608", taken: "IEC.020616", "10.5.1.200": "IEC.020616", "10.5.1.1": "IEC.020616",
		"10.5.2.9": "IEC.020618", "10.5.1.0": "IEC.020618", "10.5.1.255": "IEC.020618"} {
		_, err := ports.Create(n.golang, ports.CreateOpts{NetworkId: network, DeviceOwner: vipOwner, FixedIPs: []ports.FixIPEntity{{SubnetID: network, IPAddress: address}}}).Extract()
		t.Log(address)
		refused(t, err, http.StatusBadRequest, code)
	}
	_, err := ports.Create(n.golang, ports.CreateOpts{NetworkId: n.site.UID, DeviceOwner: vipOwner}).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020003")
	_, err = ports.Create(n.golang, ports.CreateOpts{NetworkId: network, DeviceOwner: "network:dhcp"}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.000007")
	_, err = ports.Get(n.golang, "no-uuid").Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020609")
	_, err = ports.Get(n.golang, n.site.UID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020607")
}

// TestPortsAreFoundByEveryFilter combines each of them with one that matches.
func TestPortsAreFoundByEveryFilter(t *testing.T) {
	g := newGround(t)
	server := g.create(t, g.options("one"))[0]
	g.becomes(t, server, "ACTIVE", "BUILD")
	nic := g.nics(t, server)[0]
	vip, err := ports.Create(g.golang, ports.CreateOpts{NetworkId: nic.NetworkID, DeviceOwner: vipOwner}).Extract()
	require.NoError(t, err)
	count := func(change func(*model.ListPortsRequest)) int {
		r := &model.ListPortsRequest{}
		change(r)
		found, err := g.v3.ListPorts(r)
		require.NoError(t, err)
		require.Len(t, *found.Ports, int(*found.Count))
		return int(*found.Count)
	}
	all := count(func(*model.ListPortsRequest) {})
	require.Equal(t, 5, all, "two gateways, two NICs and a virtual IP")
	ip := nic.FixedIPs[0].IpAddress
	for what, tt := range map[string]struct {
		change func(*model.ListPortsRequest)
		want   int
	}{
		"id":              {func(r *model.ListPortsRequest) { r.Id = &vip.ID }, 1},
		"MAC":             {func(r *model.ListPortsRequest) { r.MacAddress = &nic.MacAddress }, 1},
		"network":         {func(r *model.ListPortsRequest) { r.NetworkId = &nic.NetworkID }, 3},
		"name":            {func(r *model.ListPortsRequest) { r.Name = new("nobody's") }, 0},
		"device":          {func(r *model.ListPortsRequest) { r.DeviceId = &server }, 2},
		"router":          {func(r *model.ListPortsRequest) { r.DeviceId = &g.vpc }, 2},
		"owner VIP":       {func(r *model.ListPortsRequest) { r.DeviceOwner = new(vipOwner) }, 1},
		"owner gateway":   {func(r *model.ListPortsRequest) { r.DeviceOwner = new("network:router_interface_distributed") }, 2},
		"owner server":    {func(r *model.ListPortsRequest) { r.DeviceOwner = &nic.DeviceOwner }, 2},
		"owner elsewhere": {func(r *model.ListPortsRequest) { r.DeviceOwner = new("compute:" + g.triple.Name) }, 0},
		"owner unknown":   {func(r *model.ListPortsRequest) { r.DeviceOwner = new("network:dhcp") }, 0},
		"security group":  {func(r *model.ListPortsRequest) { r.SecurityGroups = &g.group }, 2},
		"address":         {func(r *model.ListPortsRequest) { r.FixedIps = &[]string{"ip_address=" + ip} }, 1},
		"subnet":          {func(r *model.ListPortsRequest) { r.FixedIps = &[]string{"subnet_id=" + nic.NetworkID} }, 3},
		"both": {func(r *model.ListPortsRequest) {
			r.FixedIps = &[]string{"ip_address=" + ip, "subnet_id=" + nic.NetworkID}
		}, 1},
		"both of different": {func(r *model.ListPortsRequest) {
			r.FixedIps = &[]string{"ip_address=" + ip, "subnet_id=" + g.subnets[1]}
		}, 0},
		"two addresses": {func(r *model.ListPortsRequest) { r.FixedIps = &[]string{"ip_address=" + ip, "ip_address=10.5.1.1"} }, 0},
		"down":          {func(r *model.ListPortsRequest) { r.Status = new("DOWN") }, 1},
		"active":        {func(r *model.ListPortsRequest) { r.Status = new("ACTIVE") }, 4},
		"up":            {func(r *model.ListPortsRequest) { r.AdminStateUp = new(true) }, all},
	} {
		require.Equal(t, tt.want, count(tt.change), what)
	}
	page, err := g.v3.ListPorts(&model.ListPortsRequest{Limit: new(int32(1)), Offset: new(int32(1))})
	require.NoError(t, err)
	require.Len(t, *page.Ports, 1)
	require.EqualValues(t, all, *page.Count)
	_, err = g.v3.ListPorts(&model.ListPortsRequest{FixedIps: &[]string{"colour=red"}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.000006")
}

// TestASecurityGroupOfAPortChanges puts a running server's port into another group and reads what its site was told.
func TestASecurityGroupOfAPortChanges(t *testing.T) {
	g := newGround(t)
	server := g.create(t, g.options("one"))[0]
	g.becomes(t, server, "ACTIVE", "BUILD")
	nic := g.nics(t, server)[0]
	other, err := g.Control.Networks.CreateGroup(t.Context(), g.caller, groupNamed("other"))
	require.NoError(t, err)
	updated, err := ports.Update(g.golang, nic.ID, ports.UpdateOpts{SecurityGroups: &[]string{other.UID}}).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{other.UID}, updated.SecurityGroups)
	require.Empty(t, updated.AllowedAddressPairs)
	controlplanetest.Eventually(t, "the site has it", func() bool {
		var p spec.Port
		p, _ = g.simSite(t).Port(nic.ID)
		return len(p.SecurityGroups) == 1 && p.SecurityGroups[0] == other.UID
	})
	for _, wrong := range []string{"0.0.0.0/0", "0.0.0.0", "ten", "10.0.0.0/33"} {
		_, err = ports.Update(g.golang, nic.ID, ports.UpdateOpts{AllowedAddressPairs: &[]common.AllowedAddressPair{{IpAddress: wrong}}}).Extract()
		refused(t, err, http.StatusBadRequest, "IEC.020608")
	}
	_, err = ports.Update(g.golang, nic.ID, ports.UpdateOpts{SecurityGroups: &[]string{g.site.UID}}).Extract()
	refused(t, err, http.StatusNotFound, "IEC.020204")
	_, err = ports.Update(g.golang, nic.ID, ports.UpdateOpts{SecurityGroups: &[]string{}}).Extract()
	refused(t, err, http.StatusBadRequest, "IEC.020605")
	refused(t, ports.Delete(g.golang, nic.ID).ExtractErr(), http.StatusBadRequest, "IEC.020606")
	shown, err := ports.Get(g.golang, nic.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, []string{other.UID}, shown.SecurityGroups, "nothing refused changed anything")
}
