package qcow_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk/disktest"
	"edgecloud/engine/disk/qcow"
	"edgecloud/link/spec"
)

func fileImage(t *testing.T, path string) disktest.Content {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	return disktest.Content{Data: data, Image: spec.Image{UID: uuid.NewString(), SHA256: hex.EncodeToString(sum[:]), Format: "qcow2", Bytes: int64(len(data))}}
}

func TestGrowGoesThroughTheRunningMachine(t *testing.T) {
	running := false
	var asked []int64
	pool, err := qcow.Open(qcow.Config{Dir: t.TempDir(), Grow: func(_ context.Context, path string, bytes int64) (bool, error) {
		if !running {
			return false, nil
		}
		require.FileExists(t, path)
		asked = append(asked, bytes)
		qemu(t, "qemu-img", "resize", "-q", "-f", "qcow2", path, "8M")
		return true, nil
	}})
	require.NoError(t, err)
	v := spec.Volume{UID: uuid.NewString(), Bytes: 2 * disktest.MiB}
	for _, running = range []bool{false, true} {
		v.Bytes *= 2
		for range 2 {
			got, err := pool.Ensure(t.Context(), v)
			require.NoError(t, err)
			require.Equal(t, v.Bytes, got.Bytes)
		}
	}
	require.Equal(t, []int64{8 * disktest.MiB}, asked)
}
