package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"edgecloud/agent/apply"
	"edgecloud/agent/ledger"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Failed work is tried again after retryFirst, doubling to retryMost.
const (
	retryFirst = 500 * time.Millisecond
	retryMost  = 10 * time.Second
)

func (a *Agent) needs(key protocol.Key) []protocol.Key {
	i, ok := a.ledger.Get(key)
	if !ok {
		return nil
	}
	return apply.Needs(i)
}

// before lists what may have kept an item from being carried out: what it refers to, or, for a removal, what may refer to it. When one of them settles, the
// item is tried at once: otherwise the pauses of a whole chain (network, subnet, port, public address) would add up.
func (a *Agent) before(item ledger.Item) []protocol.Key {
	if !item.Deleted {
		return apply.Needs(item)
	}
	var users []protocol.Key
	own := slices.Index(spec.Kinds(), item.Kind)
	for _, i := range a.ledger.Items() {
		if i.Deleted && i.Target == item.Target && slices.Index(spec.Kinds(), i.Kind) > own {
			users = append(users, i.Key)
		}
	}
	return users
}

// ApplyNext applies the next due item and tells whether there was one.
func (a *Agent) ApplyNext(ctx context.Context) bool {
	if a.halted.Load() {
		return false
	}
	t, _ := a.queue.next(a.needs)
	if t == nil {
		return false
	}
	_ = a.work(ctx, t)
	return true
}

// work runs one task. Its error is one that must stop the agent.
func (a *Agent) work(ctx context.Context, t *task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.queue.setCancel(t, cancel)
	item, ok := a.ledger.Get(t.key)
	if !ok || (protocol.IsSiteKind(item.Kind) && a.ledger.Role().Epoch == 0) {
		a.queue.done(t, true, 0, nil)
		return nil
	}
	if err := a.point("applying " + t.key.Kind); err != nil {
		return err
	}
	result, err := a.applier.Apply(ctx, item)
	if err := a.point("applied " + t.key.Kind); err != nil {
		return err
	}
	if stop := fatal(err); stop != nil {
		return stop
	}
	a.settle(ctx, t, item, result, err)
	return nil
}

// settle reports how a run ended and decides when the next one is.
func (a *Agent) settle(ctx context.Context, t *task, item ledger.Item, result apply.Result, err error) {
	report := spec.Report{Kind: item.Kind, UID: item.UID, Generation: item.Generation, Phase: result.Phase, Error: result.Note}
	var wait *apply.Wait
	switch {
	case err == nil && item.Deleted:
		report.Phase = spec.Gone
	case err == nil && report.Phase == "":
		report.Phase = spec.Applied
	case errors.As(err, &wait):
		report.Phase, report.Error = spec.Pending, wait.Error()
	case err != nil && ctx.Err() != nil:
		// Superseded or stopped: whoever did that knows more than this error.
		a.queue.done(t, false, retryFirst, nil)
		return
	case err != nil:
		report.Phase, report.Error = spec.Failed, err.Error()
		a.cfg.Logger.Warn("applying failed", "kind", item.Kind, "uid", item.UID, "generation", item.Generation, "attempt", t.attempt+1, "error", err)
	}
	if last, ok := a.outbox.last(t.key); ok && err == nil && last.Phase == spec.Orphan && last.Generation == item.Generation && !item.Deleted {
		report.Phase, report.Error = last.Phase, last.Error // it is kept as it was, and still known to nobody
	}
	a.outbox.put(report, result.Facts, false)
	if err == nil {
		a.queue.done(t, result.Again == 0 || result.Phase == "", result.Again, nil)
		return
	}
	awaited := a.before(item)
	if wait != nil {
		awaited = wait.For
	}
	a.queue.done(t, false, a.jitter(min(retryFirst<<min(t.attempt, 20), retryMost)), awaited)
}

func (a *Agent) applyLoop(ctx context.Context) error {
	slots := make(chan struct{}, a.cfg.Workers)
	failed := make(chan error, 1)
	var workers sync.WaitGroup
	defer workers.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		t, err := a.await(ctx, failed)
		if t == nil {
			return err
		}
		workers.Go(func() {
			defer func() { <-slots }()
			if err := a.work(ctx, t); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
}

// await waits for a task; nil when ctx ends or a worker has met what must stop the agent.
func (a *Agent) await(ctx context.Context, failed <-chan error) (*task, error) {
	for {
		t, after := a.queue.next(a.needs)
		if t != nil {
			return t, nil
		}
		var timer <-chan time.Time
		if after > 0 {
			timer = time.After(after)
		}
		select {
		case <-a.queue.signal:
		case <-timer:
		case err := <-failed:
			return nil, err
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// pause waits; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
