package disktest

import (
	"bytes"
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

// MiB is what sizes in the suite are multiples of.
const MiB = 1 << 20

// Fixture is one empty pool under test.
type Fixture struct {
	Pool disk.Pool
	// Reopen opens the same pool again, as an agent does after a crash.
	Reopen func(t *testing.T) disk.Pool
	// Leftovers names what is in the pool's place besides finished images and volumes. nil if the pool has no such place.
	Leftovers func(t *testing.T) []string
	// Read gives the first n bytes that a guest would see. nil if the pool keeps no content.
	Read func(t *testing.T, source disk.Source, n int) []byte
	// Write changes the first bytes as a guest would. nil if the pool keeps no content.
	Write func(t *testing.T, source disk.Source, data []byte)
}

// Content is an image of the suite: raw, its bytes known.
type Content struct {
	spec.Image
	Data []byte
}

// NewContent makes a raw image of 1 MiB that starts with the marker.
func NewContent(marker string) Content {
	data := make([]byte, MiB)
	copy(data, marker)
	sum := sha256.Sum256(data)
	return Content{Data: data, Image: spec.Image{UID: uuid.NewString(), Name: marker, SHA256: hex.EncodeToString(sum[:]), Format: "raw", Bytes: int64(len(data))}}
}

// Fetch serves the content whole, and counts the calls if count is not nil.
func (c Content) Fetch(count *int) disk.Fetch {
	return func(context.Context) (io.ReadCloser, error) {
		if count != nil {
			*count++
		}
		return io.NopCloser(bytes.NewReader(c.Data)), nil
	}
}

// broken serves half of the content and then fails with err.
func (c Content) broken(err error) disk.Fetch {
	return func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(c.Data[:len(c.Data)/2]), failing{err})), nil
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func (f Fixture) clean(t *testing.T) {
	t.Helper()
	if f.Leftovers != nil {
		require.Empty(t, f.Leftovers(t), "something unfinished stayed behind")
	}
}

func (f Fixture) image(t *testing.T, marker string) Content {
	t.Helper()
	c := NewContent(marker)
	require.NoError(t, f.Pool.EnsureImage(t.Context(), c.Image, c.Fetch(nil)))
	return c
}

func (f Fixture) starts(t *testing.T, uid, want string) {
	t.Helper()
	source, err := f.Pool.Source(t.Context(), uid)
	require.NoError(t, err)
	require.NotEmpty(t, source.Path)
	require.Contains(t, []string{"qcow2", "raw"}, source.Format)
	if f.Read != nil {
		require.Equal(t, want, string(f.Read(t, source, len(want))))
	}
}

func (f Fixture) scribble(t *testing.T, uid, data string) {
	t.Helper()
	if f.Write == nil {
		return
	}
	source, err := f.Pool.Source(t.Context(), uid)
	require.NoError(t, err)
	f.Write(t, source, []byte(data))
}
