package libvirt_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"edgecloud/engine/disk"
	"edgecloud/engine/disk/disktest"
	"edgecloud/engine/disk/qcow"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

func TestSnapshotsOfARunningMachine(t *testing.T) {
	c := newCell(t)
	state := t.TempDir()
	e := c.open(t, state)
	t.Cleanup(func() { c.empty(t, e, state) })
	pool, err := qcow.Open(qcow.Config{Dir: t.TempDir(), Grow: e.GrowDisk, Snapshot: e.SnapshotDisks, RemoveSnapshot: e.RemoveDiskSnapshot})
	require.NoError(t, err)
	base := disktest.NewContent("base")
	require.NoError(t, pool.EnsureImage(t.Context(), base.Image, base.Fetch(nil)))
	m := guest(t, stubborn)
	var uids, paths []string
	for _, image := range []string{base.UID, ""} {
		v, err := pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 4 << 20, Image: image})
		require.NoError(t, err)
		source, err := pool.Source(t.Context(), v.UID)
		require.NoError(t, err)
		write(t, source.Path, "1")
		m.Volumes, m.Disks = append(m.Volumes, v.UID), append(m.Disks, hypervisor.Disk{Volume: v.UID, Source: source})
		uids, paths = append(uids, v.UID), append(paths, source.Path)
	}
	require.NoError(t, e.Define(t.Context(), m))
	require.NoError(t, e.Start(t.Context(), m.UID))
	one, both := uuid.NewString(), uuid.NewString()
	for range 2 {
		require.NoError(t, pool.Snapshot(t.Context(), one, uids[:1]))
		require.NoError(t, pool.Snapshot(t.Context(), both, uids))
	}
	require.Contains(t, c.run(t, "virsh", "domstate", m.UID), "running")
	require.Error(t, pool.RollBack(t.Context(), one, uids[0]), "QEMU's lock holds even where nobody looked before")
	// As a guest would: by the QEMU that runs.
	for _, path := range paths {
		said := c.run(t, "virsh", "qemu-monitor-command", m.UID, "--hmp", "qemu-io -d "+c.device(t, m.UID, path)+` "write -P 2 0 512"`)
		require.NotContains(t, said, "onflict")
	}
	clone, err := pool.Ensure(t.Context(), spec.Volume{UID: uuid.NewString(), Bytes: 4 << 20, Origin: spec.Origin{Volume: uids[1], Snapshot: both}})
	require.NoError(t, err, "while the machine writes")
	source, err := pool.Source(t.Context(), clone.UID)
	require.NoError(t, err)
	holds(t, source.Path, "1")
	require.NoError(t, pool.RemoveSnapshot(t.Context(), one))
	found, err := pool.Snapshots(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.ElementsMatch(t, uids, found[0].Volumes)
	require.Equal(t, both, found[0].UID)
	require.NoError(t, e.Stop(t.Context(), m.UID, 0))
	for k, path := range paths {
		holds(t, path, "2")
		require.NoError(t, pool.RollBack(t.Context(), both, uids[k]))
		holds(t, path, "1")
		out, err := exec.Command("qemu-img", "check", path).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, e.Start(t.Context(), m.UID))
	require.NoError(t, pool.RemoveSnapshot(t.Context(), both))
	require.NoError(t, e.Remove(t.Context(), m.UID))
	found, err = pool.Snapshots(t.Context())
	require.NoError(t, err)
	require.Equal(t, []disk.Snapshot(nil), found)
}

// A program that is killed while a guest rests for its snapshot wakes it up when it is there again.
func TestAGuestIsWokenUpAfterACrash(t *testing.T) {
	c := newCell(t)
	state := t.TempDir()
	e := c.open(t, state)
	m, other := guest(t, stubborn), guest(t, stubborn)
	for _, one := range []hypervisor.Machine{m, other} {
		require.NoError(t, e.Define(t.Context(), one))
		require.NoError(t, e.Start(t.Context(), one.UID))
		c.run(t, "virsh", "suspend", one.UID)
	}
	require.NoError(t, os.WriteFile(filepath.Join(state, "resting", m.UID), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(state, "resting", uuid.NewString()), nil, 0o600))
	require.NoError(t, e.Close())
	e = c.open(t, state)
	t.Cleanup(func() { c.empty(t, e, state) })
	require.Contains(t, c.run(t, "virsh", "domstate", m.UID), "running")
	require.Contains(t, c.run(t, "virsh", "domstate", other.UID), "paused", "somebody else's business")
}

func write(t *testing.T, path, pattern string) {
	t.Helper()
	out, err := exec.Command("qemu-io", "-f", "qcow2", "-c", "write -P "+pattern+" 0 512", path).CombinedOutput()
	require.NoError(t, err, string(out))
}

func holds(t *testing.T, path, pattern string) {
	t.Helper()
	out, err := exec.Command("qemu-io", "-U", "-r", "-f", "qcow2", "-c", "read -P "+pattern+" 0 512", path).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NotContains(t, string(out), "Pattern verification failed")
}

// device tells by which name QEMU knows the device of a disk.
func (c *cell) device(t *testing.T, uid, path string) string {
	t.Helper()
	var answer struct {
		Return []struct {
			Device   string `json:"qdev"`
			Inserted struct {
				File string `json:"file"`
			} `json:"inserted"`
		} `json:"return"`
	}
	require.NoError(t, json.Unmarshal([]byte(c.run(t, "virsh", "qemu-monitor-command", uid, `{"execute":"query-block"}`)), &answer))
	for _, v := range answer.Return {
		if strings.Contains(v.Inserted.File, path) {
			return v.Device
		}
	}
	require.Fail(t, "QEMU does not know "+path)
	return ""
}
