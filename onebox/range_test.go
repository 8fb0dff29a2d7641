package onebox

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPublicRange(t *testing.T) {
	for text, want := range map[string]string{
		"198.51.100.0/24": "", "10.9.0.0/29": "",
		"198.51.100.0/30": "must be an IPv4 CIDR from /8 to /29", "2001:db8::/64": "must be an IPv4 CIDR", "198.51.100.7/24": "such as 198.51.100.0/24",
		"224.0.0.0/24": "addresses of hosts", "0.0.0.0/8": "addresses of hosts", "127.1.0.0/16": "addresses of hosts",
	} {
		err := checkRange(netip.MustParsePrefix(text))
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.ErrorContains(t, err, "--public-range "+text)
		require.ErrorContains(t, err, want)
	}
}

func TestPublicRangeMustBeFree(t *testing.T) {
	_, own, err := net.ParseCIDR("198.51.100.77/16")
	require.NoError(t, err)
	asked := netip.MustParsePrefix("198.51.100.0/24")
	require.ErrorContains(t, clash(asked, "eth0", []net.Addr{own}), "the machine has the address 198.51.0.0/16 on eth0")
	require.NoError(t, clash(asked, externalBridge, []net.Addr{own}))
	require.NoError(t, clash(netip.MustParsePrefix("203.0.113.0/24"), "eth0", []net.Addr{own}))
}

func TestPublicRangeStays(t *testing.T) {
	m := &machine{dir: t.TempDir()}
	require.NoError(t, m.settleRange(netip.MustParsePrefix("198.51.100.0/24")))
	require.NoError(t, m.keep(func(d *made) { d.Bridge = true }))
	again := &machine{dir: m.dir, made: m.made}
	require.NoError(t, again.settleRange(netip.Prefix{}))
	require.Equal(t, "198.51.100.0/24", again.made.Range.String())
	require.ErrorContains(t, again.settleRange(netip.MustParsePrefix("192.0.2.0/24")), "since its first start")
	fresh := &machine{dir: t.TempDir()}
	require.NoError(t, fresh.settleRange(netip.Prefix{}))
	require.Equal(t, DefaultRange, fresh.made.Range)
}
