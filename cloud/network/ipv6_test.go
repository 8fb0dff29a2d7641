package network_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// dual gives instances of a site ports with public addresses of both versions.
func dual(ctx context.Context, tx *store.Tx, caller *identity.Caller, site *place.Site, instances ...string) (ports []*network.Port, all []*network.PublicIP, err error) {
	r, err := network.Resolve(ctx, tx, caller, network.Attachment{Site: site})
	if err != nil {
		return nil, nil, err
	}
	if ports, err = r.AddPorts(ctx, tx, caller, 0, instances); err != nil {
		return nil, nil, err
	}
	if all, err = network.AddPublicIPs(ctx, tx, caller, r.Network, ports, nil, 5); err != nil {
		return nil, nil, err
	}
	six, err := network.AddIPv6(ctx, tx, caller, ports, nil, 5)
	return ports, append(all, six...), err
}

// A line that instances use already is given IPv6: the site hears of it, and of the subnet's range with the first address.
func TestALineIsGivenIPv6(t *testing.T) {
	b, ctx := controlplanetest.NewBed(t), context.Background()
	var ports []*network.Port
	var ips []*network.PublicIP
	try := func(uid string) error {
		return b.CP.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			ports, ips, err = dual(ctx, tx, b.Caller, b.Site, uid)
			return err
		})
	}
	require.NoError(t, b.CP.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { // the line is in use
		r, err := network.Resolve(ctx, tx, b.Caller, network.Attachment{Site: b.Site})
		if err != nil {
			return err
		}
		p, err := r.AddPorts(ctx, tx, b.Caller, 0, []string{"four"})
		if err != nil {
			return err
		}
		_, err = network.AddPublicIPs(ctx, tx, b.Caller, r.Network, p, nil, 5)
		return err
	}))
	require.True(t, fault.Is(try("i"), fault.Capacity))

	var line *place.Line
	require.NoError(t, b.CP.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		lines, err := place.Lines(ctx, tx, b.Site.UID)
		line = lines[0]
		return err
	}))
	wanted := place.NewLine{Carrier: line.Carrier, PhysicalNetwork: line.PhysicalNetwork, VLAN: line.VLAN, Prefix: line.Range(), Gateway: netip.MustParseAddr(line.Gateway), SNAT: line.SNAT,
		First: netip.MustParseAddr(line.First), Last: netip.MustParseAddr(line.Last), IPv6: place.Block6{Prefix: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1")}}
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	other := wanted
	other.VLAN++
	require.True(t, fault.Is(b.CP.Networks.AddLine(ctx, operator, b.Site.UID, other), fault.Conflict))
	require.NoError(t, b.CP.Networks.AddLine(ctx, operator, b.Site.UID, wanted))
	require.True(t, fault.Is(b.CP.Networks.AddLine(ctx, operator, b.Site.UID, wanted), fault.Conflict), "it cannot be given another")

	require.NoError(t, try("i"))
	var up spec.Uplink
	heard(t, b, spec.KindUplink, line.UID, &up)
	require.Equal(t, wanted.IPv6.Prefix, up.Prefix6)
	require.Equal(t, wanted.IPv6.Gateway, up.Gateway6)
	var subnet spec.Subnet
	heard(t, b, spec.KindSubnet, ports[0].Subnet, &subnet)
	require.True(t, netip.MustParsePrefix("fd00::/8").Contains(subnet.Gateway6))
	require.Equal(t, spec.EUI64(subnet.Prefix6, ports[0].MAC).String(), ports[0].Address6)
	require.Len(t, ips, 2)
	require.True(t, ips[1].IPv6)
	require.Equal(t, "2001:db8::2", ips[1].Address)
	require.NoError(t, b.CP.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		specs, err := network.Specs(ctx, tx, ports, ips)
		require.NoError(t, err)
		require.Equal(t, []netip.Addr{netip.MustParseAddr(ports[0].Address), netip.MustParseAddr(ports[0].Address6)}, specs[0].Body.(spec.Port).Addresses)
		require.Equal(t, ports[0].Address, specs[1].Body.(spec.PublicIP).Private.String())
		require.Equal(t, ports[0].Address6, specs[2].Body.(spec.PublicIP).Private.String())
		return err
	}))
}

// heard is what a site is told of a thing.
func heard(t *testing.T, b *controlplanetest.Bed, kind, uid string, into any) {
	t.Helper()
	var body string
	require.NoError(t, b.CP.DB.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT body FROM link_specs WHERE kind = ? AND uid = ?", kind, uid).Scan(ctx, &body)
	}))
	require.NoError(t, json.Unmarshal([]byte(body), into))
}

// stack is the model of a line's public IPv6 addresses, of which there are few.
type stack struct {
	db     *store.DB
	caller *identity.Caller
	site   *place.Site
	size   int
	made   int
	live   [][]*network.PublicIP
	ports  [][]*network.Port
}

func (s *stack) used() (n int) {
	for _, p := range s.ports {
		n += len(p)
	}
	return n
}

func (s *stack) add(t *rapid.T) {
	count := rapid.IntRange(1, 4).Draw(t, "count")
	uids := make([]string, count)
	for k := range uids {
		s.made++
		uids[k] = fmt.Sprint(s.caller.Account, "i", s.made)
	}
	var ports []*network.Port
	var ips []*network.PublicIP
	err := s.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		ports, ips, err = dual(ctx, tx, s.caller, s.site, uids...)
		return err
	})
	if s.used()+count > s.size {
		require.True(t, fault.Is(err, fault.Capacity), "%v", err)
		return
	}
	require.NoError(t, err)
	s.live, s.ports = append(s.live, ips), append(s.ports, ports)
}

func (s *stack) drop(t *rapid.T) {
	if len(s.live) == 0 {
		return
	}
	k := rapid.IntRange(0, len(s.live)-1).Draw(t, "which")
	require.NoError(t, s.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		if err := network.ReleasePublicIPs(ctx, tx, s.live[k]); err != nil {
			return err
		}
		if err := network.DropPublicIPs(ctx, tx, s.caller.Account, s.live[k]); err != nil {
			return err
		}
		return network.DropPorts(ctx, tx, s.ports[k])
	}))
	s.live, s.ports = append(s.live[:k], s.live[k+1:]...), append(s.ports[:k], s.ports[k+1:]...)
}

// holds compares the rows with the model: an address is one port's alone, leased to it, and inside the block; what was given back is nobody's.
func (s *stack) holds(t *rapid.T) {
	seen, private := map[string]bool{}, map[string]bool{}
	for k := range s.live {
		for _, ip := range s.live[k] {
			require.False(t, seen[ip.Address], "%s is given out twice", ip.Address)
			seen[ip.Address] = true
			if ip.IPv6 {
				require.Regexp(t, `^2001:db8::1[0-5]$`, ip.Address)
			}
		}
		for _, p := range s.ports[k] {
			require.NotEmpty(t, p.Address6)
			require.False(t, private[p.Address6], "%s is given out twice", p.Address6)
			private[p.Address6] = true
		}
	}
	var leased []string
	require.NoError(t, s.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		err := tx.NewRaw("SELECT a.address FROM line_addresses AS a JOIN public_ips AS p ON p.uid = a.holder JOIN lines AS l ON l.uid = a.line WHERE l.site = ?", s.site.UID).Scan(ctx, &leased)
		if store.NotFound(err) {
			return nil
		}
		return err
	}))
	require.Len(t, leased, len(seen))
	for _, a := range leased {
		require.True(t, seen[a], "%s is leased to nobody", a)
	}
}

// TestNoIPv6AddressIsGivenOutTwice gives addresses and takes them back in any order, on a line of six.
func TestNoIPv6AddressIsGivenOutTwice(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	places, round := place.New(db), 0
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	rapid.Check(t, func(t *rapid.T) {
		round++
		prefix := netip.MustParsePrefix("192.0.2.0/24")
		line := place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "p", Prefix: prefix, Gateway: prefix.Addr().Next(), IPv6: place.Block6{
			Prefix: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1"), First: netip.MustParseAddr("2001:db8::10"), Last: netip.MustParseAddr("2001:db8::15")}}
		site, err := places.AddSite(context.Background(), operator, place.NewSite{Default: place.Default{Name: fmt.Sprintf("s-%d", round), Carrier: place.Mobile}, Lines: []place.NewLine{line}})
		require.NoError(t, err)
		s := &stack{db: db, site: site, size: 6, caller: &identity.Caller{Account: fmt.Sprintf("a%d", round), Role: identity.Member}}
		t.Repeat(map[string]func(*rapid.T){"add": s.add, "drop": s.drop, "": s.holds})
	})
}
