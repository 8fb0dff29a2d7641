package store

import (
	"context"
	"sync"
	"time"
)

type backgroundKey struct{}

// Background marks the writes of a context as such that nobody waits for: life-cycle steps, reports. Under load they leave the writer to calls, but for a share
// that keeps them going. SQLite only; on PostgreSQL transactions do not wait for one another.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func isBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

const (
	// backgroundShare is how much time the background gets for a second of calls, as long as calls wait.
	backgroundShare = 0.5
	maxCredit       = 50 * time.Millisecond // what the background can save up
	maxDebt         = 20 * time.Millisecond // what it can owe: it is forgiven soon after calls have come again
)

// queue holds the waiting jobs of a group.
type queue struct {
	mu     sync.Mutex
	calls  []*job
	back   []*job
	credit time.Duration // of the background
}

func (q *queue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.background {
		q.back = append(q.back, j)
		return
	}
	q.calls = append(q.calls, j)
}

// take removes up to maxGroup jobs that nobody has left: calls first, then the background if it has credit or there are no calls.
func (q *queue) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch := takeFrom(&q.calls, nil)
	if len(batch) == 0 || q.credit >= 0 {
		batch = takeFrom(&q.back, batch)
	}
	return batch
}

func takeFrom(waiting *[]*job, batch []*job) []*job {
	n := 0
	for _, j := range *waiting {
		if len(batch) == maxGroup {
			break
		}
		n++
		if j.state.CompareAndSwap(jobWaiting, jobTaken) {
			batch = append(batch, j)
		}
	}
	rest := copy(*waiting, (*waiting)[n:])
	clear((*waiting)[rest:])
	*waiting = (*waiting)[:rest]
	return batch
}

// yields tells whether a job of the background had better wait: calls have come since the batch was taken.
func (q *queue) yields(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return j.background && len(q.calls) > 0
}

// putBack lets jobs of the background wait again, before the others.
func (q *queue) putBack(jobs []*job) {
	for _, j := range jobs {
		j.state.Store(jobWaiting)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.back = append(append(make([]*job, 0, len(jobs)+len(q.back)), jobs...), q.back...)
}

// spent notes how long a job took.
func (q *queue) spent(j *job, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if j.background {
		q.credit = max(q.credit-d, -maxDebt)
		return
	}
	q.credit = min(q.credit+time.Duration(backgroundShare*float64(d)), maxCredit)
}
