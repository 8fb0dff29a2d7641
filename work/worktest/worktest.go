package worktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// World is one fresh world with one resource's life in it. Its functions fail the test that the builder got.
type World struct {
	// DB has the clock Clock.
	DB *store.DB
	// Clock only moves when the harness moves it, to the next due time, when nothing else is left to do.
	Clock *storetest.Clock
	// Reconcilers are all that take part.
	Reconcilers []work.Reconciler
	// Drive lets the engines and agents act once: pull what should be, make it so, report. It is called whenever no step is due; nil if there are none.
	Drive func()
	// Create and Delete are the API calls that begin and end the life.
	Create, Delete func()
	// State is what a user sees, in words that are the same in every life (no uids, no times).
	State func() []string
	// Leftovers lists what is there after the delete and should not be: rows, files, addresses, guests.
	Leftovers func() []string
	// Settled tells whether the world may be left as it is although work is due later (a resource that is looked at for ever). Nil: when no work is left.
	Settled func() bool
}

// Run lives the life of a world undisturbed and then with every disturbance, each as a sub-test with a fresh world.
func Run(t *testing.T, build func(t *testing.T) *World) {
	t.Helper()
	var calm result
	t.Run("undisturbed", func(t *testing.T) {
		var err error
		calm, err = live(t.Context(), build(t), disturbance{crashAt: -1, wakeAfter: -1})
		require.NoError(t, err)
	})
	if t.Failed() {
		return
	}
	require.NotEmpty(t, calm.points, "no step ran in the whole life")
	for _, d := range disturbances(calm) {
		t.Run(d.name, func(t *testing.T) {
			got, err := live(t.Context(), build(t), d)
			require.NoError(t, err)
			require.Equal(t, calm.made, got.made, "the state after the creation")
			require.Equal(t, calm.gone, got.gone, "the state after the deletion")
		})
	}
}

// disturbance is what goes wrong in one life.
type disturbance struct {
	name       string
	crashAt    int  // at which point the worker dies; -1: nowhere
	wakeAfter  int  // after which step everything that it worked on is woken once more; -1: nowhere
	wakeAlways bool // after every step
	driveTwice bool // engines act and report twice
}

// result is what one life came to.
type result struct {
	points     []work.Point
	steps      int
	made, gone []string
}

// disturbances lists all that can go wrong in a life like the undisturbed one.
func disturbances(calm result) []disturbance {
	var all []disturbance
	for i, p := range calm.points {
		side := "before"
		if p.Committed {
			side = "after"
		}
		all = append(all, disturbance{name: fmt.Sprintf("crash %s %s %d of %s", side, p.Part, i, p.Kind), crashAt: i, wakeAfter: -1})
	}
	for i := range calm.steps {
		all = append(all, disturbance{name: fmt.Sprintf("step again after step %d", i), crashAt: -1, wakeAfter: i})
	}
	return append(all, disturbance{name: "every step twice", crashAt: -1, wakeAfter: -1, wakeAlways: true},
		disturbance{name: "engines twice", crashAt: -1, wakeAfter: -1, driveTwice: true})
}

// life is one life under way.
type life struct {
	*World
	disturbance
	runner  *work.Runner
	result  result
	seen    int        // points passed
	last    work.Point // the last point passed
	overdue error
}

// The bounds of a life: more than that is a loop.
const (
	maxSteps   = 10_000
	maxVirtual = 7 * 24 * time.Hour
)

// live lives one life.
func live(ctx context.Context, w *World, d disturbance) (result, error) {
	l := &life{World: w, disturbance: d}
	l.restart()
	w.Create()
	if err := l.settle(ctx); err != nil {
		return l.result, fmt.Errorf("after the creation: %w", err)
	}
	l.result.made = w.State()
	w.Delete()
	if err := l.settle(ctx); err != nil {
		return l.result, fmt.Errorf("after the deletion: %w", err)
	}
	l.result.gone = w.State()
	if left := w.Leftovers(); len(left) > 0 {
		return l.result, fmt.Errorf("left behind: %q", left)
	}
	if d.crashAt >= 0 && l.seen <= d.crashAt {
		return l.result, fmt.Errorf("the point %d was never reached: the life is not the same each time", d.crashAt)
	}
	return l.result, nil
}

// restart puts a new runner in the place of a dead one.
func (l *life) restart() {
	l.runner = &work.Runner{DB: l.DB, Reconcilers: l.Reconcilers, Faults: &work.Faults{At: l.at}, OnOverdue: l.onOverdue,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func (l *life) onOverdue(_ context.Context, _ *store.Tx, o work.Overdue) error {
	l.overdue = fmt.Errorf("overdue: %s", o)
	return nil
}

// at notes a point, and is where a worker dies.
func (l *life) at(p work.Point) error {
	i := l.seen
	l.seen++
	l.last = p
	l.result.points = append(l.result.points, p)
	if i == l.crashAt {
		return work.ErrCrash
	}
	return nil
}

// settle lets everything happen until nothing is left to do.
func (l *life) settle(ctx context.Context) error {
	until := l.Clock.Now().Add(maxVirtual)
	for range maxSteps {
		ran, err := l.step(ctx)
		if err != nil || l.overdue != nil {
			return errors.Join(err, l.overdue)
		}
		if ran {
			continue
		}
		l.drive()
		at, ok, err := l.runner.NextDue(ctx)
		switch {
		case err != nil:
			return err
		case !ok || (at.After(l.Clock.Now()) && l.Settled != nil && l.Settled()):
			return nil
		case at.After(until):
			return fmt.Errorf("not settled: the next work is only due at %s", at)
		case at.After(l.Clock.Now()):
			l.Clock.Advance(at.Sub(l.Clock.Now()))
		}
	}
	return fmt.Errorf("not settled after %d rounds", maxSteps)
}

func (l *life) drive() {
	if l.Drive == nil {
		return
	}
	l.Drive()
	if l.driveTwice {
		l.Drive()
	}
}

// step runs one step with what goes wrong at it. A step's own error is no failure of the life: it is tried again.
func (l *life) step(ctx context.Context) (ran bool, err error) {
	ran, err = l.runner.RunOne(ctx)
	var failed *work.StepError
	switch {
	case errors.Is(err, work.ErrCrash):
		l.restart()
		return true, l.DB.Write(ctx, work.ReleaseAll)
	case errors.As(err, &failed):
		return true, nil
	case err != nil || !ran:
		return ran, err
	}
	i := l.result.steps
	l.result.steps++
	if i != l.wakeAfter && !(l.wakeAlways && i < maxSteps/4 && !l.echo()) {
		return true, nil
	}
	return true, l.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return work.Wake(ctx, tx, l.last.Kind, l.last.UID) })
}

// echo tells whether this step is itself the repetition of one, by turns.
func (l *life) echo() bool { return l.result.steps%2 == 0 }
