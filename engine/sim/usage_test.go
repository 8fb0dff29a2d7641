package sim_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/hypervisor"
	netengine "edgecloud/engine/network"
	"edgecloud/engine/network/networktest"
	"edgecloud/engine/sim"
	"edgecloud/link/spec"
	"edgecloud/store/storetest"
)

// metered is a machine on a port that has a public address, under a clock of its own.
func metered(t *testing.T) (*storetest.Clock, *sim.Host, hypervisor.Machine) {
	t.Helper()
	clock := storetest.NewClock()
	w, h := newHost(t, sim.Config{Seed: 7, Now: clock.Now})
	require.NoError(t, networktest.NewWorld().Apply(t.Context(), h.Network()))
	m := rig{w, h}.machine(t)
	m.VCPUs = 2
	m.NICs = []spec.NIC{{Port: "port-1", MAC: "0a:00:00:00:00:01", Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.11/24")}}}
	require.NoError(t, h.Hypervisor().Define(t.Context(), m))
	require.NoError(t, h.Hypervisor().Start(t.Context(), m.UID))
	return clock, h, m
}

func usageOf(t *testing.T, h *sim.Host) hypervisor.Usage {
	t.Helper()
	all, err := h.Hypervisor().Usage(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all[0]
}

func trafficOf(t *testing.T, h *sim.Host) map[netengine.Object]netengine.Traffic {
	t.Helper()
	all, err := h.Network().Traffic(t.Context())
	require.NoError(t, err)
	by := map[netengine.Object]netengine.Traffic{}
	for _, one := range all {
		by[one.Object] = one
	}
	return by
}

func TestUsageIsPlausibleAtEveryStep(t *testing.T) {
	clock, h, _ := metered(t)
	before := usageOf(t, h)
	for range 2000 {
		const step = 7 * time.Minute
		clock.Advance(step)
		u := usageOf(t, h)
		load := float64(u.CPU-before.CPU) / float64(2*step)
		require.True(t, load > 0 && load < 1, "load %f", load)
		require.True(t, u.MemoryUsed > 0 && u.MemoryUsed < u.MemoryBytes)
		require.Greater(t, u.Disk.ReadBytes, before.Disk.ReadBytes)
		require.Greater(t, u.NICs[0].OutBytes, before.NICs[0].OutBytes)
		before = u
	}
}

func TestUsageComesFromTheSeed(t *testing.T) {
	clock, h, _ := metered(t)
	again, other, _ := metered(t)
	clock.Advance(time.Hour)
	again.Advance(time.Hour)
	require.Equal(t, usageOf(t, h).NICs, usageOf(t, other).NICs)
}

func TestPublicTrafficIsPartOfTheMachines(t *testing.T) {
	clock, h, m := metered(t)
	ip := netengine.Object{Kind: spec.KindPublicIP, UID: "ip-1"}
	trafficOf(t, h)
	clock.Advance(time.Hour)
	one, nic := trafficOf(t, h)[ip], usageOf(t, h).NICs[0]
	require.True(t, one.InBytes > 0 && one.InBytes < nic.InBytes)
	require.True(t, one.OutBytes > 0 && one.OutBytes < nic.OutBytes)
	require.NotContains(t, trafficOf(t, h), netengine.Object{Kind: spec.KindNATGateway, UID: "nat-1"}, "the public address goes before the gateway")

	require.NoError(t, h.Hypervisor().Stop(t.Context(), m.UID, 0))
	rest := trafficOf(t, h)[ip]
	clock.Advance(time.Hour)
	require.Equal(t, rest, trafficOf(t, h)[ip], "a machine that is off sends nothing")
}

func TestGatewayCarriesWhatHasNoPublicAddress(t *testing.T) {
	clock, h, _ := metered(t)
	require.NoError(t, h.Network().Remove(t.Context(), netengine.Object{Kind: spec.KindPublicIP, UID: "ip-1"}))
	trafficOf(t, h)
	clock.Advance(time.Hour)
	all := trafficOf(t, h)
	require.Len(t, all, 1)
	for o, one := range all {
		require.Equal(t, spec.KindNATGateway, o.Kind)
		require.Positive(t, one.OutBytes)
		require.Positive(t, one.Connections)
	}
}
