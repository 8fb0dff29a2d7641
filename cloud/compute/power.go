package compute

import (
	"context"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// change runs a verb on one instance: check finds a reason against it, apply changes the row and names the state to enter.
func (c *Compute) change(ctx context.Context, caller *identity.Caller, id, verb string, apply func(ctx context.Context, tx *store.Tx, i *Instance) (State, error)) (view *View, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := Find(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		to, err := apply(ctx, tx, i)
		if err != nil {
			return err
		}
		if err := enter(ctx, tx, i, to, verb); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, caller, Kind, i.UID); err != nil {
			return err
		}
		view, err = c.view(ctx, tx, i.UID)
		return err
	})
	return view, err
}

// guard refuses a verb in other states than the named ones (features/vm.md, "Operate").
func guard(i *Instance, verb string, allowed ...State) error {
	if slices.Contains(allowed, i.State) {
		return nil
	}
	return fault.Conflicting(Kind, i.Handle, "The instance is %s; it cannot be %s now.", i.State, verb)
}

// Start powers a stopped instance on. A change under way of one that is off goes with it: both are in the same specs.
func (c *Compute) Start(ctx context.Context, caller *identity.Caller, id string) (*View, error) {
	return c.change(ctx, caller, id, "start", func(_ context.Context, _ *store.Tx, i *Instance) (State, error) {
		i.Power, i.ForceOff = spec.On, false
		return Starting, guard(i, "started", Stopped, Amending, Failed)
	})
}

// Stop powers a running instance off; hard pulls the plug instead of asking the guest.
func (c *Compute) Stop(ctx context.Context, caller *identity.Caller, id string, hard bool) (*View, error) {
	return c.change(ctx, caller, id, "stop", func(_ context.Context, _ *store.Tx, i *Instance) (State, error) {
		i.Power, i.ForceOff = spec.Off, hard
		return Stopping, guard(i, "stopped", Running, Rewiring) // what is on its way comes or goes with the power
	})
}

// Reboot restarts a running instance, or one that failed; hard resets it instead of asking the guest.
func (c *Compute) Reboot(ctx context.Context, caller *identity.Caller, id string, hard bool) (*View, error) {
	return c.change(ctx, caller, id, "restart", func(_ context.Context, _ *store.Tx, i *Instance) (State, error) {
		i.Power, i.Restart, i.HardReset = spec.On, i.Restart+1, hard
		return Restarting, guard(i, "restarted", Running, Failed)
	})
}
