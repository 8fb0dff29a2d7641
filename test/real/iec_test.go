package real_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/golangsdk"
	"github.com/huaweicloud/golangsdk/openstack/ecs/v1/cloudservers"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/servers"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
)

// iecTenant is a user of Terraform's client on the site.
type iecTenant struct {
	*site
	client  *golangsdk.ServiceClient
	net     *network.Network
	subnets []*network.Subnet
	group   *network.SecurityGroup
	id      string // of the server
	public  string // its public address
}

// The life of a server of IEC: on two subnets, with a public address and a disk; a third NIC comes while it runs and the second goes; it is rebooted and deleted, and
// nothing is left.
func TestServerOfIECFromCreateToDelete(t *testing.T) {
	s := newSite(t, 1, nil)
	before := s.rows()
	u := s.iecTenant()
	asked := time.Now()
	u.create()
	u.becomes("ACTIVE")
	u.reached()
	s.t.Logf("a server of IEC created and reached by its public address after %s", since(asked))
	require.Equal(s.t, "2", u.sh("ls -d /sys/class/net/eth* | wc -l"))
	require.Contains(s.t, u.sh("ip -4 addr show dev eth1"), "10.95.2.2/24", "the second NIC has its address by DHCP")
	require.Equal(s.t, "1048576", u.sh("grep 'vdb$' /proc/partitions | awk '{print $3}'"), "KiB of the data disk")
	boot := u.sh("cat /proc/sys/kernel/random/boot_id")

	u.hotPlug(boot)
	u.post("/v1/cloudservers/action", map[string]any{"reboot": map[string]any{"type": "SOFT", "servers": []any{map[string]any{"id": u.id}}}}, http.StatusOK)
	u.becomes("ACTIVE")
	require.NotEqual(s.t, boot, u.sh("cat /proc/sys/kernel/random/boot_id"))
	require.Equal(s.t, "2", u.sh("ls -d /sys/class/net/eth* | wc -l"))

	require.NoError(s.t, servers.DeleteServers(u.client, servers.DeleteOpts{Servers: []cloudservers.Server{{Id: u.id}}}).ExtractErr())
	u.becomes("DELETED")
	s.nothingLeft()
	u.leave()
	s.rowsBecome(before)
}

// hotPlug adds a NIC to the running guest and takes the second one away, without a reboot.
func (u *iecTenant) hotPlug(boot string) {
	began := time.Now()
	u.post("/v1/cloudservers/"+u.id+"/nics", map[string]any{"vpc_id": u.net.UID, "subnet_id": u.subnets[1].UID, "nic_num": 1, "security_groups": []any{map[string]any{"id": u.group.UID}}}, http.StatusOK)
	d := u.settled(3)
	u.eventually("the guest sees a third NIC", func() error {
		if got := u.sh("ls -d /sys/class/net/eth* | wc -l"); got != "3" {
			return fmt.Errorf("it sees %s", got)
		}
		return nil
	})
	u.t.Logf("a NIC plugged into a running guest after %s", since(began))
	third := d.Ports[2]
	up := "i=$(basename $(dirname $(grep -l " + third.MAC + " /sys/class/net/*/address))); ip link set $i up; udhcpc -i $i -n -q -t 10 -s /etc/udhcpc/default.script >/dev/null 2>&1; ip -4 addr show dev $i; ping -c 1 -W 5 -I $i 10.95.2.1"
	u.eventually("the third NIC has its address and reaches its gateway", func() error {
		out, err := u.shell(u.t.Context(), u.public, password, up)
		if err == nil && !strings.Contains(out, third.Address+"/24") {
			err = fmt.Errorf("it has %s", out)
		}
		return err
	})
	began = time.Now()
	u.post("/v1/cloudservers/"+u.id+"/nics/delete", map[string]any{"nics": []any{map[string]any{"id": d.Ports[1].UID}}}, http.StatusOK)
	u.settled(2)
	u.eventually("the guest has lost the second NIC", func() error {
		if out := u.sh("cat /sys/class/net/*/address"); strings.Contains(out, d.Ports[1].MAC) {
			return fmt.Errorf("it still has it: %s", out)
		}
		return nil
	})
	u.t.Logf("a NIC unplugged from a running guest after %s", since(began))
	require.Equal(u.t, boot, u.sh("cat /proc/sys/kernel/random/boot_id"), "all without a reboot")
}

func (s *site) iecTenant() *iecTenant {
	door := httptest.NewServer(s.box.Control.Door("iec"))
	s.t.Cleanup(door.Close)
	key := s.box.Admin.Key
	u := &iecTenant{site: s, client: &golangsdk.ServiceClient{Endpoint: door.URL + "/v1/", ProviderClient: &golangsdk.ProviderClient{
		AKSKAuthOptions: golangsdk.AKSKAuthOptions{AccessKey: key.ID, SecretKey: key.Secret}}}}
	n, ctx := s.box.Control.Networks, s.t.Context()
	var err error
	u.net, err = n.CreateNetwork(ctx, s.operator(), network.NewNetwork{Name: "iec", CIDR: "10.95.0.0/16"})
	require.NoError(s.t, err)
	for _, cidr := range []string{"10.95.1.0/24", "10.95.2.0/24"} {
		subnet, err := n.CreateSubnet(ctx, s.operator(), network.NewSubnet{Network: u.net.UID, Site: s.place.UID, Name: "iec", CIDR: cidr})
		require.NoError(s.t, err)
		u.subnets = append(u.subnets, subnet)
	}
	u.group, err = n.CreateGroup(ctx, s.operator(), network.NewGroup{Name: "iec", Rules: []network.NewRule{{Direction: "egress"},
		{Direction: "ingress", Protocol: "tcp", PortMin: 22, PortMax: 22}, {Direction: "ingress", Protocol: "tcp", PortMin: 80, PortMax: 80}, {Direction: "ingress", Protocol: "icmp"}}})
	require.NoError(s.t, err)
	_, err = s.box.Control.Place.CreateFlavor(ctx, s.operator(), place.NewFlavor{Name: "tiny.1", Family: "tiny", VCPUs: 1, MemoryMiB: 256})
	require.NoError(s.t, err)
	return u
}

func (u *iecTenant) create() {
	img, _, err := u.box.Control.Images.Find(u.t.Context(), u.operator(), imageName)
	require.NoError(u.t, err)
	made, err := servers.CreateServer(u.client, servers.CreateOpts{
		ResourceOpts: common.ResourceOpts{Count: 1, Name: "proof", ImageRef: img.UID, FlavorRef: "tiny.1", AdminPass: password, UserData: script(greeting),
			NetConfig:      common.NetConfig{VpcID: u.net.UID, NicNum: 2, Subnets: []common.SubnetID{{ID: u.subnets[0].UID}, {ID: u.subnets[1].UID}}},
			SecurityGroups: []common.SecurityGroup{{ID: u.group.UID}}, RootVolume: common.RootVolume{VolumeType: "SAS", Size: 40},
			DataVolumes: []common.DataVolume{{VolumeType: "SATA", Size: 1}}, BandWidth: &common.BandWidth{ShareType: "WHOLE"}},
		Coverage: common.Coverage{CoverageLevel: "SITE", CoveragePolicy: "centralize", CoverageSites: []common.CoverageSite{
			{Site: u.place.UID, Demands: []common.Demand{{Operator: "chinamobile", Count: 1}}}}},
	})
	require.NoError(u.t, err)
	u.id = made.ServerIDs.IDs[0]
}

// post makes a call that golangsdk has no method for.
func (u *iecTenant) post(path string, body any, status int) {
	u.t.Helper()
	var answer any
	_, err := u.client.Post(strings.TrimSuffix(u.client.Endpoint, "/v1/")+path, body, &answer, &golangsdk.RequestOpts{OkCodes: []int{status}})
	require.NoError(u.t, err)
}

// becomes polls as Terraform does, and notes the public address.
func (u *iecTenant) becomes(status string) {
	u.t.Helper()
	u.eventually("the server is "+status, func() error {
		d, err := servers.GetServer(u.client, u.id).ExtractServerDetail()
		if _, gone := err.(golangsdk.ErrDefault404); gone && status == "DELETED" { //nolint:errorlint // the client gives it as it is
			return nil
		}
		if err != nil {
			return err
		}
		if d.Server.Status == "ERROR" {
			require.FailNow(u.t, "the server failed")
		}
		if d.Server.Status != status || d.Server.TaskState != "" {
			return fmt.Errorf("it is %s %s", d.Server.Status, d.Server.TaskState)
		}
		for _, a := range d.Server.Addresses[u.net.UID] {
			if a.Type == "floating" {
				u.public = a.Addr
			}
		}
		return nil
	})
}

// reached waits until the guest answers at its public address with what its user data has done.
func (u *iecTenant) reached() {
	u.t.Helper()
	u.eventually("the server answers at "+u.public, func() error {
		text, err := u.get(u.t.Context(), u.public, "/hello")
		if err == nil && !strings.Contains(text, "user data of iec-hz01-proof") {
			err = fmt.Errorf("it says %q", text)
		}
		return err
	})
}

// sh runs a command in the guest.
func (u *iecTenant) sh(command string) (out string) {
	u.t.Helper()
	u.eventually(command, func() (err error) {
		ctx, cancel := context.WithTimeout(u.t.Context(), time.Minute)
		defer cancel()
		out, err = u.shell(ctx, u.public, password, command)
		return err
	})
	return out
}

// settled waits until the server runs with so many NICs.
func (u *iecTenant) settled(nics int) (d *compute.Detail) {
	u.t.Helper()
	u.eventually(fmt.Sprintf("the server runs with %d NICs", nics), func() (err error) {
		if d, err = u.box.Control.Compute.Get(u.t.Context(), u.operator(), u.id); err == nil && (d.State != compute.Running || len(d.Ports) != nics) {
			err = fmt.Errorf("it is %s with %d: %s", d.State, len(d.Ports), d.Trouble)
		}
		return err
	})
	return d
}

func (u *iecTenant) leave() {
	n, ctx := u.box.Control.Networks, u.t.Context()
	for _, s := range u.subnets {
		require.NoError(u.t, n.DeleteSubnet(ctx, u.operator(), s.UID))
	}
	_, err := n.DeleteNetwork(ctx, u.operator(), u.net.UID)
	require.NoError(u.t, err)
	require.NoError(u.t, n.DeleteGroup(ctx, u.operator(), u.group.UID))
}
