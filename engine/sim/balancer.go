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

	"edgecloud/engine/balancer"
	netengine "edgecloud/engine/network"
	"edgecloud/link/spec"
)

// balancers is the site's load balancers as they are reached from a host.
type balancers struct{ view }

// Balancer gives the site's load balancers through the engine's interface: not at all while the host is dark or cut.
func (h *Host) Balancer() balancer.Engine { return balancers{view{net: h.site.net, host: h}} }

func (b balancers) Ensure(ctx context.Context, s spec.Balancer) error {
	return ensure(ctx, b.view, spec.KindBalancer, s.UID, s, balancer.Check(s), (*network).ensureBalancer)
}

func (b balancers) Remove(ctx context.Context, uid string) error {
	return b.view.Remove(ctx, netengine.Object{Kind: spec.KindBalancer, UID: uid})
}

func (b balancers) List(context.Context) (uids []string, err error) {
	if b.host != nil && b.host.dark.Load() {
		return nil, ErrHostDown
	}
	b.net.mu.RLock()
	defer b.net.mu.RUnlock()
	for uid := range b.net.balancers {
		uids = append(uids, uid)
	}
	return uids, nil
}

// Health finds a member healthy whose machine is on and lets the check in.
func (b balancers) Health(_ context.Context, uid string) (found []spec.MemberHealth, err error) {
	if b.host != nil && b.host.dark.Load() {
		return nil, ErrHostDown
	}
	s, ok := b.net.site.LoadBalancer(uid)
	if !ok {
		return nil, nil
	}
	for _, p := range s.Pools {
		if p.Check.Protocol == "" {
			continue
		}
		for _, m := range p.Members {
			found = append(found, spec.MemberHealth{Pool: p.UID, Member: m.UID, Healthy: b.net.site.healthy(s, p.Check, m)})
		}
	}
	return found, nil
}

func (n *network) ensureBalancer(s spec.Balancer) error {
	if _, ok := n.ports[s.NIC.Port]; !ok {
		return missing(spec.KindPort, s.NIC.Port)
	}
	if old, ok := n.balancers[s.UID]; ok && !reflect.DeepEqual(old, s) {
		maps.DeleteFunc(n.turns, func(key string, _ int) bool { return strings.HasPrefix(key, s.UID+"/") }) // shares count from a change on
	}
	s.Listeners, s.Pools = slices.Clone(s.Listeners), slices.Clone(s.Pools)
	put(&n.balancers, s.UID, s)
	return nil
}

// LoadBalancer tells what the engine knows of a load balancer.
func (s *Site) LoadBalancer(uid string) (spec.Balancer, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	b, ok := s.net.balancers[uid]
	return b, ok
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

	site *Site
	key  string
}

// Close ends it.
func (c *Connection) Close() {
	c.site.net.mu.Lock()
	defer c.site.net.mu.Unlock()
	c.site.net.connections[c.key]--
}

// ConnectBalancer opens a connection from a port to an address that a load balancer of the site answers to.
func (s *Site) ConnectBalancer(fromPort string, to netip.Addr, proto string, port int) (*Connection, error) {
	v := s.trace(fromPort, to, proto, port)
	if !v.OK {
		return nil, errors.New(v.Why)
	}
	b, l, ok := s.listener(v.Port, proto, port)
	if !ok {
		return nil, fmt.Errorf("nobody listens to %s %s:%d", proto, to, port)
	}
	m, ok := s.choose(b, l, v.Source)
	if !ok {
		return nil, fmt.Errorf("no member serves %s %s:%d", proto, to, port)
	}
	w := s.trace(b.NIC.Port, m.Address, proto, m.Port)
	if !w.OK {
		return nil, errors.New(w.Why)
	}
	c := &Connection{Port: w.Port, Member: m.UID, site: s, key: connectionKey(b, l, m)}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	put(&s.net.connections, c.key, s.net.connections[c.key]+1)
	return c, nil
}

func connectionKey(b spec.Balancer, l spec.Listener, m spec.PoolMember) string {
	return b.UID + "/" + l.UID + "/" + m.UID
}

func (s *Site) listener(port, proto string, number int) (spec.Balancer, spec.Listener, bool) {
	s.net.mu.RLock()
	defer s.net.mu.RUnlock()
	for _, b := range s.net.balancers {
		for _, l := range b.Listeners {
			if b.NIC.Port == port && l.Protocol == proto && l.Port == number {
				return b, l, true
			}
		}
	}
	return spec.Balancer{}, spec.Listener{}, false
}

// choose takes the member that a new connection goes to.
func (s *Site) choose(b spec.Balancer, l spec.Listener, source netip.Addr) (spec.PoolMember, bool) {
	var able []spec.PoolMember
	for _, p := range b.Pools {
		for _, m := range p.Members {
			if p.UID == l.Pool && m.Weight > 0 && s.healthy(b, p.Check, m) {
				able = append(able, m)
			}
		}
	}
	if len(able) == 0 {
		return spec.PoolMember{}, false
	}
	s.net.mu.Lock()
	defer s.net.mu.Unlock()
	switch l.Scheduler {
	case spec.SourceHash:
		last := source.As16()
		return able[int(last[15])%len(able)], true
	case spec.LeastConnections:
		return slices.MinFunc(able, func(x, y spec.PoolMember) int {
			return cmp.Compare(s.net.connections[connectionKey(b, l, x)], s.net.connections[connectionKey(b, l, y)])
		}), true
	}
	return s.net.turn(b, l, able), true
}

// turn is weighted round robin: each gains its weight, and who has most gives the sum of all away.
func (n *network) turn(b spec.Balancer, l spec.Listener, able []spec.PoolMember) spec.PoolMember {
	sum := 0
	for _, m := range able {
		key := connectionKey(b, l, m)
		put(&n.turns, key, n.turns[key]+m.Weight)
		sum += m.Weight
	}
	next := slices.MaxFunc(able, func(x, y spec.PoolMember) int {
		return cmp.Compare(n.turns[connectionKey(b, l, x)], n.turns[connectionKey(b, l, y)])
	})
	n.turns[connectionKey(b, l, next)] -= sum
	return next
}
