package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"edgecloud/engine/hypervisor"
)

// ErrNoMemory is what a start answers when the machines that are on would have more memory together than the host.
var ErrNoMemory = errors.New("sim: not enough memory on the host")

// shards divides a host's machines among locks.
const shards = 16

// machines implements hypervisor.Hypervisor.
type machines struct {
	host   *Host
	shard  [shards]shard
	memory sync.Mutex
	used   int64 // MiB of machines that are on
	watch  watchers
	screen screens
}

type shard struct {
	mu sync.Mutex
	of map[string]*machine
}

func (v *machines) at(uid string) *shard { return &v.shard[hashString(uid)%shards] }

// with runs f on a machine under its lock, after what happened inside it meanwhile has been accounted for. f is not called if the machine is absent.
func (v *machines) with(uid string, f func(m *machine)) bool {
	s := v.at(uid)
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.of[uid]
	if ok {
		v.settle(m)
		f(m)
	}
	return ok
}

func (v *machines) nanos() int64 { return v.host.world.now().UnixNano() }

// settle carries out what a guest did by itself since somebody looked last.
func (v *machines) settle(m *machine) {
	if m.On && m.OffAt != 0 && v.nanos() >= m.OffAt {
		at, bad := m.OffAt, m.DownBad
		v.off(m, bad)
		m.Since = at
		v.keep(m)
	}
}

func (v *machines) keep(m *machine) {
	v.host.world.keep(record{Site: v.host.site.name, Host: v.host.name, Kind: kindMachine, UID: m.UID}, m)
}

// off is the one place where a machine goes off.
func (v *machines) off(m *machine, crashed bool) {
	m.On, m.Crashed, m.Since, m.OffAt, m.DownBad = false, crashed, v.nanos(), 0, false
	v.memory.Lock()
	v.used -= m.RunMemory
	v.memory.Unlock()
	m.RunMemory, m.RunVCPUs = 0, 0
	v.screen.close(m.UID)
	v.watch.tell(m.UID)
}

func (v *machines) Define(ctx context.Context, want hypervisor.Machine) error {
	if err := checkMachine(want); err != nil {
		return err
	}
	c, err := v.host.begin(ctx, OpDefine, want.UID)
	if err != nil {
		return err
	}
	next := &machine{UID: want.UID}
	next.shape(want)
	s := v.at(want.UID)
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.of[want.UID]
	if !ok {
		put(&s.of, want.UID, next)
		v.keep(next)
		return v.done(c, next)
	}
	v.settle(m)
	if m.same(next) {
		return v.done(c, m)
	}
	if m.On {
		if err := next.hasDisks(&v.host.pool); err != nil {
			return err
		}
	}
	m.shape(want)
	v.keep(m)
	return v.done(c, m)
}

// done ends a call on a machine: a rule may crash it now, or lose the answer.
func (v *machines) done(c call, m *machine) error {
	if c.crashes() && m.On {
		v.off(m, true)
		v.keep(m)
	}
	return c.end()
}

func absent(uid string) error { return fmt.Errorf("%w: %s", hypervisor.ErrAbsent, uid) }

func (v *machines) Start(ctx context.Context, uid string) error {
	c, err := v.host.begin(ctx, OpStart, uid)
	if err != nil {
		return err
	}
	if !v.with(uid, func(m *machine) {
		if !m.On {
			err = v.start(m)
		}
		if err == nil {
			err = v.done(c, m)
		}
	}) {
		return absent(uid)
	}
	return err
}

func (v *machines) start(m *machine) error {
	if err := m.hasDisks(&v.host.pool); err != nil {
		return err
	}
	if err := v.reserve(m.Memory); err != nil {
		return fmt.Errorf("machine %s: %w", m.UID, err)
	}
	m.On, m.Crashed, m.Since = true, false, v.nanos()
	m.RunMemory, m.RunVCPUs = m.Memory, m.VCPUs
	v.boot(m)
	v.keep(m)
	return nil
}

func (v *machines) reserve(mib int64) error {
	v.memory.Lock()
	defer v.memory.Unlock()
	limit := int64(math.MaxInt64)
	if c := v.host.capacity.Load(); c.MemoryMiB > 0 {
		limit = c.MemoryMiB
	}
	if mib > limit-v.used {
		return fmt.Errorf("%w: %d MiB wanted, %d of %d in use", ErrNoMemory, mib, v.used, limit)
	}
	v.used += mib
	return nil
}

func (v *machines) Stop(ctx context.Context, uid string, grace time.Duration) error {
	c, err := v.host.begin(ctx, OpStop, uid)
	if err != nil {
		return err
	}
	if err := v.askToGo(ctx, uid, grace); err != nil {
		return err
	}
	if !v.with(uid, func(m *machine) {
		if m.On {
			v.off(m, false)
			v.keep(m)
		}
	}) {
		return c.end()
	}
	return c.end()
}

// askToGo asks a guest to shut down and waits until it did, or until grace is over.
func (v *machines) askToGo(ctx context.Context, uid string, grace time.Duration) error {
	if grace <= 0 {
		return nil
	}
	var wait time.Duration
	v.with(uid, func(m *machine) {
		if !m.On {
			return
		}
		takes, refuses := v.guestTakes(m)
		wait = min(takes, grace)
		if !refuses && takes <= grace {
			m.OffAt = v.nanos() + int64(takes) // also if nobody waits for it
		}
		if refuses {
			wait = grace
		}
	})
	return sleep(ctx, wait)
}

func (v *machines) Restart(ctx context.Context, uid string, grace time.Duration) error {
	c, err := v.host.begin(ctx, OpRestart, uid)
	if err != nil {
		return err
	}
	var wait time.Duration
	if !v.with(uid, func(m *machine) {
		if !m.On {
			err = fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
			return
		}
		if takes, refuses := v.guestTakes(m); grace > 0 {
			wait = min(takes, grace)
			if refuses {
				wait = grace
			}
		}
	}) {
		return absent(uid)
	}
	if err != nil {
		return err
	}
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	if !v.with(uid, func(m *machine) {
		if !m.On {
			err = fmt.Errorf("%w: %s went off while it restarted", hypervisor.ErrNotRunning, uid)
			return
		}
		v.boot(m) // a reset keeps the machine's process, and so its Since and what it runs with
		v.keep(m)
		err = v.done(c, m)
	}) {
		return absent(uid)
	}
	return err
}

func (v *machines) Remove(ctx context.Context, uid string) error {
	c, err := v.host.begin(ctx, OpRemove, uid)
	if err != nil {
		return err
	}
	s := v.at(uid)
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.of[uid]
	if !ok {
		return c.end()
	}
	if m.On {
		v.off(m, false)
	}
	delete(s.of, uid)
	v.host.world.forget(record{Site: v.host.site.name, Host: v.host.name, Kind: kindMachine, UID: uid})
	return c.end()
}

func (v *machines) Get(ctx context.Context, uid string) (hypervisor.State, error) {
	c, err := v.host.begin(ctx, OpGet, uid)
	if err != nil {
		return hypervisor.State{}, err
	}
	var state hypervisor.State
	if !v.with(uid, func(m *machine) { state = m.state() }) {
		return hypervisor.State{}, absent(uid)
	}
	return state, c.end()
}

func (v *machines) List(ctx context.Context) ([]hypervisor.State, error) {
	c, err := v.host.begin(ctx, OpList, "")
	if err != nil {
		return nil, err
	}
	all := []hypervisor.State{}
	v.each(func(m *machine) { all = append(all, m.state()) })
	return all, c.end()
}

// each visits all machines, one shard's lock at a time.
func (v *machines) each(f func(m *machine)) {
	for i := range v.shard {
		s := &v.shard[i]
		s.mu.Lock()
		for _, m := range s.of {
			v.settle(m)
			f(m)
		}
		s.mu.Unlock()
	}
}

func (v *machines) Capacity(ctx context.Context) (hypervisor.Capacity, error) {
	c, err := v.host.begin(ctx, OpCapacity, "")
	if err != nil {
		return hypervisor.Capacity{}, err
	}
	has := *v.host.capacity.Load()
	out := hypervisor.Capacity{VCPUs: has.VCPUs, MemoryMiB: has.MemoryMiB, Arch: has.Arch}
	if out.VCPUs == 0 {
		out.VCPUs = 64 * runtime.NumCPU()
	}
	if out.MemoryMiB == 0 {
		out.MemoryMiB = 1 << 30
	}
	if out.Arch == "" {
		out.Arch = "x86_64"
	}
	return out, c.end()
}

func (v *machines) Close() error { return nil }

// blackout takes all machines' power at once.
func (v *machines) blackout() {
	v.each(func(m *machine) {
		if m.On {
			v.off(m, false)
			m.Since = 0 // nobody was there to see when
			v.keep(m)
		}
	})
	v.watch.breakAll()
}
