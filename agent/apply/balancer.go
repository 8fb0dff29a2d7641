package apply

import (
	"errors"

	"edgecloud/agent/ledger"
)

// errNoBalancers says that what a site was told cannot be done there.
var errNoBalancers = errors.New("no engine of this site carries out load balancers")

// balancer has no engine yet: nothing is ever made, so that nothing has to be taken away.
func (a *Applier) balancer(item ledger.Item) error {
	if item.Deleted {
		return nil
	}
	return errNoBalancers
}
