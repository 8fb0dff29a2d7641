package balancer

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// AppListener is what a caller says of a listener of an application balancer.
type AppListener struct {
	Address
	Scheduler      spec.Scheduler
	TimeoutSeconds int // 0: the default
}

// CreateAppListener adds a listener to an application balancer. It refuses connections until a policy leads it to a group.
func (n *Balancers) CreateAppListener(ctx context.Context, caller *identity.Caller, id string, w AppListener) error {
	full := NewListener{Protocol: w.Protocol, Port: w.Port, BackendPort: w.Port, Scheduler: w.Scheduler, TimeoutSeconds: w.TimeoutSeconds}
	if err := full.complete(); err != nil {
		return err
	}
	return n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		if err := quota.Count(ctx, tx, b.Account, quota.Change{Name: quota.BalancerListeners, Scope: b.UID, Delta: 1}); err != nil {
			return err
		}
		return addListener(ctx, tx, b, full)
	})
}

// UpdateAppListener gives a listener of an application balancer another scheduler or time-out; zero stays.
func (n *Balancers) UpdateAppListener(ctx context.Context, caller *identity.Caller, id string, w AppListener) error {
	if w.Scheduler == "" && w.TimeoutSeconds == 0 {
		return fault.BadField("scheduler", "must be given, or else a time-out")
	}
	return n.changeApp(ctx, caller, id, func(ctx context.Context, tx *store.Tx, b *Balancer) error {
		l, err := findListener(ctx, tx, b, w.Address)
		if err != nil {
			return err
		}
		full := NewListener{Protocol: l.Protocol, Port: l.Port, BackendPort: l.BackendPort, Scheduler: l.Scheduler, TimeoutSeconds: l.TimeoutSeconds, Check: l.Check.V}
		if w.Scheduler != "" {
			full.Scheduler = w.Scheduler
		}
		if w.TimeoutSeconds != 0 {
			full.TimeoutSeconds = w.TimeoutSeconds
		}
		if err := full.complete(); err != nil {
			return err
		}
		full.fill(l)
		_, err = tx.NewUpdate().Model(l).Column("scheduler", "timeout_seconds").WherePK().Exec(ctx)
		return err
	})
}
