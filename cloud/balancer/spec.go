package balancer

import (
	"context"

	"edgecloud/cloud/network"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// put writes the specs of a balancer, its port and its public addresses. One whose specs have changed works on, and is to be as wanted within its deadline.
func put(ctx context.Context, tx *store.Tx, b *Balancer) error {
	p, ips, err := network.BalancerPort(ctx, tx, b.Port, b.UID)
	if err != nil {
		return err
	}
	before := p.Wanted
	for _, ip := range ips {
		before += ip.Wanted
	}
	if err := network.PutBalancerPort(ctx, tx, p, ips); err != nil {
		return err
	}
	after := p.Wanted
	for _, ip := range ips {
		after += ip.Wanted
	}
	body, err := b.spec(ctx, tx, p)
	if err != nil {
		return err
	}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(b.Site), spec.KindBalancer, b.UID, body)
	if err != nil || b.Wanted == generation && before == after {
		return err
	}
	b.Wanted = generation
	if b.State == Active || b.State == Down {
		b.State = Changing
	}
	if _, err := tx.NewUpdate().Model(b).Column("wanted", "state").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, Kind, b.UID)
}

func (b *Balancer) spec(ctx context.Context, tx *store.Tx, p *network.Port) (body spec.Balancer, err error) {
	nic, err := network.BalancerNIC(ctx, tx, p)
	if err != nil {
		return body, err
	}
	body = spec.Balancer{UID: b.UID, NIC: nic}
	listeners, err := listenersOf(ctx, tx, b.UID)
	if err != nil || len(listeners) == 0 {
		return body, err
	}
	if b.Type == Application {
		a, err := appOf(ctx, tx, b)
		if err == nil {
			a.fill(&body, listeners)
		}
		return body, err
	}
	members, err := membersOf(ctx, tx, b.UID)
	if err != nil {
		return body, err
	}
	for _, l := range listeners {
		// A listener of an ordinary balancer has a pool of its own, of the same UID: the members on its backend port, under its check.
		body.Listeners = append(body.Listeners, spec.Listener{UID: l.UID, Protocol: l.Protocol, Port: l.Port, Scheduler: l.Scheduler, TimeoutSeconds: l.TimeoutSeconds, Pool: l.UID})
		pool := spec.Pool{UID: l.UID, Check: l.Check.V.spec()}
		for _, m := range members {
			pool.Members = append(pool.Members, poolMember(m.UID, m.Address, l.BackendPort, m.Weight))
		}
		body.Pools = append(body.Pools, pool)
	}
	return body, nil
}
