package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/store"
)

func TestSealedValuesSurviveARestartAndARotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	ring, err := store.OpenKeyring(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	old := ring.Seal([]byte("secret"), []byte("key/1"))
	require.NotContains(t, string(old), "secret")
	require.NoError(t, ring.Rotate())
	require.True(t, ring.Stale(old))
	fresh := ring.Seal([]byte("secret"), []byte("key/1"))
	require.False(t, ring.Stale(fresh))

	again, err := store.OpenKeyring(path)
	require.NoError(t, err)
	for _, sealed := range [][]byte{old, fresh} {
		plain, err := again.Open(sealed, []byte("key/1"))
		require.NoError(t, err)
		require.Equal(t, "secret", string(plain))
		_, err = again.Open(sealed, []byte("key/2"))
		require.ErrorIs(t, err, store.ErrSealed, "a value must not open in another place")
	}
	other, err := store.NewKeyring()
	require.NoError(t, err)
	_, err = other.Open(fresh, []byte("key/1"))
	require.ErrorIs(t, err, store.ErrSealed)
}

func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	_, err := store.OpenKeyring(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o640))
	_, err = store.OpenKeyring(path)
	require.ErrorContains(t, err, "chmod 600")

	require.NoError(t, os.WriteFile(path, []byte(`{"version":1,"keys":[{"id":1,"key":"c2hvcnQ="}]}`), 0o600))
	require.NoError(t, os.Chmod(path, 0o600))
	_, err = store.OpenKeyring(path)
	require.ErrorContains(t, err, "32 bytes")
}

func TestNoChangedByteOpens(t *testing.T) {
	ring, err := store.NewKeyring()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 64).Draw(t, "plain")
		sealed := ring.Seal(plain, []byte("a"))
		back, err := ring.Open(sealed, []byte("a"))
		require.NoError(t, err)
		require.Equal(t, string(plain), string(back))
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")
		sealed[i] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		_, err = ring.Open(sealed, []byte("a"))
		require.ErrorIs(t, err, store.ErrSealed)
	})
}

func FuzzOpenSealed(f *testing.F) {
	ring, err := store.NewKeyring()
	require.NoError(f, err)
	f.Add(ring.Seal([]byte("x"), nil)[1:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ring.Open(b, nil)
		require.ErrorIs(t, err, store.ErrSealed)
	})
}
