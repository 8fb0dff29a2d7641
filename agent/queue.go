package agent

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// task is the work on one item.
type task struct {
	key     protocol.Key
	rank    int   // removals first, in the opposite order of kinds; then the kinds in their order
	order   int64 // first come, first served within a rank
	due     time.Time
	attempt int
	running bool
	again   bool // something changed while it ran
	settled bool // its last run left nothing to do
	queued  bool
	at      int // in the heap that it is queued in
	cancel  context.CancelFunc
	waiters []*task
}

type taskHeap struct {
	tasks []*task
	less  func(a, b *task) bool
}

func (h *taskHeap) Len() int           { return len(h.tasks) }
func (h *taskHeap) Less(i, j int) bool { return h.less(h.tasks[i], h.tasks[j]) }
func (h *taskHeap) Swap(i, j int) {
	h.tasks[i], h.tasks[j] = h.tasks[j], h.tasks[i]
	h.tasks[i].at, h.tasks[j].at = i, j
}
func (h *taskHeap) Push(x any) {
	t := x.(*task)
	t.at = len(h.tasks)
	h.tasks = append(h.tasks, t)
}
func (h *taskHeap) Pop() any {
	last := h.tasks[len(h.tasks)-1]
	h.tasks = h.tasks[:len(h.tasks)-1]
	return last
}

// queue orders the work: at most one run of a key at a time, and no run of one waits for another's failure.
type queue struct {
	mu     sync.Mutex
	now    func() time.Time
	tasks  map[protocol.Key]*task
	ready  taskHeap
	later  taskHeap
	count  int64
	signal chan struct{}
}

func newQueue(now func() time.Time) *queue {
	q := &queue{now: now, tasks: map[protocol.Key]*task{}, signal: make(chan struct{}, 1)}
	q.ready.less = func(a, b *task) bool { return a.rank < b.rank || (a.rank == b.rank && a.order < b.order) }
	q.later.less = func(a, b *task) bool { return a.due.Before(b.due) || (a.due.Equal(b.due) && a.order < b.order) }
	return q
}

func rank(kind string, deleted bool) int {
	i, n := slices.Index(spec.Kinds(), kind), len(spec.Kinds())
	if deleted {
		return n - i
	}
	return n + 1 + i
}

// add makes an item's work due now. A run under way on an older wish is cancelled if supersede is set.
func (q *queue) add(key protocol.Key, deleted, supersede bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tasks[key]
	if t == nil {
		t = &task{key: key}
		q.tasks[key] = t
	}
	t.settled = false
	if supersede {
		t.attempt = 0
	}
	if t.running {
		t.again = true
		t.rank = rank(key.Kind, deleted)
		if supersede && t.cancel != nil {
			t.cancel()
		}
		return
	}
	q.remove(t)
	t.rank = rank(key.Kind, deleted)
	q.push(t)
}

// push puts a task among the ready. q.mu is held.
func (q *queue) push(t *task) {
	q.count++
	t.order, t.queued, t.due = q.count, true, time.Time{}
	heap.Push(&q.ready, t)
	q.poke()
}

func (q *queue) postpone(t *task, d time.Duration) {
	q.count++
	t.order, t.queued, t.due = q.count, true, q.now().Add(d)
	heap.Push(&q.later, t)
	q.poke()
}

func (q *queue) poke() {
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

func (q *queue) remove(t *task) {
	if !t.queued {
		return
	}
	h := &q.ready
	if !t.due.IsZero() {
		h = &q.later
	}
	heap.Remove(h, t.at)
	t.queued = false
}

// patience of a task that waits for another: then it looks for itself.
const waitMost = 10 * time.Second

// next takes the next task that may run. Without one it tells how long until there may be one; 0 means that only a signal brings one.
func (q *queue) next(needs func(protocol.Key) []protocol.Key) (*task, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.later.Len() > 0 && !q.later.tasks[0].due.After(q.now()) {
		t := heap.Pop(&q.later).(*task)
		q.push(t)
	}
	for q.ready.Len() > 0 {
		t := heap.Pop(&q.ready).(*task)
		t.queued = false
		if q.blocked(t, needs(t.key)) {
			continue
		}
		t.running, t.again = true, false
		return t, 0
	}
	if q.later.Len() == 0 {
		return nil, 0
	}
	return nil, max(q.later.tasks[0].due.Sub(q.now()), time.Microsecond)
}

// blocked parks a task behind one that it needs and that is under way for the first time. q.mu is held.
func (q *queue) blocked(t *task, needs []protocol.Key) bool {
	for _, k := range needs {
		n := q.tasks[k]
		if n == nil || n.settled || n.attempt > 0 {
			continue
		}
		n.waiters = append(n.waiters, t)
		q.postpone(t, waitMost)
		return true
	}
	return false
}

// done ends a run. settled: nothing is left to do. Otherwise it runs again after d, or when one of the awaited settles.
func (q *queue) done(t *task, settled bool, d time.Duration, awaited []protocol.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.running, t.cancel = false, nil
	for _, k := range awaited {
		if n := q.tasks[k]; n != nil && !n.settled {
			n.waiters = append(n.waiters, t)
		}
	}
	switch {
	case t.again:
		q.push(t)
	case d > 0:
		q.postpone(t, d)
	}
	if settled {
		t.settled, t.attempt = !t.again, 0
	} else {
		t.attempt++
	}
	waiters := t.waiters
	t.waiters = nil
	for _, w := range waiters {
		if w.running || q.tasks[w.key] != w || w.settled {
			continue
		}
		q.remove(w)
		q.push(w)
	}
	q.poke()
}

// drop forgets a task.
func (q *queue) drop(key protocol.Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tasks[key]
	if t == nil {
		return
	}
	q.remove(t)
	if t.cancel != nil {
		t.cancel()
	}
	delete(q.tasks, key)
}

// idle tells that nothing is ready or running.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tasks {
		if t.running || (t.queued && t.due.IsZero()) {
			return false
		}
	}
	return true
}

func (q *queue) setCancel(t *task, cancel context.CancelFunc) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.cancel = cancel
	if t.again {
		cancel()
	}
}

// idleKey tells that an item's work has settled.
func (q *queue) idleKey(key protocol.Key) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.tasks[key]
	return t == nil || (t.settled && !t.running)
}
