package tsdb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/series"
	"edgecloud/series/tsdb"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func sample(uid string, after time.Duration, value float64) series.Sample {
	return series.Sample{Labels: series.Labels{Name: "n", Of: map[string]string{"uid": uid, "account": "a", "empty": ""}}, At: begin.Add(after), Value: value}
}

func open(t *testing.T, dir string) *tsdb.Store {
	t.Helper()
	s := tsdb.New(tsdb.Config{Dir: dir})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestAnyOrderAndTwice(t *testing.T) {
	s := open(t, t.TempDir()+"/series")
	none, err := s.Select(t.Context(), "n", begin, begin.Add(time.Hour))
	require.NoError(t, err)
	require.Empty(t, none)
	require.NoDirExists(t, t.TempDir()+"/series", "a question makes nothing")

	const days = 31 // as long as a site was cut off
	order := rand.New(rand.NewPCG(1, 1)).Perm(days * 24)
	for _, k := range append(order, order[:100]...) {
		late, err := s.Append(t.Context(), []series.Sample{sample("x", time.Duration(k)*time.Hour, float64(k)), sample("y", time.Duration(k)*time.Hour, 1)})
		require.NoError(t, err)
		require.Zero(t, late)
	}
	all, err := s.Select(t.Context(), "n", begin, begin.Add(days*24*time.Hour), series.Match{Label: "uid", In: []string{"x"}})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, map[string]string{"uid": "x", "account": "a"}, all[0].Of)
	require.Len(t, all[0].Points, days*24)
	for k, p := range all[0].Points {
		require.Equal(t, float64(k), p.Value)
	}
}

func TestMatch(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := s.Append(t.Context(), []series.Sample{sample("x", 0, 1), sample("y.", 0, 2), sample("yz", 0, 3), {Labels: series.Labels{Name: "n"}, At: begin}})
	require.NoError(t, err)
	for _, c := range []struct {
		match []series.Match
		want  int
	}{{nil, 4}, {[]series.Match{{Label: "uid"}}, 3}, {[]series.Match{{Label: "uid", In: []string{"x", "y."}}}, 2}, {[]series.Match{{Label: "uid", In: []string{"x"}}, {Label: "account", In: []string{"b"}}}, 0}} {
		all, err := s.Select(t.Context(), "n", begin, begin, c.match...)
		require.NoError(t, err)
		require.Len(t, all, c.want)
	}
}

// TestSurvivesTheProcess opens the store again after it was closed, and beside one that never was, as after a kill.
func TestSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	first := tsdb.New(tsdb.Config{Dir: dir})
	_, err := first.Append(t.Context(), []series.Sample{sample("x", 0, 1)})
	require.NoError(t, err)
	require.NoError(t, first.Close())
	_, err = first.Append(t.Context(), []series.Sample{sample("x", time.Minute, 1)})
	require.Error(t, err, "a closed store keeps nothing, and says so")

	second := open(t, dir)
	_, err = second.Append(t.Context(), []series.Sample{sample("x", time.Minute, 2), sample("x", -time.Hour, 0)})
	require.NoError(t, err)
	all, err := second.Select(t.Context(), "n", begin.Add(-2*time.Hour), begin.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Len(t, all[0].Points, 3)
}
