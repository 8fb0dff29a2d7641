package monitor

import (
	"math"
	"strings"
	"time"

	"edgecloud/series"
)

// maxGap is how far two samples may be apart for what lies between them to be known.
const maxGap = time.Hour

// steps are the even steps of a question: number k ends at start + k * step, and begins a step earlier.
type steps struct {
	start time.Time
	step  time.Duration
	count int
}

func stepsOf(q Query) steps {
	return steps{q.Start, q.Step, int(q.End.Sub(q.Start)/q.Step) + 1}
}

func (s steps) end(k int) time.Time { return s.start.Add(time.Duration(k) * s.step) }

// from and to are the span of samples that the steps need.
func (s steps) from() time.Time { return s.start.Add(-s.step - maxGap) }
func (s steps) to() time.Time   { return s.end(s.count - 1).Add(maxGap) }

// part is what a step got: an amount in a number of seconds of it.
type part struct{ amount, seconds float64 }

// line is a value for each step; NaN where nothing is known.
type line []float64

func (s steps) empty() line {
	l := make(line, s.count)
	for k := range l {
		l[k] = math.NaN()
	}
	return l
}

// rate is what one series makes a second in each step: of a counter what it grows by, of another what it is.
func (s steps) rate(one series.Series) line {
	parts := make([]part, s.count)
	counts := strings.HasSuffix(one.Name, "_total")
	for k := 1; k < len(one.Points); k++ {
		before, now := one.Points[k-1], one.Points[k]
		length := now.At.Sub(before.At)
		if length <= 0 || length > maxGap {
			continue
		}
		amount := now.Value * length.Seconds()
		if counts {
			amount = now.Value - before.Value
			if amount < 0 {
				amount = now.Value // it has begun anew
			}
		}
		s.spread(parts, before.At, now.At, amount)
	}
	out := s.empty()
	for k, p := range parts {
		if p.seconds > 0 {
			out[k] = p.amount / p.seconds
		}
	}
	return out
}

// spread gives each step its share of what came between two moments.
func (s steps) spread(parts []part, from, to time.Time, amount float64) {
	length := to.Sub(from).Seconds()
	first := max(0, int(from.Sub(s.start)/s.step))
	for k := first; k < s.count && s.end(k).Add(-s.step).Before(to); k++ {
		begin, end := s.end(k).Add(-s.step), s.end(k)
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if overlap := end.Sub(begin).Seconds(); overlap > 0 {
			parts[k].amount += amount * overlap / length
			parts[k].seconds += overlap
		}
	}
}

// sum adds up the rates of series; a step is known if one of them knows it.
func (s steps) sum(all []series.Series) line {
	out := s.empty()
	for _, one := range all {
		out.combine(s.rate(one), func(a, b float64) float64 { return a + b })
	}
	return out
}

// combine puts another line's values to the line's own; what only one of them knows is taken as it is.
func (l line) combine(other line, both func(a, b float64) float64) {
	for k, v := range other {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(l[k]):
			l[k] = v
		default:
			l[k] = both(l[k], v)
		}
	}
}

// known makes a line of what is known of one line where another one is.
func (l line) where(other line, then func(a, b float64) float64) line {
	out := make(line, len(l))
	for k := range l {
		out[k] = math.NaN()
		if !math.IsNaN(other[k]) {
			out[k] = then(l[k], other[k])
		}
	}
	return out
}

// result leaves out the steps that nothing is known of.
func (s steps) result(l line) *Result {
	out := &Result{Points: []series.Point{}}
	for k, v := range l {
		if math.IsNaN(v) {
			continue
		}
		out.Points = append(out.Points, series.Point{At: s.end(k), Value: v})
		out.Max, out.Total = max(out.Max, v), out.Total+v
	}
	if n := len(out.Points); n > 0 {
		out.Mean = out.Total / float64(n)
	}
	return out
}
