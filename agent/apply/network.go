package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// network ensures a tenant's network and its router.
func (a *Applier) network(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.Network](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureNetwork(ctx, s)
}
