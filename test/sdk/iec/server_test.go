package iec_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/ecs/v1/cloudservers"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/cloudvolumes"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/keypairs"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/servers"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
)

// ground is what servers stand on: a network with two subnets at the first site, a security group and an image.
type ground struct {
	*tenant
	vpc     string
	subnets []string
	group   string
	image   string
}

func newGround(t *testing.T) *ground { return groundOf(t, newTenant(t)) }

func groundOf(t *testing.T, n *tenant) *ground {
	t.Helper()
	ctx, g := t.Context(), &ground{tenant: n}
	net, err := n.Control.Networks.CreateNetwork(ctx, n.caller, network.NewNetwork{Name: "vpc", CIDR: "10.5.0.0/16"})
	require.NoError(t, err)
	g.vpc = net.UID
	for _, cidr := range []string{"10.5.1.0/24", "10.5.2.0/24"} {
		s, err := n.Control.Networks.CreateSubnet(ctx, n.caller, network.NewSubnet{Network: net.UID, Site: n.site.UID, Name: "subnet", CIDR: cidr})
		require.NoError(t, err)
		g.subnets = append(g.subnets, s.UID)
	}
	group, err := n.Control.Networks.CreateGroup(ctx, n.caller, groupNamed("web"))
	require.NoError(t, err)
	g.group = group.UID
	g.image = imageOf(t, n)
	return g
}

func imageOf(t *testing.T, n *tenant) string {
	t.Helper()
	images, err := n.Control.Images.List(t.Context(), n.caller, image.Filter{OSType: "linux"})
	require.NoError(t, err)
	require.NotEmpty(t, images)
	return images[0].UID
}

// options are what Terraform's provider sends for its resource huaweicloud_iec_server.
func (g *ground) options(name string) servers.CreateOpts {
	return servers.CreateOpts{
		ResourceOpts: common.ResourceOpts{Count: 1, Name: name, ImageRef: g.image, FlavorRef: "c6.large.2",
			NetConfig:      common.NetConfig{VpcID: g.vpc, NicNum: len(g.subnets), Subnets: []common.SubnetID{{ID: g.subnets[0]}, {ID: g.subnets[1]}}},
			SecurityGroups: []common.SecurityGroup{{ID: g.group}}, RootVolume: common.RootVolume{VolumeType: "SAS", Size: 40},
			DataVolumes: []common.DataVolume{{VolumeType: "SATA", Size: 10}}, BandWidth: &common.BandWidth{ShareType: "WHOLE"}, AdminPass: "Good!Pass1"},
		Coverage: common.Coverage{CoverageLevel: "SITE", CoveragePolicy: "centralize", CoverageSites: []common.CoverageSite{
			{Site: g.site.UID, Demands: []common.Demand{{Operator: "chinamobile", Count: 1}}}}},
	}
}

func (g *ground) create(t *testing.T, opts servers.CreateOpts) []string {
	t.Helper()
	made, err := servers.CreateServer(g.golang, opts)
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{32}$", made.Job.Id)
	return made.ServerIDs.IDs
}

func (n *tenant) server(t *testing.T, id string) *servers.Server {
	t.Helper()
	detail, err := servers.GetServer(n.golang, id).ExtractServerDetail()
	require.NoError(t, err)
	return detail.Server
}

// becomes polls as Terraform does: only the statuses on the way may be seen before the wanted one.
func (n *tenant) becomes(t *testing.T, id, status string, onTheWay ...string) {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool {
		detail, err := servers.GetServer(n.golang, id).ExtractServerDetail()
		if code, _ := statusOf(err); code == http.StatusNotFound {
			return status == "DELETED"
		}
		require.NoError(t, err)
		if detail.Server.Status != status {
			require.Contains(t, onTheWay, detail.Server.Status)
		}
		return detail.Server.Status == status && (detail.Server.TaskState == "" || status == "DELETED")
	})
}

func (n *tenant) deleteServers(t *testing.T, ids ...string) {
	t.Helper()
	opts := servers.DeleteOpts{}
	for _, id := range ids {
		opts.Servers = append(opts.Servers, cloudservers.Server{Id: id})
	}
	require.NoError(t, servers.DeleteServers(n.golang, opts).ExtractErr())
	for _, id := range ids {
		n.becomes(t, id, "DELETED", "ACTIVE", "SHUTOFF")
	}
}

// TestLifeOfAServer is the life that Terraform's acceptance test leads: made, read back, renamed, read again, deleted.
func TestLifeOfAServer(t *testing.T) {
	g := newGround(t)
	id := g.create(t, g.options("iec-server"))[0]
	refused(t, servers.DeleteServers(g.golang, servers.DeleteOpts{Servers: []cloudservers.Server{{Id: id}}}).ExtractErr(), http.StatusBadRequest, "IEC.010203")
	g.becomes(t, id, "ACTIVE", "BUILD")
	s := g.server(t, id)
	require.Equal(t, "IEC-HZ01-iec-server", s.Name)
	require.Equal(t, "iec-hz01-iec-server", s.Hostname)
	require.Equal(t, []string{"c6.large.2", "c6.large.2", "2", "4096"}, []string{s.Flavor.ID, s.Flavor.Name, s.Flavor.Vcpus, s.Flavor.RAM})
	require.Equal(t, g.image, s.Image.ID)
	require.NotEmpty(t, s.Metadata.ImageName)
	require.Equal(t, g.vpc, s.Metadata.VpcID)
	require.Equal(t, id, s.ServerID)
	require.Equal(t, []string{"hangzhou", "zhejiang", "east", "杭州市"}, []string{s.Location.City, s.Location.Province, s.Location.Area, s.Location.I18nCity})
	require.Equal(t, "chinamobile", s.Operator.Name)
	require.Equal(t, g.caller.Account, s.DomainID)
	require.Equal(t, []string{"active", g.site.Name, "/dev/vda"}, []string{s.VMState, s.AvailabilityZone, s.RootDeviceName})
	require.Equal(t, 1, *s.PowerState)
	require.Equal(t, g.group, s.SecurityGroups[0].ID)
	require.Equal(t, "web", s.SecurityGroups[0].Name)
	require.False(t, s.Created.IsZero() || s.Updated.IsZero())

	require.Len(t, s.Addresses, 1)
	addresses := s.Addresses[g.vpc]
	require.Len(t, addresses, 3, "two NICs and a public address")
	require.Equal(t, []string{"fixed", "floating", "fixed"}, []string{addresses[0].Type, addresses[1].Type, addresses[2].Type})
	require.Equal(t, []string{"10.5.1.2", "10.5.2.2"}, []string{addresses[0].Addr, addresses[2].Addr})
	require.Equal(t, addresses[0].PortID, addresses[1].PortID)
	require.NotEqual(t, addresses[0].MacAddr, addresses[2].MacAddr)

	bandwidths := func() []*network.Bandwidth {
		all, _, err := g.Control.Networks.ListBandwidths(t.Context(), g.caller, network.BandwidthFilter{}, store.Window{})
		require.NoError(t, err)
		return all
	}
	require.Len(t, bandwidths(), 1, "the line's shared bandwidth has been made")
	require.Equal(t, addresses[1].Addr, bandwidths()[0].Addresses[0].Address)

	require.Len(t, s.VolumeAttached, 2)
	for k, want := range []struct {
		device, kind string
		size         int
	}{{"/dev/vda", "SAS", 40}, {"/dev/vdb", "SATA", 10}} {
		v, err := cloudvolumes.Get(g.golang, s.VolumeAttached[k].ID).Extract()
		require.NoError(t, err)
		require.Equal(t, want.device, s.VolumeAttached[k].Device)
		require.Equal(t, []string{"in-use", want.kind, id}, []string{v.Volume.Status, v.Volume.VolumeType, v.Volume.Attachments[0].ServerID})
		require.Equal(t, want.size, v.Volume.Size)
	}

	name, text := "renamed.server", "what it is for"
	_, err := servers.UpdateServer(g.golang, servers.UpdateInstance{UpdateServer: servers.UpdateOpts{Name: &name, Description: &text}}, id).ExtractUpdateToServer()
	require.NoError(t, err)
	after := g.server(t, id)
	require.Equal(t, []string{name, text, s.Hostname}, []string{after.Name, after.Description, after.Hostname}, "the guest keeps its host name")
	require.Equal(t, s.Addresses, after.Addresses)

	g.deleteServers(t, id)
	require.Empty(t, bandwidths(), "it goes with its last address")
	refused(t, servers.GetServer(g.golang, id).Err, http.StatusNotFound, "IEC.010200")
	_, err = cloudvolumes.Get(g.golang, s.VolumeAttached[0].ID).Extract()
	refused(t, err, http.StatusNotFound, "IEC.010560")
	clouds, _, err := g.Control.Compute.ListGroups(t.Context(), g.caller, compute.GroupFilter{}, compute.GroupOrder{}, store.Page{Size: 10})
	require.NoError(t, err)
	require.Empty(t, clouds, "the edge cloud of a server goes with it")
}

// TestSeveralServers makes three in one call, without a prefix and with a key pair and user data, and powers them all.
func TestSeveralServers(t *testing.T) {
	g := newGround(t)
	_, err := keypairs.Create(g.golang, keypairs.CreateOpts{Name: "pair"}).Extract()
	require.NoError(t, err)
	data, no := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\ntrue\n")), false
	made, err := g.v3.CreateInstance(&model.CreateInstanceRequest{Body: &model.CreateInstanceRequestBody{Server: &model.CreateInstanceOption{Name: "Web_a", WithPrefix: &no,
		ImageRef: g.image, FlavorRef: "c6.large.2", KeyName: ptr("pair"), UserData: &data, Count: 3, NetConfig: &model.NetConfigInstance{VpcId: g.vpc, Subnets: []model.SubnetConfig{{Id: g.subnets[0],
			AllowedAddressPairs: &[]model.AllowedAddressPair{{IpAddress: "10.5.1.200"}}}}},
		RootVolume: &model.RootVolume{Size: 40, VolumeType: "SATA"},
		Coverage: &model.CoverageInstance{CoverageLevel: "site", CoveragePolicy: "centralize",
			CoverageSites: []model.CoverageSiteInstance{{Site: g.site.UID, Demands: []model.DemandInstance{{PoolId: ptr("5_mobile_cn-hangzhou-cm")}}}}}}}})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, made.HttpStatusCode)
	ids := *made.ServerIds
	require.Len(t, ids, 3)
	for k, id := range ids {
		g.becomes(t, id, "ACTIVE", "BUILD")
		s := g.server(t, id)
		require.Equal(t, []string{"Web_a-000" + string(rune('1'+k)), "web-a-000" + string(rune('1'+k)), "pair", data}, []string{s.Name, s.Hostname, s.KeyName, s.UserData})
		require.Equal(t, k, *s.LaunchIndex)
		require.Len(t, s.Addresses[g.vpc], 1, "no public address without bandwidth")
		d, err := g.Control.Compute.Get(t.Context(), g.caller, id)
		require.NoError(t, err)
		require.Equal(t, []network.Pair{{Address: "10.5.1.200"}}, d.Ports[0].Pairs.V)
		require.Equal(t, "default", s.SecurityGroups[0].Name)
	}
	var bases []model.BaseId
	for _, id := range ids {
		bases = append(bases, model.BaseId{Id: id})
	}
	stop, err := g.v3.BatchStopInstance(&model.BatchStopInstanceRequest{Body: &model.BatchStopInstanceRequestBody{OsStop: &model.BatchStop{Servers: bases}}})
	require.NoError(t, err)
	require.Len(t, *stop.Jobs, 1)
	for _, id := range ids {
		g.becomes(t, id, "SHUTOFF", "ACTIVE")
	}
	stopped := g.list(t, model.ListInstancesRequest{Status: ptr("SHUTOFF")})
	require.Len(t, stopped, 3)
	_, err = g.v3.BatchStopInstance(&model.BatchStopInstanceRequest{Body: &model.BatchStopInstanceRequestBody{OsStop: &model.BatchStop{Servers: bases[:1]}}})
	refusedV3(t, err, http.StatusBadRequest, "IEC.010406")
	_, err = g.v3.BatchStartInstance(&model.BatchStartInstanceRequest{Body: &model.BatchStartInstanceRequestBody{OsStart: &model.BatchStart{Servers: &bases}}})
	require.NoError(t, err)
	for _, id := range ids {
		g.becomes(t, id, "ACTIVE", "SHUTOFF")
	}
	soft, hard := model.GetBatchRebootTypeEnum().SOFT, model.GetBatchRebootTypeEnum().HARD
	for kind, word := range map[*model.BatchRebootType]string{&soft: "REBOOT", &hard: "HARD_REBOOT"} {
		_, err = g.v3.BatchRebootInstance(&model.BatchRebootInstanceRequest{Body: &model.BatchRebootInstanceRequestBody{Reboot: &model.BatchReboot{Type: kind, Servers: &bases}}})
		require.NoError(t, err)
		for _, id := range ids {
			g.becomes(t, id, "ACTIVE", word)
		}
	}
	g.deleteServers(t, ids...)
}

// TestALineForEachNIC makes a server with a public address on a line of its own for each NIC.
func TestALineForEachNIC(t *testing.T) {
	g := newGround(t)
	var subnets []model.SubnetConfig
	for _, cidr := range []string{"10.5.11.0/24", "10.5.12.0/24"} {
		s, err := g.Control.Networks.CreateSubnet(t.Context(), g.caller, network.NewSubnet{Network: g.vpc, Site: g.triple.UID, Name: "subnet", CIDR: cidr})
		require.NoError(t, err)
		subnets = append(subnets, model.SubnetConfig{Id: s.UID})
	}
	create := func(pools ...string) (*model.CreateInstanceResponse, error) {
		return g.v3.CreateInstance(&model.CreateInstanceRequest{Body: &model.CreateInstanceRequestBody{Server: &model.CreateInstanceOption{Name: "lines", ImageRef: g.image, FlavorRef: "c6.large.2",
			Count: 1, NetConfig: &model.NetConfigInstance{VpcId: g.vpc, Subnets: subnets}, RootVolume: &model.RootVolume{Size: 40, VolumeType: "SATA"},
			Bandwidth: &model.BandwidthConfigInstance{Sharetype: model.GetBandwidthConfigInstanceSharetypeEnum().WHOLE},
			Coverage: &model.CoverageInstance{CoverageLevel: "site", CoveragePolicy: "centralize",
				CoverageSites: []model.CoverageSiteInstance{{Site: g.triple.UID, Demands: []model.DemandInstance{{PoolIds: &pools}}}}}}}})
	}
	lines := []string{"5_mobile_cn-changchun-ix", "5_telecom_cn-changchun-ix", "5_unicom_cn-changchun-ix"}
	_, err := create(lines...)
	refusedV3(t, err, http.StatusBadRequest, "IEC.010800")
	made, err := create(lines[:2]...)
	require.NoError(t, err)
	id := (*made.ServerIds)[0]
	g.becomes(t, id, "ACTIVE", "BUILD")
	addresses := g.server(t, id).Addresses[g.vpc]
	require.Len(t, addresses, 4)
	for k, want := range []string{"fixed", "floating", "fixed", "floating"} {
		require.Equal(t, want, addresses[k].Type)
		require.Equal(t, addresses[k-k%2].PortID, addresses[k].PortID)
	}
	d, err := g.Control.Compute.Get(t.Context(), g.caller, id)
	require.NoError(t, err)
	require.ElementsMatch(t, []any{place.Mobile, place.Telecom}, []any{d.IPs[0].Carrier, d.IPs[1].Carrier})
}

func ptr[T any](v T) *T { return &v }

func (n *tenant) list(t *testing.T, r model.ListInstancesRequest) []model.Instance {
	t.Helper()
	found, err := n.v3.ListInstances(&r)
	require.NoError(t, err)
	require.GreaterOrEqual(t, int(*found.Count), len(*found.Servers))
	return *found.Servers
}

func TestServersAreFoundByEveryFilter(t *testing.T) {
	g := newGround(t)
	id := g.create(t, g.options("one"))[0]
	g.becomes(t, id, "ACTIVE", "BUILD")
	s := g.server(t, id)
	found := []model.ListInstancesRequest{{}, {Name: ptr("one")}, {Area: ptr("EAST")}, {Province: ptr("zhejiang")}, {City: ptr("hangzhou")}, {SiteId: &g.site.UID}, {Status: ptr("ACTIVE")},
		{EdgecloudId: &s.EdgeCloudID}, {Offset: ptr(int32(0))}, {Offset: ptr(int32(1)), Limit: ptr(int32(1))}}
	for _, r := range found {
		all := g.list(t, r)
		require.Len(t, all, 1, "%+v", r)
		require.Equal(t, id, *all[0].Id)
	}
	for _, r := range []model.ListInstancesRequest{{Name: ptr("other")}, {Area: ptr("north")}, {City: ptr("atlantis")}, {SiteId: &g.triple.UID}, {Status: ptr("SHUTOFF")}, {Status: ptr("nonsense")},
		{EdgecloudId: &id}, {Offset: ptr(int32(2))}} {
		require.Empty(t, g.list(t, r), "%+v", r)
	}
	other := tenantOf(t, g.Cloud, "other")
	require.Empty(t, other.list(t, model.ListInstancesRequest{}))
	refused(t, servers.GetServer(other.golang, id).Err, http.StatusNotFound, "IEC.010200")
	volumes, err := cloudvolumes.List(g.golang, cloudvolumes.ListOpts{Status: "in-use", Name: "IEC-HZ01-one-volume-0001"}).Extract()
	require.NoError(t, err)
	require.Equal(t, 1, volumes.Count)
	require.Equal(t, 10, volumes.Volumes[0].Size)
	volumes, err = cloudvolumes.List(g.golang, cloudvolumes.ListOpts{Limit: 1}).Extract()
	require.NoError(t, err)
	require.Equal(t, 2, volumes.Count)
	require.Len(t, volumes.Volumes, 1)
	require.Equal(t, "true", volumes.Volumes[0].Bootable)
}

// TestNICsComeAndGo adds NICs to a server that runs and takes them away.
func TestNICsComeAndGo(t *testing.T) {
	g := newGround(t)
	id := g.create(t, g.options("nics"))[0]
	g.becomes(t, id, "ACTIVE", "BUILD")
	add := func(count int32, subnet string) error {
		_, err := g.v3.AddNics(&model.AddNicsRequest{InstanceId: id, Body: &model.AddNicsRequestBody{VpcId: g.vpc, SecurityGroups: []model.BaseId{{Id: g.group}}, SubnetId: &subnet, NicNum: count}})
		return err
	}
	fixed := func() (ports []string) {
		for _, a := range g.server(t, id).Addresses[g.vpc] {
			if a.Type == "fixed" {
				ports = append(ports, a.PortID)
			}
		}
		return ports
	}
	settled := func(nics int) {
		controlplanetest.Eventually(t, "the NICs are as wanted", func() bool {
			d, err := g.Control.Compute.Get(t.Context(), g.caller, id)
			require.NoError(t, err)
			return d.State == compute.Running && len(d.Ports) == nics
		})
	}
	require.NoError(t, add(2, g.subnets[1]))
	settled(4)
	require.Len(t, fixed(), 4)
	refusedV3(t, add(5, g.subnets[1]), http.StatusBadRequest, "IEC.010406")
	refusedV3(t, add(1, id), http.StatusNotFound, "IEC.020003")
	remove := func(ports ...string) error {
		body := &model.DeleteNicsRequestBody{}
		for _, p := range ports {
			body.Nics = append(body.Nics, model.NicId{Id: p})
		}
		_, err := g.v3.DeleteNics(&model.DeleteNicsRequest{InstanceId: id, Body: body})
		return err
	}
	ports := fixed()
	refusedV3(t, remove("nonsense"), http.StatusBadRequest, "IEC.020611")
	refusedV3(t, remove(id), http.StatusNotFound, "IEC.020607")
	require.NoError(t, remove(ports[1], ports[3]))
	settled(2)
	require.Equal(t, []string{ports[0], ports[2]}, fixed())
	g.deleteServers(t, id)
}

// TestChangeOfOS reinstalls a server that is off.
func TestChangeOfOS(t *testing.T) {
	g := newGround(t)
	id := g.create(t, g.options("os"))[0]
	g.becomes(t, id, "ACTIVE", "BUILD")
	images, err := g.Control.Images.List(t.Context(), g.caller, image.Filter{OSType: "linux"})
	require.NoError(t, err)
	other := images[slices.IndexFunc(images, func(i *image.Image) bool { return i.UID != g.image })]
	change := func(image string) error {
		_, err := g.v3.ChangeOs(&model.ChangeOsRequest{InstanceId: id, Body: &model.ChangeOsOption{ImageId: image}})
		return err
	}
	refusedV3(t, change(other.UID), http.StatusConflict, "IEC.010222")
	_, err = g.v3.BatchStopInstance(&model.BatchStopInstanceRequest{Body: &model.BatchStopInstanceRequestBody{OsStop: &model.BatchStop{Servers: []model.BaseId{{Id: id}},
		Type: ptr("HARD")}}})
	require.NoError(t, err)
	g.becomes(t, id, "SHUTOFF", "ACTIVE")
	refusedV3(t, change("nonsense"), http.StatusBadRequest, "IEC.010223")
	refusedV3(t, change(id), http.StatusNotFound, "IEC.030201")
	before := g.server(t, id)
	require.NoError(t, change(other.UID))
	g.becomes(t, id, "ACTIVE", "REBUILD")
	after := g.server(t, id)
	require.Equal(t, other.UID, after.Image.ID)
	require.Equal(t, other.Name, after.Metadata.ImageName)
	require.Equal(t, before.Addresses, after.Addresses)
	require.Equal(t, before.VolumeAttached, after.VolumeAttached)
}

// TestWrongServersAreRefused makes nothing of each, and names what is wrong by its code.
func TestWrongServersAreRefused(t *testing.T) {
	g := newGround(t)
	none := "705da43d-fa20-11ea-9fb2-fa1640495574"
	cases := []struct {
		name   string
		spoil  func(o *servers.CreateOpts)
		status int
		code   string
	}{
		{"name", func(o *servers.CreateOpts) { o.Name = "no blanks" }, 400, "IEC.010401"},
		{"long name", func(o *servers.CreateOpts) { o.Name = string(make([]byte, 49)) }, 400, "IEC.010401"},
		{"image", func(o *servers.CreateOpts) { o.ImageRef = none }, 404, "IEC.030201"},
		{"flavor", func(o *servers.CreateOpts) { o.FlavorRef = "c6.none.2" }, 400, "IEC.010603"},
		{"count", func(o *servers.CreateOpts) { o.Count = 0 }, 400, "IEC.010700"},
		{"level", func(o *servers.CreateOpts) { o.Coverage.CoverageLevel = "city" }, 400, "IEC.010800"},
		{"site", func(o *servers.CreateOpts) { o.Coverage.CoverageSites[0].Site = none }, 400, "IEC.020403"},
		{"operator", func(o *servers.CreateOpts) { o.Coverage.CoverageSites[0].Demands[0].Operator = "chinatelecom" }, 404, "IEC.011010"},
		{"line", func(o *servers.CreateOpts) { o.Coverage.CoverageSites[0].Demands[0].PoolID = "5_none" }, 404, "IEC.011010"},
		{"network", func(o *servers.CreateOpts) { o.NetConfig.VpcID = none }, 404, "IEC.020104"},
		{"subnet", func(o *servers.CreateOpts) { o.NetConfig.Subnets[1].ID = none }, 404, "IEC.020003"},
		{"group", func(o *servers.CreateOpts) { o.SecurityGroups[0].ID = none }, 404, "IEC.020204"},
		{"key pair", func(o *servers.CreateOpts) { o.KeyName = "nobody's" }, 404, "IEC.010220"},
		{"password", func(o *servers.CreateOpts) { o.AdminPass = "abcdefgh" }, 400, "IEC.000007"},
		{"user name in the password", func(o *servers.CreateOpts) { o.AdminPass = "Aa1!xRooty" }, 400, "IEC.000007"},
		{"disk type", func(o *servers.CreateOpts) { o.RootVolume.VolumeType = "TAPE" }, 400, "IEC.000007"},
		{"disk size", func(o *servers.CreateOpts) { o.RootVolume.Size = 101 }, 400, "IEC.000007"},
		{"data disks", func(o *servers.CreateOpts) {
			o.DataVolumes = append(o.DataVolumes, o.DataVolumes[0], o.DataVolumes[0])
		}, 400, "IEC.000007"},
		{"user data", func(o *servers.CreateOpts) { o.UserData = "not base64!" }, 400, "IEC.000007"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opts := g.options("wrong")
			c.spoil(&opts)
			_, err := servers.CreateServer(g.golang, opts)
			refused(t, err, c.status, c.code)
		})
	}
	require.Empty(t, g.list(t, model.ListInstancesRequest{}))
}
