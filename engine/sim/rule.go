package sim

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"edgecloud/engine/disk"
)

// ErrInjected is what a rule without an error of its own lets a call fail with.
var ErrInjected = errors.New("sim: injected fault")

// Effect is what a rule does to a call.
type Effect int

// The effects.
const (
	Fail     Effect = iota // the call fails before it does anything
	FailLate               // the call does its work and fails then: the answer is lost
	Hang                   // the call does nothing until its context ends
	Crash                  // the call succeeds and the machine crashes right after it
	Full                   // the disk is full: disk.ErrFull
)

// Rule makes calls go wrong. Empty fields match everything.
type Rule struct {
	Op          Op
	Host        string
	UID         string
	Probability float64 // 0 or 1: always
	Nth         int     // only the nth call that matches, from 1; 0: every one
	Count       int     // at most so often; 0: without limit
	// Each counts Nth and Count for each UID by itself. Without it they count over all UIDs, which depends on the order in which concurrent calls arrive.
	Each   bool
	Effect Effect
	Err    error // for Fail and FailLate; nil: ErrInjected
}

// Active is a rule at work.
type Active struct {
	Rule
	ID int // from 1, in the order in which the rules were added
}

// rule is a Rule at work.
type rule struct {
	Active
	salt string // tells its draws from other rules'
}

// knobs are what can be turned while the world runs; replaced as a whole, read without a lock.
type knobs struct {
	delays map[Op]Delay
	rules  []*rule
	serial int
}

func (w *World) turn(change func(k *knobs)) {
	w.knobMu.Lock()
	defer w.knobMu.Unlock()
	old := w.knobs.Load()
	k := &knobs{delays: map[Op]Delay{}, rules: slices.Clone(old.rules), serial: old.serial}
	for op, d := range old.delays {
		k.delays[op] = d
	}
	change(k)
	w.knobs.Store(k)
}

// SetDelay says how long an operation takes from now on; nil is instant. OpAny is for all that have no delay of their own (guests' times not included).
func (w *World) SetDelay(op Op, d Delay) {
	w.turn(func(k *knobs) {
		delete(k.delays, op)
		if d != nil {
			k.delays[op] = d
		}
	})
}

// AddRule adds a fault rule and returns what takes it away again. The first rule that fires decides.
func (w *World) AddRule(r Rule) (remove func()) {
	id := w.Add(r).ID
	return func() { w.RemoveRule(id) }
}

// Add adds a fault rule and tells its ID.
func (w *World) Add(r Rule) Active {
	added := &rule{Active: Active{Rule: r}}
	w.turn(func(k *knobs) {
		k.serial++
		added.ID, added.salt = k.serial, fmt.Sprintf("rule %d", k.serial)
		k.rules = append(k.rules, added)
	})
	return added.Active
}

// Rules lists the rules at work in the order in which they are tried.
func (w *World) Rules() (all []Active) {
	for _, r := range w.knobs.Load().rules {
		all = append(all, r.Active)
	}
	return all
}

// RemoveRule takes a rule away and tells whether it was there.
func (w *World) RemoveRule(id int) (found bool) {
	w.turn(func(k *knobs) {
		left := slices.DeleteFunc(k.rules, func(x *rule) bool { return x.ID == id })
		found, k.rules = len(left) < len(k.rules), left
	})
	return found
}

// ClearRules takes every fault rule away.
func (w *World) ClearRules() { w.turn(func(k *knobs) { k.rules = nil }) }

// fired finds the first rule that hits this call.
func (w *World) fired(k *knobs, host string, op Op, uid string) *rule {
	for _, r := range k.rules {
		if (r.Op == "" && !op.guest() || r.Op == op) && (r.Host == "" || r.Host == host) && (r.UID == "" || r.UID == uid) && w.hits(r, op, uid) {
			w.faults.Add(1)
			return r
		}
	}
	return nil
}

func (w *World) hits(r *rule, op Op, uid string) bool {
	key := ""
	if r.Each {
		key = uid
	}
	if r.Nth > 0 && w.count.next(r.salt+" nth", r.Op, key) != uint64(r.Nth-1) {
		return false
	}
	if r.Probability > 0 && r.Probability < 1 {
		n := w.count.next(r.salt, op, uid)
		if draw(w.seed, r.salt, op, uid, n) >= r.Probability {
			return false
		}
	}
	return r.Count == 0 || w.count.next(r.salt+" count", r.Op, key) < uint64(r.Count)
}

// failure is the error of a rule that fails calls.
func (r *rule) failure(op Op, uid string) error {
	err := r.Err
	if r.Effect == Full {
		err = disk.ErrFull
	}
	if err == nil {
		err = ErrInjected
	}
	return fmt.Errorf("%s %s: %w", op, uid, err)
}

// Stats counts what the world has done since the process started.
type Stats struct {
	Calls  int64 // engine calls
	Faults int64 // rules that fired
}

// Stats tells what the world has done.
func (w *World) Stats() Stats { return Stats{Calls: w.calls.Load(), Faults: w.faults.Load()} }

type tally = atomic.Int64
