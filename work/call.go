package work

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"edgecloud/store"
)

// defaultTimeout bounds an outside call that does not say how long it may take.
const defaultTimeout = 30 * time.Second

// errLost means that another worker has the row now; whatever we know is its business.
var errLost = errors.New("work: the lease was lost")

// runCall makes an outside call while the lease is kept alive, and applies its result.
func (r *Runner) runCall(ctx context.Context, w *row, c *call) error {
	alive, lose := context.WithCancelCause(ctx)
	ended, beaten := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(beaten)
		r.heartbeat(ctx, w, ended, lose)
	}()
	defer func() { <-beaten; lose(nil) }()
	defer close(ended)
	select {
	case r.calls <- struct{}{}:
	case <-alive.Done():
		return context.Cause(alive)
	}
	defer func() { <-r.calls }()
	return r.callAndApply(alive, w, c)
}

func (r *Runner) callAndApply(ctx context.Context, w *row, c *call) error {
	if err := r.Faults.at(w, PartCall, false); err != nil {
		return err
	}
	apply := doCall(ctx, c)
	if err := r.Faults.at(w, PartCall, true); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx) // stopping, or lost: what the call said may only be that it was cancelled
	}
	o, err := r.applyCall(ctx, w, c, apply)
	if err != nil {
		if !errors.Is(err, errLost) {
			r.giveUp(ctx, w, err)
		}
		return err
	}
	r.tell(o)
	if err := r.Faults.at(w, PartApply, true); err != nil {
		return err
	}
	return o.err
}

// doCall runs the call under its timeout. A panic in it is its error.
func doCall(ctx context.Context, c *call) (apply func(context.Context, *store.Tx) (Next, error)) {
	timeout := c.timeout
	setDefault(&timeout, defaultTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			panicked := &store.PanicError{Value: v, Stack: debug.Stack()}
			apply = func(context.Context, *store.Tx) (Next, error) { return Next{}, panicked }
		}
	}()
	return c.do(ctx)
}

// heartbeat renews the lease every third of it until the call has ended.
func (r *Runner) heartbeat(ctx context.Context, w *row, ended <-chan struct{}, lose context.CancelCauseFunc) {
	tick := time.NewTicker(r.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var kept bool
		err := r.DB.WriteCommitted(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) (err error) {
			kept, err = extend(ctx, tx, w, r.Lease)
			return err
		})
		if err == nil && !kept {
			lose(errLost)
			return
		}
	}
}

// applyCall gives the result to the step's second half, in a transaction that also marks the work.
func (r *Runner) applyCall(ctx context.Context, w *row, c *call, apply func(context.Context, *store.Tx) (Next, error)) (o outcome, err error) {
	err = r.DB.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) error {
		rows, err := held(ctx, tx, []*row{w})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errLost
		}
		now := rows[0]
		now.Woken = w.Woken // what woke it during the call was not seen by the step
		o = outcome{w: now}
		o.err = tx.Try(ctx, func() (err error) {
			o.next, err = r.apply(ctx, tx, now, c, apply)
			return err
		})
		if store.Repeats(o.err) {
			return o.err
		}
		if err := r.finish(ctx, tx, []outcome{o}); err != nil {
			return err
		}
		return r.Faults.at(w, PartApply, false)
	})
	return o, err
}

func (r *Runner) apply(ctx context.Context, tx *store.Tx, w *row, c *call, apply func(context.Context, *store.Tx) (Next, error)) (next Next, err error) {
	if s, ok := r.byKind[w.Kind].(stepper); ok {
		next, err = s.applyRow(ctx, tx, w, c, apply)
	} else {
		next, err = apply(ctx, tx)
	}
	if err != nil {
		return Next{}, err
	}
	if next.verb == verbCall {
		return Next{}, errors.New("work: the result of an outside call may not ask for another; enter a state that does")
	}
	return next, w.plan(tx, next)
}
