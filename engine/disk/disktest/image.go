package disktest

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

func imageOnce(t *testing.T, f Fixture) {
	c, count := NewContent("once"), 0
	for range 3 {
		require.NoError(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(&count)))
	}
	require.Equal(t, 1, count)
	images, err := f.Pool.Images(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{c.UID}, images)
	other := NewContent("other")
	other.UID = c.UID
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), other.Image, other.Fetch(nil)), disk.ErrChecksum)
	require.NoError(t, f.Pool.RemoveImage(t.Context(), c.UID))
	empty(t, f)
}

func imageChecksum(t *testing.T, f Fixture) {
	c, other := NewContent("right"), NewContent("wrong")
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, other.Fetch(nil)), disk.ErrChecksum)
	empty(t, f)
	f.clean(t)
	require.NoError(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(nil)))
}

func imageBroken(t *testing.T, f Fixture) {
	c, cut := NewContent("broken"), errors.New("the line was cut")
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, c.broken(cut)), cut)
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, func(context.Context) (io.ReadCloser, error) { return nil, cut }), cut)
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, c.broken(io.EOF)), disk.ErrChecksum, "a short file is not the image")
	empty(t, f)
	f.clean(t)
	require.NoError(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(nil)))
}

func imageFormat(t *testing.T, f Fixture) {
	c := NewContent("no qcow2")
	c.Format = "qcow2"
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(nil)), disk.ErrFormat)
	disguised := NewContent("QFI\xfb\x00\x00\x00\x03")
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), disguised.Image, disguised.Fetch(nil)), disk.ErrFormat, "a qcow2 that claims to be raw")
	empty(t, f)
}

func imageFull(t *testing.T, f Fixture) {
	c, count := NewContent("huge"), 0
	c.Bytes = 1 << 60
	require.ErrorIs(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(&count)), disk.ErrFull)
	require.Zero(t, count)
	empty(t, f)
}

func imageInUse(t *testing.T, f Fixture) {
	image := f.image(t, "in use")
	v, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB, Image: image.UID})
	require.NoError(t, err)
	require.ErrorIs(t, f.Pool.RemoveImage(t.Context(), image.UID), disk.ErrInUse)
	f.starts(t, v.UID, "in use")
	require.NoError(t, f.Pool.Remove(t.Context(), v.UID))
	require.NoError(t, f.Pool.RemoveImage(t.Context(), image.UID))
	empty(t, f)
}

func cancelled(t *testing.T, f Fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := NewContent("cancelled")
	require.ErrorIs(t, f.Pool.EnsureImage(ctx, c.Image, c.Fetch(nil)), context.Canceled)
	uid := uuid.NewString()
	_, err := f.Pool.Ensure(ctx, spec.Volume{UID: uid, Bytes: MiB})
	require.ErrorIs(t, err, context.Canceled)
	empty(t, f)
	_, err = f.Pool.Ensure(t.Context(), spec.Volume{UID: uid, Bytes: MiB})
	require.NoError(t, err)
}
