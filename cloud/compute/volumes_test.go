package compute_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/network"
	"edgecloud/cloud/volume"
	"edgecloud/store"
	"edgecloud/work"
)

func (b *bed) volumes() []*volume.Volume {
	found, _, err := volume.List(context.Background(), b.CP.DB, b.Caller, volume.Filter{}, store.Window{})
	require.NoError(b.T, err)
	return found
}

// dropLoose deletes the volumes that stand alone by now.
func (b *bed) dropLoose() {
	for _, v := range b.volumes() {
		if v.Hold == volume.Loose {
			require.NoError(b.T, volume.Delete(context.Background(), b.CP.DB, b.Caller, v.UID))
		}
	}
	b.settle()
}

func (b *bed) attachVolume() error {
	ctx := context.Background()
	made, err := volume.CreateLoose(ctx, b.CP.DB, b.Caller, []volume.NewLoose{{Site: b.Site, Count: 1, Name: "alone", Storage: "CDS_SSD", GiB: 50}})
	if err != nil {
		return err
	}
	_, err = b.CP.Compute.AttachVolume(ctx, b.Caller, b.id, made[0].UID)
	return err
}

// detachVolume takes the disk off that was made with the instance.
func (b *bed) detachVolume() error {
	for _, v := range b.volumes() {
		if v.Role == volume.Cloud {
			_, err := b.CP.Compute.DetachVolume(context.Background(), b.Caller, b.id, v.UID)
			return err
		}
	}
	return nil
}

func (b *bed) changeNetwork() error {
	ctx := context.Background()
	net, err := b.CP.Networks.CreateNetwork(ctx, b.Caller, network.NewNetwork{Site: b.Site, Name: "other", CIDR: "10.0.0.0/16"})
	if err != nil {
		return err
	}
	s, err := b.CP.Networks.CreateSubnet(ctx, b.Caller, network.NewSubnet{Network: net.UID, Name: "s", CIDR: "10.0.1.0/24"})
	if err != nil {
		return err
	}
	_, err = b.CP.Compute.ChangeNetwork(ctx, b.Caller, b.id, s.UID)
	return err
}

// TestAGuestThatHoldsADiskKeepsIt: what is not confirmed in time is as it was.
func TestAGuestThatHoldsADiskKeepsIt(t *testing.T) {
	b := newBed(t)
	b.create()
	b.settle()
	require.NoError(t, b.detachVolume())
	r := &work.Runner{DB: b.CP.DB, Reconcilers: b.reconcilers(), Logger: slog.New(slog.DiscardHandler)}
	for _, wait := range []time.Duration{0, 11 * time.Minute} { // its host says nothing
		b.Clock.Advance(wait)
		_, err := r.RunDue(t.Context())
		require.NoError(t, err)
	}
	v, err := b.CP.Compute.Get(t.Context(), b.Caller, b.id)
	require.NoError(t, err)
	require.Equal(t, compute.Running, v.State, v.Error)
	require.Len(t, v.Volumes, 2)
	require.Equal(t, volume.Attached, v.Volumes[1].Hold)
	b.settle()
	b.sound()
	_, err = b.CP.Compute.DetachVolume(t.Context(), b.Caller, b.id, v.Volumes[1].UID)
	require.NoError(t, err, "it can be tried again")
	b.settle()
	require.Equal(t, volume.Loose, b.volumes()[1].Hold)
}
