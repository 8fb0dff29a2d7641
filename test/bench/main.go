package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// options are the command's flags.
type options struct {
	dir     string
	profile string
	serve   string
	up      string
	size    int
}

func main() {
	var o options
	full := flag.Bool("full", false, "100,000 instances instead of 2,500")
	flag.IntVar(&o.size, "size", 2_500, "instances to make")
	flag.StringVar(&o.profile, "cpuprofile", "", "write a profile of the cloud during the first creates to this file")
	flag.StringVar(&o.dir, "dir", "", "folder of the database; empty is a new one that is removed afterwards")
	flag.StringVar(&o.serve, "serve", "", "be the measured cloud in this folder; used by bench itself")
	flag.StringVar(&o.up, "up", "", "be `edgecloud up --engine sim` in this folder; used by bench itself")
	flag.Parse()
	if *full {
		o.size = 100_000
	}
	if err := o.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run() error {
	switch {
	case o.serve != "":
		return serve(o.serve)
	case o.up != "":
		return up(o.up)
	}
	if o.dir == "" {
		made, err := os.MkdirTemp("", "edgecloud-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		o.dir = made
	}
	t := &table{}
	err := atRest(t, o.dir)
	if err == nil {
		err = o.underLoad(t)
	}
	t.print(os.Stdout) // also what was measured before a failure
	return err
}

func (o options) underLoad(t *table) error {
	c, err := startCloud(o.dir)
	if err != nil {
		return err
	}
	return errors.Join(o.measure(c, t), c.stop())
}

func (o options) measure(c *cloud, t *table) error {
	if err := c.iecMeasure(t); err != nil {
		return err
	}
	one, err := run(100, 1, c.toRunning)
	if err != nil {
		return err
	}
	t.atMost("create to running, one after the other, p50", "ms", one.at(50), 15)
	first, err := c.profiled(o.profile, func() (load, error) { return c.untilRunning(t, 1_000) })
	if err != nil {
		return err
	}
	if err := c.fill(o.size - 2_100); err != nil {
		return err
	}
	last, err := c.untilRunning(t, 1_000)
	if err != nil {
		return err
	}
	t.atLeast("creates accepted, first 1,000", "/s", first.rate(), 1_500)
	t.atMost("creates accepted, first 1,000, p99", "ms", first.at(99), 50)
	t.atLeast(fmt.Sprintf("creates accepted, last 1,000 of %d", o.size), "/s", last.rate(), 1_500)
	t.atMost(fmt.Sprintf("creates accepted, last 1,000 of %d, p99", o.size), "ms", last.at(99), 50)
	t.atMost("rise of the cloud's processor time per life", "%", 100*(last.served/first.served-1), 25)
	return c.pages(t, o.size)
}

// pages reads pages of 100 in both versions: the first one, and one from the middle.
func (c *cloud) pages(t *table, size int) error {
	middle, err := c.middle()
	if err != nil {
		return err
	}
	for _, p := range []struct{ name, path, query string }{
		{"BEC 1.0, first", "/v1/vm/instance", "pageNo=1&pageSize=100"},
		{"BEC 1.0, middle", "/v1/vm/instance", fmt.Sprintf("pageNo=%d&pageSize=100", size/200)},
		{"BEC 2.0, first", "/v2/vm/instance", "maxKeys=100"},
		{"BEC 2.0, middle", "/v2/vm/instance", "marker=" + middle + "&maxKeys=100"},
		{"BEC 1.0, groups", "/v1/vm/service", "pageNo=1&pageSize=100"},
	} {
		l, err := c.spent(func() (load, error) {
			return run(200, 1, func() error {
				_, err := c.client.call("GET", p.path, p.query, nil)
				return err
			})
		})
		if err != nil {
			return err
		}
		t.atMost(fmt.Sprintf("page of 100 out of %d, %s, p99", size, p.name), "ms", l.at(99), 10)
		t.tell(fmt.Sprintf("page of 100 out of %d, %s, processor time of the cloud", size, p.name), "ms", l.served)
	}
	return nil
}
