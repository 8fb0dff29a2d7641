package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// natGateway ensures a NAT gateway and its rules.
func (a *Applier) natGateway(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.NATGateway](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureNATGateway(ctx, s)
}
