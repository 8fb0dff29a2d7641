package compute_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/check"
	"edgecloud/cloud/network"
	"edgecloud/fault"
	"edgecloud/store"
)

// elastic makes an elastic NIC beside the instance's own.
func (b *bed) elastic(further ...netip.Addr) *network.Port {
	d := b.instance()
	p, err := b.CP.Networks.CreateElasticNIC(context.Background(), b.Caller, network.NewElasticNIC{Name: "e", Subnet: d.Ports[0].Subnet, Groups: []string{d.Groups[0].UID}, Further: further})
	require.NoError(b.T, err)
	return p
}

func (b *bed) held(nic string) *network.ElasticNIC {
	p, err := b.CP.Networks.GetElasticNIC(context.Background(), b.Caller, nic)
	require.NoError(b.T, err)
	return p
}

func (b *bed) sound() {
	found, err := check.Rows(context.Background(), b.CP.DB)
	require.NoError(b.T, err)
	require.Empty(b.T, found)
}

func TestElasticNICsComeAndGo(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.create()
	b.settle()
	nic := b.elastic()
	_, err := b.CP.Compute.DetachNIC(ctx, b.Caller, b.id, nic.UID)
	require.True(t, fault.Is(err, fault.Conflict), "it is on none: %v", err)
	_, err = b.CP.Compute.AttachNIC(ctx, b.Caller, b.id, nic.UID)
	require.NoError(t, err)
	require.Equal(t, network.Attaching, b.held(nic.UID).Elastic)
	require.True(t, fault.Is(b.CP.Networks.DeleteElasticNIC(ctx, b.Caller, nic.UID), fault.Conflict), "it is on its way to an instance")
	b.sound()
	b.settle()
	require.Equal(t, network.Attached, b.held(nic.UID).Elastic)
	_, err = b.CP.Compute.RemoveNICs(ctx, b.Caller, b.id, []string{b.instance().Ports[0].UID, nic.UID})
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	require.Equal(t, network.Attached, b.held(nic.UID).Elastic, "a refusal changes nothing")
	_, err = b.CP.Compute.DetachNIC(ctx, b.Caller, b.id, nic.UID)
	require.NoError(t, err)
	require.Equal(t, network.Detaching, b.held(nic.UID).Elastic)
	b.sound()
	_, err = b.CP.Compute.Delete(ctx, b.Caller, b.id)
	require.NoError(t, err, "deleted while it lets go of the NIC")
	b.settle()
	require.Equal(t, network.Loose, b.held(nic.UID).Elastic)
	b.sound()
	require.NoError(t, b.CP.Networks.DeleteElasticNIC(ctx, b.Caller, nic.UID))
	require.Empty(t, b.leftovers())
}

// TestAnInstancesAddressesAreLimitedByItsMemory: features/vm.md, 7.
func TestAnInstancesAddressesAreLimitedByItsMemory(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.create()
	b.settle()
	for _, c := range []struct {
		mib   int64
		limit int
	}{{512, 2}, {1024, 2}, {1025, 8}, {8 << 10, 8}, {8<<10 + 1, 16}, {32 << 10, 16}, {64 << 10, 30}, {64<<10 + 1, 40}} {
		require.NoError(t, b.CP.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewRaw("UPDATE instances SET memory_mib = ? WHERE uid = ?", c.mib, b.id).Exec(ctx)
			return err
		}))
		have := len(b.instance().Ports[0].Further.V) + 1
		if c.limit > have {
			_, err := b.CP.Compute.AddAddresses(ctx, b.Caller, b.id, make([]netip.Addr, c.limit-have))
			require.NoError(t, err, "%d MiB", c.mib)
		}
		_, err := b.CP.Compute.AddAddresses(ctx, b.Caller, b.id, make([]netip.Addr, 1))
		require.True(t, fault.Is(err, fault.Quota), "%d MiB: %v", c.mib, err)
	}
	_, err := b.CP.Compute.AddAddresses(ctx, b.Caller, b.id, nil)
	require.True(t, fault.Is(err, fault.Invalid), "%v", err)
}

// TestAddressesAreNeverHeldTwice adds and removes addresses of two NICs and an instance, at any time of their lives, and holds them against a model.
func TestAddressesAreNeverHeldTwice(t *testing.T) {
	b, ctx := newBed(t), t.Context()
	b.create()
	b.settle()
	nics := []string{b.elastic().UID, b.elastic(netip.Addr{}).UID}
	pool := []string{"172.16.0.40", "172.16.0.41", "172.16.0.42"}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(3, 8).Draw(rt, "steps") {
			nic, at := rapid.SampledFrom(nics).Draw(rt, "nic"), rapid.SampledFrom(pool).Draw(rt, "address")
			has := b.held(nic).Further.V
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				_, err := b.CP.Networks.AddElasticAddresses(ctx, b.Caller, nic, []netip.Addr{netip.MustParseAddr(at)})
				if err == nil {
					require.Equal(rt, append(slices.Clone(has), at), b.held(nic).Further.V)
				} else {
					require.True(rt, fault.Is(err, fault.Exists), "%v", err)
				}
			case 2, 3:
				err := b.CP.Networks.RemoveElasticAddresses(ctx, b.Caller, nic, []string{at})
				require.Equal(rt, slices.Contains(has, at), err == nil, "%v", err)
			case 4:
				if _, err := b.CP.Compute.AttachNIC(ctx, b.Caller, b.id, nic); err != nil {
					_, _ = b.CP.Compute.DetachNIC(ctx, b.Caller, b.id, nic)
				}
			default:
				b.settle()
			}
			b.sound()
		}
		b.settle()
		for _, at := range pool { // whoever has it, nobody else does; what nobody has can be had
			var holders []string
			for _, nic := range nics {
				if slices.Contains(b.held(nic).Further.V, at) {
					holders = append(holders, nic)
				}
			}
			require.LessOrEqual(rt, len(holders), 1, at)
			if len(holders) == 1 {
				continue
			}
			_, err := b.CP.Networks.AddElasticAddresses(ctx, b.Caller, nics[0], []netip.Addr{netip.MustParseAddr(at)})
			require.NoError(rt, err, "a lost address is free at rest")
			require.NoError(rt, b.CP.Networks.RemoveElasticAddresses(ctx, b.Caller, nics[0], []string{at}))
			b.settle()
		}
		found, err := check.Settled(ctx, b.CP.DB)
		require.NoError(rt, err)
		require.Empty(rt, found)
	})
}

func TestListsOfElasticNICsTakeFewStatements(t *testing.T) {
	b := newBed(t)
	b.create()
	b.settle()
	for range 5 {
		b.elastic(netip.Addr{})
	}
	ctx, counter := store.CountStatements(t.Context())
	found, total, err := b.CP.Networks.ListElasticNICs(ctx, b.Caller, network.ElasticFilter{Ending: "2"}, store.Page{Number: 1, Size: 100})
	require.NoError(t, err)
	require.Len(t, found, total)
	require.LessOrEqual(t, counter.N(), 5, counter.Statements())
}
