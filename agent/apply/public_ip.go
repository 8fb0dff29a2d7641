package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// publicIP ensures a public address and its translation.
func (a *Applier) publicIP(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.PublicIP](item)
	if err != nil {
		return err
	}
	return a.Network.EnsurePublicIP(ctx, s)
}
