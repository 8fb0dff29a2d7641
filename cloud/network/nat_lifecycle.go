package network

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/quota"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// How long a site may take to make or change a gateway, and to take one away.
const (
	natDeadline    = 3 * time.Minute
	natEndDeadline = 10 * time.Minute
)

// NATGatewayLifecycle is the life of NAT gateways.
func NATGatewayLifecycle() work.Lifecycle {
	down := func(context.Context, *store.Tx, *NATGateway) (work.Next, error) {
		return work.Goto(string(NATDown)), nil
	}
	return work.Machine[*NATGateway]{
		Kind: NATGatewayKind, Load: loadGateway, SetState: setNATState,
		States: map[string]work.State[*NATGateway]{
			string(NATStarting): {Step: awaitMade, Deadline: natDeadline, OnDeadline: down},
			string(NATChanging): {Step: awaitMade, Deadline: natDeadline, OnDeadline: down},
			string(NATActive):   {Step: keepActive, Terminal: true},
			string(NATDown):     {Step: mendGateway, Terminal: true},
			string(NATDeleting): {Step: awaitEnd, Deadline: natEndDeadline, OnDeadline: awaitEnd},
		},
	}.MustBuild()
}

func loadGateway(ctx context.Context, tx *store.Tx, uid string) (*NATGateway, string, error) {
	g := new(NATGateway)
	err := tx.NewSelect().Model(g).Where("uid = ?", uid).Scan(ctx)
	return g, string(g.State), err
}

func setNATState(ctx context.Context, tx *store.Tx, g *NATGateway, state string) error {
	res, err := tx.NewUpdate().Model(g).Set("state = ?", state).Where("uid = ? AND state = ?", g.UID, g.State).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("NAT gateway %s left the state %s meanwhile: %w", g.UID, g.State, err)
	}
	g.State = NATState(state)
	return nil
}

func awaitMade(_ context.Context, _ *store.Tx, g *NATGateway) (work.Next, error) {
	if g.settled() {
		return work.Goto(string(NATActive)), nil
	}
	return work.Wait("report", 0), nil
}

// keepActive watches for a site that can no longer do what it did.
func keepActive(_ context.Context, _ *store.Tx, g *NATGateway) (work.Next, error) {
	if g.Seen >= g.Wanted && g.Phase == spec.Failed {
		return work.Goto(string(NATDown)), nil
	}
	return work.Done(), nil
}

func mendGateway(_ context.Context, _ *store.Tx, g *NATGateway) (work.Next, error) {
	if g.settled() {
		return work.Goto(string(NATActive)), nil
	}
	return work.Done(), nil
}

// awaitEnd forgets a gateway once its site has confirmed that it is gone.
func awaitEnd(ctx context.Context, tx *store.Tx, g *NATGateway) (work.Next, error) {
	gone, err := link.Gone(ctx, tx, spec.SiteTarget(g.Site), spec.KindNATGateway, g.UID)
	if err != nil || !gone {
		return work.Wait("report", 0), err
	}
	if err := forgetGateway(ctx, tx, g); err != nil {
		return work.Next{}, err
	}
	// The row is gone with the step, so the machine is not asked for another state.
	return work.Again(0), nil
}

func forgetGateway(ctx context.Context, tx *store.Tx, g *NATGateway) error {
	for _, rules := range []any{(*SNATRule)(nil), (*DNATRule)(nil)} {
		if _, err := tx.NewDelete().Model(rules).Where("gateway = ?", g.UID).Exec(ctx); err != nil {
			return err
		}
	}
	var ips []*PublicIP
	if err := tx.NewSelect().Model(&ips).Where("gateway <> '' AND gateway = ?", g.UID).Order("uid").Scan(ctx); err != nil {
		return err
	}
	var given []*PublicIP
	for _, ip := range ips {
		if err := work.Wake(ctx, tx, PublicIPKind, ip.UID); err != nil { // it may wait for the gateway, which will not report any more
			return err
		}
		if ip.Given {
			given = append(given, ip)
			if err := freeLeases(ctx, tx, ip.UID); err != nil {
				return err
			}
			continue
		}
		if err := leaveGateway(ctx, tx, ip); err != nil {
			return err
		}
	}
	if len(given) > 0 {
		if err := DropPublicIPs(ctx, tx, g.Account, given); err != nil {
			return err
		}
	}
	if _, err := tx.NewDelete().Model(g).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := quota.Drop(ctx, tx, g.Account, quota.NATRules, g.UID); err != nil {
		return err
	}
	return quota.Count(ctx, tx, g.Account, quota.Change{Name: quota.NATGateways, Delta: -1})
}

// ObserveNATGateway takes a site's report on a gateway, which is one on its addresses too, and wakes what waits for it.
func ObserveNATGateway(ctx context.Context, tx *store.Tx, r spec.Report) error {
	res, err := tx.NewRaw("UPDATE nat_gateways SET seen = ?, phase = ?, error = ? WHERE uid = ? AND seen <= ?", r.Generation, r.Phase, r.Error, r.UID, r.Generation).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if err := work.Wake(ctx, tx, NATGatewayKind, r.UID); err != nil || r.Phase == spec.Gone {
		return err
	}
	var ips []string
	err = tx.NewRaw("UPDATE public_ips SET seen = ?, phase = ?, error = ? WHERE gateway <> '' AND gateway = ? AND seen <= ? RETURNING uid", r.Generation, r.Phase, r.Error, r.UID, r.Generation).Scan(ctx, &ips)
	if err != nil && !store.NotFound(err) {
		return err
	}
	for _, uid := range ips {
		if err := work.Wake(ctx, tx, PublicIPKind, uid); err != nil {
			return err
		}
	}
	return nil
}

// UnsettledNATGateways lists the gateways that are on their way, for the slow scan that finds lost wake-ups.
func UnsettledNATGateways(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*NATGateway)(nil)).Column("uid").Where("uid > ?", after).Where("state IN (?)", bun.In([]NATState{NATStarting, NATChanging, NATDown, NATDeleting})).
		Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
