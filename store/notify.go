package store

import (
	"sync"
)

// topics are the in-process signals that follow a commit.
type topics struct {
	mu   sync.Mutex
	subs map[string]map[chan struct{}]bool
}

// Subscribe gives a channel that holds one signal after any commit that notified the topic since the last receive. cancel ends it.
func (db *DB) Subscribe(topic string) (signal <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	t := &db.topics
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.subs == nil {
		t.subs = map[string]map[chan struct{}]bool{}
	}
	if t.subs[topic] == nil {
		t.subs[topic] = map[chan struct{}]bool{}
	}
	t.subs[topic][c] = true
	return c, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.subs[topic], c)
	}
}

func (t *topics) signal(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.subs[topic] {
		select {
		case c <- struct{}{}:
		default: // one is waiting there already
		}
	}
}

// Notify signals the topic's subscribers in this process after the commit. A signal only makes things fast: it may be missed by other processes, so whoever
// waits for one looks for himself now and then.
func (tx *Tx) Notify(topic string) {
	if tx.notified[topic] {
		return
	}
	if tx.notified == nil {
		tx.notified = map[string]bool{}
	}
	tx.notified[topic] = true
	tx.AfterCommit(func() { tx.db.topics.signal(topic) })
}
