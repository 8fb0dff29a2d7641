package spool

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

const (
	// DefaultLimit bounds the bytes on disk of what waits.
	DefaultLimit = 128 << 20
	// segmentSize is how large the open segment grows, in bytes before it is packed.
	segmentSize = 1 << 20
)

// ID names a round.
type ID struct {
	segment int64
	index   int
}

// Round is one round, as it was put.
type Round struct {
	ID   ID
	Data []byte
}

// Spool is a queue of rounds. Its methods are safe for concurrent use.
type Spool struct {
	dir   string // empty: all is in memory
	limit int64

	mu       sync.Mutex
	segments []*segment // oldest first; the last one is open
	file     *os.File   // of the open segment
	lost     int64      // bytes that were dropped at the bound
}

// segment is a run of rounds.
type segment struct {
	number int64
	bytes  int64    // that it takes on disk, or in memory
	rounds [][]byte // nil while a sealed segment lies on disk
	done   []bool   // by round
	packed bool
}

// Open opens a folder, which it makes, with what an earlier agent left in it. An empty name keeps all in memory. A limit of 0 is DefaultLimit.
func Open(dir string, limit int64) (*Spool, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	s := &Spool{dir: dir, limit: limit}
	if dir == "" {
		s.segments = []*segment{{number: 1}}
		return s, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if err := s.find(); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return s, nil
}

// Put appends a round, which must not contain a line break.
func (s *Spool) Put(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.segments[len(s.segments)-1]
	if s.dir != "" {
		if s.file == nil {
			return errors.New("spool: it is closed")
		}
		if _, err := s.file.Write(append(slices.Clone(data), '\n')); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	open.rounds, open.done = append(open.rounds, slices.Clone(data)), append(open.done, false)
	open.bytes += int64(len(data)) + 1
	if open.bytes >= segmentSize {
		if err := s.seal(open); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	return s.bound()
}

// bound drops the oldest sealed segments beyond the limit.
func (s *Spool) bound() error {
	var sum int64
	for _, g := range s.segments {
		sum += g.bytes
	}
	for sum > s.limit && len(s.segments) > 1 {
		g := s.segments[0]
		sum -= g.bytes
		s.lost += g.bytes
		if err := s.drop(g); err != nil {
			return err
		}
	}
	return nil
}

// Lost tells how many bytes were dropped since the last question.
func (s *Spool) Lost() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := s.lost
	s.lost = 0
	return lost
}

// Waiting tells whether a round is left.
func (s *Spool) Waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.segments) > 1 || slices.Contains(s.segments[0].done, false)
}

// Take gives the oldest rounds, of about so many bytes together and at least one if there is any.
func (s *Spool) Take(bytes int) ([]Round, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range slices.Clone(s.segments) {
		if err := s.load(g); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
		var out []Round
		for k, data := range g.rounds {
			if g.done[k] {
				continue
			}
			if len(out) > 0 && bytes < len(data) {
				break
			}
			out, bytes = append(out, Round{ID{g.number, k}, data}), bytes-len(data)
		}
		if len(out) > 0 {
			return out, nil
		}
		if err := s.settle(g); err != nil { // nothing in it could be read
			return nil, err
		}
	}
	return nil, nil
}

// Done forgets rounds that the centre has taken.
func (s *Spool) Done(ids ...ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		at := slices.IndexFunc(s.segments, func(g *segment) bool { return g.number == id.segment })
		if at < 0 || id.index >= len(s.segments[at].done) {
			continue // dropped meanwhile
		}
		g := s.segments[at]
		g.done[id.index] = true
		if err := s.settle(g); err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	return nil
}

// settle frees a segment that is done: the open one begins anew.
func (s *Spool) settle(g *segment) error {
	if slices.Contains(g.done, false) {
		return nil
	}
	if g != s.segments[len(s.segments)-1] {
		return s.drop(g)
	}
	g.rounds, g.done, g.bytes = nil, nil, 0
	g.number++ // an answer that comes twice must not meet a later round
	if s.file == nil {
		return nil
	}
	return s.begin(g)
}

// Close frees the files; what waits stays.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}
