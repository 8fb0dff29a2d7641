package ledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"edgecloud/link/protocol"
)

// ErrBroken means that the file could not be written and then not be repaired either: the agent must open the ledger again.
var ErrBroken = errors.New("ledger: the file is broken; open it again")

// Item is one thing that the host should have, or should no longer have.
type Item struct {
	protocol.Key
	Target     string          `json:"target"`
	Generation int64           `json:"generation"`
	Deleted    bool            `json:"deleted,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"` // of a tombstone: the last one that was known
}

// Facts are what the agent has carried out of one thing's epochs.
type Facts struct {
	Restart  int64 `json:"restart,omitempty"`
	Password int64 `json:"password,omitempty"`
	Epoch    int64 `json:"epoch,omitempty"`
	RollBack int64 `json:"roll_back,omitempty"`
	// Made tells that the thing existed here once: a volume that is gone later was lost, and is not silently made anew.
	Made bool `json:"made,omitempty"`
}

// Role is the site role as the centre gave it last.
type Role struct {
	Site  string `json:"site,omitempty"`
	Epoch int64  `json:"epoch,omitempty"` // 0: not held
}

// change is one record: what it names is set.
type change struct {
	Items   []Item           `json:"items,omitempty"`
	Facts   []factsOf        `json:"facts,omitempty"`
	Drop    []protocol.Key   `json:"drop,omitempty"`
	Cursors map[string]int64 `json:"cursors,omitempty"`
	Seq     int64            `json:"seq,omitempty"` // numbers up to it may have been used
	Role    *Role            `json:"role,omitempty"`
}

type factsOf struct {
	protocol.Key
	Facts
}

// Ledger is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	items   map[protocol.Key]Item
	facts   map[protocol.Key]Facts
	cursors map[string]int64
	next    int64 // number of the next report
	limit   int64 // numbers below it are reserved on disk
	role    Role
	file    *file // nil: in memory
}

func empty() *Ledger {
	return &Ledger{items: map[protocol.Key]Item{}, facts: map[protocol.Key]Facts{}, cursors: map[string]int64{}, next: 1, limit: 1}
}

// Memory gives a ledger without a file, for large simulations. It outlives an agent's crash as a disk would.
func Memory() *Ledger { return empty() }

// Refusal is an item that the ledger did not take.
type Refusal struct {
	protocol.Key
	Have    int64 // generation in the ledger
	Refused int64 // generation that was offered
}

// Accept writes a page of items and how far the target has been read, durably, and returns the keys that changed and those that were refused.
func (l *Ledger) Accept(target string, items []protocol.Item, cursor int64) (changed []protocol.Key, refused []Refusal, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var c change
	for _, i := range items {
		old, have := l.items[i.Key]
		if have && old.Target == target {
			if i.Generation == old.Generation && same(i, old) {
				continue
			}
			if i.Generation <= old.Generation {
				refused = append(refused, Refusal{Key: i.Key, Have: old.Generation, Refused: i.Generation})
				continue
			}
		}
		next := Item{Key: i.Key, Target: target, Generation: i.Generation, Deleted: i.Deleted, Body: bytes.Clone(i.Body)}
		if i.Deleted {
			next.Body = old.Body
		}
		c.Items = append(c.Items, next)
		changed = append(changed, i.Key)
	}
	if l.cursors[target] != cursor {
		c.Cursors = map[string]int64{target: cursor}
	}
	if len(c.Items) == 0 && c.Cursors == nil {
		return nil, refused, nil
	}
	if err := l.write(c, len(c.Items) > 0); err != nil {
		return nil, nil, err
	}
	return changed, refused, nil
}

func same(i protocol.Item, old Item) bool {
	return i.Deleted == old.Deleted && (i.Deleted || bytes.Equal(i.Body, old.Body))
}

// Get tells one item.
func (l *Ledger) Get(key protocol.Key) (Item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.items[key]
	return i, ok
}

// Items lists all items in a fixed order.
func (l *Ledger) Items() []Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Item, 0, len(l.items))
	for _, i := range l.items {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b Item) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.UID, b.UID)) })
	return all
}

// Facts tells what was carried out of a thing's epochs; zero if nothing.
func (l *Ledger) Facts(key protocol.Key) Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.facts[key]
}

// SetFacts notes what was carried out. Unchanged facts cost nothing. An epoch is on disk before it returns; Made alone goes there with the next write.
func (l *Ledger) SetFacts(key protocol.Key, f Facts) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.facts[key]
	if old == f {
		return nil
	}
	onlyMade := old
	onlyMade.Made = f.Made
	return l.write(change{Facts: []factsOf{{Key: key, Facts: f}}}, onlyMade != f)
}

// Drop forgets items whose tombstones are answered. An item with a newer generation stays.
func (l *Ledger) Drop(key protocol.Key, generation int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, ok := l.items[key]
	if !ok || i.Generation > generation || !i.Deleted {
		return nil
	}
	return l.write(change{Drop: []protocol.Key{key}}, false)
}

// DropTarget forgets a target's items without a word about the things themselves: for a site whose role another host took.
func (l *Ledger) DropTarget(target string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := change{Cursors: map[string]int64{target: 0}}
	for k, i := range l.items {
		if i.Target == target {
			c.Drop = append(c.Drop, k)
		}
	}
	return l.write(c, true)
}

// Cursor tells how far a target has been read.
func (l *Ledger) Cursor(target string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursors[target]
}

// Role tells the site role.
func (l *Ledger) Role() Role {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.role
}

// SetRole notes the site role.
func (l *Ledger) SetRole(r Role) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.role == r {
		return nil
	}
	return l.write(change{Role: &r}, true)
}

// seqBlock is how many numbers are reserved with one write. A restart skips the rest of its block.
const seqBlock = 4096

// Seq gives n numbers for reports, the first of them; none was ever given before, also not before a crash.
func (l *Ledger) Seq(n int) (first int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if need := l.next + int64(n); need > l.limit {
		if err := l.write(change{Seq: need + seqBlock}, true); err != nil {
			return 0, err
		}
	}
	first = l.next
	l.next += int64(n)
	return first, nil
}

// SeqAbove goes on above a number that the centre has seen: the disk was restored from an older copy.
func (l *Ledger) SeqAbove(seen int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = max(l.next, seen+1)
}

// write puts a change on disk and then into memory. l.mu is held.
func (l *Ledger) write(c change, sync bool) error {
	if l.file != nil {
		payload, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("ledger: encoding a record: %w", err)
		}
		if err := l.file.append(payload, sync); err != nil {
			return err
		}
	}
	l.apply(c)
	if l.file != nil && l.file.wasteful(len(l.items)+len(l.facts)) {
		return l.compact()
	}
	return nil
}

func (l *Ledger) apply(c change) {
	for _, i := range c.Items {
		l.items[i.Key] = i
	}
	for _, f := range c.Facts {
		l.facts[f.Key] = f.Facts
	}
	for _, k := range c.Drop {
		delete(l.items, k)
		delete(l.facts, k)
	}
	for t, r := range c.Cursors {
		l.cursors[t] = r
	}
	if c.Role != nil {
		l.role = *c.Role
	}
	l.limit = max(l.limit, c.Seq)
}

// compact writes the ledger anew. l.mu is held.
func (l *Ledger) compact() error {
	records := []change{{Cursors: l.cursors, Seq: l.limit, Role: &l.role}}
	for _, i := range l.items {
		records = append(records, change{Items: []Item{i}})
	}
	for k, f := range l.facts {
		records = append(records, change{Facts: []factsOf{{Key: k, Facts: f}}})
	}
	payloads := make([][]byte, len(records))
	for i, r := range records {
		p, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("ledger: encoding a record: %w", err)
		}
		payloads[i] = p
	}
	return l.file.replace(payloads)
}
