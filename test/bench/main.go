package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
)

func main() {
	full := flag.Bool("full", false, "100,000 instances instead of 2,500; takes many minutes")
	profile := flag.String("cpuprofile", "", "write a profile of the first creates to this file")
	dir := flag.String("dir", "", "folder of the database; empty is a new one that is removed afterwards")
	flag.Parse()
	if err := bench(*dir, *profile, *full); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(dir, profile string, full bool) error {
	if dir == "" {
		made, err := os.MkdirTemp("", "edgecloud-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	c, err := startCloud(dir)
	if err != nil {
		return err
	}
	size := 2_500
	if full {
		size = 100_000
	}
	t := &table{}
	err = measure(c, t, size, profile)
	t.print(os.Stdout) // also what was measured before a failure
	return errors.Join(err, c.stop())
}

func measure(c *cloud, t *table, size int, profile string) error {
	one, err := run(100, 1, c.toRunning)
	if err != nil {
		return err
	}
	t.atMost("create to running, one after the other, p50", "ms", one.at(50), 15)
	first, err := profiled(profile, func() (load, error) { return c.untilRunning(t, 1_000) })
	if err != nil {
		return err
	}
	for made := 1_100; made < size-1_000; made += 1_000 {
		if _, err := c.creates(1_000); err != nil {
			return err
		}
		if err := c.settle(); err != nil { // the queue stays short, so that the last creates meet the cloud that the first ones met
			return err
		}
	}
	last, err := c.creates(1_000)
	if err != nil {
		return err
	}
	t.atLeast("creates accepted, first 1,000", "/s", first.rate(), 1_500)
	t.atMost("creates accepted, first 1,000, p99", "ms", first.at(99), 50)
	t.atLeast(fmt.Sprintf("creates accepted, last 1,000 of %d", size), "/s", last.rate(), 1_500)
	t.atMost("fall of the rate", "%", 100*(1-last.rate()/first.rate()), 20)
	if err := c.settle(); err != nil {
		return err
	}
	return c.pages(t, size)
}

func profiled(path string, f func() (load, error)) (load, error) {
	if path == "" {
		return f()
	}
	file, err := os.Create(path)
	if err != nil {
		return load{}, err
	}
	defer file.Close()
	if err := pprof.StartCPUProfile(file); err != nil {
		return load{}, err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// pages reads the first page of 100 in both versions.
func (c *cloud) pages(t *table, size int) error {
	for _, p := range []struct{ name, path, query string }{
		{"BEC 1.0", "/v1/vm/instance", "pageNo=1&pageSize=100"},
		{"BEC 2.0", "/v2/vm/instance", "maxKeys=100"},
	} {
		l, err := run(200, 1, func() error {
			_, err := c.client.call("GET", p.path, p.query, nil)
			return err
		})
		if err != nil {
			return err
		}
		t.atMost(fmt.Sprintf("page of 100 out of %d, %s, p99", size, p.name), "ms", l.at(99), 10)
	}
	return nil
}
