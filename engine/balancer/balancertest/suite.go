package balancertest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/engine/balancer"
	"edgecloud/link/spec"
)

// Port is where members answer TCP and UDP with their name; HTTPPort where they answer GET / with status 200.
const (
	Port     = 8080
	HTTPPort = 8081
)

// Fixture is an engine with machines around it.
type Fixture struct {
	Engine balancer.Engine
	NIC    spec.NIC                                                              // a port that is there for a balancer
	One    Member                                                                // called "one"
	Two    Member                                                                // called "two"
	Open   func(client int, proto string, to netip.AddrPort) (Connection, error) // from client 0 or 1
}

// Member is a machine that answers.
type Member interface {
	Address() netip.Addr
	Stop(t testing.TB)
	Start(t testing.TB)
}

// Connection is one that was answered.
type Connection interface {
	Who() string // the name of the member
	Alive() bool // it still answers
	Close()
}

// effect bounds how long a change, or what a check finds, may take to show.
const effect = 30 * time.Second

type suite struct {
	Fixture
	t *testing.T
}

// Suite checks an engine.
func Suite(t *testing.T, f Fixture) {
	s := &suite{Fixture: f}
	for _, step := range []struct {
		name string
		run  func()
	}{
		{"Empty", s.empty}, {"RefusesWhatIsWrong", s.invalid}, {"WeightsShare", s.weights}, {"ZeroDrains", s.drain}, {"LeastConnections", s.least},
		{"SourceHash", s.source}, {"TCPCheckEjectsAndReadmits", func() { s.ejects("tcp", "tcp", spec.HealthCheck{}) }},
		{"HTTPCheck", func() {
			s.ejects("tcp", "http", spec.HealthCheck{Port: HTTPPort, Path: "/", Statuses: "^2", Host: "example.com"})
		}},
		{"UDPCheckEjectsAndReadmits", func() { s.ejects("udp", "udp", spec.HealthCheck{Send: "who?"}) }},
		{"UDPCheckWithoutString", func() { s.ejects("udp", "udp", spec.HealthCheck{}) }},
		{"ICMPCheck", func() { s.ejects("udp", "icmp", spec.HealthCheck{}) }},
		{"UDPWeightsShare", s.udpWeights}, {"ListenersComeAndGo", s.listeners}, {"NothingIsLeft", s.gone},
	} {
		ok := t.Run(step.name, func(t *testing.T) {
			s.t = t
			step.run()
		})
		if !ok {
			t.FailNow()
		}
	}
}

func (s *suite) spec(proto string, scheduler spec.Scheduler, one, two int, check spec.HealthCheck) spec.Balancer {
	return spec.Balancer{UID: "lb", NIC: s.NIC,
		Listeners: []spec.Listener{{UID: "l", Protocol: proto, Port: 80, Scheduler: scheduler, TimeoutSeconds: 60, Pool: "p"}},
		Pools: []spec.Pool{{UID: "p", Check: check, Members: []spec.PoolMember{
			{UID: "m1", Address: s.One.Address(), Port: Port, Weight: one}, {UID: "m2", Address: s.Two.Address(), Port: Port, Weight: two},
		}}}}
}

func (s *suite) ensure(b spec.Balancer) {
	s.t.Helper()
	require.NoError(s.t, s.Engine.Ensure(s.t.Context(), b))
}

func (s *suite) vip(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(s.NIC.Addresses[0].Addr(), port)
}

func (s *suite) open(client int, proto string) Connection {
	s.t.Helper()
	c, err := s.Open(client, proto, s.vip(80))
	require.NoError(s.t, err)
	return c
}

// reachable waits until a change has come through to where connections are made.
func (s *suite) reachable(proto string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		c, err := s.Open(0, proto, s.vip(80))
		if err == nil {
			c.Close()
		}
		return err == nil
	}, effect, 50*time.Millisecond)
}

// count opens connections one after the other and tells how many went to the first member.
func (s *suite) count(proto string, n int) (one int) {
	s.t.Helper()
	for range n {
		c := s.open(0, proto)
		if c.Who() == "one" {
			one++
		}
		c.Close()
	}
	return one
}

func (s *suite) empty() {
	ctx := s.t.Context()
	s.ensure(spec.Balancer{UID: "lb", NIC: s.NIC})
	s.ensure(spec.Balancer{UID: "lb", NIC: s.NIC})
	found, err := s.Engine.List(ctx)
	require.NoError(s.t, err)
	require.Equal(s.t, []string{"lb"}, found)
	_, err = s.Open(0, "tcp", s.vip(80))
	require.Error(s.t, err, "nobody listens")
	health, err := s.Engine.Health(ctx, "other")
	require.NoError(s.t, err)
	require.Empty(s.t, health)
	require.NoError(s.t, s.Engine.Remove(ctx, "other"))
}

func (s *suite) invalid() {
	for field, change := range map[string]func(*spec.Balancer){
		"nic.port":        func(b *spec.Balancer) { b.NIC.Port = "" },
		"nic.addresses":   func(b *spec.Balancer) { b.NIC.Addresses = nil },
		"protocol":        func(b *spec.Balancer) { b.Listeners[0].Protocol = "sctp" },
		"port":            func(b *spec.Balancer) { b.Listeners[0].Port = 65536 },
		"scheduler":       func(b *spec.Balancer) { b.Listeners[0].Scheduler = "best" },
		"timeout_seconds": func(b *spec.Balancer) { b.Listeners[0].TimeoutSeconds = 0 },
		"pool":            func(b *spec.Balancer) { b.Listeners[0].Pool = "none" },
		"weight":          func(b *spec.Balancer) { b.Pools[0].Members[0].Weight = 101 },
		"address":         func(b *spec.Balancer) { b.Pools[0].Members[0].Address = netip.Addr{} },
		"fall": func(b *spec.Balancer) {
			b.Pools[0].Check = spec.HealthCheck{Protocol: "tcp", IntervalSeconds: 1, TimeoutSeconds: 1, Rise: 1}
		},
		"path": func(b *spec.Balancer) {
			b.Pools[0].Check = spec.HealthCheck{Protocol: "http", IntervalSeconds: 1, TimeoutSeconds: 1, Rise: 1, Fall: 1, Path: "/\nlisten x"}
		},
	} {
		b := s.spec("tcp", spec.RoundRobin, 1, 1, spec.HealthCheck{})
		change(&b)
		err := s.Engine.Ensure(s.t.Context(), b)
		require.ErrorIs(s.t, err, balancer.ErrInvalid)
		require.ErrorContains(s.t, err, field)
	}
}

func (s *suite) weights() {
	s.ensure(s.spec("tcp", spec.RoundRobin, 25, 75, spec.HealthCheck{}))
	s.reachable("tcp")
	const n = 1000
	require.InDelta(s.t, n/4, s.count("tcp", n), n*0.05/4)
}

func (s *suite) drain() {
	s.ensure(s.spec("tcp", spec.RoundRobin, 1, 1, spec.HealthCheck{}))
	s.reachable("tcp")
	held := map[string]Connection{}
	for range 4 {
		c := s.open(0, "tcp")
		held[c.Who()] = c
	}
	require.Len(s.t, held, 2)
	for _, scheduler := range []spec.Scheduler{spec.RoundRobin, spec.LeastConnections, spec.SourceHash} {
		s.ensure(s.spec("tcp", scheduler, 0, 50, spec.HealthCheck{}))
		require.Zero(s.t, s.count("tcp", 20), scheduler)
	}
	for name, c := range held {
		require.True(s.t, c.Alive(), "the connection to %s was cut", name)
		c.Close()
	}
}

func (s *suite) least() {
	s.ensure(s.spec("tcp", spec.LeastConnections, 1, 100, spec.HealthCheck{}))
	s.reachable("tcp")
	by := map[string]int{}
	for range 20 {
		c := s.open(0, "tcp")
		defer c.Close()
		by[c.Who()]++
	}
	require.InDelta(s.t, 10, by["one"], 1, "weights are not heeded")
}

func (s *suite) source() {
	s.ensure(s.spec("tcp", spec.SourceHash, 1, 100, spec.HealthCheck{}))
	s.reachable("tcp")
	for client := range 2 {
		first := s.open(client, "tcp")
		for range 10 {
			c := s.open(client, "tcp")
			require.Equal(s.t, first.Who(), c.Who())
			c.Close()
		}
		first.Close()
	}
}

// ejects lets a member die and come back under one kind of check.
func (s *suite) ejects(proto, check string, c spec.HealthCheck) {
	c.Protocol, c.IntervalSeconds, c.TimeoutSeconds, c.Fall, c.Rise = check, 1, 1, 2, 2
	b := s.spec(proto, spec.RoundRobin, 1, 1, c)
	s.ensure(b)
	s.healthy(b, true, true)
	s.reachable(proto)
	s.both(proto)
	s.One.Stop(s.t)
	s.healthy(b, false, true)
	s.becomes(proto, "only the second serves", func(one int) bool { return one == 0 })
	s.One.Start(s.t)
	s.healthy(b, true, true)
	s.both(proto)
}

// both waits until both members serve.
func (s *suite) both(proto string) {
	s.t.Helper()
	s.becomes(proto, "both serve", func(one int) bool { return one > 0 && one < 20 })
}

// becomes waits until 20 connections in a row are answered, and so many of them by the first member as is right. UDP may go where it went before for a moment.
func (s *suite) becomes(proto, what string, right func(one int) bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		one := 0
		for range 20 {
			c, err := s.Open(0, proto, s.vip(80))
			if err != nil {
				return false
			}
			if c.Who() == "one" {
				one++
			}
			c.Close()
		}
		return right(one)
	}, effect, 50*time.Millisecond, what)
}

func (s *suite) healthy(b spec.Balancer, one, two bool) {
	s.t.Helper()
	wanted := []spec.MemberHealth{{Pool: "p", Member: "m1", Healthy: one}, {Pool: "p", Member: "m2", Healthy: two}}
	var found []spec.MemberHealth
	require.Eventually(s.t, func() bool {
		require.NoError(s.t, s.Engine.Ensure(s.t.Context(), b), "looked at again")
		var err error
		found, err = s.Engine.Health(s.t.Context(), b.UID)
		require.NoError(s.t, err)
		return fmt.Sprint(found) == fmt.Sprint(wanted)
	}, effect, 100*time.Millisecond, "wanted %v, found %v", wanted, &found)
	require.NoError(s.t, s.Engine.Ensure(s.t.Context(), b), "what the checks found is followed")
}

func (s *suite) udpWeights() {
	s.ensure(s.spec("udp", spec.RoundRobin, 25, 75, spec.HealthCheck{}))
	s.becomes("udp", "all are answered", func(int) bool { return true })
	const n = 200
	require.InDelta(s.t, n/4, s.count("udp", n), n*0.05)
	s.ensure(s.spec("udp", spec.RoundRobin, 0, 75, spec.HealthCheck{}))
	s.becomes("udp", "a weight of 0 gets nothing", func(one int) bool { return one == 0 })
}

func (s *suite) listeners() {
	b := s.spec("tcp", spec.RoundRobin, 1, 1, spec.HealthCheck{})
	udp := b.Listeners[0]
	udp.UID, udp.Protocol = "u", "udp"
	b.Listeners = append(b.Listeners, udp)
	s.ensure(b)
	s.reachable("tcp")
	s.reachable("udp")
	b.Listeners = b.Listeners[:1]
	s.ensure(b)
	s.reachable("tcp")
	require.Eventually(s.t, func() bool {
		_, err := s.Open(0, "udp", s.vip(80))
		return err != nil
	}, effect, 50*time.Millisecond, "the UDP listener is gone")
	b.Listeners, b.Pools = nil, nil
	s.ensure(b)
	require.Eventually(s.t, func() bool {
		_, err := s.Open(0, "tcp", s.vip(80))
		return err != nil
	}, effect, 50*time.Millisecond)
}

func (s *suite) gone() {
	ctx := s.t.Context()
	s.ensure(s.spec("tcp", spec.RoundRobin, 1, 1, spec.HealthCheck{}))
	s.reachable("tcp")
	require.NoError(s.t, s.Engine.Remove(ctx, "lb"))
	require.NoError(s.t, s.Engine.Remove(ctx, "lb"))
	found, err := s.Engine.List(ctx)
	require.NoError(s.t, err)
	require.Empty(s.t, found)
	_, err = s.Open(0, "tcp", s.vip(80))
	require.Error(s.t, err)
}
