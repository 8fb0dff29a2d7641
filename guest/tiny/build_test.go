package tiny_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/guest/tiny"
)

func TestBuildGivesTheSameBytesAndRemembersThem(t *testing.T) {
	dir := t.TempDir()
	build := func(name, cache string) tiny.Result {
		got, err := tiny.Build(t.Context(), tiny.Options{Out: filepath.Join(dir, name), Cache: filepath.Join(dir, cache)})
		require.NoError(t, err)
		require.FileExists(t, got.Path)
		require.EqualValues(t, tiny.VirtualBytes, got.VirtualBytes)
		return got
	}
	first, again, other := build("first", "a"), build("again", "a"), build("other", "b")
	require.False(t, first.Cached)
	require.True(t, again.Cached)
	require.False(t, other.Cached)
	require.Equal(t, first.SHA256, again.SHA256)
	require.Equal(t, first.SHA256, other.SHA256, "the same inputs must give the same bytes")
}

func TestBuildSaysWhatIsMissing(t *testing.T) {
	_, err := tiny.Build(t.Context(), tiny.Options{})
	require.ErrorContains(t, err, "Options.Out")
	_, err = tiny.Build(t.Context(), tiny.Options{Out: filepath.Join(t.TempDir(), "x"), Kernel: "0.0-none"})
	require.ErrorContains(t, err, "install linux-image-0.0-none")
}
