package agent_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/agent"
	"edgecloud/link/spec"
)

// used tells how much data a volume has, which is all of its content that the simulation keeps.
func (c *cloud) used(uid string) int64 {
	v, err := c.host.Disk().Get(c.t.Context(), uid)
	require.NoError(c.t, err)
	return v.UsedBytes
}

// TestSnapshotsAreTakenOnceAtAnyCrash takes a snapshot, rolls back to it, makes a volume of it and removes it, with an agent that dies at every step in turn.
func TestSnapshotsAreTakenOnceAtAnyCrash(t *testing.T) {
	for _, point := range []string{"", "applying snapshot", "applied snapshot", "applying volume", "applied volume", "sweep"} {
		t.Run(point, func(t *testing.T) {
			c := newCloud(t)
			c.create(1)
			c.settle(t, "")
			empty := c.used("vol-1")
			c.put(spec.KindSnapshot, "snap", spec.Snapshot{UID: "snap", Volumes: []string{"vol-1"}})
			c.settle(t, point)
			require.Equal(t, spec.Applied, c.report(spec.KindSnapshot, "snap").Phase)
			require.NoError(t, c.host.GuestWrites("vol-1", 1<<20))
			late := c.used("vol-1")
			v := spec.Volume{UID: "vol-1", Bytes: 1 << 30, Image: "img", RollBack: spec.RollBack{Epoch: 1, Snapshot: "snap"}}
			c.put(spec.KindVolume, "vol-1", v)
			c.settle(t, point)
			require.Equal(t, late, c.used("vol-1"), "a machine runs on it")
			in := vm(1)
			in.Power, in.ForceOff = spec.Off, true
			c.put(spec.KindInstance, in.UID, in)
			c.settle(t, point)
			require.Equal(t, empty, c.used("vol-1"))
			var facts spec.VolumeFacts
			require.NoError(t, json.Unmarshal(c.report(spec.KindVolume, "vol-1").Facts, &facts))
			require.EqualValues(t, 1, facts.RollBack)
			require.NoError(t, c.host.GuestWrites("vol-1", 1<<20))
			v.Bytes = 2 << 30
			c.put(spec.KindVolume, "vol-1", v)
			c.put(spec.KindVolume, "copy", spec.Volume{UID: "copy", Bytes: 1 << 30, Origin: spec.Origin{Volume: "vol-1", Snapshot: "snap"}})
			c.settle(t, point)
			require.Equal(t, late, c.used("vol-1"), "an epoch is carried out once")
			require.Equal(t, empty, c.used("copy"))
			require.NoError(t, c.host.Disk().RemoveSnapshot(t.Context(), "snap"))
			c.settle(t, point)
			require.Equal(t, spec.Failed, c.report(spec.KindSnapshot, "snap").Phase, "it was lost; the volume has changed")
		})
	}
}

// settle runs an agent to rest; one that dies at a point is started again.
func (c *cloud) settle(t *testing.T, point string) {
	t.Helper()
	died := point == ""
	for range 10 {
		a := c.agent(func(cfg *agent.Config) {
			cfg.Fail = func(at string) error {
				if died || at != point {
					return nil
				}
				died = true
				return errors.New("crash at " + at)
			}
		})
		halted := step(t, a)
		require.NoError(t, a.Close())
		if !halted {
			return
		}
	}
	require.Fail(t, fmt.Sprint("no rest after ", point))
}
