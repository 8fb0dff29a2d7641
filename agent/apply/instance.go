package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"edgecloud/agent/ledger"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

const (
	// grace is how long a guest may take to shut down or reboot before the plug is pulled.
	grace = 60 * time.Second
	// passwordDeadline is how long the guest's agent may be silent before a wanted password is reported as failed; passwordRetry how often it is asked.
	passwordDeadline = 3 * time.Minute
	passwordRetry    = 3 * time.Second
	// heldRetry is how often a guest is asked to let go of a disk that it is to lose.
	heldRetry = 2 * time.Second
	// A machine that crashes is started again after crashFirst, doubling to crashMost; after calm without a crash the count begins anew.
	crashFirst = time.Second
	crashMost  = 5 * time.Minute
	calm       = 10 * time.Minute
)

// life is what this agent has seen of a machine since the agent started; it may be forgotten.
type life struct {
	running int64 // generation under which the machine was seen running
	volumes []string
	crashes int
	started time.Time
	asked   time.Time // first attempt of the password epoch below
	epoch   int64
}

func (a *Applier) life(uid string) *life {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lives == nil {
		a.lives = map[string]*life{}
	}
	if a.lives[uid] == nil {
		a.lives[uid] = &life{}
	}
	return a.lives[uid]
}

func (a *Applier) attached(uid, volume string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lives[uid] != nil && slices.Contains(a.lives[uid].volumes, volume)
}

func (a *Applier) defined(uid string, volumes []string) {
	l := a.life(uid)
	a.mu.Lock()
	defer a.mu.Unlock()
	l.volumes = volumes
}

func (a *Applier) instance(ctx context.Context, item ledger.Item) (Result, error) {
	if item.Deleted {
		if err := a.Hypervisor.Remove(ctx, item.UID); err != nil {
			return Result{}, err
		}
		a.mu.Lock()
		delete(a.lives, item.UID)
		a.mu.Unlock()
		return Result{}, nil
	}
	s, err := decode[spec.Instance](item)
	if err != nil {
		return Result{}, err
	}
	m, err := a.machine(ctx, s)
	if err != nil {
		return Result{}, err
	}
	if err := a.Hypervisor.Define(ctx, m); err != nil {
		return Result{}, fmt.Errorf("defining the machine: %w", err)
	}
	a.defined(item.UID, s.Volumes)
	out, err := a.power(ctx, item, s)
	if err != nil {
		return Result{}, err
	}
	return a.found(ctx, item, s, out)
}

// machine resolves a spec on this host.
func (a *Applier) machine(ctx context.Context, s spec.Instance) (hypervisor.Machine, error) {
	m := hypervisor.Machine{Instance: s}
	for _, v := range s.Volumes {
		source, err := a.Pool.Source(ctx, v)
		if errors.Is(err, disk.ErrAbsent) {
			return m, &Wait{For: []protocol.Key{{Kind: spec.KindVolume, UID: v}}, Reason: "the volume " + v + " is not here yet"}
		}
		if err != nil {
			return m, fmt.Errorf("finding the volume %s: %w", v, err)
		}
		m.Disks = append(m.Disks, hypervisor.Disk{Volume: v, Source: source})
	}
	if a.Seed == nil {
		return m, nil
	}
	seed, err := a.Seed(s)
	if err != nil {
		return m, fmt.Errorf("making the seed: %w", err)
	}
	m.Seed = seed
	return m, nil
}

// power makes the machine run or rest as wanted.
func (a *Applier) power(ctx context.Context, item ledger.Item, s spec.Instance) (Result, error) {
	st, err := a.Hypervisor.Get(ctx, s.UID)
	if err != nil {
		return Result{}, fmt.Errorf("asking for the machine: %w", err)
	}
	facts := a.Ledger.Facts(item.Key)
	if s.Power == spec.Off {
		if st.Power == spec.On {
			if err := a.Hypervisor.Stop(ctx, s.UID, patience(s.ForceOff)); err != nil {
				return Result{}, fmt.Errorf("stopping the machine: %w", err)
			}
		}
		a.life(s.UID).running = 0
		facts.Restart = s.Restart // nothing to restart
		return Result{}, a.Ledger.SetFacts(item.Key, facts)
	}
	if st.Power == spec.On {
		return Result{}, a.restart(ctx, item, s, facts)
	}
	return a.start(ctx, item, s, st, facts)
}

func patience(force bool) time.Duration {
	if force {
		return 0
	}
	return grace
}

func (a *Applier) restart(ctx context.Context, item ledger.Item, s spec.Instance, facts ledger.Facts) error {
	a.life(s.UID).running = item.Generation
	if !facts.Made {
		// It was started for this very spec, and the agent died before it could note that.
		return a.Ledger.SetFacts(item.Key, ledger.Facts{Made: true, Restart: s.Restart, Epoch: s.Guest.Epoch, Password: s.Guest.Password})
	}
	if facts.Restart >= s.Restart {
		return nil
	}
	if err := a.Hypervisor.Restart(ctx, s.UID, patience(s.HardReset)); err != nil {
		return fmt.Errorf("restarting the machine: %w", err)
	}
	facts.Restart, facts.Epoch = s.Restart, s.Guest.Epoch
	return a.Ledger.SetFacts(item.Key, facts)
}

// start starts a machine that should run: one that never ran, that crashed, or whose host was off. One that its own guest has shut down, as this agent saw,
// stays off until the centre has heard of it and wants something new.
func (a *Applier) start(ctx context.Context, item ledger.Item, s spec.Instance, st hypervisor.State, facts ledger.Facts) (Result, error) {
	l := a.life(s.UID)
	if l.running == item.Generation && !st.Crashed && facts.Restart >= s.Restart {
		return Result{Note: "the guest has shut itself down"}, nil
	}
	if st.Crashed {
		if wait := l.crashed(a.Now()); wait > 0 {
			return Result{Again: wait, Phase: spec.Pending, Note: "the machine crashed and will be started again"}, nil
		}
		l.crashes++
	}
	if err := a.Hypervisor.Start(ctx, s.UID); err != nil {
		return Result{}, fmt.Errorf("starting the machine: %w", err)
	}
	l.started, l.running = a.Now(), item.Generation
	if !facts.Made || s.Guest.Epoch > facts.Epoch {
		facts.Password = s.Guest.Password // the seed of a first boot carries it
	}
	facts.Made, facts.Restart, facts.Epoch = true, s.Restart, s.Guest.Epoch
	return Result{}, a.Ledger.SetFacts(item.Key, facts)
}

// crashed tells how long a crashed machine must still rest.
func (l *life) crashed(now time.Time) time.Duration {
	if l.started.IsZero() || now.Sub(l.started) > calm {
		l.crashes = 0
		return 0
	}
	rest := min(crashFirst<<min(l.crashes, 20), crashMost)
	return l.started.Add(rest).Sub(now)
}

// found sets a wanted password and tells what is true now.
func (a *Applier) found(ctx context.Context, item ledger.Item, s spec.Instance, out Result) (Result, error) {
	st, err := a.Hypervisor.Get(ctx, s.UID)
	if err != nil {
		return Result{}, fmt.Errorf("asking for the machine: %w", err)
	}
	if st.Power == spec.On && a.Ledger.Facts(item.Key).Password < s.Guest.Password {
		if err := a.password(ctx, item, s, &out); err != nil {
			return Result{}, err
		}
	}
	if s.Power == spec.On && st.Power == spec.Off && st.Crashed && out.Again == 0 {
		// It crashed between its start and this look: the event of it may be gone with the work that ends here, and the sweep finds nothing that it would not know.
		out.Again, out.Phase, out.Note = crashFirst, spec.Pending, "the machine crashed and will be started again"
	}
	if st.Power == spec.On && st.Held && out.Phase == "" {
		// Whoever gave the disk to another machine now would have two write to it. Asking again is what the next look does.
		out.Again, out.Phase, out.Note = heldRetry, spec.Pending, "the guest has not let go of a disk"
	}
	facts := a.Ledger.Facts(item.Key)
	out.Facts = spec.InstanceFacts{Power: st.Power, Since: st.Since, Crashed: st.Crashed, Restart: facts.Restart, Password: facts.Password, Epoch: facts.Epoch}
	return out, nil
}

// password asks the guest's agent once. Its silence is no failure until the deadline.
func (a *Applier) password(ctx context.Context, item ledger.Item, s spec.Instance, out *Result) error {
	l := a.life(s.UID)
	if l.epoch != s.Guest.Password {
		l.epoch, l.asked = s.Guest.Password, a.Now()
	}
	user := s.Guest.User
	if user == "" {
		user = "root"
	}
	err := a.Hypervisor.SetPassword(ctx, s.UID, user, s.Guest.PasswordHash)
	if err == nil {
		facts := a.Ledger.Facts(item.Key)
		facts.Password = s.Guest.Password
		return a.Ledger.SetFacts(item.Key, facts)
	}
	if a.Now().Sub(l.asked) >= passwordDeadline {
		out.Phase, out.Note = spec.Failed, "setting the password: "+err.Error()
		return nil
	}
	out.Again = passwordRetry
	return nil
}
