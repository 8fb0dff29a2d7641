package identity

import (
	"sync"
	"time"
)

const (
	// cacheAge is how long another server's revocation may go unseen; this server's own is seen at once.
	cacheAge = 5 * time.Second
	// cacheSize bounds the memory; a full cache is emptied, which costs a statement per key in use.
	cacheSize = 10000
)

// cache keeps opened credentials, since every API call needs one.
type cache[T any] struct {
	mu      sync.RWMutex
	entries map[string]cached[T]
	epoch   uint64 // counts invalidations, so that a value read before one is never kept after it
}

type cached[T any] struct {
	value T
	at    time.Time
}

func newCache[T any]() *cache[T] { return &cache[T]{entries: map[string]cached[T]{}} }

// get finds a fresh value, and gives the epoch to pass to put if there is none.
func (c *cache[T]) get(key string, now time.Time) (value T, epoch uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, found := c.entries[key]
	age := now.Sub(e.at)
	return e.value, c.epoch, found && age >= 0 && age < cacheAge
}

func (c *cache[T]) put(key string, value T, epoch uint64, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if len(c.entries) >= cacheSize {
		clear(c.entries)
	}
	c.entries[key] = cached[T]{value: value, at: now}
}

func (c *cache[T]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	delete(c.entries, key)
}

func (c *cache[T]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	clear(c.entries)
}
