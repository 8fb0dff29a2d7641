package apply

import (
	"context"

	"edgecloud/agent/ledger"
	"edgecloud/link/spec"
)

// securityGroup ensures a set of rules.
func (a *Applier) securityGroup(ctx context.Context, item ledger.Item) error {
	s, err := decode[spec.SecurityGroup](item)
	if err != nil {
		return err
	}
	return a.Network.EnsureSecurityGroup(ctx, s)
}
