package adminclient

import (
	"fmt"
	"io"
	"strings"
)

// Bar draws progress: one line that is overwritten on a terminal, a line for each step elsewhere.
type Bar struct {
	Out      io.Writer
	Terminal bool

	step string
	last string
}

const barWidth = 30

// Tell draws.
func (b *Bar) Tell(p Progress) {
	if !b.Terminal {
		if p.Step != b.step {
			fmt.Fprintln(b.Out, p.Step)
		}
		b.step = p.Step
		return
	}
	line := fmt.Sprintf("%-10s %s", p.Step, size(p.Done))
	if p.Total > 0 {
		full := int(min(p.Done, p.Total) * barWidth / p.Total)
		line = fmt.Sprintf("%-10s [%s%s] %3d%% of %s", p.Step, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), min(100, p.Done*100/p.Total), size(p.Total))
	}
	if line == b.last {
		return
	}
	fmt.Fprintf(b.Out, "\r%-*s", len(b.last), line)
	b.step, b.last = p.Step, line
}

// End goes to the next line.
func (b *Bar) End() {
	if b.Terminal && b.last != "" {
		fmt.Fprintln(b.Out)
	}
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}
