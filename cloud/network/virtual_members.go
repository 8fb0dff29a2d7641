package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// maxBackends is how many instances a virtual IP can be bound to by name (BEC 1.0 bindOrUnbindHaVipInstances).
const maxBackends = 2

// VirtualIP is a virtual IP with what people want to see beside it.
type VirtualIP struct {
	Port `bun:",extend"`

	NetworkSlug string `bun:"network_slug,scanonly"`
	SubnetSlug  string `bun:"subnet_slug,scanonly"`
	Members     int    `bun:"members,scanonly"` // NICs that may have it
}

// VirtualIPFilter narrows a list of virtual IPs. Empty fields match any.
type VirtualIPFilter struct {
	IDs     []string // UIDs or slugs
	ID      string   // part of the slug
	Name    string   // part of the name
	Address string   // part of the address
	Network string   // UID or slug
	Subnet  string   // UID or slug
	Oldest  bool     // first; else last
}

func selectVirtual(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*VirtualIP)(nil)).ColumnExpr("port.*").ColumnExpr("n.slug AS network_slug, s.slug AS subnet_slug").
		ColumnExpr("(SELECT COUNT(*) FROM virtual_ip_members AS m WHERE m.vip = port.uid) AS members").
		Join("JOIN networks AS n ON n.uid = port.network").Join("JOIN subnets AS s ON s.uid = port.subnet").
		Where("port.account = ? AND port.kind = ? AND NOT port.doomed", caller.Account, Virtual)
}

func (f VirtualIPFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	for column, value := range map[string]string{"port.slug": f.ID, "port.name": f.Name, "port.address": f.Address} {
		if value != "" {
			q = q.Where("? LIKE ? ESCAPE '!'", bun.Ident(column), store.Contains(value))
		}
	}
	for alias, value := range map[string]string{"n": f.Network, "s": f.Subnet} {
		if value != "" {
			q = q.Where("(? = ? OR ? = ?)", bun.Ident(alias+".uid"), value, bun.Ident(alias+".slug"), value)
		}
	}
	if len(f.IDs) > 0 {
		q = q.Where("(port.uid IN (?) OR port.slug IN (?))", bun.In(f.IDs), bun.In(f.IDs))
	}
	if f.Oldest {
		return q.OrderExpr("port.uid")
	}
	return q.OrderExpr("port.uid DESC")
}

// ListVirtualIPs gives a page of the caller's virtual IPs with the total.
func (n *Networks) ListVirtualIPs(ctx context.Context, caller *identity.Caller, f VirtualIPFilter, page store.Page) (found []*VirtualIP, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, total, err = store.List[*VirtualIP](ctx, f.apply(selectVirtual(tx, caller)), page)
		return err
	})
	return found, total, err
}

// GetVirtualIP gives one of the caller's virtual IPs, by UID or slug.
func (n *Networks) GetVirtualIP(ctx context.Context, caller *identity.Caller, id string) (v *VirtualIP, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err = findVirtual(ctx, tx, caller, id)
		return err
	})
	return v, err
}

func findVirtual(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*VirtualIP, error) {
	v := new(VirtualIP)
	err := selectVirtual(tx, caller).Where("(port.uid = ? OR port.slug = ?)", id, id).Scan(ctx, v)
	if store.NotFound(err) {
		return nil, fault.Missing("virtual IP", id)
	}
	return v, err
}

// RenameVirtualIP gives a virtual IP another name.
func (n *Networks) RenameVirtualIP(ctx context.Context, caller *identity.Caller, id, name string) error {
	if _, err := n.GetVirtualIP(ctx, caller, id); err != nil {
		return err
	}
	_, err := n.UpdatePort(ctx, caller, id, PortChange{Name: &name})
	return err
}

// DeleteVirtualIPs takes virtual IPs away, all or none, that neither a NIC has nor a route leads to (BEC 1.0 batchDeleteHaVips).
func (n *Networks) DeleteVirtualIPs(ctx context.Context, caller *identity.Caller, ids []string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.BadField("haVipIds", "must name at least one virtual IP")
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var last string
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			v, err := findVirtual(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if err := mustBeUnbound(ctx, tx, &v.Port); err != nil {
				return err
			}
			led, err := tx.NewSelect().Model((*Route)(nil)).Where("port = ?", v.UID).Exists(ctx)
			if err != nil {
				return err
			}
			if led {
				return fault.Conflicting("virtual IP", id, "The virtual IP is the next hop of a route; remove the route first.")
			}
			if err := doomVirtualIP(ctx, tx, &v.Port); err != nil {
				return err
			}
			last = v.UID
		}
		return audit.Note(ctx, tx, caller, "port", last)
	})
}

// BindVirtualIP lets the NICs that instances (by UID) have on its subnet have the virtual IP, beside those that may: at most two in all. What they announce by
// ARP decides which one has it.
func (n *Networks) BindVirtualIP(ctx context.Context, caller *identity.Caller, id string, instances []string) error {
	return n.changeMembers(ctx, caller, id, instances, func(ctx context.Context, tx *store.Tx, v *VirtualIP, members []Member, nic *Port) ([]Member, error) {
		if slices.ContainsFunc(members, func(m Member) bool { return m.Port == nic.UID }) {
			return nil, fault.Conflicting("virtual IP", id, "The virtual IP is bound to the instance already.").On("instanceId")
		}
		if len(members) == maxBackends {
			return nil, fault.New(fault.Quota, "A virtual IP is bound to at most %d instances.", maxBackends).About("virtual IP", id).On("backends")
		}
		m := Member{VIP: v.UID, Port: nic.UID, Position: 1}
		if len(members) > 0 {
			m.Position = members[len(members)-1].Position + 1
		}
		if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
			return nil, fmt.Errorf("bind virtual IP: %w", err)
		}
		nic.Pairs.V = append(nic.Pairs.V, Pair{Address: v.Address})
		return append(members, m), nil
	})
}

// UnbindVirtualIP is the reverse. The master, which was bound first, goes last (BEC 1.0 bindOrUnbindHaVipInstances).
func (n *Networks) UnbindVirtualIP(ctx context.Context, caller *identity.Caller, id string, instances []string) error {
	return n.changeMembers(ctx, caller, id, instances, func(ctx context.Context, tx *store.Tx, v *VirtualIP, members []Member, nic *Port) ([]Member, error) {
		k := slices.IndexFunc(members, func(m Member) bool { return m.Port == nic.UID })
		if k < 0 {
			return nil, fault.Conflicting("virtual IP", id, "The virtual IP is not bound to the instance.").On("instanceId")
		}
		if k == 0 && len(members) > 1 && len(instances) < len(members) {
			return nil, fault.Conflicting("virtual IP", id, "The master of a virtual IP cannot be unbound before the other.").On("instanceId")
		}
		if _, err := tx.NewDelete().Model(&members[k]).WherePK().Exec(ctx); err != nil {
			return nil, err
		}
		nic.Pairs.V = slices.DeleteFunc(nic.Pairs.V, func(p Pair) bool { return p == Pair{Address: v.Address} })
		return slices.Delete(members, k, k+1), nil
	})
}

type memberStep func(ctx context.Context, tx *store.Tx, v *VirtualIP, members []Member, nic *Port) ([]Member, error)

// changeMembers does a step for the NIC of each instance on the virtual IP's subnet: all or none.
func (n *Networks) changeMembers(ctx context.Context, caller *identity.Caller, id string, instances []string, step memberStep) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(instances) == 0 {
		return fault.BadField("backends", "must name at least one instance")
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		v, err := findVirtual(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, v.Network); err != nil {
			return err
		}
		members, err := membersInOrder(ctx, tx, v.UID)
		if err != nil {
			return err
		}
		for _, instance := range instances {
			nic, err := nicOn(ctx, tx, caller, v.Subnet, instance)
			if err != nil {
				return err
			}
			if members, err = step(ctx, tx, v, members, nic); err != nil {
				return err
			}
			if _, err := tx.NewUpdate().Model(nic).Column("allowed_pairs").WherePK().Exec(ctx); err != nil {
				return err
			}
			if err := putLiving(ctx, tx, nic); err != nil {
				return err
			}
		}
		if err := putVirtualIP(ctx, tx, &v.Port); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "port", v.UID)
	})
}

func membersInOrder(ctx context.Context, tx *store.Tx, vip string) (members []Member, err error) {
	err = tx.NewSelect().Model(&members).Where("vip = ?", vip).OrderExpr("position, port").Scan(ctx)
	return members, err
}

// nicOn is the first NIC that an instance has on a subnet.
func nicOn(ctx context.Context, tx *store.Tx, caller *identity.Caller, subnet, instance string) (*Port, error) {
	p := new(Port)
	err := tx.NewSelect().Model(p).Where("instance = ? AND subnet = ? AND kind = ? AND NOT doomed AND account = ?", instance, subnet, NIC, caller.Account).Order("position").Limit(1).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.BadField("instanceId", "must be an instance with a network interface on the virtual IP's subnet")
	}
	return p, err
}

// Backend is an instance that a virtual IP is bound to, or can be.
type Backend struct {
	Instance string // UID
	Address  netip.Addr
	Master   bool
}

// Backends gives the instances that a virtual IP is bound to, the master first, or those of its subnet that it can be bound to.
func (n *Networks) Backends(ctx context.Context, caller *identity.Caller, id string, bound bool) (found []Backend, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		found = nil
		v, err := findVirtual(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		members, err := membersInOrder(ctx, tx, v.UID)
		if err != nil {
			return err
		}
		var nics []*Port
		err = tx.NewSelect().Model(&nics).Where("subnet = ? AND kind = ? AND NOT doomed AND instance <> '' AND account = ?", v.Subnet, NIC, caller.Account).OrderExpr("uid DESC").Scan(ctx)
		for _, nic := range nics {
			k := slices.IndexFunc(members, func(m Member) bool { return m.Port == nic.UID })
			if (k >= 0) == bound {
				found = append(found, Backend{Instance: nic.Instance, Address: netip.MustParseAddr(nic.Address), Master: k == 0})
			}
		}
		slices.SortStableFunc(found, func(x, y Backend) int { return map[bool]int{true: -1}[x.Master] - map[bool]int{true: -1}[y.Master] })
		return err
	})
	return found, err
}
