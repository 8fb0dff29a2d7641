package bec

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
)

func TestEveryStateHasADocumentedWordInBothVersions(t *testing.T) {
	first := []string{"CREATING", "RUNNING", "STOPPING", "STOPPED", "RESTARTING", "REINSTALLING", "STARTING", "IMAGING", "SNAPSHOTING", "FAILED", "UNKNOWN"}
	second := []string{"STARTING", "FAILED", "RUNNING", "STOPPING", "STOPPED", "EXPIRED", "RESTARTING", "REINSTALLING", "DELETING", "SNAPSHOTPROCESSING", "IMAGEPROCESSING", "ERROR"}
	states := compute.Lifecycle().States()
	require.Len(t, stateWords, len(states))
	for _, s := range states {
		w, ok := stateWords[compute.State(s.Name)]
		require.True(t, ok, "%s has no word", s.Name)
		require.Contains(t, first, w.v1)
		require.Contains(t, second, w.v2)
	}
	require.Equal(t, "UNKNOWN", v1State("nonsense"))
	require.Equal(t, "ERROR", v2State("nonsense"))
}

func TestAWordFindsItsStates(t *testing.T) {
	found := v1States("REINSTALLING")
	slices.Sort(found)
	require.Equal(t, []compute.State{compute.ReinstallDisks, compute.ReinstallStarting, compute.ReinstallStopping}, found)
	require.Empty(t, v1States("NONSENSE"))
}
