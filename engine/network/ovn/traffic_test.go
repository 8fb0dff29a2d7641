package ovn_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
	"edgecloud/engine/network/networktest"
	"edgecloud/engine/network/ovn"
	"edgecloud/link/spec"
	"edgecloud/test/host"
)

func TestMain(m *testing.M) {
	networktest.Meter()
	os.Exit(m.Run())
}

// outside runs commands on the provider network's other side.
type outside struct{ path string }

func (o outside) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + o.path, "--"}, args...)...)
}

func TestTraffic(t *testing.T) {
	f := host.NewFabric(t)
	hosts := []*host.Host{f.Host(t, "a"), f.Host(t, "b")}
	e, err := ovn.Open(t.Context(), ovn.Options{Endpoint: f.NBEndpoint, GatewayChassis: []string{"a", "b"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	before := northboundRows(t, f)
	networktest.Traffic(t, networktest.Fixture{
		Engine: e, Outside: outside{f.OutsideNetns()},
		Uplink: spec.Uplink{UID: "line", PhysicalNetwork: "physnet1", Prefix: netip.MustParsePrefix(host.ProviderNet), Gateway: netip.MustParseAddr(host.OutsideIP)},
		Attach: func(t testing.TB, n int, p spec.Port, address netip.Prefix, gateway netip.Addr) networktest.Runner {
			return hosts[n].Port(t, p.UID, p.MAC, address.String(), gateway.String(), p.UID).Runner()
		},
		CrashSwitch: func(t testing.TB) {
			const pidfile = "/run/openvswitch/ovs-vswitchd.pid"
			before, err := hosts[0].Run(t.Context(), "cat", pidfile)
			require.NoError(t, err)
			_, err = hosts[0].Run(t.Context(), "kill", "-ABRT", before)
			require.NoError(t, err)
			require.NoError(t, daemons.WaitFor(t.Context(), time.Minute, "another switch", func() error {
				now, err := hosts[0].Run(t.Context(), "cat", pidfile)
				if err == nil && now == before {
					err = errors.New("the same process")
				}
				return err
			}))
		},
	})
	require.Equal(t, before, northboundRows(t, f), "rows are left behind")
}

// northboundRows lists the UUIDs of all tables that the engine writes.
func northboundRows(t *testing.T, f *host.Fabric) []string {
	t.Helper()
	var out []string
	for _, table := range []string{"Logical_Switch", "Logical_Switch_Port", "Logical_Router", "Logical_Router_Port", "Logical_Router_Static_Route", "Logical_Router_Policy", "NAT", "QoS",
		"DHCP_Options", "Port_Group", "ACL", "Address_Set", "Load_Balancer", "HA_Chassis_Group", "HA_Chassis", "Gateway_Chassis"} {
		rows, err := f.NBCtl(t.Context(), "--bare", "--columns=_uuid", "list", table)
		require.NoError(t, err)
		for _, uuid := range strings.Fields(rows) {
			out = append(out, table+" "+uuid)
		}
	}
	sort.Strings(out)
	return out
}
