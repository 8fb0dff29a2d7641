package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const clients = 8

// load is what a number of calls took.
type load struct {
	calls int
	took  time.Duration
	each  []time.Duration // sorted
}

func (l load) rate() float64 { return float64(l.calls) / l.took.Seconds() }

// at gives a percentile in milliseconds.
func (l load) at(percent int) float64 {
	return float64(l.each[min(len(l.each)-1, len(l.each)*percent/100)].Microseconds()) / 1000
}

// run makes n calls by several clients at once. The first error ends it.
func run(n, clients int, call func() error) (load, error) {
	var left atomic.Int64
	left.Store(int64(n))
	times := make([][]time.Duration, clients)
	errs := make([]error, clients)
	var all sync.WaitGroup
	start := time.Now()
	for k := range clients {
		all.Go(func() {
			for errs[k] == nil && left.Add(-1) >= 0 {
				began := time.Now()
				errs[k] = call()
				times[k] = append(times[k], time.Since(began))
			}
		})
	}
	all.Wait()
	l := load{calls: n, took: time.Since(start), each: slices.Concat(times...)}
	slices.Sort(l.each)
	return l, errors.Join(errs...)
}

// creates orders n instances.
func (c *cloud) creates(n int) (load, error) {
	return run(n, clients, func() error {
		_, err := c.create()
		return err
	})
}

// toRunning orders one instance and asks until it runs.
func (c *cloud) toRunning() error {
	id, err := c.create()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(timeout)
	for time.Now().Before(deadline) {
		text, err := c.client.call("GET", "/v2/vm/instance/"+id, "", nil)
		if err != nil {
			return err
		}
		var answer struct{ Instance struct{ Status string } }
		if err := json.Unmarshal(text, &answer); err != nil {
			return err
		}
		switch answer.Instance.Status {
		case "RUNNING":
			return nil
		case "":
			return fmt.Errorf("the answer has no status: %s", text)
		}
		time.Sleep(500 * time.Microsecond)
	}
	return fmt.Errorf("%s does not run after %s", id, timeout)
}
