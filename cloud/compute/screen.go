package compute

import (
	"context"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/store"
)

// withScreen are the states in which a machine may be on.
var withScreen = []State{Creating, Starting, Running, Restarting, ReinstallStarting, ResizeStarting, Rewiring, Password, Failed}

// Screen tells whether the caller may look at an instance's screen and type, and gives the instance's UID. One that is off has none.
func (c *Compute) Screen(ctx context.Context, caller *identity.Caller, id string) (uid string, err error) {
	if err := caller.MayWrite(); err != nil {
		return "", err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := guard(i, "shown", withScreen...); err != nil {
			return err
		}
		uid = i.UID
		return audit.Note(ctx, tx, caller, Kind, i.UID)
	})
	return uid, err
}
