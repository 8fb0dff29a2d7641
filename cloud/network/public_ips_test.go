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

// lineStory makes, binds, frees and deletes the addresses of a small line at random.
type lineStory struct {
	t      *rapid.T
	db     *store.DB
	nets   *network.Networks
	caller *identity.Caller
	site   *place.Site
	vips   []string
	live   []*network.PublicIPDetail
}

// lineSize is how many addresses a /29 gives out: all but the network's, the carrier's router's and the broadcast one.
const lineSize = 5

func (s *lineStory) leases() (held int) {
	require.NoError(s.t, s.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT COUNT(*) FROM line_addresses WHERE line IN (SELECT uid FROM lines WHERE site = ?)", s.site.UID).Scan(ctx, &held)
	}))
	return held
}

func (s *lineStory) create() {
	held := s.leases()
	made, err := s.nets.CreatePublicIPs(context.Background(), s.caller, network.NewPublicIP{Site: s.site, Shared: network.Share})
	if held == lineSize {
		require.True(s.t, fault.Is(err, fault.Capacity), "%v", err)
		return
	}
	require.NoError(s.t, err)
	for _, other := range s.live {
		require.NotEqual(s.t, other.Address, made[0].Address, "an address twice")
	}
	s.live = append(s.live, made[0])
	s.settle()
}

// settle lets the site report on the line, and the life cycle run.
func (s *lineStory) settle() {
	require.NoError(s.t, s.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		for _, ip := range s.live {
			if err := network.ObserveUplink(ctx, tx, spec.Report{UID: ip.Line, Generation: 1 << 40, Phase: spec.Applied}); err != nil {
				return err
			}
			if _, err := network.PublicIPLifecycle().Step(ctx, tx, ip.UID); err != nil {
				return err
			}
			if _, err := tx.NewRaw("UPDATE public_ips SET state = ? WHERE uid = ? AND state = ?", network.IPFree, ip.UID, network.IPCreating).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *lineStory) bind() {
	if len(s.live) == 0 {
		return
	}
	ip, port := rapid.SampledFrom(s.live).Draw(s.t, "ip"), rapid.SampledFrom(append(s.vips, "")).Draw(s.t, "port")
	_, err := s.nets.BindPublicIP(context.Background(), s.caller, ip.UID, port)
	if err != nil {
		require.True(s.t, fault.Is(err, fault.Conflict) || fault.Is(err, fault.Capacity), "%v", err)
	}
}

func (s *lineStory) remove() {
	if len(s.live) == 0 {
		return
	}
	k := rapid.IntRange(0, len(s.live)-1).Draw(s.t, "ip")
	now, err := s.nets.GetPublicIP(context.Background(), s.caller, s.live[k].UID)
	require.NoError(s.t, err)
	err = s.nets.DeletePublicIP(context.Background(), s.caller, now.UID)
	require.Equal(s.t, now.Port != "", fault.Is(err, fault.Conflict), "%v", err)
	if err == nil {
		s.live = append(s.live[:k], s.live[k+1:]...)
	}
}

// confirm lets the site answer all tombstones of addresses: their leases end, unless their rows are there.
func (s *lineStory) confirm() {
	require.NoError(s.t, s.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		var uids []string
		if err := tx.NewRaw("DELETE FROM link_specs WHERE kind = 'public_ip' AND deleted AND target = ? RETURNING uid", spec.SiteTarget(s.site.UID)).Scan(ctx, &uids); err != nil && !store.NotFound(err) {
			return err
		}
		for _, uid := range uids {
			if err := network.ObservePublicIP(ctx, tx, spec.Report{UID: uid, Generation: 1 << 40, Phase: spec.Gone}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestALinesAddressesAreOnesAlone holds random stories to the checker's rules: no address twice, a lease for each row, a bandwidth only with addresses, quota as rows.
func TestALinesAddressesAreOnesAlone(t *testing.T) {
	db := storetest.SQLite(t, controlplane.Migrations()...)
	places := place.New(db)
	operator := &identity.Caller{Account: "operator", Role: identity.Admin, Operator: true}
	nets, round := network.New(db, places), 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		line := place.NewLine{Carrier: place.Mobile, PhysicalNetwork: "provider", Prefix: netip.MustParsePrefix("192.0.2.0/29"), Gateway: netip.MustParseAddr("192.0.2.1")}
		site, err := places.AddSite(context.Background(), operator, place.NewSite{Default: place.Default{Name: fmt.Sprintf("site-%d", round), Carrier: place.Mobile}, Lines: []place.NewLine{line}})
		require.NoError(r, err)
		s := &lineStory{t: r, db: db, nets: nets, site: site, caller: &identity.Caller{Account: fmt.Sprintf("a%d", round), Role: identity.Member}}
		net, err := nets.CreateNetwork(context.Background(), s.caller, network.NewNetwork{Name: "vpc", CIDR: "10.5.0.0/16"})
		require.NoError(r, err)
		subnet, err := nets.CreateSubnet(context.Background(), s.caller, network.NewSubnet{Network: net.UID, Site: site.UID, Name: "subnet", CIDR: "10.5.1.0/24"})
		require.NoError(r, err)
		for range 2 {
			p, err := nets.CreateVirtualIP(context.Background(), s.caller, network.NewVirtualIP{Subnet: subnet.UID})
			require.NoError(r, err)
			s.vips = append(s.vips, p.UID)
		}
		step := func(do func()) func(*rapid.T) { return func(r *rapid.T) { s.t = r; do() } }
		r.Repeat(map[string]func(*rapid.T){"create": step(s.create), "bind": step(s.bind), "remove": step(s.remove), "confirm": step(s.confirm), "": func(r *rapid.T) {
			found, err := check.Rows(context.Background(), db)
			require.NoError(r, err)
			require.Empty(r, found)
		}})
	})
}
