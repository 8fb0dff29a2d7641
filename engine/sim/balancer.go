package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"

	"edgecloud/engine/balancer"
	"edgecloud/link/spec"
)

// balancers is the load balancers of one host, which are programs of its own: another host of the site may have its own of the same names.
type balancers struct {
	host *Host

	mu          sync.RWMutex
	specs       map[string]spec.Balancer
	connections map[string]int // open ones, by balancer, listener and member
	turns       map[string]int // what each has gained in round robin, likewise
}

// Balancer gives the host's load balancers through the engine's interface.
func (h *Host) Balancer() balancer.Engine { return &h.lbs }

func (b *balancers) record(uid string) record {
	return record{Site: b.host.site.name, Host: b.host.name, Kind: spec.KindBalancer, UID: uid}
}

func (b *balancers) Ensure(ctx context.Context, s spec.Balancer) error {
	if err := balancer.Check(s); err != nil {
		return err
	}
	c, err := b.host.begin(ctx, OpBalancerEnsure, s.UID)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.specs[s.UID]; ok {
		if reflect.DeepEqual(old, s) {
			return c.end()
		}
		maps.DeleteFunc(b.turns, func(key string, _ int) bool { return strings.HasPrefix(key, s.UID+"/") }) // shares count from a change on
	}
	s.Listeners, s.Pools = slices.Clone(s.Listeners), slices.Clone(s.Pools)
	put(&b.specs, s.UID, s)
	b.host.world.keep(b.record(s.UID), s)
	return c.end()
}

func (b *balancers) Remove(ctx context.Context, uid string) error {
	c, err := b.host.begin(ctx, OpBalancerRemove, uid)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.specs[uid]; ok {
		delete(b.specs, uid)
		b.host.world.forget(b.record(uid))
	}
	return c.end()
}

func (b *balancers) List(context.Context) (uids []string, err error) {
	if b.host.dark.Load() {
		return nil, ErrHostDown
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Sorted(maps.Keys(b.specs)), nil
}

func (b *balancers) Close() error { return nil }

// Health finds a member healthy whose machine is on and lets the check in.
func (b *balancers) Health(_ context.Context, uid string) (found []spec.MemberHealth, err error) {
	if b.host.dark.Load() {
		return nil, ErrHostDown
	}
	b.mu.RLock()
	s, ok := b.specs[uid]
	b.mu.RUnlock()
	if !ok {
		return nil, nil
	}
	for _, p := range s.Pools {
		if p.Check.Protocol == "" {
			continue
		}
		for _, m := range p.Members {
			found = append(found, spec.MemberHealth{Pool: p.UID, Member: m.UID, Healthy: b.host.site.healthy(s, p.Check, m)})
		}
	}
	return found, nil
}

// LoadBalancer tells what a host of the site that is up carries out of a load balancer.
func (s *Site) LoadBalancer(uid string) (spec.Balancer, bool) {
	for _, h := range s.Hosts() {
		h.lbs.mu.RLock()
		found, ok := h.lbs.specs[uid]
		h.lbs.mu.RUnlock()
		if ok && h.Powered() {
			return found, true
		}
	}
	return spec.Balancer{}, false
}

func (s *Site) healthy(b spec.Balancer, c spec.HealthCheck, m spec.PoolMember) bool {
	if c.Protocol == "" {
		return true
	}
	proto, port := c.Protocol, cmp.Or(c.Port, m.Port)
	switch proto {
	case "http":
		proto = "tcp"
	case "icmp":
		port = 0
	}
	v := s.trace(b.NIC.Port, m.Address, proto, port)
	return v.OK && v.Port != "" && s.runs(v.Port) != nil
}

// Connection is one that a load balancer has led to a member.
type Connection struct {
	Port   string // of the machine that answers
	Member string

	on  *balancers
	key string
}

// Close ends it.
func (c *Connection) Close() {
	c.on.mu.Lock()
	defer c.on.mu.Unlock()
	c.on.connections[c.key]--
}

// ConnectBalancer opens a connection from a port to an address that a load balancer of the site answers to.
func (s *Site) ConnectBalancer(fromPort string, to netip.Addr, proto string, port int) (*Connection, error) {
	v := s.trace(fromPort, to, proto, port)
	if !v.OK {
		return nil, errors.New(v.Why)
	}
	on, b, l, ok := s.listener(v.Port, proto, port)
	if !ok {
		return nil, fmt.Errorf("nobody listens to %s %s:%d", proto, to, port)
	}
	m, ok := on.choose(b, l, v.Source)
	if !ok {
		return nil, fmt.Errorf("no member serves %s %s:%d", proto, to, port)
	}
	w := s.trace(b.NIC.Port, m.Address, proto, m.Port)
	if !w.OK {
		return nil, errors.New(w.Why)
	}
	c := &Connection{Port: w.Port, Member: m.UID, on: on, key: connectionKey(b, l, m)}
	on.mu.Lock()
	defer on.mu.Unlock()
	put(&on.connections, c.key, on.connections[c.key]+1)
	return c, nil
}

func connectionKey(b spec.Balancer, l spec.Listener, m spec.PoolMember) string {
	return b.UID + "/" + l.UID + "/" + m.UID
}

func (s *Site) listener(port, proto string, number int) (*balancers, spec.Balancer, spec.Listener, bool) {
	for _, h := range s.Hosts() {
		if !h.Powered() || h.IsCut() {
			continue
		}
		if b, l, ok := h.lbs.listener(port, proto, number); ok {
			return &h.lbs, b, l, true
		}
	}
	return nil, spec.Balancer{}, spec.Listener{}, false
}

func (b *balancers) listener(port, proto string, number int) (spec.Balancer, spec.Listener, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, s := range b.specs {
		for _, l := range s.Listeners {
			if s.NIC.Port == port && l.Protocol == proto && l.Port == number {
				return s, l, true
			}
		}
	}
	return spec.Balancer{}, spec.Listener{}, false
}

// choose takes the member that a new connection goes to.
func (b *balancers) choose(s spec.Balancer, l spec.Listener, source netip.Addr) (spec.PoolMember, bool) {
	var able []spec.PoolMember
	for _, p := range s.Pools {
		for _, m := range p.Members {
			if p.UID == l.Pool && m.Weight > 0 && b.host.site.healthy(s, p.Check, m) {
				able = append(able, m)
			}
		}
	}
	if len(able) == 0 {
		return spec.PoolMember{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch l.Scheduler {
	case spec.SourceHash:
		last := source.As16()
		return able[int(last[15])%len(able)], true
	case spec.LeastConnections:
		return slices.MinFunc(able, func(x, y spec.PoolMember) int {
			return cmp.Compare(b.connections[connectionKey(s, l, x)], b.connections[connectionKey(s, l, y)])
		}), true
	}
	return b.turn(s, l, able), true
}

// turn is weighted round robin: each gains its weight, and who has most gives the sum of all away.
func (b *balancers) turn(s spec.Balancer, l spec.Listener, able []spec.PoolMember) spec.PoolMember {
	sum := 0
	for _, m := range able {
		key := connectionKey(s, l, m)
		put(&b.turns, key, b.turns[key]+m.Weight)
		sum += m.Weight
	}
	next := slices.MaxFunc(able, func(x, y spec.PoolMember) int {
		return cmp.Compare(b.turns[connectionKey(s, l, x)], b.turns[connectionKey(s, l, y)])
	})
	b.turns[connectionKey(s, l, next)] -= sum
	return next
}
