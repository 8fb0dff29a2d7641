package network_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// A network whose site has a line for SNAT gets a router's address of it with its first subnet; one elsewhere gets none until it needs one.
func TestNetworksReachOutByALineForSNAT(t *testing.T) {
	b, ctx := controlplanetest.NewBed(t), context.Background()
	snat, err := b.CP.Place.SiteByName(ctx, "cn-shanghai-cm")
	require.NoError(t, err)
	prefix := netip.MustParsePrefix("198.51.100.0/24")
	line := place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "p", Prefix: prefix, Gateway: prefix.Addr().Next(), SNAT: true}
	require.NoError(t, b.CP.Place.EnsureLine(ctx, snat.UID, line))

	with := settled(t, b, snat)
	require.True(t, with.SNAT)
	require.Equal(t, "198.51.100.2", with.Address.String())
	require.NotEmpty(t, with.Uplink)
	without := settled(t, b, b.Site)
	require.False(t, without.SNAT)
	require.Empty(t, without.Uplink)
}

// settled is what the site is told of a network with two subnets there.
func settled(t *testing.T, b *controlplanetest.Bed, site *place.Site) (s spec.Network) {
	ctx := context.Background()
	net, err := b.CP.Networks.CreateNetwork(ctx, b.Caller, network.NewNetwork{Site: site, Name: "n", CIDR: "10.1.0.0/16"})
	require.NoError(t, err)
	for name, cidr := range map[string]string{"a": "10.1.1.0/24", "b": "10.1.2.0/24"} {
		_, err = b.CP.Networks.CreateSubnet(ctx, b.Caller, network.NewSubnet{Network: net.UID, Name: name, CIDR: cidr})
		require.NoError(t, err)
	}
	var body string
	require.NoError(t, b.CP.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var n int
		if err := tx.NewRaw("SELECT count(*) FROM line_addresses WHERE holder = ?", net.UID).Scan(ctx, &n); err != nil {
			return err
		}
		require.LessOrEqual(t, n, 1)
		return tx.NewRaw("SELECT body FROM link_specs WHERE kind = ? AND uid = ?", spec.KindNetwork, net.UID).Scan(ctx, &body)
	}))
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	return s
}
