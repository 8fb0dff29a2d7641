package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// batch bounds the reports of one message.
const batch = 200

type entry struct {
	report  spec.Report
	version int64 // of the report; grows with every change
}

// outbox holds the newest report on every item, and knows which the centre has not answered.
type outbox struct {
	mu      sync.Mutex
	entries map[protocol.Key]*entry
	dirty   map[protocol.Key]*entry // not answered
	count   int64
	signal  chan struct{}
}

func newOutbox() *outbox {
	return &outbox{entries: map[protocol.Key]*entry{}, dirty: map[protocol.Key]*entry{}, signal: make(chan struct{}, 1)}
}

// put replaces the report on an item. One that says nothing new is not sent again, unless force is set.
func (o *outbox) put(r spec.Report, facts any, force bool) {
	if facts != nil {
		r.Facts, _ = json.Marshal(facts) // plain structs of link/spec: cannot fail
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key := protocol.Key{Kind: r.Kind, UID: r.UID}
	e := o.entries[key]
	if e == nil {
		e = &entry{}
		o.entries[key] = e
	} else if !force && says(e.report, r) {
		return
	}
	o.count++
	e.report, e.version, o.dirty[key] = r, o.count, e
	o.poke()
}

func says(a, b spec.Report) bool {
	return a.Generation == b.Generation && a.Phase == b.Phase && a.Error == b.Error && a.Refused == b.Refused && bytes.Equal(a.Facts, b.Facts)
}

func (o *outbox) poke() {
	select {
	case o.signal <- struct{}{}:
	default:
	}
}

func (o *outbox) last(key protocol.Key) (spec.Report, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.entries[key]
	if e == nil {
		return spec.Report{}, false
	}
	return e.report, true
}

func (o *outbox) forget(key protocol.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.entries, key)
	delete(o.dirty, key)
}

// all makes everything be sent again.
func (o *outbox) all() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, e := range o.entries {
		o.count++
		e.version, o.dirty[key] = o.count, e
	}
	o.poke()
}

func (o *outbox) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.dirty) > 0
}

// take copies the oldest unanswered reports.
func (o *outbox) take() []entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]entry, 0, len(o.dirty))
	for _, e := range o.dirty {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b entry) int { return cmp.Compare(a.version, b.version) })
	return out[:min(len(out), batch)]
}

// answered marks what the centre has taken, and returns those that were not replaced meanwhile.
func (o *outbox) answered(sent []entry, failed []protocol.Key) []spec.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	var taken []spec.Report
	for _, s := range sent {
		key := protocol.Key{Kind: s.report.Kind, UID: s.report.UID}
		e := o.entries[key]
		if e == nil || e.version != s.version || slices.Contains(failed, key) {
			continue
		}
		delete(o.dirty, key)
		taken = append(taken, s.report)
		if s.report.Phase == spec.Gone {
			delete(o.entries, key)
		}
	}
	return taken
}

// ReportOnce sends the oldest unanswered reports, and after them the oldest samples. It returns nil when there is nothing to tell.
func (a *Agent) ReportOnce(ctx context.Context) error {
	a.telling.Lock()
	defer a.telling.Unlock()
	sent := a.outbox.take()
	rounds, ids, err := a.rounds()
	if err != nil {
		return err
	}
	if len(sent)+len(rounds) == 0 {
		return nil
	}
	first, err := a.ledger.Seq(len(sent) + len(rounds))
	if err != nil {
		return err
	}
	message := protocol.Reports{Role: a.ledger.Role().Epoch}
	for _, e := range sent {
		message.Reports = append(message.Reports, e.report)
	}
	message.Reports = append(message.Reports, rounds...)
	for i := range message.Reports {
		message.Reports[i].Seq, message.Reports[i].At = first+int64(i), a.cfg.Now().UTC()
	}
	if err := a.point("reporting"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	answer, err := a.cfg.Transport.Report(ctx, message)
	if err != nil {
		return err
	}
	if err := a.point("reported"); err != nil {
		return err
	}
	if answer.Seq >= first+int64(len(message.Reports)) {
		a.ledger.SeqAbove(answer.Seq)
		return errBehind
	}
	if err := a.roundsAnswered(rounds, ids, answer.Failed); err != nil {
		return err
	}
	for _, r := range a.outbox.answered(sent, answer.Failed) {
		if r.Phase != spec.Gone {
			continue
		}
		key := protocol.Key{Kind: r.Kind, UID: r.UID}
		if err := a.ledger.Drop(key, r.Generation); err != nil {
			return err
		}
		if _, still := a.ledger.Get(key); !still {
			a.queue.drop(key)
		}
	}
	if slices.ContainsFunc(answer.Failed, func(k protocol.Key) bool { return k.Kind != spec.KindUsage }) {
		return errNotTaken
	}
	return nil
}

var (
	errBehind   = errors.New("agent: the numbers of the reports were behind; sending again")
	errNotTaken = errors.New("agent: the centre could not take some reports; sending again")
)

func (a *Agent) reportLoop(ctx context.Context) error {
	wait := retryFirst
	for {
		for a.waiting() {
			err := a.ReportOnce(ctx)
			if stop := fatal(err); stop != nil {
				return stop
			}
			if err == nil || errors.Is(err, errBehind) {
				wait = retryFirst
				continue
			}
			if !pause(ctx, a.jitter(wait)) {
				return nil
			}
			wait = min(2*wait, time.Minute)
		}
		select {
		case <-a.outbox.signal:
		case <-ctx.Done():
			return nil
		}
	}
}
