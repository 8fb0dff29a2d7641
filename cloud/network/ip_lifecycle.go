package network

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// PublicIPKind is the kind of public addresses in work rows.
const PublicIPKind = "public_ip"

// How long a site may take to make a line ready, and to bind an address.
const (
	lineDeadline = 3 * time.Minute
	bindDeadline = 2 * time.Minute
)

// lineUse is what a site has been told of a line, and what it has reported.
type lineUse struct {
	bun.BaseModel `bun:"table:line_uses,alias:lu"`

	Line   string     `bun:"line,pk"`
	Wanted int64      `bun:"wanted"`
	Seen   int64      `bun:"seen"`
	Phase  spec.Phase `bun:"phase"`
	Error  string     `bun:"error"`
}

// PublicIPLifecycle is the life of public addresses that stand alone. Those that go with an instance live by that one's.
func PublicIPLifecycle() work.Lifecycle {
	goTo := func(state IPState) func(context.Context, *store.Tx, *PublicIP) (work.Next, error) {
		return func(context.Context, *store.Tx, *PublicIP) (work.Next, error) { return work.Goto(string(state)), nil }
	}
	return work.Machine[*PublicIP]{
		Kind: PublicIPKind, Load: loadIP, SetState: setIPState,
		States: map[string]work.State[*PublicIP]{
			string(IPCreating):   {Step: awaitLine, Deadline: lineDeadline, OnDeadline: goTo(IPFailed)},
			string(IPFree):       {Terminal: true},
			string(IPBinding):    {Step: awaitBinding, Deadline: bindDeadline, OnDeadline: goTo(IPBindFailed)},
			string(IPBound):      {Step: keepBound, Terminal: true},
			string(IPUnbinding):  {Step: awaitParting, Deadline: natDeadline, OnDeadline: awaitParting},
			string(IPBindFailed): {Step: mendBinding, Terminal: true},
			string(IPFailed):     {Step: awaitLine, Terminal: true},
		},
	}.MustBuild()
}

func loadIP(ctx context.Context, tx *store.Tx, uid string) (*PublicIP, string, error) {
	ip := new(PublicIP)
	err := tx.NewSelect().Model(ip).Where("uid = ? AND instance = '' AND balancer = ''", uid).Scan(ctx)
	return ip, string(ip.State), err
}

func setIPState(ctx context.Context, tx *store.Tx, ip *PublicIP, state string) error {
	res, err := tx.NewUpdate().Model(ip).Set("state = ?", state).Where("uid = ? AND state = ?", ip.UID, ip.State).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("public address %s left the state %s meanwhile: %w", ip.UID, ip.State, err)
	}
	return nil
}

// awaitLine waits until the site has the line that the address is on.
func awaitLine(ctx context.Context, tx *store.Tx, ip *PublicIP) (work.Next, error) {
	u := new(lineUse)
	err := tx.NewSelect().Model(u).Where("line = ?", ip.Line).Scan(ctx)
	if err != nil && !store.NotFound(err) {
		return work.Next{}, err
	}
	if err == nil && u.Seen >= u.Wanted && u.Phase == spec.Applied {
		return work.Goto(string(IPFree)), nil
	}
	if ip.State == IPFailed {
		return work.Done(), nil
	}
	return work.Wait("report", 0), nil
}

func (ip *PublicIP) settled() bool { return ip.Seen >= ip.Wanted && ip.Phase == spec.Applied }

func awaitBinding(_ context.Context, _ *store.Tx, ip *PublicIP) (work.Next, error) {
	if ip.settled() {
		return work.Goto(string(IPBound)), nil
	}
	return work.Wait("report", 0), nil
}

// keepBound watches for a site that can no longer do what it did.
func keepBound(_ context.Context, _ *store.Tx, ip *PublicIP) (work.Next, error) {
	if ip.Seen >= ip.Wanted && ip.Phase == spec.Failed {
		return work.Goto(string(IPBindFailed)), nil
	}
	return work.Done(), nil
}

func mendBinding(_ context.Context, _ *store.Tx, ip *PublicIP) (work.Next, error) {
	if ip.settled() {
		return work.Goto(string(IPBound)), nil
	}
	return work.Done(), nil
}

// UnsettledPublicIPs lists the addresses that are on their way, for the slow scan that finds lost wake-ups.
func UnsettledPublicIPs(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*PublicIP)(nil)).Column("uid").Where("uid > ?", after).Where("state IN (?)", bun.In([]IPState{IPCreating, IPBinding, IPUnbinding, IPBindFailed, IPFailed})).
		Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
