package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// subnet ensures a switch with its DHCP.
func (a *Applier) subnet(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.Subnet](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureSubnet(ctx, s)
}
