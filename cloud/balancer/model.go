package balancer

import (
	"github.com/uptrace/bun"

	"edgecloud/cloud/network"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Kind is the kind of balancers in work rows and audit records.
const Kind = network.BalancerKind

// Type of a balancer.
type Type string

// The types.
const (
	Ordinary    Type = "ordinary"    // one group of members serves all its listeners (BLB)
	Application Type = "application" // groups by name, and policies that choose among them (AppBLB)
)

// Serves says what the members of a balancer are.
type Serves string

// What balancers serve.
const (
	Instances  Serves = "instances"
	Containers Serves = "containers"
)

// State is where a balancer is in its life.
type State string

// The states of a balancer.
const (
	Starting State = "starting" // its site has not yet made it
	Active   State = "active"   // resting
	Changing State = "changing" // it works, and its site has not yet carried a change out
	Down     State = "down"     // resting: its site could not do what is wanted, or did not in time
	Deleting State = "deleting" // its site has not yet confirmed that nothing answers to its addresses
)

// Balancer takes connections at its addresses and spreads them over instances.
type Balancer struct {
	bun.BaseModel `bun:"table:balancers,alias:lb"`

	UID         string                          `bun:"uid,pk"`
	Slug        string                          `bun:"slug"`
	Account     string                          `bun:"account"`
	Type        Type                            `bun:"type"`
	Serves      Serves                          `bun:"serves"`
	Site        string                          `bun:"site"`
	Network     string                          `bun:"network"`
	Subnet      string                          `bun:"subnet"`
	Port        string                          `bun:"port"` // UID of the port that has its private address
	Name        string                          `bun:"name"`
	Description string                          `bun:"description"`
	Mbps        int64                           `bun:"mbps"` // each way
	State       State                           `bun:"state"`
	Wanted      int64                           `bun:"wanted"`
	Seen        int64                           `bun:"seen"`
	Phase       spec.Phase                      `bun:"phase"`
	Error       string                          `bun:"error"`
	Revision    int64                           `bun:"revision"` // taken by whoever changes what hangs on it, so that they go one after the other
	Health      store.JSON[[]spec.MemberHealth] `bun:"health"`   // what its site said last
	Created     store.Time                      `bun:"created"`
}

// Detail is a balancer with what people want to see beside it.
type Detail struct {
	Balancer `bun:",extend"`

	Address   string              `bun:"address,scanonly"` // private
	Members   int                 `bun:"members,scanonly"`
	IPs       []*network.PublicIP `bun:"-"`
	Listeners []*Listener         `bun:"-"`
}

// Group is a set of members. An ordinary balancer has one, the standard one, which nobody sees.
type Group struct {
	bun.BaseModel `bun:"table:balancer_groups,alias:bg"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Balancer    string     `bun:"balancer"`
	Name        string     `bun:"name"`
	Description string     `bun:"description"`
	Standard    bool       `bun:"standard"`
	Kind        GroupKind  `bun:"kind"`
	Created     store.Time `bun:"created"`
}

// Member is a port of an instance in a group.
type Member struct {
	bun.BaseModel `bun:"table:balancer_members,alias:bm"`

	UID     string     `bun:"uid,pk"`
	Slug    string     `bun:"slug"`
	Group   string     `bun:"grp"`
	Port    string     `bun:"port"`
	Weight  int64      `bun:"weight"` // 0 to 100; 0: no new connections
	Created store.Time `bun:"created"`
}

// Listener takes what comes to a port of its balancer.
type Listener struct {
	bun.BaseModel `bun:"table:balancer_listeners,alias:bl"`

	UID            string            `bun:"uid,pk"`
	Balancer       string            `bun:"balancer"`
	Transport      string            `bun:"transport"` // tcp or udp: what no two listeners of a port can share
	Protocol       string            `bun:"protocol"`  // tcp or udp
	Port           int               `bun:"port"`
	Scheduler      spec.Scheduler    `bun:"scheduler"`
	TimeoutSeconds int               `bun:"timeout_seconds"`
	BackendPort    int               `bun:"backend_port"` // of an ordinary balancer's members
	Check          store.JSON[Check] `bun:"health_check"` // of an ordinary balancer's members
	Created        store.Time        `bun:"created"`
}

// Check is how members are asked whether they are healthy.
type Check struct {
	Protocol        string `json:"protocol"` // tcp, udp, icmp or http
	IntervalSeconds int    `json:"interval"`
	TimeoutSeconds  int    `json:"timeout"`
	Unhealthy       int    `json:"unhealthy"` // a member is unhealthy when its failures in a row exceed it (BEC, product guide, load balancers)
	Healthy         int    `json:"healthy"`   // and healthy again when its successes in a row exceed it
	Send            string `json:"send,omitempty"`
	Port            int    `json:"port,omitempty"`     // 0: the member's own
	Path            string `json:"path,omitempty"`     // of an HTTP check
	Host            string `json:"host,omitempty"`     // of an HTTP check
	Statuses        string `json:"statuses,omitempty"` // of an HTTP check: classes such as http_2xx, joined by "|"
}

func (c Check) spec() spec.HealthCheck {
	return spec.HealthCheck{Protocol: c.Protocol, IntervalSeconds: c.IntervalSeconds, TimeoutSeconds: c.TimeoutSeconds, Fall: c.Unhealthy + 1, Rise: c.Healthy + 1, Send: c.Send}
}
