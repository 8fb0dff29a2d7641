package work

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"edgecloud/fault"
	"edgecloud/store"
)

// Machine declares a life cycle: one function per state.
type Machine[R any] struct {
	// Kind is the kind of the work rows.
	Kind string
	// Load reads the resource and its state; sql.ErrNoRows or a fault.NotFound means that it is gone, and the work is done.
	Load func(ctx context.Context, tx *store.Tx, uid string) (r R, state string, err error)
	// SetState writes the new state, as a compare-and-set on the row that Load gave, and into r: the new state's step may run with the same r.
	SetState func(ctx context.Context, tx *store.Tx, r R, state string) error
	// States are all states, by name.
	States map[string]State[R]
	// Failed is the state that a missed deadline leads to where a state has no OnDeadline.
	Failed string
}

// State is one state of a life cycle.
type State[R any] struct {
	// Step is what to do in this state; a resting state may have none.
	Step func(ctx context.Context, tx *store.Tx, r R) (Next, error)
	// Deadline is how long the state may last; every state that is not Terminal has one (A12).
	Deadline time.Duration
	// OnDeadline is what happens then instead of the step, usually Goto("failed"). Machine.Failed stands in for it.
	OnDeadline func(ctx context.Context, tx *store.Tx, r R) (Next, error)
	// Terminal marks a state in which a resource may rest for ever (running, stopped, failed, deleted).
	Terminal bool
}

// StateInfo describes a state, for the tests of A12 and for documentation.
type StateInfo struct {
	Name     string
	Deadline time.Duration
	Terminal bool
}

// Lifecycle is a built Machine.
type Lifecycle interface {
	Reconciler
	// States lists all states by name.
	States() []StateInfo
}

// Build checks the declaration: every state that is not terminal has a step, a deadline and a way out of it.
func (m Machine[R]) Build() (Lifecycle, error) {
	if m.Kind == "" || m.Load == nil || m.SetState == nil || len(m.States) == 0 {
		return nil, fmt.Errorf("work: the machine %q lacks its kind, Load, SetState or states", m.Kind)
	}
	if _, ok := m.States[m.Failed]; m.Failed != "" && !ok {
		return nil, fmt.Errorf("work: the machine %s does not declare its state %q for failures", m.Kind, m.Failed)
	}
	for name, s := range m.States {
		switch {
		case name == "":
			return nil, fmt.Errorf("work: the machine %s has a state without a name", m.Kind)
		case s.Terminal:
		case s.Step == nil:
			return nil, fmt.Errorf("work: the state %s of %s is not terminal and has no step", name, m.Kind)
		case s.Deadline <= 0:
			return nil, fmt.Errorf("work: the state %s of %s is not terminal and has no deadline", name, m.Kind)
		case s.OnDeadline == nil && m.Failed == "":
			return nil, fmt.Errorf("work: the state %s of %s has no OnDeadline, and the machine no Failed", name, m.Kind)
		}
	}
	return &lifecycle[R]{m}, nil
}

// MustBuild is Build for declarations that a test builds too; it panics on a bad one.
func (m Machine[R]) MustBuild() Lifecycle {
	l, err := m.Build()
	if err != nil {
		panic(err)
	}
	return l
}

type lifecycle[R any] struct{ m Machine[R] }

func (l *lifecycle[R]) Kind() string { return l.m.Kind }

func (l *lifecycle[R]) States() []StateInfo {
	var all []StateInfo
	for _, name := range slices.Sorted(maps.Keys(l.m.States)) {
		all = append(all, StateInfo{Name: name, Deadline: l.m.States[name].Deadline, Terminal: l.m.States[name].Terminal})
	}
	return all
}

// Step runs one step as the runner does, for tests of single steps; the deadline begins anew each time.
func (l *lifecycle[R]) Step(ctx context.Context, tx *store.Tx, uid string) (Next, error) {
	return l.stepRow(ctx, tx, &row{Kind: l.m.Kind, UID: uid}, nil, false)
}

// maxHops bounds the states that one transaction goes through.
const maxHops = 4

// stepRow runs the step of the state that the resource is in, and keeps the row's state, since and deadline. on tells to go on at once with the step of a state
// that is entered.
func (l *lifecycle[R]) stepRow(ctx context.Context, tx *store.Tx, w *row, overdue overdueHook, on bool) (Next, error) {
	r, state, err := l.m.Load(ctx, tx, w.UID)
	if store.NotFound(err) || fault.Is(err, fault.NotFound) {
		return Done(), nil
	}
	if err != nil {
		return Next{}, err
	}
	s, ok := l.m.States[state]
	if !ok {
		return Next{}, fmt.Errorf("work: %s %s is in the undeclared state %q", w.Kind, w.UID, state)
	}
	if w.State != state {
		w.enter(tx, state, s.Deadline)
	}
	late := w.late(tx)
	if late {
		if err := overdue.call(ctx, tx, w); err != nil {
			return Next{}, err
		}
	}
	next, err := l.act(ctx, tx, r, s, late)
	if err != nil {
		return Next{}, err
	}
	planned, err := l.settle(ctx, tx, w, r, state, next, late)
	for hops := 0; on && hops < maxHops && err == nil && next.verb == verbGoto && w.State != state; hops++ {
		state = w.State
		if next, err = l.act(ctx, tx, r, l.m.States[state], false); err != nil {
			return Next{}, err
		}
		planned, err = l.settle(ctx, tx, w, r, state, next, false)
	}
	return planned, err
}

// act picks the function to run.
func (l *lifecycle[R]) act(ctx context.Context, tx *store.Tx, r R, s State[R], late bool) (Next, error) {
	switch {
	case late && s.OnDeadline != nil:
		return s.OnDeadline(ctx, tx, r)
	case late && l.m.Failed != "":
		return Goto(l.m.Failed), nil
	case s.Step == nil:
		return Done(), nil
	}
	return s.Step(ctx, tx, r)
}

// applyRow gives the result of an outside call to the step that asked for it. The state may have changed meanwhile (a delete, say): then the result is
// applied all the same, by a function that must look at the rows, and what it wants next is dropped for the new state's own step.
func (l *lifecycle[R]) applyRow(ctx context.Context, tx *store.Tx, w *row, c *call, apply func(context.Context, *store.Tx) (Next, error)) (Next, error) {
	next, err := apply(ctx, tx)
	if err != nil {
		return Next{}, err
	}
	r, state, err := l.m.Load(ctx, tx, w.UID)
	if store.NotFound(err) || fault.Is(err, fault.NotFound) {
		return Done(), nil
	}
	if err != nil {
		return Next{}, err
	}
	if state != c.state {
		return Again(0), nil
	}
	return l.settle(ctx, tx, w, r, state, next, false)
}

// ErrUndeclared is a Goto to a state that the machine does not have.
var ErrUndeclared = errors.New("work: goto to an undeclared state")

// settle writes what a step wants next.
func (l *lifecycle[R]) settle(ctx context.Context, tx *store.Tx, w *row, r R, state string, next Next, late bool) (Next, error) {
	s := l.m.States[state]
	if late && (next.verb != verbGoto || next.state == state) {
		w.enter(tx, state, s.Deadline) // it chose to go on: the next alert comes one deadline later
	}
	switch next.verb {
	case verbGoto:
		if next.state == state {
			return Again(0), nil // entering it anew would let it escape its deadline for ever
		}
		to, ok := l.m.States[next.state]
		if !ok {
			return Next{}, fmt.Errorf("%w: %s, from %s of %s %s", ErrUndeclared, next.state, state, w.Kind, w.UID)
		}
		if err := l.m.SetState(ctx, tx, r, next.state); err != nil {
			return Next{}, err
		}
		w.enter(tx, next.state, to.Deadline)
		return Again(0), nil
	case verbDone:
		if !s.Terminal {
			return Next{}, fmt.Errorf("work: the state %s of %s is not terminal, so its step cannot be done: %s would wait for ever", state, w.Kind, w.UID)
		}
	case verbCall:
		next.call.state = state
	case verbWait:
		if !s.Terminal && next.after > 0 {
			w.Deadline = min(w.Deadline, w.Since.Add(next.after))
		}
		if !s.Terminal {
			w.Event = next.event
			next.after = 0
		}
	}
	return next, nil
}

// enter begins a state.
func (w *row) enter(tx *store.Tx, state string, deadline time.Duration) {
	w.State, w.Event, w.Since, w.Deadline = state, "", tx.Time(), 0
	if deadline > 0 {
		w.Deadline = w.Since.Add(deadline)
	}
}

// late tells whether the row's state or wait has lasted too long.
func (w *row) late(tx *store.Tx) bool { return w.Deadline > 0 && tx.Time() >= w.Deadline }
