package compute

import (
	"context"
	"fmt"
	"time"

	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/volume"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// How long each waiting state may last. Fetching an image for the first time on a thin line is what takes long.
const (
	createDeadline = 30 * time.Minute
	startDeadline  = 10 * time.Minute
	stopDeadline   = 5 * time.Minute
	diskDeadline   = 30 * time.Minute
	deleteDeadline = 15 * time.Minute
	imageDeadline  = 12 * time.Hour // longer than that of the image, which then fails
	// snapshotDeadline is longer than that of the snapshot, which then gives up.
	snapshotDeadline = time.Hour
)

// Lifecycle is the life of instances: one function per state.
func Lifecycle() work.Lifecycle {
	wait := func(step stepFunc, deadline time.Duration) work.State[*Instance] {
		return work.State[*Instance]{Step: step, Deadline: deadline, OnDeadline: tooLate}
	}
	rest := func(step stepFunc) work.State[*Instance] { return work.State[*Instance]{Step: step, Terminal: true} }
	return work.Machine[*Instance]{
		Kind: Kind, Load: load, SetState: setState,
		States: map[string]work.State[*Instance]{
			string(Creating):          wait(when(poweredOn, Running), createDeadline),
			string(Starting):          wait(when(poweredOn, Running), startDeadline),
			string(Running):           rest(running),
			string(Stopping):          wait(when(poweredOff, Stopped), stopDeadline),
			string(Stopped):           rest(stopped),
			string(Restarting):        wait(when(restarted, Running), startDeadline),
			string(ReinstallStopping): wait(reinstallStopping, stopDeadline),
			string(ReinstallDisks):    wait(reinstallDisks, diskDeadline),
			string(ReinstallStarting): wait(when(poweredOn, Running), startDeadline),
			string(ResizeStopping):    wait(resizeStopping, stopDeadline),
			string(ResizeStarting):    wait(when(poweredOn, Running), startDeadline),
			string(Amending):          wait(when(poweredOff, Stopped), stopDeadline),
			string(Rewiring):          {Step: rewiring, Deadline: startDeadline, OnDeadline: rewiringTooLate},
			string(Password):          wait(passwordSet, startDeadline),
			string(Imaging):           wait(imaging, imageDeadline),
			string(Snapshotting):      wait(snapshotting, snapshotDeadline),
			string(RollingBack):       wait(rollingBack, snapshotDeadline),
			string(Deleting):          {Step: deleting, Deadline: deleteDeadline, OnDeadline: deleting},
			string(Failed):            rest(failed),
		},
	}.MustBuild()
}

type stepFunc = func(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error)

func load(ctx context.Context, tx *store.Tx, uid string) (*Instance, string, error) {
	i := new(Instance)
	if err := tx.NewSelect().Model(i).Where("uid = ?", uid).Scan(ctx); err != nil {
		return nil, "", err
	}
	return i, string(i.State), nil
}

// setState moves an instance on, and closes its operation when it comes to rest.
func setState(ctx context.Context, tx *store.Tx, i *Instance, state string) error {
	from := i.State
	i.State, i.Changed = State(state), tx.Time()
	res, err := tx.NewUpdate().Model(i).Column("state", "changed", "error", "power", "dirty", "restart").Where("uid = ? AND state = ?", i.UID, from).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fmt.Errorf("instance %s left the state %s meanwhile", i.UID, from)
	}
	if from == Creating {
		if err := tellGroup(ctx, tx, i.Group); err != nil {
			return err
		}
	}
	switch i.State {
	case Running, Stopped:
		if i.parts != nil { // read by the step that brought it here
			if err := network.SetHold(ctx, tx, i.parts.ports, network.Attached); err != nil {
				return err
			}
			if err := volume.SetHold(ctx, tx, i.parts.volumes, volume.Attached); err != nil {
				return err
			}
		}
		return operation.Succeed(ctx, tx, i.UID)
	case Failed:
		return operation.Fail(ctx, tx, i.UID, i.Error)
	}
	return operation.Progress(ctx, tx, i.UID, state, 50)
}

// tellGroup wakes who watches over a group.
func tellGroup(ctx context.Context, tx *store.Tx, group string) error {
	var watcher string
	err := tx.NewSelect().Model((*Group)(nil)).Column("watcher").Where("uid = ?", group).Scan(ctx, &watcher)
	if err != nil || watcher == "" {
		return err
	}
	return work.Wake(ctx, tx, watcher, group)
}

// condition tells whether the reports say that a state's aim is reached.
type condition func(p *parts) bool

// when makes the step of most states: write what is wanted, and go on once the reports say that it is so.
func when(reached condition, to State) stepFunc {
	return func(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
		p, err := written(ctx, tx, i)
		if err != nil {
			return work.Next{}, err
		}
		if !reached(p) {
			return work.Wait("report", 0), nil
		}
		return work.Goto(string(to)), nil
	}
}

// written gives an instance with its parts after its specs have been written, if they were not. The parts are read once for all states that a step goes through.
func written(ctx context.Context, tx *store.Tx, i *Instance) (p *parts, err error) {
	if i.parts == nil {
		if i.parts, err = loadParts(ctx, tx, i); err != nil {
			return nil, err
		}
	}
	if !i.Dirty {
		return i.parts, nil
	}
	return i.parts, i.parts.put(ctx, tx)
}

// applied tells whether the host has carried out the spec as it is wanted now.
func (p *parts) applied() bool { return p.Seen >= p.Wanted && p.Phase == spec.Applied }

func poweredOn(p *parts) bool {
	disks, _ := volume.Settled(p.volumes)
	net, _ := network.Settled(p.ports, p.ips)
	return p.applied() && p.SeenPower == spec.On && p.SeenEpoch >= p.Epoch && disks && net
}

func poweredOff(p *parts) bool { return p.applied() && p.SeenPower == spec.Off }

func restarted(p *parts) bool { return poweredOn(p) && p.SeenRestart >= p.Restart }

// running rests. A guest that shut itself down is stopped (its host reports it off and leaves it so); one that crashed is started again by its host.
func running(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if p.applied() && p.SeenPower == spec.Off && !p.Crashed {
		i.Power, i.Dirty = spec.Off, true
		return work.Goto(string(Stopped)), nil
	}
	return p.rest(ctx, tx)
}

// stopped rests; a change that was made meanwhile is written.
func stopped(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	return p.rest(ctx, tx)
}

// rest ends a step of an instance that nobody waits for. Ports that one which is off, or which failed meanwhile, is to lose are looked after here.
func (p *parts) rest(ctx context.Context, tx *store.Tx) (work.Next, error) {
	if !p.applied() {
		return work.Done(), nil
	}
	if err := p.dropLosing(ctx, tx); err != nil {
		return work.Next{}, err
	}
	_, err := p.dropLeaving(ctx, tx)
	return work.Done(), err
}

func failed(context.Context, *store.Tx, *Instance) (work.Next, error) { return work.Done(), nil }

// reinstallStopping waits for the machine to be off before its disk is thrown away.
func reinstallStopping(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil || !poweredOff(p) {
		return work.Wait("report", 0), err
	}
	i.Dirty = true // the disks' new epochs are written in the next state
	return work.Goto(string(ReinstallDisks)), nil
}

// reinstallDisks waits for the new disks; the guest then boots as if for the first time.
func reinstallDisks(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if settled, _ := volume.Settled(p.volumes); !settled || !poweredOff(p) {
		return work.Wait("report", 0), nil
	}
	i.Power, i.Dirty = spec.On, true
	return work.Goto(string(ReinstallStarting)), nil
}

func resizeStopping(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil || !poweredOff(p) {
		return work.Wait("report", 0), err
	}
	i.Power, i.Dirty = spec.On, true
	return work.Goto(string(ResizeStarting)), nil
}

// passwordSet waits for the guest to have the new login, and restarts it (console guide, lines 1706-1731: a password reset reboots).
func passwordSet(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if !poweredOn(p) || p.SeenPassword < p.Instance.Password {
		return work.Wait("report", 0), nil
	}
	i.Restart, i.Dirty = i.Restart+1, true
	return work.Goto(string(Restarting)), nil
}

// imaging waits for the image to be done, or to have failed; the instance is as it was in either case.
func imaging(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	if _, err := written(ctx, tx, i); err != nil {
		return work.Next{}, err
	}
	unfinished, err := image.Unfinished(ctx, tx, i.UID)
	if err != nil || unfinished {
		return work.Wait("image", 0), err
	}
	return work.Goto(string(Stopped)), nil
}

// tooLate ends a state that lasted too long: the operator learns why from the instance's error.
func tooLate(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := loadParts(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	i.Error = fmt.Sprintf("It did not get beyond %q in time.", i.State)
	if trouble := p.trouble(); trouble != "" {
		i.Error += " The site says: " + trouble
	}
	return work.Goto(string(Failed)), nil
}

func (p *parts) trouble() string {
	if p.Trouble != "" {
		return p.Trouble
	}
	if _, t := volume.Settled(p.volumes); t != "" {
		return t
	}
	_, t := network.Settled(p.ports, p.ips)
	return t
}
