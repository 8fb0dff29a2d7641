package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// virtualIP ensures an address that moves between ports.
func (a *Applier) virtualIP(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.VirtualIP](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureVirtualIP(ctx, s)
}
