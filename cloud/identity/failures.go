package identity

import (
	"sync"
	"time"
)

const (
	freeFailures   = 5                // wrong passwords in a row before a wait
	longestWait    = time.Minute      // between tries, after many failures
	forgetFailures = 15 * time.Minute // a row of failures ends by itself
	maxFailures    = 10000            // remembered users; each entry has cost its maker a password hash
)

// failures slows down guessing: after five wrong passwords in a row a user's next try has to wait 1, 2, 4 ... 60 seconds. It is kept in memory, per server.
type failures struct {
	mu  sync.Mutex
	row map[string]failure
}

type failure struct {
	count int
	last  time.Time
}

func newFailures() *failures { return &failures{row: map[string]failure{}} }

// wait tells how long the next try for a name must still wait.
func (f *failures) wait(name string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.row[name]
	if e.count < freeFailures {
		return 0
	}
	pause := min(longestWait, time.Second<<min(e.count-freeFailures, 10))
	return e.last.Add(pause).Sub(now)
}

func (f *failures) failed(name string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.row) >= maxFailures {
		clear(f.row)
	}
	e := f.row[name]
	if now.Sub(e.last) > forgetFailures {
		e.count = 0
	}
	f.row[name] = failure{count: e.count + 1, last: now}
}

func (f *failures) succeeded(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.row, name)
}
