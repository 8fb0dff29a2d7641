package sim

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what a world is like at its start. The zero value is an instant world without faults on the real clock.
type Config struct {
	Seed  uint64
	Now   func() time.Time // nil: time.Now. Waiting always uses package time's timers: in tests, put the world into a synctest bubble
	Delay map[Op]Delay
	Rules []Rule
}

// World holds all sites. Its methods are safe for concurrent use.
type World struct {
	seed   uint64
	now    func() time.Time
	knobMu sync.Mutex
	knobs  atomic.Pointer[knobs]
	count  counters
	calls  tally
	faults tally

	mu      sync.RWMutex
	sites   map[string]*Site
	journal *journal // nil: nothing is kept
}

// NewWorld makes an empty world in memory. See Open for one that outlives its process.
func NewWorld(cfg Config) *World {
	w := &World{seed: cfg.Seed, now: cfg.Now, sites: map[string]*Site{}}
	if w.now == nil {
		w.now = time.Now
	}
	w.knobs.Store(&knobs{})
	for op, d := range cfg.Delay {
		w.SetDelay(op, d)
	}
	for _, r := range cfg.Rules {
		w.AddRule(r)
	}
	return w
}

// AddSite makes a site, or gives the one of that name.
func (w *World) AddSite(name string) *Site {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.site(name)
}

func (w *World) site(name string) *Site {
	if s, ok := w.sites[name]; ok {
		return s
	}
	s := &Site{name: name, world: w, hosts: map[string]*Host{}}
	s.net = newNetwork(s)
	w.sites[name] = s
	w.keep(record{Site: name, Kind: kindSite}, struct{}{})
	return s
}

// Host makes a host at a site, or gives the one of that name with its capacity changed. The site is made if need be.
func (w *World) Host(site, name string, c Capacity) *Host {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.site(site)
	h, ok := s.hosts[name]
	if !ok {
		h = newHost(s, name)
		s.hosts[name] = h
	}
	if old := h.capacity.Load(); old == nil || *old != c {
		h.capacity.Store(&c)
		w.keepHost(h)
	}
	return h
}

// Sites lists all sites by name.
func (w *World) Sites() []*Site {
	w.mu.RLock()
	defer w.mu.RUnlock()
	all := make([]*Site, 0, len(w.sites))
	for _, s := range w.sites {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Site) int { return strings.Compare(a.name, b.name) })
	return all
}

// Site is one place: hosts that share a network engine.
type Site struct {
	name  string
	world *World
	hosts map[string]*Host // guarded by world.mu
	net   *network
}

// World is the world that the site is in.
func (s *Site) World() *World { return s.world }

// Name is the site's name.
func (s *Site) Name() string { return s.name }

// Hosts lists the site's hosts by name.
func (s *Site) Hosts() []*Host {
	s.world.mu.RLock()
	defer s.world.mu.RUnlock()
	all := make([]*Host, 0, len(s.hosts))
	for _, h := range s.hosts {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *Host) int { return strings.Compare(a.name, b.name) })
	return all
}
