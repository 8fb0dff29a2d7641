package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// table collects figures and their goals (design bars A3 and A4).
type table struct{ rows []figure }

type figure struct {
	name, unit  string
	value, goal float64
	atLeast     bool
}

func (t *table) atLeast(name, unit string, value, goal float64) {
	t.rows = append(t.rows, figure{name, unit, value, goal, true})
}

func (t *table) atMost(name, unit string, value, goal float64) {
	t.rows = append(t.rows, figure{name, unit, value, goal, false})
}

// print writes the table. A ratio of 1 or more reaches the goal; it is left out where the figure is below zero (a rate that rose instead of falling).
func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "FIGURE\tVALUE\tGOAL\tRATIO")
	for _, f := range t.rows {
		ratio, sign := f.value/f.goal, ">="
		if !f.atLeast {
			ratio, sign = f.goal/max(f.value, 1e-9), "<="
		}
		shown := "reached"
		if f.value > 0 {
			shown = fmt.Sprintf("%.2f", ratio)
		}
		fmt.Fprintf(out, "%s\t%.1f %s\t%s %g %s\t%s\n", f.name, f.value, f.unit, sign, f.goal, f.unit, shown)
	}
	_ = out.Flush() // a terminal
}

// untilRunning orders n instances and notes how fast they came to run, counted from the first order.
func (c *cloud) untilRunning(t *table, n int) (load, error) {
	start := time.Now()
	l, err := c.creates(n)
	if err != nil {
		return l, err
	}
	if err := c.settle(); err != nil {
		return l, err
	}
	t.atLeast("instances observed running", "/s", float64(n)/time.Since(start).Seconds(), 500)
	return l, nil
}
