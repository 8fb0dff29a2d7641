package balancer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"edgecloud/link/spec"
)

// ErrInvalid says that a spec can never be applied as it is; the text names the field.
var ErrInvalid = errors.New("balancer: invalid spec")

// Engine carries load balancers out on the host that it runs on. Ensure makes a balancer or changes it to what the spec says; connections that are open live on, also
// those to a member whose weight becomes 0. Ensuring the same again does nothing but to mend what has died meanwhile. An Ensure that fails with ErrInvalid
// changes nothing. Remove is no error when the balancer is absent. Methods are safe for concurrent use, one call at a time for a balancer.
// balancertest.Suite states all this as tests.
type Engine interface {
	Ensure(ctx context.Context, s spec.Balancer) error
	// Health tells of the members of each pool that is checked; nil for a balancer that is not here.
	Health(ctx context.Context, uid string) ([]spec.MemberHealth, error)
	Remove(ctx context.Context, uid string) error
	// List gives the UIDs of the balancers that are here.
	List(ctx context.Context) ([]string, error)
	// Close frees connections. Traffic goes on.
	Close() error
}

// Check tells what is wrong with a spec.
func Check(s spec.Balancer) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: balancer %q: %s", ErrInvalid, s.UID, fmt.Sprintf(format, args...))
	}
	switch {
	case s.UID == "":
		return bad("uid: is empty")
	case s.NIC.Port == "":
		return bad("nic.port: is empty")
	case len(s.NIC.Addresses) == 0:
		return bad("nic.addresses: has none")
	}
	pools := map[string]bool{}
	for _, p := range s.Pools {
		if err := checkPool(p); err != nil {
			return bad("pool %q: %v", p.UID, err)
		}
		pools[p.UID] = true
	}
	taken := map[string]bool{}
	for _, l := range s.Listeners {
		if err := checkListener(l); err != nil {
			return bad("listener %q: %v", l.UID, err)
		}
		if l.Pool != "" && !pools[l.Pool] {
			return bad("listener %q: pool: there is no %q", l.UID, l.Pool)
		}
		key := fmt.Sprintf("%s %d", l.Protocol, l.Port)
		if taken[key] {
			return bad("listener %q: port: %s is taken", l.UID, key)
		}
		taken[key] = true
	}
	return nil
}

func checkListener(l spec.Listener) error {
	switch {
	case l.UID == "":
		return errors.New("uid: is empty")
	case l.Protocol != "tcp" && l.Protocol != "udp":
		return fmt.Errorf("protocol: %q is not tcp or udp", l.Protocol)
	case l.Port < 1 || l.Port > 65535:
		return fmt.Errorf("port: %d is not from 1 to 65535", l.Port)
	case l.Scheduler != spec.RoundRobin && l.Scheduler != spec.LeastConnections && l.Scheduler != spec.SourceHash:
		return fmt.Errorf("scheduler: %q is not known", l.Scheduler)
	case l.TimeoutSeconds < 1:
		return fmt.Errorf("timeout_seconds: %d is not positive", l.TimeoutSeconds)
	}
	return nil
}

func checkPool(p spec.Pool) error {
	if p.UID == "" {
		return errors.New("uid: is empty")
	}
	if err := checkHealthCheck(p.Check); err != nil {
		return fmt.Errorf("check.%w", err)
	}
	for _, m := range p.Members {
		switch {
		case m.UID == "":
			return errors.New("member.uid: is empty")
		case !m.Address.IsValid():
			return fmt.Errorf("member %q: address: is missing", m.UID)
		case m.Port < 1 || m.Port > 65535:
			return fmt.Errorf("member %q: port: %d is not from 1 to 65535", m.UID, m.Port)
		case m.Weight < 0 || m.Weight > 100:
			return fmt.Errorf("member %q: weight: %d is not from 0 to 100", m.UID, m.Weight)
		}
	}
	return nil
}

func checkHealthCheck(c spec.HealthCheck) error {
	switch c.Protocol {
	case "":
		return nil
	case "tcp", "udp", "icmp", "http":
	default:
		return fmt.Errorf("protocol: %q is not tcp, udp, icmp or http", c.Protocol)
	}
	switch {
	case c.IntervalSeconds < 1 || c.TimeoutSeconds < 1:
		return errors.New("interval_seconds, timeout_seconds: must be positive")
	case c.Fall < 1 || c.Rise < 1:
		return errors.New("fall, rise: must be positive")
	case c.Port < 0 || c.Port > 65535:
		return fmt.Errorf("port: %d is not from 1 to 65535", c.Port)
	case strings.ContainsAny(c.Path+c.Host+c.Statuses, " \t\r\n\"'\\#$"):
		return errors.New("path, host, statuses: have a blank, a quote or another sign that a request line cannot have")
	}
	return nil
}
