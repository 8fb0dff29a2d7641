package work

import (
	"context"
	"fmt"
	"time"

	"edgecloud/store"
)

// Reconciler brings resources of one kind nearer to what they should be.
type Reconciler interface {
	// Kind is the kind of the work rows that it takes.
	Kind() string
	// Step looks at one resource and changes rows, nothing else; it may be repeated at any time, also right after it went well. A resource that is gone is
	// Done. An error undoes the step's changes; it is tried again later, after 200 ms at first and 1 min at last.
	Step(ctx context.Context, tx *store.Tx, uid string) (Next, error)
}

type verb int

const (
	verbDone verb = iota
	verbGoto
	verbWait
	verbAgain
	verbCall
)

// Next is what happens after a step. Values made by Goto, Wait, Again and Done can be compared with ==.
type Next struct {
	verb  verb
	state string
	event string
	after time.Duration
	call  *call
}

// Goto enters another state of a Machine, whose step runs next.
func Goto(state string) Next { return Next{verb: verbGoto, state: state} }

// Wait rests until something wakes the resource; event says what should, for the operator. When that does not happen within the deadline (counted from
// entering the state, in a Machine; otherwise from the first step that waited for this event), it is overdue. In a Machine's state zero means the deadline
// of the state.
func Wait(event string, deadline time.Duration) Next {
	return Next{verb: verbWait, event: event, after: deadline}
}

// Again runs the step again after a while, or earlier if something wakes the resource.
func Again(after time.Duration) Next { return Next{verb: verbAgain, after: after} }

// Done rests until something wakes the resource, without a deadline.
func Done() Next { return Next{} }

// Outside asks for one call to the outside world. do runs after the step's transaction, outside of any; it must heed its context (which ends after the
// timeout, or when the work is lost to another worker), and it can happen twice. apply gets its result in a following transaction and says what happens next.
// They are closures over values, not over the transaction.
func Outside[T any](timeout time.Duration, do func(ctx context.Context) (T, error), apply func(ctx context.Context, tx *store.Tx, result T, err error) (Next, error)) Next {
	c := &call{timeout: timeout}
	c.do = func(ctx context.Context) func(context.Context, *store.Tx) (Next, error) {
		result, err := do(ctx)
		return func(ctx context.Context, tx *store.Tx) (Next, error) { return apply(ctx, tx, result, err) }
	}
	return Next{verb: verbCall, call: c}
}

type call struct {
	timeout time.Duration
	do      func(context.Context) func(context.Context, *store.Tx) (Next, error)
	state   string // of the machine that asked, set by it
}

// String says it in words, for logs and failing tests.
func (n Next) String() string {
	switch n.verb {
	case verbGoto:
		return "goto " + n.state
	case verbWait:
		return fmt.Sprintf("wait for %s, %s", n.event, n.after)
	case verbAgain:
		return "again after " + n.after.String()
	case verbCall:
		return "call outside"
	}
	return "done"
}
