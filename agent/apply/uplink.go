package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// uplink ensures a carrier line's provider network.
func (a *Applier) uplink(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.Uplink](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureUplink(ctx, s)
}
