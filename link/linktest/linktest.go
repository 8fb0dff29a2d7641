package linktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"edgecloud/link/protocol"
)

// Faulty is a transport with faults. A repeated message arrives again after some later ones (reordering).
type Faulty struct {
	protocol.Transport
	mu     sync.Mutex
	random *rand.Rand
	well   bool
	late   []func()
}

// Wrap puts faults drawn from a seed in front of a transport.
func Wrap(t protocol.Transport, seed uint64) *Faulty {
	return &Faulty{Transport: t, random: rand.New(rand.NewPCG(seed, 2))}
}

// Heal ends the faults; what was delayed arrives now.
func (f *Faulty) Heal() {
	f.mu.Lock()
	f.well = true
	late := f.late
	f.late = nil
	f.mu.Unlock()
	for _, again := range late {
		again()
	}
}

// Break lets the faults begin again after Heal.
func (f *Faulty) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.well = false
}

// fate draws what happens to a message.
func (f *Faulty) fate() (lost, unheard, repeated, delayed bool, late []func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.well {
		return
	}
	if f.random.IntN(3) == 0 {
		late, f.late = f.late, nil
	}
	return f.random.IntN(5) == 0, f.random.IntN(5) == 0, f.random.IntN(4) == 0, f.random.IntN(6) == 0, late
}

func call[A any](f *Faulty, ask func() (A, error)) (A, error) {
	var none A
	lost, unheard, repeated, delayed, late := f.fate()
	for _, again := range late {
		again()
	}
	again := func() { _, _ = ask() }
	if repeated || delayed {
		f.mu.Lock()
		f.late = append(f.late, again)
		f.mu.Unlock()
	}
	if lost || delayed {
		return none, fmt.Errorf("%w: lost", protocol.ErrAway)
	}
	answer, err := ask()
	if unheard {
		return none, fmt.Errorf("%w: the answer was lost", protocol.ErrAway)
	}
	return answer, err
}

// Pull asks through the faults.
func (f *Faulty) Pull(ctx context.Context, p protocol.Pull) (protocol.Pulled, error) {
	return call(f, func() (protocol.Pulled, error) { return f.Transport.Pull(context.WithoutCancel(ctx), p) })
}

// Report tells through the faults.
func (f *Faulty) Report(ctx context.Context, r protocol.Reports) (protocol.Reported, error) {
	return call(f, func() (protocol.Reported, error) { return f.Transport.Report(context.WithoutCancel(ctx), r) })
}

// Heartbeat tells through the faults.
func (f *Faulty) Heartbeat(ctx context.Context, h protocol.Heartbeat) (protocol.Beat, error) {
	return call(f, func() (protocol.Beat, error) { return f.Transport.Heartbeat(context.WithoutCancel(ctx), h) })
}
