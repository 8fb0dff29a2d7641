package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table collects figures and their goals (design bars A1 to A4).
type table struct{ rows []figure }

type figure struct {
	name, unit  string
	value, goal float64 // goal 0: none
	atLeast     bool
}

func (t *table) atLeast(name, unit string, value, goal float64) {
	t.rows = append(t.rows, figure{name, unit, value, goal, true})
}

func (t *table) atMost(name, unit string, value, goal float64) {
	t.rows = append(t.rows, figure{name, unit, value, goal, false})
}

// tell adds a figure without a goal.
func (t *table) tell(name, unit string, value float64) {
	t.rows = append(t.rows, figure{name: name, unit: unit, value: value})
}

// print writes the table. A ratio of 1 or more reaches the goal; it is left out where the figure is below zero (a rise that is a fall).
func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "FIGURE\tVALUE\tGOAL\tRATIO")
	for _, f := range t.rows {
		if f.goal == 0 {
			fmt.Fprintf(out, "%s\t%.2f %s\t\t\n", f.name, f.value, f.unit)
			continue
		}
		ratio, sign := f.value/f.goal, ">="
		if !f.atLeast {
			ratio, sign = f.goal/max(f.value, 1e-9), "<="
		}
		shown := "reached"
		if f.value > 0 {
			shown = fmt.Sprintf("%.2f", ratio)
		}
		fmt.Fprintf(out, "%s\t%.2f %s\t%s %g %s\t%s\n", f.name, f.value, f.unit, sign, f.goal, f.unit, shown)
	}
	_ = out.Flush() // a terminal
}
