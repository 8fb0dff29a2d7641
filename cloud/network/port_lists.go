package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// PortState is what a port is, seen from outside.
type PortState string

// The states of a port.
const (
	PortBuilding PortState = "building" // its site has not made it yet
	PortActive   PortState = "active"
	PortDown     PortState = "down" // a virtual IP that no NIC has, or a port that its site could not make
)

// PortDetail is a port with what hangs on it.
type PortDetail struct {
	Port `bun:",extend"`

	SubnetPhase spec.Phase `bun:"subnet_phase,scanonly"`
	Members     int        `bun:"members,scanonly"` // NICs that may have this virtual IP
	Groups      []string   `bun:"-"`                // UIDs, in order
}

// State computes what a port is. A gateway is as its subnet is.
func (p *PortDetail) State() PortState { return portState(p.Kind, p.Members, p.phase()) }

func (p *PortDetail) phase() spec.Phase {
	if p.Kind == Gateway {
		return p.SubnetPhase
	}
	return p.Phase
}

func portState(kind PortKind, members int, phase spec.Phase) PortState {
	switch {
	case phase == spec.Applied && (kind != Virtual || members > 0):
		return PortActive
	case phase == spec.Pending && kind == NIC:
		return PortBuilding
	}
	return PortDown
}

// PortFilter narrows a list of ports. Empty fields match any.
type PortFilter struct {
	ID       string   // UID or slug
	Subnets  []string // UIDs or slugs: only ports that are on all of them
	Address  string
	MAC      string
	Name     string
	Instance string // UID
	Kind     PortKind
	Site     string // UID
	Group    string // UID or slug of a security group
	State    PortState
}

func (f PortFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if f.ID != "" {
		q = q.Where("port.uid = ? OR port.slug = ?", f.ID, f.ID)
	}
	for _, s := range f.Subnets {
		q = q.Where("s.uid = ? OR s.slug = ?", s, s)
	}
	for column, value := range map[string]string{"port.address": f.Address, "port.mac": f.MAC, "port.name": f.Name, "port.kind": string(f.Kind), "port.site": f.Site} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	if f.Instance != "" {
		q = q.Where("port.instance = ? OR (port.kind = ? AND port.network = ?)", f.Instance, Gateway, f.Instance)
	}
	if f.Group != "" {
		q = q.Where("port.uid IN (SELECT pg.port FROM port_groups AS pg JOIN security_groups AS g ON g.uid = pg.grp WHERE g.uid = ? OR g.slug = ?)", f.Group, f.Group)
	}
	return f.applyState(q)
}

// applyState says portState as a condition.
func (f PortFilter) applyState(q *bun.SelectQuery) *bun.SelectQuery {
	const active = "CASE port.kind WHEN 'gateway' THEN s.phase = 'applied' WHEN 'virtual' THEN port.phase = 'applied' AND EXISTS (SELECT 1 FROM virtual_ip_members AS m WHERE m.vip = port.uid) ELSE port.phase = 'applied' END"
	const building = "port.kind = 'nic' AND port.phase = 'pending'"
	switch f.State {
	case PortActive:
		q = q.Where(active)
	case PortBuilding:
		q = q.Where(building)
	case PortDown:
		q = q.Where("NOT (" + active + ") AND NOT (" + building + ")")
	}
	return q
}

func selectPorts(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*PortDetail)(nil)).ColumnExpr("port.*").ColumnExpr("s.phase AS subnet_phase").
		ColumnExpr("(SELECT COUNT(*) FROM virtual_ip_members AS m WHERE m.vip = port.uid) AS members").
		Join("JOIN subnets AS s ON s.uid = port.subnet").Where("port.account = ? AND NOT port.doomed AND port.kind NOT IN (?, ?)", caller.Account, Further, Balanced)
}

// ListPorts gives some of the caller's ports, of all kinds, with the total, oldest first.
func (n *Networks) ListPorts(ctx context.Context, caller *identity.Caller, f PortFilter, w store.Window) (found []*PortDetail, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := f.apply(selectPorts(tx, caller)).OrderExpr("port.uid")
		if found, total, err = store.ListWindow[*PortDetail](ctx, q, w); err != nil {
			return err
		}
		return loadGroups(ctx, tx, found)
	})
	return found, total, err
}

// GetPort gives one port.
func (n *Networks) GetPort(ctx context.Context, caller *identity.Caller, id string) (p *PortDetail, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err = findDetail(ctx, tx, caller, id)
		return err
	})
	return p, err
}

func findDetail(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*PortDetail, error) {
	p := new(PortDetail)
	err := PortFilter{ID: id}.apply(selectPorts(tx, caller)).Scan(ctx, p)
	if store.NotFound(err) {
		return nil, fault.Missing("port", id)
	}
	if err != nil {
		return nil, err
	}
	return p, loadGroups(ctx, tx, []*PortDetail{p})
}

// FindPort finds the caller's port by UID or slug inside a transaction.
func FindPort(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Port, error) {
	p := new(Port)
	err := tx.NewSelect().Model(p).Where("account = ? AND NOT doomed AND kind NOT IN (?, ?)", caller.Account, Further, Balanced).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("port", id)
	}
	return p, err
}

func loadGroups(ctx context.Context, tx *store.Tx, details []*PortDetail) error {
	ports := make([]*Port, len(details))
	for k, d := range details {
		ports[k] = &d.Port
	}
	groups, err := GroupsOf(ctx, tx, ports)
	for _, d := range details {
		d.Groups = groups[d.UID]
	}
	return err
}
