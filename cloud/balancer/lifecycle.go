package balancer

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/network"
	"edgecloud/cloud/quota"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// How long a site may take to make or change a balancer, and to take one away.
const (
	deadline    = 3 * time.Minute
	endDeadline = 10 * time.Minute
)

// Lifecycle is the life of balancers.
func Lifecycle() work.Lifecycle {
	down := func(context.Context, *store.Tx, *Balancer) (work.Next, error) { return work.Goto(string(Down)), nil }
	return work.Machine[*Balancer]{
		Kind: Kind, Load: load, SetState: setState,
		States: map[string]work.State[*Balancer]{
			string(Starting): {Step: awaitMade, Deadline: deadline, OnDeadline: down},
			string(Changing): {Step: awaitMade, Deadline: deadline, OnDeadline: down},
			string(Active):   {Step: keepActive, Terminal: true},
			string(Down):     {Step: mend, Terminal: true},
			string(Deleting): {Step: awaitEnd, Deadline: endDeadline, OnDeadline: awaitEnd},
		},
	}.MustBuild()
}

func load(ctx context.Context, tx *store.Tx, uid string) (*Balancer, string, error) {
	b := new(Balancer)
	err := tx.NewSelect().Model(b).Where("uid = ?", uid).Scan(ctx)
	return b, string(b.State), err
}

func setState(ctx context.Context, tx *store.Tx, b *Balancer, state string) error {
	res, err := tx.NewUpdate().Model(b).Set("state = ?", state).Where("uid = ? AND state = ?", b.UID, b.State).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("balancer %s left the state %s meanwhile: %w", b.UID, b.State, err)
	}
	b.State = State(state)
	return nil
}

// settled tells whether the site has done all that is wanted of the balancer, its port and its addresses, and the first trouble that it met.
func settled(ctx context.Context, tx *store.Tx, b *Balancer) (done bool, trouble string, err error) {
	p, ips, err := network.BalancerPort(ctx, tx, b.Port, b.UID)
	if err != nil {
		return false, "", err
	}
	done, trouble = network.Settled([]*network.Port{p}, ips)
	if b.Seen >= b.Wanted && b.Phase == spec.Failed && trouble == "" {
		trouble = b.Error
	}
	return done && b.Seen >= b.Wanted && b.Phase == spec.Applied, trouble, nil
}

func awaitMade(ctx context.Context, tx *store.Tx, b *Balancer) (work.Next, error) {
	if err := dropLeft(ctx, tx, b); err != nil {
		return work.Next{}, err
	}
	done, _, err := settled(ctx, tx, b)
	if err != nil {
		return work.Next{}, err
	}
	if done {
		return work.Goto(string(Active)), nil
	}
	return work.Wait("report", 0), nil
}

// keepActive takes members away whose ports are gone, and watches for a site that can no longer do what it did.
func keepActive(ctx context.Context, tx *store.Tx, b *Balancer) (work.Next, error) {
	return rest(ctx, tx, b, func(done bool, trouble string) bool { return !done && trouble != "" }, Down)
}

func mend(ctx context.Context, tx *store.Tx, b *Balancer) (work.Next, error) {
	return rest(ctx, tx, b, func(done bool, _ string) bool { return done }, Active)
}

// rest stays in a resting state unless the site has come to another end, or members have left.
func rest(ctx context.Context, tx *store.Tx, b *Balancer, left func(done bool, trouble string) bool, next State) (work.Next, error) {
	changed, err := leave(ctx, tx, b)
	if err != nil {
		return work.Next{}, err
	}
	if changed {
		return work.Goto(string(Changing)), nil
	}
	done, trouble, err := settled(ctx, tx, b)
	if err != nil {
		return work.Next{}, err
	}
	if left(done, trouble) {
		return work.Goto(string(next)), nil
	}
	return work.Done(), nil
}

// leave takes members away whose ports are gone, and tells the site.
func leave(ctx context.Context, tx *store.Tx, b *Balancer) (changed bool, err error) {
	dropped, err := dropGone(ctx, tx, b)
	if err != nil || !dropped {
		return false, err
	}
	p, _, err := network.BalancerPort(ctx, tx, b.Port, b.UID)
	if err != nil {
		return false, err
	}
	body, err := b.spec(ctx, tx, p)
	if err != nil {
		return false, err
	}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(b.Site), spec.KindBalancer, b.UID, body)
	if err != nil || generation == b.Wanted {
		return false, err
	}
	b.Wanted = generation
	_, err = tx.NewUpdate().Model(b).Column("wanted").WherePK().Exec(ctx)
	return true, err
}

func dropLeft(ctx context.Context, tx *store.Tx, b *Balancer) error {
	_, err := leave(ctx, tx, b)
	return err
}

// awaitEnd forgets a balancer once its site has confirmed that nothing answers to its addresses any more.
func awaitEnd(ctx context.Context, tx *store.Tx, b *Balancer) (work.Next, error) {
	p, ips, err := network.BalancerPort(ctx, tx, b.Port, b.UID)
	if err != nil {
		return work.Next{}, err
	}
	target := spec.SiteTarget(b.Site)
	things := [][2]string{{spec.KindBalancer, b.UID}, {spec.KindPort, p.UID}}
	for _, ip := range ips {
		things = append(things, [2]string{spec.KindPublicIP, ip.UID})
	}
	for _, t := range things {
		gone, err := link.Gone(ctx, tx, target, t[0], t[1])
		if err != nil || !gone {
			return work.Wait("report", 0), err
		}
	}
	if err := forget(ctx, tx, b, p, ips); err != nil {
		return work.Next{}, err
	}
	// The row is gone with the step, so the machine is not asked for another state.
	return work.Again(0), nil
}

func forget(ctx context.Context, tx *store.Tx, b *Balancer, p *network.Port, ips []*network.PublicIP) error {
	if err := network.DropPublicIPs(ctx, tx, b.Account, ips); err != nil {
		return err
	}
	for _, rows := range []any{(*Member)(nil), (*Policy)(nil), (*AddressMember)(nil), (*GroupPort)(nil)} {
		if _, err := tx.NewDelete().Model(rows).Where(ofBalancer, b.UID).Exec(ctx); err != nil {
			return err
		}
	}
	for _, rows := range []any{(*Group)(nil), (*Listener)(nil)} {
		if _, err := tx.NewDelete().Model(rows).Where("balancer = ?", b.UID).Exec(ctx); err != nil {
			return err
		}
	}
	if _, err := tx.NewDelete().Model(b).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := network.DropPorts(ctx, tx, []*network.Port{p}); err != nil {
		return err
	}
	for _, name := range []quota.Name{quota.BalancerListeners, quota.BalancerMembers, quota.BalancerGroups} {
		if err := quota.Drop(ctx, tx, b.Account, name, b.UID); err != nil {
			return err
		}
	}
	return quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.Balancers, Delta: -1})
}

// Unsettled lists the balancers that are on their way, for the slow scan that finds lost wake-ups.
func Unsettled(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*Balancer)(nil)).Column("uid").Where("uid > ?", after).Where("state IN (?)", bun.In([]State{Starting, Changing, Down, Deleting})).
		Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
