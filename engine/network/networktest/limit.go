package networktest

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// limits measures what passes a limit: of one address, and of two that share one, each way. Every flow offers more than the limit, so that what arrives is the
// limit's doing.
func (x *tenant) limits(t *testing.T) {
	ctx, e := t.Context(), x.f.Engine
	open := x.group
	open.Rules = append(open.Rules[:2:2], spec.Rule{UID: "meter", Direction: spec.Ingress, Protocol: "udp", PortMin: meterPort, PortMax: meterPort + 1})
	require.NoError(t, e.EnsureSecurityGroup(ctx, open))
	address := x.f.Uplink.Gateway
	for range 60 {
		address = address.Next()
	}
	one := spec.PublicIP{UID: "eip-1", Uplink: x.f.Uplink.UID, Address: address, Network: "one", Port: "pa", Private: netip.MustParseAddr("10.1.0.11"), Mbps: 10}
	two := spec.PublicIP{UID: "eip-2", Uplink: x.f.Uplink.UID, Address: address.Next(), Network: "one", Port: "pb", Private: netip.MustParseAddr("10.1.0.12"), Mbps: 10}
	require.NoError(t, e.EnsurePublicIP(ctx, one))
	require.NoError(t, e.EnsurePublicIP(ctx, two))
	reaches(t, x.f.Outside, one.Address.String())
	reaches(t, x.f.Outside, two.Address.String())
	toOne, toTwo := flow{x.f.Outside, x.ra, one.Address.String()}, flow{x.f.Outside, x.rb, two.Address.String()}
	fromOne, fromTwo := flow{x.ra, x.f.Outside, x.f.Uplink.Gateway.String()}, flow{x.rb, x.f.Outside, x.f.Uplink.Gateway.String()}
	t.Run("OneAddress", func(t *testing.T) {
		near(t, "in to one address", 10, 20, toOne)
		near(t, "out of one address", 10, 20, fromOne)
		near(t, "in to two addresses with a limit each", 20, 20, toOne, toTwo)
	})
	t.Run("Shared", func(t *testing.T) {
		require.NoError(t, e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw", Mbps: 10}))
		for _, ip := range []*spec.PublicIP{&one, &two} {
			ip.Mbps, ip.Bandwidth = 0, "bw"
			require.NoError(t, e.EnsurePublicIP(ctx, *ip))
		}
		near(t, "in to two addresses that share", 10, 15, toOne, toTwo)
		near(t, "out of two addresses that share", 10, 15, fromOne, fromTwo)
		near(t, "in to one of them alone", 10, 20, toOne)
		near(t, "out of one of them alone", 10, 20, fromTwo)
		require.NoError(t, e.EnsureBandwidth(ctx, spec.Bandwidth{UID: "bw", Mbps: 20}))
		near(t, "in to both of a bandwidth that was raised", 20, 20, toOne, toTwo)
	})
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "eip-2"}))
	near(t, "in to the address that is left", 20, 30, toOne)
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindPublicIP, UID: "eip-1"}))
	require.NoError(t, e.Remove(ctx, network.Object{Kind: spec.KindBandwidth, UID: "bw"}))
	require.NoError(t, e.EnsureSecurityGroup(ctx, x.group))
}
