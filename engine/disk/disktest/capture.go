package disktest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// captured opens an image and holds its file against what Capture said of it.
func (f Fixture) captured(t *testing.T, i disk.Image) []byte {
	t.Helper()
	r, err := f.Pool.OpenImage(t.Context(), i.UID)
	require.NoError(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.EqualValues(t, i.Bytes, len(data))
	sum := sha256.Sum256(data)
	require.Equal(t, i.SHA256, hex.EncodeToString(sum[:]))
	return data
}

// capture: the image is whole by itself, so that it outlives the volume and the volume's own image, and another pool can take its file.
func capture(t *testing.T, f Fixture) {
	base := f.image(t, "base")
	v := spec.Volume{UID: uuid.NewString(), Bytes: 4 * MiB, Image: base.UID}
	_, err := f.Pool.Ensure(t.Context(), v)
	require.NoError(t, err)
	f.scribble(t, v.UID, "mine")
	uid := uuid.NewString()
	made, err := f.Pool.Capture(t.Context(), uid, v.UID, "")
	require.NoError(t, err)
	f.clean(t)
	f.scribble(t, v.UID, "late")
	again, err := f.Pool.Capture(t.Context(), uid, v.UID, "")
	require.NoError(t, err)
	require.Equal(t, made, again, "an image stays as it was made")
	data := f.captured(t, made)
	images, err := f.Pool.Images(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{base.UID, uid}, images)

	require.NoError(t, f.Pool.Remove(t.Context(), v.UID))
	require.NoError(t, f.Pool.RemoveImage(t.Context(), base.UID))
	gone, err := f.Pool.Capture(t.Context(), uid, v.UID, "")
	require.NoError(t, err)
	require.Equal(t, made, gone)
	as := Content{Data: data, Image: spec.Image{UID: uid, SHA256: made.SHA256, Format: "qcow2", Bytes: made.Bytes}}
	require.NoError(t, f.Pool.EnsureImage(t.Context(), as.Image, as.Fetch(nil)), "what is there is what would be fetched")
	as.UID = uuid.NewString()
	require.NoError(t, f.Pool.EnsureImage(t.Context(), as.Image, as.Fetch(nil)), "a host that never saw the volume takes the file")
	for _, image := range []string{uid, as.UID} {
		n, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 4 * MiB, Image: image})
		require.NoError(t, err)
		f.starts(t, n.UID, "mine")
		_, err = f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 2 * MiB, Image: image})
		require.ErrorIs(t, err, disk.ErrShrink)
	}
}

func captureNothing(t *testing.T, f Fixture) {
	uid := uuid.NewString()
	_, err := f.Pool.Capture(t.Context(), uid, uuid.NewString(), "")
	require.ErrorIs(t, err, disk.ErrAbsent)
	_, err = f.Pool.OpenImage(t.Context(), uid)
	require.ErrorIs(t, err, disk.ErrAbsent)
	_, err = f.Pool.Capture(t.Context(), "../escape", uid, "")
	require.ErrorContains(t, err, "image")
	_, err = f.Pool.Capture(t.Context(), uid, "a/b", "")
	require.ErrorContains(t, err, "volume")
	v, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Pool.Capture(ctx, uid, v.UID, "")
	require.ErrorIs(t, err, context.Canceled)
	f.clean(t)
	require.NoError(t, f.Pool.Remove(t.Context(), v.UID))
	empty(t, f)
}

// captureReopen: a captured image is known after a restart.
func captureReopen(t *testing.T, f Fixture) {
	v, err := f.Pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: MiB})
	require.NoError(t, err)
	made, err := f.Pool.Capture(t.Context(), uuid.NewString(), v.UID, "")
	require.NoError(t, err)
	f.Pool = f.Reopen(t)
	again, err := f.Pool.Capture(t.Context(), made.UID, v.UID, "")
	require.NoError(t, err)
	require.Equal(t, made, again)
	f.captured(t, made)
}
