package monitor

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/series"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return begin.Add(time.Duration(minutes * float64(time.Minute))) }

// kept is a store with what a test puts into it.
type kept []series.Series

func (k kept) Append(context.Context, []series.Sample) (int, error) { return 0, nil }
func (k kept) Close() error                                         { return nil }

func (k kept) Select(_ context.Context, name string, from, to time.Time, match ...series.Match) (out []series.Series, _ error) {
	for _, one := range k {
		fits := one.Name == name
		for _, m := range match {
			fits = fits && (len(m.In) == 0 && one.Of[m.Label] != "" || slices.Contains(m.In, one.Of[m.Label]))
		}
		if fits {
			one.Points = slices.DeleteFunc(slices.Clone(one.Points), func(p series.Point) bool { return p.At.Before(from) || p.At.After(to) })
			out = append(out, one)
		}
	}
	return out, nil
}

// counted makes a series of pairs of minutes and values.
func counted(name string, of map[string]string, pairs ...float64) series.Series {
	s := series.Series{Labels: series.Labels{Name: name, Of: of}}
	for k := 0; k < len(pairs); k += 2 {
		s.Points = append(s.Points, series.Point{At: at(pairs[k]), Value: pairs[k+1]})
	}
	return s
}

func values(r *Result) map[float64]float64 {
	out := map[float64]float64{}
	for _, p := range r.Points {
		out[p.At.Sub(begin).Minutes()] = math.Round(p.Value*1e9) / 1e9
	}
	return out
}

func TestSteps(t *testing.T) {
	vm, other := map[string]string{"instance": "i", "account": "a"}, map[string]string{"instance": "j", "account": "a"}
	onLine := map[string]string{"instance": "i", "account": "a", "kind": "public_ip", "carrier": "CHINA_MOBILE"}
	for name, c := range map[string]struct {
		store kept
		q     Query
		want  map[float64]float64
	}{
		"a counter is spread evenly over the steps that its samples lie across": {
			kept{counted(cpuSeconds, vm, 0, 0, 7.5, 450), counted(cpus, vm, 0, 2, 7.5, 2)}, Query{Metric: CPU}, map[float64]float64{5: 0.5, 10: 0.5}},
		"a step without samples has no point": {
			kept{counted(cpuSeconds, vm, 0, 0, 5, 300), counted(cpus, vm, 0, 1, 5, 1)}, Query{Metric: CPU}, map[float64]float64{5: 1}},
		"what lies further apart than an hour is not known": {
			kept{counted(cpuSeconds, vm, -61, 0, 10, 300), counted(cpus, vm, -61, 1, 10, 1)}, Query{Metric: CPU}, map[float64]float64{}},
		"a counter that is lower has begun anew": {
			kept{counted(cpuSeconds, vm, 0, 1e6, 5, 75, 10, 150), counted(cpus, vm, 0, 1, 10, 1)}, Query{Metric: CPU}, map[float64]float64{5: 0.25, 10: 0.25}},
		"a machine that is off uses nothing": {
			kept{counted(cpuSeconds, vm, 0, 500, 5, 0, 10, 0), counted(cpus, vm, 0, 1, 10, 1)}, Query{Metric: CPU}, map[float64]float64{5: 0, 10: 0}},
		"memory is what it is, weighed by the time for which it is so": {
			kept{counted(memoryUsed, vm, 0, 0, 4, 100, 5, 200), counted(memory, vm, 0, 400, 5, 400)}, Query{Metric: Memory}, map[float64]float64{5: 0.3}},
		"the use of several machines is that of all their processors": {
			kept{counted(cpuSeconds, vm, 0, 0, 5, 300), counted(cpus, vm, 0, 1, 5, 1), counted(cpuSeconds, other, 0, 0, 5, 0), counted(cpus, other, 0, 3, 5, 3)}, Query{Metric: CPU},
			map[float64]float64{5: 0.25}},
		"public bandwidth is in bits": {
			kept{counted(nicIn, vm, 0, 0, 5, 6000), counted(flowIn, onLine, 0, 0, 5, 600)}, Query{Metric: BandwidthIn}, map[float64]float64{5: 16}},
		"private bandwidth is the rest": {
			kept{counted(nicIn, vm, 0, 0, 5, 6000), counted(flowIn, onLine, 0, 0, 5, 600)}, Query{Metric: BandwidthIn, Private: true}, map[float64]float64{5: 144}},
		"another carrier has carried nothing": {
			kept{counted(nicIn, vm, 0, 0, 5, 6000), counted(flowIn, onLine, 0, 0, 5, 600)}, Query{Metric: BandwidthIn, Carrier: "CHINA_UNICOM"}, map[float64]float64{5: 0}},
	} {
		t.Run(name, func(t *testing.T) {
			c.q.Start, c.q.End, c.q.Step = at(0), at(10), 5*time.Minute
			m := New(nil, nil, c.store, slog.Default())
			r, err := m.instances(t.Context(), c.q, only(labelAccount, "a"))
			require.NoError(t, err)
			require.Equal(t, c.want, values(r))
		})
	}
}

// TestNothingIsLostBetweenSteps: however samples and steps lie, steps that are covered add up to what the counter has grown by.
func TestNothingIsLostBetweenSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := time.Duration(rapid.IntRange(1, 30).Draw(t, "step")) * time.Minute
		s := steps{start: at(0), step: step, count: rapid.IntRange(1, 50).Draw(t, "count")}
		one := series.Series{Labels: series.Labels{Name: "x_total"}}
		grown, value, when := 0.0, 0.0, s.start.Add(-step)
		for end := s.end(s.count - 1); ; {
			one.Points = append(one.Points, series.Point{At: when, Value: value})
			if !when.Before(end) {
				break
			}
			more := float64(rapid.IntRange(0, 1000).Draw(t, "more"))
			gap := min(time.Duration(rapid.IntRange(1, 3600).Draw(t, "gap"))*time.Second, end.Sub(when))
			grown, value, when = grown+more, value+more, when.Add(gap)
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 && more > 0 {
				grown, value = grown-more, 0 // it has begun anew, and what it was then is not known
			}
		}
		sum := 0.0
		for k, v := range s.rate(one) {
			require.False(t, math.IsNaN(v), "step %d is covered", k)
			require.GreaterOrEqual(t, v, 0.0)
			sum += v * step.Seconds()
		}
		require.InDelta(t, grown, sum, 1e-6*max(1, grown))
	})
}

func TestResultHasTheMeanOfWhatIsThere(t *testing.T) {
	s := steps{start: at(0), step: time.Minute, count: 4}
	r := s.result(line{1, math.NaN(), 5, 0})
	require.Equal(t, []float64{5, 2, 6}, []float64{r.Max, r.Mean, r.Total})
	require.Len(t, r.Points, 3)
	none := s.result(s.empty())
	require.NotNil(t, none.Points)
	require.Zero(t, none.Mean)
}
