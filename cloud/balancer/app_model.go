package balancer

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
)

// GroupKind says what the members of a group of an application balancer are.
type GroupKind string

// The kinds of groups. That of an ordinary balancer has none.
const (
	Servers   GroupKind = "servers"   // instances, each on every port of the group
	Addresses GroupKind = "addresses" // addresses with a port of their own
)

// GroupPort is a protocol that a group serves, and how its members are checked for it. Servers are asked on its port; addresses have ports of their own, and it has none.
type GroupPort struct {
	bun.BaseModel `bun:"table:balancer_ports,alias:bp"`

	UID      string            `bun:"uid,pk"`
	Slug     string            `bun:"slug"`
	Group    string            `bun:"grp"`
	Protocol string            `bun:"protocol"` // tcp, http or udp
	Port     int               `bun:"port"`
	Check    store.JSON[Check] `bun:"health_check"`
	Created  store.Time        `bun:"created"`
}

// AddressMember is an address and port in a group.
type AddressMember struct {
	bun.BaseModel `bun:"table:balancer_addresses,alias:ba"`

	UID     string     `bun:"uid,pk"`
	Slug    string     `bun:"slug"`
	Group   string     `bun:"grp"`
	Address string     `bun:"address"`
	Port    int        `bun:"port"`
	Weight  int64      `bun:"weight"`
	Created store.Time `bun:"created"`
}

// Policy leads what a listener of an application balancer takes to a group. Listeners of TCP and UDP have one at most, which matches everything (BEC API 2.0, AppBLB, policies).
type Policy struct {
	bun.BaseModel `bun:"table:balancer_policies,alias:po"`

	UID         string     `bun:"uid,pk"`
	Slug        string     `bun:"slug"`
	Listener    string     `bun:"listener"`
	Group       string     `bun:"grp"`
	Priority    int64      `bun:"priority"`
	Description string     `bun:"description"`
	Created     store.Time `bun:"created"`
}

// ofBalancer is a condition on rows that belong to a group of a balancer.
const ofBalancer = "grp IN (SELECT g.uid FROM balancer_groups AS g WHERE g.balancer = ?)"

// app is all of an application balancer that its site has to know.
type app struct {
	ports     []*GroupPort
	addresses []*AddressMember
	policies  []*Policy
	members   []*MemberDetail
}

func appOf(ctx context.Context, tx *store.Tx, b *Balancer) (a app, err error) {
	for _, rows := range []any{&a.ports, &a.addresses, &a.policies} {
		if err := tx.NewSelect().Model(rows).Where(ofBalancer, b.UID).Order("uid").Scan(ctx); err != nil {
			return a, err
		}
	}
	a.members, err = membersOf(ctx, tx, b.UID)
	return a, err
}

// serving is the port of a group that serves a listener's protocol: of several the one that was made first.
func (a app) serving(group, protocol string) *GroupPort {
	for _, p := range a.ports {
		if p.Group == group && (p.Protocol == protocol || p.Protocol == "http" && protocol == "tcp") {
			return p
		}
	}
	return nil
}

// fill adds the listeners and those pools that they lead to. A listener without a policy, and one whose group does not serve its protocol, refuses connections.
func (a app) fill(body *spec.Balancer, listeners []*Listener) {
	pools := map[string]bool{}
	for _, l := range listeners {
		out := spec.Listener{UID: l.UID, Protocol: l.Protocol, Port: l.Port, Scheduler: l.Scheduler, TimeoutSeconds: l.TimeoutSeconds}
		for _, po := range a.policies {
			port := a.serving(po.Group, l.Protocol)
			if po.Listener != l.UID || port == nil {
				continue
			}
			out.Pool = port.UID
			if !pools[port.UID] {
				pools[port.UID] = true
				body.Pools = append(body.Pools, a.pool(port))
			}
		}
		body.Listeners = append(body.Listeners, out)
	}
}

func (a app) pool(p *GroupPort) spec.Pool {
	out := spec.Pool{UID: p.UID, Check: p.Check.V.exact()}
	for _, m := range a.addresses {
		if m.Group == p.Group {
			out.Members = append(out.Members, poolMember(m.UID, m.Address, m.Port, m.Weight))
		}
	}
	for _, m := range a.members {
		if m.Group == p.Group {
			out.Members = append(out.Members, poolMember(m.UID, m.Address, p.Port, m.Weight))
		}
	}
	return out
}
