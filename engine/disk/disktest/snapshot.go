package disktest

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

func (f Fixture) volume(t *testing.T, bytes int64, content string) string {
	t.Helper()
	v, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: bytes})
	require.NoError(t, err)
	f.scribble(t, v.UID, content)
	return v.UID
}

func (f Fixture) snapshots(t *testing.T, want ...disk.Snapshot) {
	t.Helper()
	got, err := f.Pool.Snapshots(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
}

func sorted(a, b string) []string {
	if a < b {
		return []string{a, b}
	}
	return []string{b, a}
}

// snapshot: what two volumes held comes back, as often as it is asked for, and taking it again does not take it anew.
func snapshot(t *testing.T, f Fixture) {
	a, b := f.volume(t, 4*MiB, "a one"), f.volume(t, 2*MiB, "b one")
	first, second := uuid.NewString(), uuid.NewString()
	require.NoError(t, f.Pool.Snapshot(t.Context(), first, []string{a, b}))
	f.scribble(t, a, "a two")
	f.scribble(t, b, "b two")
	require.NoError(t, f.Pool.Snapshot(t.Context(), first, []string{a, b}))
	require.NoError(t, f.Pool.Snapshot(t.Context(), second, []string{a}))
	f.scribble(t, a, "a 333")
	f.snapshots(t, disk.Snapshot{UID: first, Volumes: sorted(a, b)}, disk.Snapshot{UID: second, Volumes: []string{a}})
	for range 2 {
		require.NoError(t, f.Pool.RollBack(t.Context(), first, a))
		f.starts(t, a, "a one")
		f.starts(t, b, "b two")
		require.NoError(t, f.Pool.RollBack(t.Context(), second, a))
		f.starts(t, a, "a two")
		f.scribble(t, a, "a 444")
	}
	f.clean(t)
	for range 2 {
		require.NoError(t, f.Pool.RemoveSnapshot(t.Context(), first))
	}
	f.starts(t, a, "a 444")
	f.snapshots(t, disk.Snapshot{UID: second, Volumes: []string{a}})
	require.ErrorIs(t, f.Pool.RollBack(t.Context(), first, a), disk.ErrAbsent)
	require.NoError(t, f.Pool.Remove(t.Context(), a))
	f.snapshots(t)
}

// snapshotHalf: one that a crash left in only some of its volumes is of one moment when it is done.
func snapshotHalf(t *testing.T, f Fixture) {
	a, b := f.volume(t, MiB, "a one"), f.volume(t, MiB, "b one")
	uid := uuid.NewString()
	require.NoError(t, f.Pool.Snapshot(t.Context(), uid, []string{a}))
	f.scribble(t, a, "a two")
	f.scribble(t, b, "b two")
	require.NoError(t, f.Pool.Snapshot(t.Context(), uid, []string{a, b}))
	f.scribble(t, a, "a 333")
	require.NoError(t, f.Pool.RollBack(t.Context(), uid, a))
	f.starts(t, a, "a two")
	f.snapshots(t, disk.Snapshot{UID: uid, Volumes: sorted(a, b)})
}

func snapshotNothing(t *testing.T, f Fixture) {
	a, uid := f.volume(t, MiB, "a one"), uuid.NewString()
	require.ErrorIs(t, f.Pool.Snapshot(t.Context(), uid, []string{a, uuid.NewString()}), disk.ErrAbsent)
	require.ErrorContains(t, f.Pool.Snapshot(t.Context(), "../escape", []string{a}), "uid")
	require.ErrorContains(t, f.Pool.Snapshot(t.Context(), uid, []string{"a/b"}), "volumes")
	require.ErrorIs(t, f.Pool.RollBack(t.Context(), uid, a), disk.ErrAbsent)
	require.ErrorIs(t, f.Pool.RollBack(t.Context(), uid, uuid.NewString()), disk.ErrAbsent)
	require.NoError(t, f.Pool.RemoveSnapshot(t.Context(), uid))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, f.Pool.Snapshot(ctx, uid, []string{a}), context.Canceled)
	f.snapshots(t)
	_, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB, Origin: spec.Origin{Volume: a, Snapshot: uid}})
	require.ErrorIs(t, err, disk.ErrAbsent)
	_, err = f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB, Origin: spec.Origin{Volume: a, Snapshot: "a/b"}})
	require.ErrorContains(t, err, "origin")
	_, err = f.Pool.Capture(t.Context(), uuid.NewString(), a, uid)
	require.ErrorIs(t, err, disk.ErrAbsent)
	f.clean(t)
	volumes, err := f.Pool.List(t.Context())
	require.NoError(t, err)
	require.Len(t, volumes, 1)
}

// snapshotSize: a volume keeps the size that it has, and what is made of a snapshot has the snapshot's.
func snapshotSize(t *testing.T, f Fixture) {
	image := f.image(t, "base")
	v := spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: image.UID}
	_, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.scribble(t, v.UID, "mine")
	uid := uuid.NewString()
	require.NoError(t, f.Pool.Snapshot(t.Context(), uid, []string{v.UID}))
	v.Bytes = 8 * MiB
	_, err = f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.scribble(t, v.UID, "late")
	clone, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Origin: spec.Origin{Volume: v.UID, Snapshot: uid}})
	require.NoError(t, err)
	require.EqualValues(t, 2*MiB, clone.Bytes)
	require.Empty(t, clone.Image)
	f.starts(t, clone.UID, "mine")
	require.NoError(t, f.Pool.RollBack(t.Context(), uid, v.UID))
	got, err := f.Pool.Get(t.Context(), v.UID)
	require.NoError(t, err)
	require.EqualValues(t, 8*MiB, got.Bytes)
	f.starts(t, v.UID, "mine")
	f.scribble(t, clone.UID, "own!")
	f.starts(t, v.UID, "mine")
}

// snapshotUses: copies and images of a snapshot outlive it and its volume.
func snapshotUses(t *testing.T, f Fixture) {
	a, uid := f.volume(t, 4*MiB, "a one"), uuid.NewString()
	require.NoError(t, f.Pool.Snapshot(t.Context(), uid, []string{a}))
	f.scribble(t, a, "a two")
	want := spec.Volume{UID: uuid.NewString(), Bytes: 4 * MiB, Origin: spec.Origin{Volume: a, Snapshot: uid}}
	_, err := f.Pool.Ensure(t.Context(), want)
	require.NoError(t, err)
	made, err := f.Pool.Capture(t.Context(), uuid.NewString(), a, uid)
	require.NoError(t, err)
	f.captured(t, made)
	require.NoError(t, f.Pool.Remove(t.Context(), a))
	_, err = f.Pool.Ensure(t.Context(), want)
	require.NoError(t, err, "what is there needs no origin")
	f.starts(t, want.UID, "a one")
	n, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 4 * MiB, Image: made.UID})
	require.NoError(t, err)
	f.starts(t, n.UID, "a one")
}

// snapshotEpoch: a volume that starts again has no snapshots, and one that is opened again has all.
func snapshotEpoch(t *testing.T, f Fixture) {
	a, b, uid := f.volume(t, MiB, "a one"), f.volume(t, MiB, "b one"), uuid.NewString()
	require.NoError(t, f.Pool.Snapshot(t.Context(), uid, []string{a, b}))
	f.Pool = f.Reopen(t)
	f.snapshots(t, disk.Snapshot{UID: uid, Volumes: sorted(a, b)})
	_, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: a, Bytes: MiB, Epoch: 1})
	require.NoError(t, err)
	f.snapshots(t, disk.Snapshot{UID: uid, Volumes: []string{b}})
	f.scribble(t, b, "b two")
	require.NoError(t, f.Pool.RollBack(t.Context(), uid, b))
	f.starts(t, b, "b one")
}
