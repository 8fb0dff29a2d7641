package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// networkACL ensures the ordered rules of subnets' borders.
func (a *Applier) networkACL(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.NetworkACL](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureNetworkACL(ctx, s)
}
