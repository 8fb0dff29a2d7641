package ovn_test

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/engine/network/networktest"
	"edgecloud/link/spec"
)

// TestPortsCostTheSameBesideAThousand guards the indexes: a call must not read or write in proportion to what is there.
func TestPortsCostTheSameBesideAThousand(t *testing.T) {
	e := openEngine(t, startNorthbound(t))
	w := networktest.NewWorld()
	w.Subnet.Prefix, w.Subnet.Gateway = netip.MustParsePrefix("10.1.0.0/16"), netip.MustParseAddr("10.1.0.1")
	require.NoError(t, w.Apply(t.Context(), e))
	port := func(i int) spec.Port {
		p := w.Port
		p.UID, p.MAC = fmt.Sprintf("p-%d", i), fmt.Sprintf("0a:00:00:01:%02x:%02x", i/256, i%256)
		p.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{10, 1, byte(1 + i/250), byte(i % 250)})}
		return p
	}
	timed := func(from, to int) time.Duration {
		began := time.Now()
		for i := from; i < to; i++ {
			require.NoError(t, e.EnsurePort(context.Background(), port(i)))
		}
		return (time.Since(began) / time.Duration(to-from)).Round(time.Microsecond)
	}
	first, _, last, again := timed(0, 100), timed(100, 1000), timed(1000, 1100), timed(1000, 1100)
	t.Logf("a port: %s beside few, %s beside a thousand, %s when nothing changed", first, last, again)
	require.Less(t, last, 4*first+10*time.Millisecond)
	require.Less(t, again, last)
}

// TestSurvivesARestartOfTheDatabase: what was asked for during the outage is done after it, and nothing was lost.
func TestSurvivesARestartOfTheDatabase(t *testing.T) {
	endpoint := startNorthbound(t)
	dir := strings.TrimSuffix(strings.TrimPrefix(endpoint, "unix:"), "/nb")
	e, w := openEngine(t, endpoint), networktest.NewWorld()
	require.NoError(t, w.Apply(t.Context(), e))
	before := w.Objects()
	out, err := exec.Command("ovs-appctl", "-t", dir+"/ctl", "exit").CombinedOutput()
	require.NoError(t, err, string(out))
	w.Port.UID, w.Port.Addresses = "port-2", []netip.Addr{netip.MustParseAddr("10.1.0.12")}
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		err := e.EnsurePort(ctx, w.Port)
		for err != nil && ctx.Err() == nil {
			err = e.EnsurePort(ctx, w.Port)
		}
		done <- err
	}()
	require.Eventually(t, func() bool { return exec.Command("test", "!", "-e", dir+"/nb").Run() == nil }, time.Minute, 10*time.Millisecond)
	serve(t, dir)
	require.NoError(t, <-done)
	objects, err := e.List(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, append(before, network.Object{Kind: spec.KindPort, UID: "port-2"}), objects)
}
