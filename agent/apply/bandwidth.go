package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// bandwidth ensures a limit that public addresses share.
func (a *Applier) bandwidth(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.Bandwidth](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureBandwidth(ctx, s)
}
