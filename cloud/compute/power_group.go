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

// groupVerb is a verb on all instances of a group: those in a state of from go to another; those in a state of skip are there, on their way, or leaving. Any
// other state forbids the verb for the whole group, since its instance would end up other than asked.
type groupVerb struct {
	name, participle string
	from, skip       []State
	to               State
	power            spec.Power
}

var startGroup = groupVerb{"start", "started", []State{Stopped, Amending, Failed},
	[]State{Creating, Starting, Running, Restarting, ReinstallStopping, ReinstallDisks, ReinstallStarting, ResizeStopping, ResizeStarting, Rewiring, Password, Deleting}, Starting, spec.On}

var stopGroup = groupVerb{"stop", "stopped", []State{Running, Rewiring}, []State{Stopping, Stopped, Amending, Failed, Deleting}, Stopping, spec.Off}

// StartGroup starts every instance of a group that is off. Nothing happens to those that run already.
func (c *Compute) StartGroup(ctx context.Context, caller *identity.Caller, id string) (*GroupView, error) {
	return c.powerGroup(ctx, caller, id, startGroup)
}

// StopGroup stops every instance of a group that runs. One that is being made, restarted or reinstalled forbids it.
func (c *Compute) StopGroup(ctx context.Context, caller *identity.Caller, id string) (*GroupView, error) {
	return c.powerGroup(ctx, caller, id, stopGroup)
}

func (c *Compute) powerGroup(ctx context.Context, caller *identity.Caller, id string, verb groupVerb) (*GroupView, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err := c.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		var instances []*Instance
		if err := tx.NewSelect().Model(&instances).Where("grp = ?", g.UID).Order("uid").Scan(ctx); err != nil {
			return err
		}
		for _, i := range instances {
			if err := verb.apply(ctx, tx, i); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, "group", g.UID)
	})
	if err != nil {
		return nil, err
	}
	return c.GetGroup(ctx, caller, id)
}

func (v groupVerb) apply(ctx context.Context, tx *store.Tx, i *Instance) error {
	if slices.Contains(v.skip, i.State) {
		return nil
	}
	if !slices.Contains(v.from, i.State) {
		return fault.Conflicting("group", i.Group, "The instance %s is %s; its group cannot be %s now.", i.Handle, i.State, v.participle)
	}
	i.Power, i.ForceOff = v.power, false
	return enter(ctx, tx, i, v.to, v.name)
}
