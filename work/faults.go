package work

import "errors"

// Faults lets tests crash a worker at chosen points. A real runner has none.
type Faults struct {
	// At is called at every point; an error means that the worker dies there: nothing after the point happens, and its lease stays. Return ErrCrash.
	At func(p Point) error
}

// ErrCrash is the error of a worker that died by Faults.
var ErrCrash = errors.New("work: the worker was made to crash here")

// Point is a place at which a worker can die.
type Point struct {
	Kind, UID string
	Part      Part
	Committed bool // false: just before the commit of the part; true: just after it
}

// Part is what the worker was doing.
type Part string

// The parts of one run.
const (
	PartStep  Part = "step"  // the step's transaction
	PartCall  Part = "call"  // the outside call: Committed means that it has been made
	PartApply Part = "apply" // the transaction that applies the call's result
)

// crash is an error that must not be recorded as a step's failure.
type crash struct{ err error }

func (c *crash) Error() string { return c.err.Error() }
func (c *crash) Unwrap() error { return c.err }

func (f *Faults) at(w *row, part Part, committed bool) error {
	if f == nil || f.At == nil {
		return nil
	}
	if err := f.At(Point{Kind: w.Kind, UID: w.UID, Part: part, Committed: committed}); err != nil {
		return &crash{err}
	}
	return nil
}

func isCrash(err error) bool {
	var c *crash
	return errors.As(err, &c)
}
