package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// balancerLook is how often a balancer is looked at: whether it runs, and which members are healthy.
const balancerLook = 3 * time.Second

// balancer ensures a load balancer on this host, as long as it holds the site role.
func (a *Applier) balancer(ctx context.Context, item ledger.Item) (Result, error) {
	if a.Balancer == nil {
		if item.Deleted {
			return Result{}, nil
		}
		return Result{}, errors.New("no engine of this host carries out load balancers")
	}
	if item.Deleted {
		return Result{}, a.Balancer.Remove(ctx, item.UID)
	}
	s, err := decode[spec.Balancer](item)
	if err != nil {
		return Result{}, err
	}
	if err := a.Balancer.Ensure(ctx, s); err != nil {
		return Result{}, err
	}
	health, err := a.Balancer.Health(ctx, item.UID)
	if err != nil {
		return Result{}, fmt.Errorf("asking for the health of members: %w", err)
	}
	return Result{Facts: spec.BalancerFacts{Members: health}, Again: balancerLook}, nil
}
