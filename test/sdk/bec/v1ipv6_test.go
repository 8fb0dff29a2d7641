package bec_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"github.com/baidubce/bce-sdk-go/http"
	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/store"
)

func ipv6Service(t *testing.T, client *sdk.Client, args *api.CreateVmServiceArgs, want int) []api.VmInstanceDetailsVo {
	t.Helper()
	made, err := client.CreateVmService(args)
	require.NoError(t, err)
	v1Running(t, client, made.Details.ServiceId, want)
	page, err := client.GetVmInstanceList(&api.ListRequest{KeywordType: "serviceId", Keyword: made.Details.ServiceId, OrderBy: "createTime", Order: "asc"})
	require.NoError(t, err)
	require.Len(t, page.Result, want)
	return page.Result
}

func TestV1PublicIPv6(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	args := v1Args(1, "cn-hangzhou-cm", "cn-changchun-ix")
	args.NeedIpv6PublicIp = true
	found := ipv6Service(t, client, args, 2)
	single, triple := found[0], found[1]
	require.True(t, single.NeedIpv6PublicIp)
	require.Regexp(t, `^2001:db8:`, single.Ipv6PublicIp)
	require.Len(t, triple.MultiplePublicIp, 3)
	seen := map[string]bool{single.Ipv6PublicIp: true}
	for _, ip := range triple.MultiplePublicIp {
		require.Regexp(t, `^2001:db8:`, ip.Ipv6)
		require.False(t, seen[ip.Ipv6])
		seen[ip.Ipv6] = true
	}
	detail, err := client.GetVirtualMachine(single.VmId)
	require.NoError(t, err)
	nics := *detail.NetworkConfig.NetworksList
	require.Equal(t, []string{"", single.Ipv6PublicIp}, []string{nics[0].Ipv6.Ip, nics[1].Ipv6.Ip}, "the private NIC is IPv4 only")
	var v2 struct{ Instance struct{ IPv6 string } }
	require.NoError(t, raw(client, http.GET, "/v2/vm/instance/"+single.VmId, nil, &v2))
	require.Equal(t, single.Ipv6PublicIp, v2.Instance.IPv6)

	ipv6Packets(t, c, client, single)
	ipv6Later(t, client, single)
	ipv6Refused(t, client, single.VmId)
	ipv6Gone(t, c, client)
}

// ipv6Packets follows packets from outside: a rule of a security group is of one IP version.
func ipv6Packets(t *testing.T, c *controlplanetest.Cloud, client *sdk.Client, vm api.VmInstanceDetailsVo) {
	reached := func(port int) bool {
		return slices.ContainsFunc(c.World.Sites(), func(s *sim.Site) bool {
			return s.TraceOutside(netip.MustParseAddr("2400:da00::6666"), netip.MustParseAddr(vm.Ipv6PublicIp), "tcp", port).OK
		})
	}
	open := func(rule map[string]any) {
		require.NoError(t, raw(client, http.PUT, "/v2/securityGroup/"+vm.SecurityGroups[0].Id+"?authorizeRule", map[string]any{"rule": rule}, nil))
	}
	require.False(t, reached(22))
	open(map[string]any{"direction": "ingress", "protocol": "tcp", "portRange": "22"})
	open(map[string]any{"direction": "ingress", "protocol": "tcp", "portRange": "23", "ethertype": "IPv6"})
	controlplanetest.Eventually(t, "the rule for IPv6 lets through", func() bool { return reached(23) })
	require.False(t, reached(22), "the rule for IPv4 does not")
}

// ipv6Later gives an instance IPv6 while it runs, and takes it from none that a change does not name.
func ipv6Later(t *testing.T, client *sdk.Client, has api.VmInstanceDetailsVo) {
	vm := ipv6Service(t, client, v1Args(1, "cn-hangzhou-cm"), 1)[0]
	require.False(t, vm.NeedIpv6PublicIp)
	require.Empty(t, vm.Ipv6PublicIp)
	for range 2 {
		changed, err := client.UpdateVmInstance(vm.VmId, &api.UpdateVmInstanceArgs{Type: "resource", NeedIpv6PublicIp: true})
		require.NoError(t, err)
		require.Equal(t, "RUNNING", changed.Details.Status, "it goes without a restart")
		require.True(t, changed.Details.NeedIpv6PublicIp)
		require.Regexp(t, `^2001:db8:`, changed.Details.Ipv6PublicIp)
		require.NotEqual(t, has.Ipv6PublicIp, changed.Details.Ipv6PublicIp)
	}
	changed, err := client.UpdateVmInstance(has.VmId, &api.UpdateVmInstanceArgs{Type: "resource", Bandwidth: 20}) // needIpv6PublicIp false goes with it
	require.NoError(t, err)
	require.Equal(t, has.Ipv6PublicIp, changed.Details.Ipv6PublicIp)
}

func ipv6Refused(t *testing.T, client *sdk.Client, vm string) {
	alone := v1Args(1, "cn-hangzhou-cm")
	alone.NeedPublicIp, alone.NeedIpv6PublicIp, alone.Bandwidth = false, true, 0
	_, err := client.CreateVmService(alone)
	v1Refused(t, err, 400, "needIpv6PublicIp")
	alone.NeedIpv6PublicIp = false
	private := ipv6Service(t, client, alone, 1)[0]
	_, err = client.UpdateVmInstance(private.VmId, &api.UpdateVmInstanceArgs{Type: "resource", NeedIpv6PublicIp: true})
	v1Refused(t, err, 400, "needIpv6PublicIp")
	_, err = client.UpdateVmInstance(vm, &api.UpdateVmInstanceArgs{Type: "resource"})
	v1Refused(t, err, 400, "needIpv6PublicIp")
}

// ipv6Gone deletes everything: no address stays given out.
func ipv6Gone(t *testing.T, c *controlplanetest.Cloud, client *sdk.Client) {
	held := func() (rows []string) {
		require.NoError(t, c.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			err := tx.NewRaw("SELECT uid FROM public_ips WHERE account = ? AND ipv6", c.Admin.Account.UID).Scan(ctx, &rows)
			if store.NotFound(err) {
				return nil
			}
			return err
		}))
		return rows
	}
	before := held()
	require.Len(t, before, 5)
	for _, id := range v1List(t, client, api.ListRequest{}) {
		_, err := client.DeleteVmInstance(id)
		require.NoError(t, err)
	}
	controlplanetest.Eventually(t, "no IPv6 address is given out", func() bool {
		var leases int
		require.NoError(t, c.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.NewRaw("SELECT COUNT(*) FROM line_addresses WHERE holder IN (?)", bun.In(before)).Scan(ctx, &leases)
		}))
		return leases+len(held()) == 0
	})
}
