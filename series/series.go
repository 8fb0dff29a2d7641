// Package series is what the cloud asks of a store of time series: append samples in any order, and read those of a span again. Behind it is Prometheus's TSDB
// (series/tsdb).
//
// What does not live here: which series there are and what they mean (cloud/monitor), how they are answered to callers (dialect).
package series

import (
	"context"
	"time"
)

// Labels name a series. Name is what is counted, the rest whose.
type Labels struct {
	Name string
	Of   map[string]string // empty values are as if they were not there
}

// Sample is one value of a series.
type Sample struct {
	Labels
	At    time.Time // to the millisecond
	Value float64
}

// Point is a value at a time.
type Point struct {
	At    time.Time
	Value float64
}

// Series is what a span has of one series, in the order of times.
type Series struct {
	Labels
	Points []Point
}

// Match narrows a read: the label must have one of the values. Without values it must have any but the empty one.
type Match struct {
	Label string
	In    []string
}

// Store keeps samples. Its methods are safe for concurrent use.
type Store interface {
	// Append keeps samples, in any order; one that is there already is kept once. It tells how many are too old to be kept: older than the retention, or than the
	// store can still sort in.
	Append(ctx context.Context, samples []Sample) (late int, err error)
	// Select reads the series of a name that match, with their points from one moment to another, both included.
	Select(ctx context.Context, name string, from, to time.Time, match ...Match) ([]Series, error)
	// Close frees the store; what was appended stays.
	Close() error
}
