package disktest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// Suite states what every pool does. newFixture makes an empty pool for each case and cleans up by t.Cleanup.
func Suite(t *testing.T, name string, newFixture func(t *testing.T) Fixture) {
	cases := []struct {
		name string
		run  func(*testing.T, Fixture)
	}{
		{"an empty pool has nothing", empty},
		{"unknown UIDs are absent and can be removed", unknown},
		{"bad fields are refused", badFields},
		{"an image is fetched once", imageOnce},
		{"a wrong checksum leaves nothing", imageChecksum},
		{"a broken fetch leaves nothing and can be repeated", imageBroken},
		{"a false format leaves nothing", imageFormat},
		{"an image that cannot fit is not fetched", imageFull},
		{"an image in use stays", imageInUse},
		{"an image is made of a volume", capture},
		{"an image of nothing is none", captureNothing},
		{"a captured image is known again", captureReopen},
		{"a snapshot is what volumes held", snapshot},
		{"half a snapshot is taken anew", snapshotHalf},
		{"a snapshot of nothing is none", snapshotNothing},
		{"a snapshot and the size of its volume", snapshotSize},
		{"what is made of a snapshot outlives it", snapshotUses},
		{"a snapshot goes with its volume's epoch", snapshotEpoch},
		{"a blank volume", blank},
		{"a volume starts from its image", fromImage},
		{"a volume needs its image", imageAbsent},
		{"a volume grows and never shrinks", grow},
		{"a volume that can never fit", volumeFull},
		{"a higher epoch starts again", epoch},
		{"remove takes every epoch", removeEpochs},
		{"a pool opened again knows all", reopen},
		{"a cancelled call leaves nothing", cancelled},
		{"calls at the same time lose nothing", concurrent},
	}
	for _, c := range cases {
		t.Run(name+"/"+c.name, func(t *testing.T) {
			f := newFixture(t)
			c.run(t, f)
			f.clean(t)
		})
	}
}

func empty(t *testing.T, f Fixture) {
	volumes, err := f.Pool.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, volumes)
	images, err := f.Pool.Images(t.Context())
	require.NoError(t, err)
	require.Empty(t, images)
	total, free, err := f.Pool.Capacity(t.Context())
	require.NoError(t, err)
	require.Positive(t, total)
	require.Positive(t, free)
	require.LessOrEqual(t, free, total)
}

func unknown(t *testing.T, f Fixture) {
	uid := uuid.NewString()
	_, err := f.Pool.Get(t.Context(), uid)
	require.ErrorIs(t, err, disk.ErrAbsent)
	_, err = f.Pool.Source(t.Context(), uid)
	require.ErrorIs(t, err, disk.ErrAbsent)
	for range 2 {
		require.NoError(t, f.Pool.Remove(t.Context(), uid))
		require.NoError(t, f.Pool.RemoveImage(t.Context(), uid))
	}
}

func badFields(t *testing.T, f Fixture) {
	good := NewContent("bad")
	volumes := map[string]spec.Volume{
		"uid":   {UID: "../escape", Bytes: MiB},
		"bytes": {UID: uuid.NewString(), Bytes: 0},
		"epoch": {UID: uuid.NewString(), Bytes: MiB, Epoch: -1},
		"image": {UID: uuid.NewString(), Bytes: MiB, Image: "a/b"},
	}
	for field, v := range volumes {
		_, err := f.Pool.Ensure(t.Context(), v)
		require.ErrorContains(t, err, field)
	}
	images := map[string]func(*spec.Image){
		"uid":    func(i *spec.Image) { i.UID = "" },
		"sha256": func(i *spec.Image) { i.SHA256 = "abc" },
		"format": func(i *spec.Image) { i.Format = "vmdk" },
	}
	for field, spoil := range images {
		c := good
		spoil(&c.Image)
		require.ErrorContains(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(nil)), field)
	}
	empty(t, f)
}

func blank(t *testing.T, f Fixture) {
	want := spec.Volume{UID: uuid.NewString(), Bytes: 8 * MiB}
	first, err := f.Pool.Ensure(t.Context(), want)
	require.NoError(t, err)
	require.Equal(t, want.UID, first.UID)
	require.Equal(t, want.Bytes, first.Bytes)
	require.Zero(t, first.Epoch)
	require.Empty(t, first.Image)
	f.scribble(t, want.UID, "kept")
	again, err := f.Pool.Ensure(t.Context(), want)
	require.NoError(t, err)
	require.Equal(t, first.Bytes, again.Bytes)
	f.starts(t, want.UID, "kept")
	require.NoError(t, f.Pool.Remove(t.Context(), want.UID))
	_, err = f.Pool.Get(t.Context(), want.UID)
	require.ErrorIs(t, err, disk.ErrAbsent)
}

func fromImage(t *testing.T, f Fixture) {
	image := f.image(t, "from image")
	for range 2 {
		v, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 4 * MiB, Image: image.UID})
		require.NoError(t, err)
		require.Equal(t, image.UID, v.Image)
		require.EqualValues(t, 4*MiB, v.Bytes)
		f.starts(t, v.UID, "from image")
		f.scribble(t, v.UID, "mine alone")
		f.starts(t, v.UID, "mine alone")
	}
}

func imageAbsent(t *testing.T, f Fixture) {
	_, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB, Image: uuid.NewString()})
	require.ErrorIs(t, err, disk.ErrAbsent)
	empty(t, f)
}

func grow(t *testing.T, f Fixture) {
	image := f.image(t, "grow")
	v := spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: image.UID}
	_, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.scribble(t, v.UID, "kept")
	v.Bytes = 16 * MiB
	for range 2 {
		got, err := f.Pool.Ensure(t.Context(), v)
		require.NoError(t, err)
		require.Equal(t, v.Bytes, got.Bytes)
	}
	f.starts(t, v.UID, "kept")
	v.Bytes = 4 * MiB
	_, err = f.Pool.Ensure(t.Context(), v)
	require.ErrorIs(t, err, disk.ErrShrink)
	got, err := f.Pool.Get(t.Context(), v.UID)
	require.NoError(t, err)
	require.EqualValues(t, 16*MiB, got.Bytes)
	_, err = f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB / 2, Image: image.UID})
	require.ErrorIs(t, err, disk.ErrShrink, "smaller than its image")
}

func volumeFull(t *testing.T, f Fixture) {
	_, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 1 << 60})
	require.ErrorIs(t, err, disk.ErrFull)
	v := spec.Volume{UID: uuid.NewString(), Bytes: MiB}
	_, err = f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	v.Bytes = 1 << 60
	_, err = f.Pool.Ensure(t.Context(), v)
	require.ErrorIs(t, err, disk.ErrFull)
	got, err := f.Pool.Get(t.Context(), v.UID)
	require.NoError(t, err)
	require.EqualValues(t, MiB, got.Bytes)
}

func epoch(t *testing.T, f Fixture) {
	one, two := f.image(t, "image one"), f.image(t, "image two")
	v := spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: one.UID, Epoch: 1}
	_, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.scribble(t, v.UID, "old data!")
	for range 2 {
		v.Epoch, v.Image = 2, two.UID
		got, err := f.Pool.Ensure(t.Context(), v)
		require.NoError(t, err)
		require.EqualValues(t, 2, got.Epoch)
		require.Equal(t, two.UID, got.Image)
		f.starts(t, v.UID, "image two")
	}
	f.scribble(t, v.UID, "new data!")
	v.Epoch = 1
	got, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Epoch, "a lower epoch destroys nothing")
	f.starts(t, v.UID, "new data!")
	require.NoError(t, f.Pool.RemoveImage(t.Context(), one.UID), "the old image is free")
	volumes, err := f.Pool.List(t.Context())
	require.NoError(t, err)
	require.Len(t, volumes, 1)
}

func removeEpochs(t *testing.T, f Fixture) {
	v := spec.Volume{UID: uuid.NewString(), Bytes: MiB}
	for v.Epoch = range 3 {
		_, err := f.Pool.Ensure(t.Context(), v)
		require.NoError(t, err)
	}
	for range 2 {
		require.NoError(t, f.Pool.Remove(t.Context(), v.UID))
	}
	empty(t, f)
}

func reopen(t *testing.T, f Fixture) {
	image := f.image(t, "again")
	v := spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: image.UID, Epoch: 3}
	before, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.Pool = f.Reopen(t)
	got, err := f.Pool.Get(t.Context(), v.UID)
	require.NoError(t, err)
	require.Equal(t, before, got)
	images, err := f.Pool.Images(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{image.UID}, images)
	require.ErrorIs(t, f.Pool.RemoveImage(t.Context(), image.UID), disk.ErrInUse)
}

func concurrent(t *testing.T, f Fixture) {
	image := NewContent("together")
	const many = 20
	var group errgroup.Group
	for range many {
		group.Go(func() error {
			if err := f.Pool.EnsureImage(t.Context(), image.Image, image.Fetch(nil)); err != nil {
				return err
			}
			_, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: image.UID})
			return err
		})
	}
	require.NoError(t, group.Wait())
	volumes, err := f.Pool.List(t.Context())
	require.NoError(t, err)
	require.Len(t, volumes, many)
	var removal errgroup.Group
	for _, v := range volumes {
		removal.Go(func() error { return f.Pool.Remove(t.Context(), v.UID) })
	}
	require.NoError(t, removal.Wait())
	require.NoError(t, f.Pool.RemoveImage(t.Context(), image.UID))
	empty(t, f)
}
