package place_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/store/storetest"
)

func TestABlockOfIPv6IsCheckedAndFilledIn(t *testing.T) {
	p := place.New(storetest.SQLite(t, controlplane.Migrations()...))
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	add := func(n int, b place.Block6) (*place.Line, error) {
		v4 := netip.MustParsePrefix("192.0.2.0/24")
		s, err := p.AddSite(t.Context(), operator, place.NewSite{Default: place.Default{Name: fmt.Sprint("s", n), Carrier: place.BGP},
			Lines: []place.NewLine{{Carrier: place.BGP, PhysicalNetwork: "p", Prefix: v4, Gateway: v4.Addr().Next(), IPv6: b}}})
		if err != nil {
			return nil, err
		}
		lines, err := p.AllLines(t.Context(), operator)
		return lines[s.UID][0], err
	}
	prefix, at := netip.MustParsePrefix("2001:db8::/64"), netip.MustParseAddr
	for n, c := range []struct {
		block       place.Block6
		field       string
		first, last string
	}{
		{place.Block6{}, "", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::1")}, "", "2001:db8::2", "2001:db8::1:0:1"},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::ffff"), First: at("2001:db8::1"), Last: at("2001:db8::9")}, "", "2001:db8::1", "2001:db8::9"},
		{place.Block6{Gateway: at("2001:db8::1")}, "ipv6.prefix", "", ""},
		{place.Block6{Prefix: netip.MustParsePrefix("2001:db8::/56"), Gateway: at("2001:db8::1")}, "ipv6.prefix", "", ""},
		{place.Block6{Prefix: netip.MustParsePrefix("2001:db8::5/64"), Gateway: at("2001:db8::1")}, "ipv6.prefix", "", ""},
		{place.Block6{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Gateway: at("192.0.2.1")}, "ipv6.prefix", "", ""},
		{place.Block6{Prefix: prefix}, "ipv6.gateway", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8:1::1")}, "ipv6.gateway", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::5"), First: at("2001:db8::1"), Last: at("2001:db8::9")}, "ipv6.first", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::1"), First: at("2001:db8::9"), Last: at("2001:db8::2")}, "ipv6.first", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::1"), First: at("2001:db8::2"), Last: at("2001:db8::2:0:0")}, "ipv6.first", "", ""},
		{place.Block6{Prefix: prefix, Gateway: at("2001:db8::1"), First: at("2001:db8::2"), Last: at("2001:db9::3")}, "ipv6.first", "", ""},
	} {
		l, err := add(n, c.block)
		if c.field != "" {
			require.Error(t, err, "%v", c.block)
			require.Equal(t, c.field, fault.From(err).Field, "%v", c.block)
			continue
		}
		require.NoError(t, err, "%v", c.block)
		require.Equal(t, []string{c.first, c.last}, []string{l.First6, l.Last6})
	}
}
