package contract_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// The number of operations of each dialect and file is written down: an operation that gets lost while a contract file is edited fails here.
// testdata/totals.json is changed by hand, on purpose.
func TestOperationTotals(t *testing.T) {
	raw, err := os.ReadFile("testdata/totals.json")
	require.NoError(t, err)
	var want map[string]map[string]int
	require.NoError(t, json.Unmarshal(raw, &want))
	report, err := contract.Report(nil)
	require.NoError(t, err)
	have := map[string]map[string]int{}
	for name, c := range report {
		have[name] = map[string]int{"all": c.Total}
		for _, f := range c.Files {
			have[name][f.File] = f.Total
		}
	}
	if !assertSame(want, have) {
		got, _ := json.MarshalIndent(have, "", "  ")
		t.Errorf("the totals differ; the contract has now\n%s", got)
	}
}

func assertSame(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func TestCoverageCountsWhatIsBound(t *testing.T) {
	report, err := contract.Report(map[string]bool{"bec/v2/vm-instance.createVmInstance": true, "bec/v1/overview.getOverviewSummary": true, "iec/site.listSites": false})
	require.NoError(t, err)
	require.Equal(t, 3, report["bec"].Built, "the overview's second page is answered by the first")
	require.Len(t, report["bec"].Missing, report["bec"].Total-3)
	require.NotContains(t, report["bec"].Missing, "v2/createVmInstance")
	require.Contains(t, report["bec"].Missing, "v1/listVmInstances")
	require.Zero(t, report["iec"].Built)

	var b bytes.Buffer
	require.NoError(t, contract.WriteJSON(&b, report))
	var form map[string]struct {
		Total, Built int
		Missing      []string
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&form))
	require.Equal(t, 3, form["bec"].Built)

	b.Reset()
	require.NoError(t, contract.WriteTable(&b, report))
	require.Regexp(t, `bec\s+v2/vm-instance\s+1\s+16`, b.String())

	_, err = contract.Report(map[string]bool{"bec/v2/vm-instance.nope": true})
	require.ErrorContains(t, err, "nope")
}

func TestKeysAreUnambiguous(t *testing.T) {
	keys, locals := map[string]bool{}, map[string]bool{}
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			require.False(t, keys[o.Key], o.Key)
			require.False(t, locals[name+o.LocalID()], "%s: %s repeats", name, o.LocalID())
			keys[o.Key], locals[name+o.LocalID()] = true, true
		}
	}
}
