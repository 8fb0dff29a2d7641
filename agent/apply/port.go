package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// port ensures an address on a switch.
func (a *Applier) port(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.Port](item)
	if err != nil {
		return err
	}
	return a.Network.EnsurePort(ctx, s)
}
