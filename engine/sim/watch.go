package sim

import (
	"context"
	"sync"
)

// watchers are those who want to know of changes; one goroutine for each of them, none for a machine.
type watchers struct {
	mu  sync.Mutex
	all map[*watcher]struct{}
}

type watcher struct {
	mu      sync.Mutex
	pending map[string]struct{}
	wake    chan struct{}
	broken  chan struct{}
}

func (w *watchers) tell(uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		one.mu.Lock()
		put(&one.pending, uid, struct{}{})
		one.mu.Unlock()
		select {
		case one.wake <- struct{}{}:
		default:
		}
	}
}

// breakAll ends every watch, as a daemon does that dies.
func (w *watchers) breakAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		close(one.broken)
		delete(w.all, one)
	}
}

func (w *watchers) add() *watcher {
	one := &watcher{wake: make(chan struct{}, 1), broken: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	put(&w.all, one, struct{}{})
	return one
}

func (w *watchers) remove(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, one)
}

func (one *watcher) take() []string {
	one.mu.Lock()
	defer one.mu.Unlock()
	uids := make([]string, 0, len(one.pending))
	for uid := range one.pending {
		uids = append(uids, uid)
	}
	clear(one.pending)
	return uids
}

func (one *watcher) run(ctx context.Context, out chan<- string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-one.broken:
			return
		case <-one.wake:
		}
		for _, uid := range one.take() {
			select {
			case out <- uid:
			case <-ctx.Done():
				return
			case <-one.broken:
				return
			}
		}
	}
}

func (v *machines) Watch(ctx context.Context) (<-chan string, error) {
	c, err := v.host.begin(ctx, OpWatch, "")
	if err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	one, out := v.watch.add(), make(chan string)
	go func() {
		defer close(out)
		defer v.watch.remove(one)
		one.run(ctx, out)
	}()
	return out, nil
}
