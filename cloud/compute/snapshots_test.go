package compute_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/volume"
	"edgecloud/store"
	"edgecloud/work"
)

func (b *bed) snapshots() []*compute.SnapshotView {
	all, _, err := b.CP.Compute.Snapshots(context.Background(), b.Caller, volume.SnapshotFilter{}, store.Page{})
	require.NoError(b.T, err)
	return all
}

func (b *bed) takeSnapshot() error {
	_, err := b.CP.Compute.TakeSnapshot(context.Background(), b.Caller, b.id, "kept")
	return err
}

// taken is a snapshot of the instance, which is off.
func (b *bed) taken() (*compute.SnapshotView, error) {
	if _, err := b.CP.Compute.Stop(context.Background(), b.Caller, b.id, true); err != nil {
		return nil, err
	}
	b.settle()
	if err := b.takeSnapshot(); err != nil {
		return nil, err
	}
	b.settle()
	return b.snapshots()[0], nil
}

func (b *bed) rollBack() error {
	s, err := b.taken()
	if err != nil {
		return err
	}
	return b.CP.Compute.RollBackInstance(context.Background(), b.Caller, s.UID)
}

func (b *bed) rollBackDisk() error {
	s, err := b.taken()
	if err != nil {
		return err
	}
	return b.CP.Compute.RollBackDisk(context.Background(), b.Caller, s.Disks[1].UID)
}

func (b *bed) deleteSnapshot() error {
	s, err := b.taken()
	if err != nil {
		return err
	}
	return b.CP.Compute.DeleteSnapshots(context.Background(), b.Caller, []string{s.UID})
}

func (b *bed) copySnapshot() error {
	s, err := b.taken()
	if err != nil {
		return err
	}
	_, err = volume.CreateLoose(context.Background(), b.CP.DB, b.Caller, []volume.NewLoose{{Site: b.Site, Count: 1, Name: "copy", Storage: "CDS_SSD", From: s.Disks[0].UID}})
	return err
}

func (b *bed) imageOfSnapshot() error {
	s, err := b.taken()
	if err != nil {
		return err
	}
	_, _, err = b.CP.Compute.CaptureSnapshot(context.Background(), b.Caller, s.Disks[0].UID, "of a snapshot", "")
	return err
}

// TestASnapshotThatIsNotTakenInTimeIsGivenUp: the instance goes on as it was, and the host takes it no more.
func TestASnapshotThatIsNotTakenInTimeIsGivenUp(t *testing.T) {
	b := newBed(t)
	b.create()
	b.settle()
	require.NoError(t, b.takeSnapshot())
	b.silence(t, 0, 21*time.Minute)
	s := b.snapshots()[0]
	require.Equal(t, volume.SnapshotFailed, s.Snapshot.State)
	require.Contains(t, s.Error, "in time")
	require.Equal(t, compute.Running, s.State)
	b.settle()
	found, err := b.Host.Disk().Snapshots(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	b.sound()
	require.NoError(t, b.CP.Compute.DeleteSnapshots(t.Context(), b.Caller, []string{s.UID}))
	b.settle()
	require.Empty(t, b.snapshots())
	b.sound()
}

// TestACopyOfWhatGoesIsBroken, and gives its room back.
func TestACopyOfWhatGoesIsBroken(t *testing.T) {
	b := newBed(t)
	b.create()
	b.settle()
	require.NoError(t, b.copySnapshot())
	err := b.CP.Compute.DeleteSnapshots(t.Context(), b.Caller, []string{b.snapshots()[0].UID})
	require.ErrorContains(t, err, "still being made")
	_, err = b.CP.Compute.Delete(t.Context(), b.Caller, b.id)
	require.NoError(t, err)
	b.settle()
	left := b.volumes()
	require.Len(t, left, 1)
	require.Contains(t, left[0].Error, "snapshot went")
	found, err := check.Rows(t.Context(), b.CP.DB)
	require.NoError(t, err)
	require.Empty(t, found)
	b.dropLoose()
	require.Empty(t, b.leftovers())
}

// silence lets time pass in which the host says nothing.
func (b *bed) silence(t *testing.T, waits ...time.Duration) {
	t.Helper()
	r := &work.Runner{DB: b.CP.DB, Reconcilers: b.reconcilers(), Logger: slog.New(slog.DiscardHandler)}
	for _, wait := range waits {
		b.Clock.Advance(wait)
		for range 3 {
			_, err := r.RunDue(t.Context())
			require.NoError(t, err)
		}
	}
}

// snapshotState is what a user sees of snapshots, without names and times.
func (b *bed) snapshotState() (out []string) {
	for _, s := range b.snapshots() {
		out = append(out, fmt.Sprint("snapshot ", s.Snapshot.State, " ", s.Error, " ", len(s.Disks), " image ", s.ImageSlug != ""))
	}
	return out
}
