package network_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// addressBook is the model of one subnet's addresses.
type addressBook struct {
	db     *store.DB
	nets   *network.Networks
	caller *identity.Caller
	site   *place.Site
	subnet *network.Subnet
	nics   map[string]*network.Port       // by address
	vips   map[string]*network.PortDetail // by address
	doomed map[string]string              // addresses of deleted virtual IPs that the site still has, to their UIDs
	made   int
}

func (b *addressBook) taken() int { return len(b.nics) + len(b.vips) + len(b.doomed) }

// may tells whether an address is one that ports of the subnet may have at all.
func (b *addressBook) may(a netip.Addr) bool {
	p := b.subnet.Prefix()
	return p.Contains(a) && a != p.Addr() && p.Contains(a.Next())
}

func (b *addressBook) free(address string) bool {
	a := netip.MustParseAddr(address)
	return b.may(a) && address != b.subnet.Gateway && b.nics[address] == nil && b.vips[address] == nil && b.doomed[address] == ""
}

// gave notes an address that was given out: it must have been free.
func (b *addressBook) gave(t *rapid.T, address string) {
	require.True(t, b.free(address), "%s was given out", address)
}

func (b *addressBook) room() int { return 1<<(32-b.subnet.Prefix().Bits()) - 3 - b.taken() }

func (b *addressBook) addNICs(t *rapid.T) {
	count, room := rapid.IntRange(1, 4).Draw(t, "NICs"), b.room()
	err := b.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		r, err := network.Resolve(ctx, tx, b.caller, network.Attachment{Site: b.site, Subnet: b.subnet.UID})
		if err != nil {
			return err
		}
		uids := make([]string, count)
		for i := range uids {
			b.made++
			uids[i] = fmt.Sprint("i", b.made)
		}
		ports, err := r.AddPorts(ctx, tx, b.caller, 0, uids)
		if err != nil {
			return err
		}
		for _, p := range ports {
			b.gave(t, p.Address)
			b.nics[p.Address] = p
		}
		return nil
	})
	if count > room {
		require.True(t, fault.Is(err, fault.Capacity), "%v", err)
		return
	}
	require.NoError(t, err)
}

func (b *addressBook) addVirtualIP(t *rapid.T) {
	w := network.NewVirtualIP{Subnet: b.subnet.UID}
	if rapid.Bool().Draw(t, "chosen") {
		at := b.subnet.Prefix().Addr()
		for range rapid.IntRange(0, 1<<(32-b.subnet.Prefix().Bits())).Draw(t, "offset") {
			at = at.Next()
		}
		w.Address = at
	}
	room := b.room()
	p, err := b.nets.CreateVirtualIP(context.Background(), b.caller, w)
	switch {
	case w.Address.IsValid() && !b.may(w.Address):
		require.True(t, fault.Is(err, fault.Invalid), "%v", err)
	case w.Address.IsValid() && !b.free(w.Address.String()):
		require.True(t, fault.Is(err, fault.Exists), "%v", err)
	case !w.Address.IsValid() && room == 0:
		require.True(t, fault.Is(err, fault.Capacity), "%v", err)
	default:
		require.NoError(t, err)
		b.gave(t, p.Address)
		b.vips[p.Address] = p
	}
}

func (b *addressBook) dropNIC(t *rapid.T) {
	for address, p := range b.nics {
		require.NoError(t, b.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			return network.DropPorts(ctx, tx, []*network.Port{p})
		}))
		delete(b.nics, address)
		return
	}
}

func (b *addressBook) dropVirtualIP(t *rapid.T) {
	for address, p := range b.vips {
		require.NoError(t, b.nets.DeleteVirtualIP(context.Background(), b.caller, p.UID))
		_, err := b.nets.GetPort(context.Background(), b.caller, p.UID)
		require.True(t, fault.Is(err, fault.NotFound))
		delete(b.vips, address)
		b.doomed[address] = p.UID
		return
	}
}

// confirm is the site's word that a deleted virtual IP is gone.
func (b *addressBook) confirm(t *rapid.T) {
	for address, uid := range b.doomed {
		require.NoError(t, b.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			return network.ObserveVirtualIP(ctx, tx, spec.Report{Kind: spec.KindVirtualIP, UID: uid, Phase: spec.Gone})
		}))
		delete(b.doomed, address)
		return
	}
}

// TestNoAddressIsGivenOutTwice makes and drops NICs and virtual IPs in any order: no address is given out twice, none that is reserved ever, and those that come
// back are given out again, until exactly the whole range is in use.
func TestNoAddressIsGivenOutTwice(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	caller, site := &identity.Caller{Account: "a", Dialect: "test"}, &place.Site{UID: "s", Slug: "s", Name: "s"}
	require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(site).Exec(ctx)
		return err
	}))
	nets := network.New(db, place.New(db))
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		ctx := context.Background()
		net, err := nets.CreateNetwork(ctx, caller, network.NewNetwork{Name: fmt.Sprint("n", round), CIDR: "10.0.0.0/16"})
		require.NoError(t, err)
		gateway := rapid.IntRange(1, 14).Draw(t, "gateway")
		s, err := nets.CreateSubnet(ctx, caller, network.NewSubnet{Network: net.UID, Site: site.UID, Name: "s", CIDR: "10.0.0.16/28", Gateway: fmt.Sprint("10.0.0.", 16+gateway)})
		require.NoError(t, err)
		b := &addressBook{db: db, nets: nets, caller: caller, site: site, subnet: s, nics: map[string]*network.Port{}, vips: map[string]*network.PortDetail{}, doomed: map[string]string{}}
		steps := []func(*rapid.T){b.addNICs, b.addNICs, b.addVirtualIP, b.addVirtualIP, b.dropNIC, b.dropVirtualIP, b.confirm}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
		}
		for b.room() > 0 {
			p, err := nets.CreateVirtualIP(ctx, caller, network.NewVirtualIP{Subnet: s.UID})
			require.NoError(t, err, "%d addresses are free", b.room())
			b.gave(t, p.Address)
			b.vips[p.Address] = p
		}
		_, err = nets.CreateVirtualIP(ctx, caller, network.NewVirtualIP{Subnet: s.UID})
		require.True(t, fault.Is(err, fault.Capacity), "%v", err)
		b.end(t, net)
	})
}

// end takes all away again; the subnet can go while the site still has the last virtual IPs.
func (b *addressBook) end(t *rapid.T, net *network.Network) {
	ctx := context.Background()
	for len(b.nics) > 0 {
		b.dropNIC(t)
	}
	for len(b.vips) > 0 {
		require.Error(t, b.nets.DeleteSubnet(ctx, b.caller, b.subnet.UID))
		b.dropVirtualIP(t)
	}
	require.NoError(t, b.nets.DeleteSubnet(ctx, b.caller, b.subnet.UID))
	_, err := b.nets.DeleteNetwork(ctx, b.caller, net.UID)
	require.NoError(t, err)
	found, err := check.Rows(ctx, b.db)
	require.NoError(t, err)
	require.Empty(t, found)
}
