package work

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"edgecloud/store"
)

// StepError is the failure of one step; the work is tried again later.
type StepError struct {
	Kind, UID string
	Err       error
}

// Error names the resource and the cause.
func (e *StepError) Error() string { return fmt.Sprintf("work: %s %s: %v", e.Kind, e.UID, e.Err) }

// Unwrap gives the cause.
func (e *StepError) Unwrap() error { return e.Err }

// stepper is a reconciler that looks after the row's state and deadline itself: a built Machine.
type stepper interface {
	stepRow(ctx context.Context, tx *store.Tx, w *row, overdue overdueHook, on bool) (Next, error)
	applyRow(ctx context.Context, tx *store.Tx, w *row, c *call, apply func(context.Context, *store.Tx) (Next, error)) (Next, error)
}

// outcome is one row's run in a transaction.
type outcome struct {
	w    *row
	next Next
	err  error // the step's own failure, recorded in the row
}

// runBatch runs the step of each row, and starts the outside calls that they ask for.
func (r *Runner) runBatch(ctx context.Context, batch []*row, under *sync.WaitGroup) {
	results, err := r.stepBatch(ctx, batch)
	if err != nil && len(batch) > 1 && !isCrash(err) {
		for _, w := range batch { // one of them spoils the commit: find it
			r.runBatch(ctx, []*row{w}, under)
		}
		return
	}
	if err != nil {
		r.giveUp(ctx, batch[0], err)
		return
	}
	for _, o := range results {
		r.tell(o)
		if o.err == nil && o.next.verb == verbCall {
			under.Go(func() {
				if err := r.runCall(ctx, o.w, o.next.call); err != nil {
					r.Logger.Debug("work: an outside call", "error", err)
				}
			})
		}
	}
}

// stepBatch runs the steps of a batch in one transaction. Steps seldom fail, so they are first run without a savepoint for each; if one does fail, all are run
// again with savepoints.
func (r *Runner) stepBatch(ctx context.Context, batch []*row) (results []outcome, err error) {
	if r.Faults == nil {
		if results, err = r.stepTogether(ctx, batch, false); err == nil {
			return results, nil
		}
	}
	return r.stepTogether(ctx, batch, true)
}

// stepTogether runs the steps of a batch in one transaction. With savepoints a step's failure is its own outcome, without it is the batch's.
func (r *Runner) stepTogether(ctx context.Context, batch []*row, savepoints bool) (results []outcome, err error) {
	err = r.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		results = results[:0]
		rows, err := held(ctx, tx, batch)
		if err != nil {
			return err
		}
		for _, w := range rows {
			o := outcome{w: w}
			step := func() (err error) {
				o.next, err = r.step(ctx, tx, w)
				return err
			}
			if savepoints {
				o.err = tx.Try(ctx, step)
			} else if err := step(); err != nil {
				return err
			}
			if store.Repeats(o.err) {
				return o.err
			}
			results = append(results, o)
		}
		if err := r.finish(ctx, tx, results); err != nil {
			return err
		}
		return r.Faults.at(batch[0], PartStep, false)
	})
	if err != nil {
		return nil, err
	}
	return results, r.Faults.at(batch[0], PartStep, true)
}

// step runs one step and turns what it wants into the row's new values.
func (r *Runner) step(ctx context.Context, tx *store.Tx, w *row) (Next, error) {
	rec := r.byKind[w.Kind]
	if s, ok := rec.(stepper); ok {
		next, err := s.stepRow(ctx, tx, w, r.OnOverdue, r.Faults == nil)
		if err != nil {
			return Next{}, err
		}
		return next, w.plan(tx, next)
	}
	if w.late(tx) {
		if err := overdueHook(r.OnOverdue).call(ctx, tx, w); err != nil {
			return Next{}, err
		}
		w.Event, w.Deadline = "", 0
	}
	next, err := rec.Step(ctx, tx, w.UID)
	if err != nil {
		return Next{}, err
	}
	if next.verb != verbWait && next.verb != verbCall {
		w.Event, w.Since, w.Deadline = "", 0, 0
	}
	return next, w.plan(tx, next)
}

// plan sets when the row is due next, and its wait.
func (w *row) plan(tx *store.Tx, next Next) error {
	now := tx.Time()
	switch next.verb {
	case verbGoto:
		return fmt.Errorf("work: goto %s outside of a machine", next.state)
	case verbAgain:
		w.Due = now.Add(next.after)
	case verbWait:
		if next.after > 0 && (w.Event != next.event || w.Deadline == 0) {
			w.Event, w.Since, w.Deadline = next.event, now, now.Add(next.after)
		}
		if w.Deadline == 0 {
			return fmt.Errorf("work: waiting for %s without a deadline", next.event)
		}
		w.Due = w.Deadline
	case verbCall:
		w.Due = now
	}
	if w.Deadline > 0 {
		w.Due = min(w.Due, w.Deadline)
	}
	return nil
}

// finish writes what became of the rows.
func (r *Runner) finish(ctx context.Context, tx *store.Tx, results []outcome) error {
	var done []*row
	for _, o := range results {
		switch {
		case o.err != nil:
			o.w.fail(tx, o.err)
		case o.next.verb == verbDone:
			done = append(done, o.w)
			continue
		default:
			o.w.LastError = ""
			if o.next.verb != verbCall {
				o.w.Attempt = 0
			}
		}
		if err := rest(ctx, tx, o.w, o.err == nil && o.next.verb == verbCall); err != nil {
			return err
		}
	}
	return remove(ctx, tx, done)
}

// fail plans the next try. A deadline comes first, since it decides what is done about failures that do not end.
func (w *row) fail(tx *store.Tx, err error) {
	w.LastError = truncate(err.Error(), 1000)
	w.Due = tx.Time().Add(backoff(w.Attempt))
	if w.Deadline > tx.Time() {
		w.Due = min(w.Due, w.Deadline)
	}
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// giveUp records that a row's transaction failed as a whole. If that fails too, the lease runs out and the work is repeated then.
func (r *Runner) giveUp(ctx context.Context, w *row, cause error) {
	if isCrash(cause) || errors.Is(cause, store.ErrClosed) {
		return
	}
	err := r.DB.WriteCommitted(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		rows, err := held(ctx, tx, []*row{w})
		if err != nil || len(rows) == 0 {
			return err
		}
		rows[0].fail(tx, cause)
		return rest(ctx, tx, rows[0], false)
	})
	if err != nil {
		r.Logger.Error("work: recording a failure", "kind", w.Kind, "uid", w.UID, "error", err)
	}
	r.tell(outcome{w: w, err: cause})
}

// tell logs a failed step.
func (r *Runner) tell(o outcome) {
	if o.err == nil {
		return
	}
	r.Logger.Warn("work: a step failed", "kind", o.w.Kind, "uid", o.w.UID, "state", o.w.State, "attempt", o.w.Attempt, "error", o.err)
	if r.OnError != nil {
		r.OnError(o.w.Kind, o.w.UID, o.err)
	}
}

// RunOne takes the longest due row, runs its step, its outside call if it asks for one, and returns. ran is false when nothing is due. The error is a
// *StepError when the step failed (and will be tried again), ErrCrash by Faults, or the database's.
func (r *Runner) RunOne(ctx context.Context) (ran bool, err error) {
	batch, err := r.take(ctx, 1)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	results, err := r.stepBatch(ctx, batch)
	if err != nil {
		r.giveUp(ctx, batch[0], err)
		return true, stepError(batch[0], err)
	}
	for _, o := range results {
		r.tell(o)
		if o.err == nil && o.next.verb == verbCall {
			o.err = r.runCall(ctx, o.w, o.next.call)
		}
		if o.err != nil {
			return true, stepError(o.w, o.err)
		}
	}
	return true, nil
}

func stepError(w *row, err error) error {
	var s *StepError
	if isCrash(err) || errors.As(err, &s) {
		return err
	}
	return &StepError{Kind: w.Kind, UID: w.UID, Err: err}
}

// RunDue runs what is due now, and what becomes due by it, one after the other. It returns how many steps ran, and their errors.
func (r *Runner) RunDue(ctx context.Context) (n int, err error) {
	var errs []error
	for {
		ran, err := r.RunOne(ctx)
		if ran {
			n++
		}
		if err != nil {
			errs = append(errs, err)
		}
		var s *StepError
		if !ran || (err != nil && !errors.As(err, &s)) {
			return n, errors.Join(errs...)
		}
	}
}
