package libvirt_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/daemons"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/hypervisor/libvirt"
	"edgecloud/link/spec"
)

func newNIC() spec.NIC {
	return spec.NIC{Port: uuid.NewString(), MAC: fmt.Sprintf("fa:16:3e:00:01:%02x", serial.Add(1)), MTU: 1400}
}

func TestNICsJoinTheBridgeAndLeaveIt(t *testing.T) {
	need(t, "ovs-vswitchd", "openvswitch-switch")
	c := newCell(t)
	require.NoError(t, daemons.StartOVS(context.Background(), c.Namespace, daemons.OVSConfig{SystemID: "cell", Hostname: "cell"}))
	c.run(t, "ovs-vsctl", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev")
	state := t.TempDir()
	e, err := libvirt.Open(t.Context(), libvirt.Config{Socket: c.socket, StateDir: state, Cache: "unsafe"})
	require.NoError(t, err)
	t.Cleanup(func() { c.empty(t, e, state) })
	joined := func(nics ...spec.NIC) {
		t.Helper()
		require.Eventually(t, func() bool {
			found := c.run(t, "ovs-vsctl", "--bare", "--columns=external_ids", "list", "interface")
			for _, nic := range nics {
				if !strings.Contains(found, nic.Port) || !strings.Contains(found, nic.MAC) {
					return false
				}
			}
			return len(strings.Fields(c.run(t, "ovs-vsctl", "list-ports", "br-int"))) == len(nics)
		}, 2*time.Minute, 50*time.Millisecond)
	}
	first, second, third := newNIC(), newNIC(), newNIC()
	second.Slot = 1
	m := guest(t, polite)
	m.NICs = []spec.NIC{first}
	require.NoError(t, e.Define(t.Context(), m))
	require.NoError(t, e.Start(t.Context(), m.UID))
	booted(t, e, m.UID)
	joined(first)
	m.NICs = []spec.NIC{first, second}
	require.NoError(t, e.Define(t.Context(), m))
	require.Equal(t, hypervisor.State{UID: m.UID, Power: spec.On}, get(t, e, m.UID), "plugged at once: no drift")
	joined(first, second)
	tap := strings.Fields(c.run(t, "ovs-vsctl", "list-ports", "br-int"))[0]
	require.Contains(t, c.run(t, "ip", "link", "show", tap), "mtu 1400")
	m.NICs = []spec.NIC{second}
	require.NoError(t, e.Define(t.Context(), m))
	require.True(t, get(t, e, m.UID).Drifted, "this guest knows nothing of hot plug and lets no NIC go")
	m.NICs = []spec.NIC{third, second}
	require.NoError(t, e.Define(t.Context(), m))
	joined(first, second, third) // the slot of the third is not free yet: it gets another one for now
	c.kill(t, m.UID)
	require.Eventually(t, func() bool { return get(t, e, m.UID).Crashed }, 2*time.Minute, 20*time.Millisecond)
	joined()
	require.NoError(t, e.Start(t.Context(), m.UID))
	joined(third, second)
	require.NoError(t, e.Remove(t.Context(), m.UID))
	joined()
	require.NotContains(t, c.run(t, "ip", "-br", "link"), "vnet")
}
