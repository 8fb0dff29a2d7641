package balancer

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/store"
)

// Bindable is an instance that may be a member of an ordinary balancer: its first address in the balancer's network, and the group that it is of.
type Bindable struct {
	Instance  string     `bun:"instance"`
	Handle    string     `bun:"handle"`
	Address   string     `bun:"address"`
	VCPUs     int        `bun:"vcpus"`
	MemoryMiB int64      `bun:"memory_mib"`
	Group     string     `bun:"grp"`
	GroupSlug string     `bun:"group_slug"`
	GroupName string     `bun:"group_name"`
	Created   store.Time `bun:"created"` // of the group
	Weight    *int64     `bun:"weight"`  // nil: it is not bound
}

// Bindable lists the instances that may be members of an ordinary balancer and those that are, by group.
func (n *Balancers) Bindable(ctx context.Context, caller *identity.Caller, id string) (found []*Bindable, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		b, err := find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		return selectBindable(tx, b).Scan(ctx, &found)
	})
	return found, err
}

func selectBindable(tx *store.Tx, b *Balancer) *bun.SelectQuery {
	return tx.NewSelect().TableExpr("instances AS i").ColumnExpr("i.uid AS instance, i.handle AS handle, i.vcpus AS vcpus, i.memory_mib AS memory_mib, p.address AS address").
		ColumnExpr("g.uid AS grp, g.slug AS group_slug, g.name AS group_name, g.created AS created").
		ColumnExpr("(SELECT MAX(m.weight) FROM ports AS q JOIN balancer_members AS m ON m.port = q.uid JOIN balancer_groups AS bg ON bg.uid = m.grp WHERE q.instance = i.uid AND bg.balancer = ?) AS weight", b.UID).
		Join("JOIN groups AS g ON g.uid = i.grp").
		Join("JOIN ports AS p ON p.instance = i.uid AND p.kind = ? AND NOT p.doomed AND p.network = ?", network.NIC, b.Network).
		Where("i.account = ? AND i.site = ? AND i.state <> 'deleting'", b.Account, b.Site).
		Where("p.uid = (SELECT o.uid FROM ports AS o WHERE o.instance = i.uid AND o.kind = ? AND NOT o.doomed AND o.network = ? ORDER BY o.position, o.uid LIMIT 1)", network.NIC, b.Network).
		OrderExpr("g.uid, i.handle")
}
