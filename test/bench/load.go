package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const clients = 8

// load is what a number of calls took.
type load struct {
	calls  int
	took   time.Duration
	each   []time.Duration // sorted
	served float64         // processor time of the cloud per call, in ms
	asked  float64         // processor time of the clients per call, in ms
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

// spent adds the processor time to what f did.
func (c *cloud) spent(f func() (load, error)) (load, error) {
	before, err := c.usage()
	if err != nil {
		return load{}, err
	}
	own, err := processorTime()
	if err != nil {
		return load{}, err
	}
	l, err := f()
	if err != nil {
		return l, err
	}
	after, err := c.usage()
	if err != nil {
		return l, err
	}
	now, err := processorTime()
	each := float64(l.calls) * float64(time.Millisecond)
	l.served, l.asked = float64(after.CPU-before.CPU)/each, float64(now-own)/each
	return l, err
}

// creates orders n instances.
func (c *cloud) creates(n int) (load, error) {
	return run(n, clients, func() error {
		_, err := c.create()
		return err
	})
}

// untilRunning orders n instances and notes how fast they came to run, counted from the first order.
func (c *cloud) untilRunning(t *table, n int) (load, error) {
	start := time.Now()
	l, err := c.spent(func() (load, error) {
		l, err := c.creates(n)
		if err != nil {
			return l, err
		}
		return l, c.settle()
	})
	if err != nil {
		return l, err
	}
	t.atLeast("instances observed running", "/s", float64(n)/time.Since(start).Seconds(), 250)
	t.tell("processor time of the cloud per life (create to running)", "ms", l.served)
	t.tell("processor time of the clients per life", "ms", l.asked)
	return l, nil
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

// profiled writes a profile of the cloud's next 5 s to a file while f runs; an empty path is none.
func (c *cloud) profiled(path string, f func() (load, error)) (load, error) {
	if path == "" {
		return f()
	}
	written := make(chan error, 1)
	go func() { written <- c.profile(path) }()
	l, err := f()
	return l, errors.Join(err, <-written)
}

func (c *cloud) profile(path string) error {
	answer, err := http.Get(c.side + "/debug/pprof/profile?seconds=5")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, answer.Body)
	return errors.Join(err, file.Close())
}
