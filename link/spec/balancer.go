package spec

import "net/netip"

// Scheduler says which member of a pool gets a new connection. A weight of 0 gets none under any of them.
type Scheduler string

// The schedulers. Only RoundRobin heeds weights above 0.
const (
	RoundRobin       Scheduler = "round_robin"
	LeastConnections Scheduler = "least_connections"
	SourceHash       Scheduler = "source_hash" // one source always has the same member while that is healthy
)

// Balancer takes connections at the address of its port and leads them to members of its pools.
type Balancer struct {
	UID string `json:"uid"`
	// NIC is its place in its network: the port's spec goes before this one, and public addresses lead to that port by specs of their own.
	NIC       NIC        `json:"nic"`
	Listeners []Listener `json:"listeners,omitempty"`
	Pools     []Pool     `json:"pools,omitempty"`
}

// Listener takes what comes to a port of the balancer.
type Listener struct {
	UID            string    `json:"uid"`
	Protocol       string    `json:"protocol"` // tcp or udp
	Port           int       `json:"port"`
	Scheduler      Scheduler `json:"scheduler"`
	TimeoutSeconds int       `json:"timeout_seconds"` // after which a silent connection ends
	Pool           string    `json:"pool,omitempty"`  // UID; empty: connections are refused
}

// Pool is a set of members that are checked in the same way.
type Pool struct {
	UID     string       `json:"uid"`
	Check   HealthCheck  `json:"check,omitzero"` // zero: not checked, every member counts as healthy
	Members []PoolMember `json:"members,omitempty"`
}

// PoolMember is one address and port that connections are led to.
type PoolMember struct {
	UID     string     `json:"uid"`
	Address netip.Addr `json:"address"`
	Port    int        `json:"port"`
	Weight  int        `json:"weight"` // 0 to 100; 0: no new connections
}

// HealthCheck tells how members are asked whether they are healthy, and how often.
type HealthCheck struct {
	Protocol        string `json:"protocol"`       // tcp, udp, icmp or http
	Port            int    `json:"port,omitempty"` // 0: the member's own
	IntervalSeconds int    `json:"interval_seconds"`
	TimeoutSeconds  int    `json:"timeout_seconds"`
	Fall            int    `json:"fall"`               // so many failures in a row make a member unhealthy
	Rise            int    `json:"rise"`               // so many successes in a row make it healthy again
	Send            string `json:"send,omitempty"`     // what a UDP check sends; any answer counts. Empty: only a closed port is a failure
	Path            string `json:"path,omitempty"`     // what an HTTP check asks for
	Host            string `json:"host,omitempty"`     // the Host header of an HTTP check
	Statuses        string `json:"statuses,omitempty"` // a regular expression of the HTTP statuses that count as healthy
}

// BalancerFacts is what is true of a balancer at its site.
type BalancerFacts struct {
	Members []MemberHealth `json:"members,omitempty"`
}

// MemberHealth tells how a member answered the checks of a pool.
type MemberHealth struct {
	Pool    string `json:"pool"`
	Member  string `json:"member"`
	Healthy bool   `json:"healthy"`
}
