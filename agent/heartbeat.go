package agent

import (
	"context"
	"time"

	"edgecloud/agent/ledger"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// capacity remembers what changes rarely, and what was told last.
type capacity struct {
	host hypervisor.Capacity
	at   time.Time
	told spec.HostFacts
	sent time.Time
}

const (
	capacityAge = 10 * time.Minute
	factsAge    = 5 * time.Minute // facts are told again after it although they are as before
	diskStep    = 256 << 20       // bytes of free space that are worth telling
)

// facts tells what the host is and has free.
func (a *Agent) facts(ctx context.Context) (spec.HostFacts, error) {
	now := a.cfg.Now()
	if a.cap.at.IsZero() || now.Sub(a.cap.at) > capacityAge {
		c, err := a.cfg.Hypervisor.Capacity(ctx)
		if err != nil {
			return spec.HostFacts{}, err
		}
		a.cap.host, a.cap.at = c, now
	}
	total, free, err := a.cfg.Pool.Capacity(ctx)
	if err != nil {
		return spec.HostFacts{}, err
	}
	return spec.HostFacts{Name: a.cfg.Name, Version: a.cfg.Version, VCPUs: a.cap.host.VCPUs, MemoryMiB: a.cap.host.MemoryMiB, DiskBytes: total,
		DiskFree: free / diskStep * diskStep, KVM: a.cap.host.KVM, Architecture: a.cap.host.Arch, Underlay: a.cfg.Underlay,
		SiteRole: a.ledger.Role().Epoch > 0}, nil
}

// HeartbeatOnce tells the centre that the host lives, and learns whether it holds the site role. Facts are sent when they changed.
func (a *Agent) HeartbeatOnce(ctx context.Context) error {
	if err := a.point("heartbeat"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	message := protocol.Heartbeat{Site: a.cfg.Network != nil}
	facts, err := a.facts(ctx)
	if err != nil {
		a.cfg.Logger.Warn("the engines do not tell the host's capacity", "error", err) // the host lives all the same
	} else if facts != a.cap.told || a.cfg.Now().Sub(a.cap.sent) > factsAge {
		message.Facts = &facts
	}
	beat, err := a.cfg.Transport.Heartbeat(ctx, message)
	if err != nil {
		return err
	}
	if message.Facts != nil {
		a.cap.told, a.cap.sent = facts, a.cfg.Now()
	}
	if beat.WantFacts {
		a.cap.sent = time.Time{}
	}
	if beat.Every > 0 {
		a.every.Store(int64(beat.Every))
	}
	return a.takeRole(ctx, beat)
}

func (a *Agent) takeRole(ctx context.Context, beat protocol.Beat) error {
	a.pulling.Lock()
	old := a.ledger.Role()
	next := ledger.Role{}
	if beat.Role > 0 && a.cfg.Network != nil {
		next = ledger.Role{Site: beat.Site, Epoch: beat.Role}
	}
	if next == old {
		a.pulling.Unlock()
		return nil
	}
	var err error
	if old.Epoch > 0 {
		// Under another epoch another host may have held the role in between: what it removed must not come back from this ledger.
		err = a.loseRole(ctx, old)
	}
	if err == nil && next.Epoch > 0 {
		err = a.ledger.SetRole(next)
	}
	a.pulling.Unlock()
	if err != nil || next.Epoch == 0 {
		return err
	}
	a.cfg.Logger.Info("this host holds the site role", "site", next.Site, "epoch", next.Epoch)
	return a.pull(ctx, false)
}

func (a *Agent) heartbeatLoop(ctx context.Context) error {
	for {
		err := a.HeartbeatOnce(ctx)
		if stop := fatal(err); stop != nil {
			return stop
		}
		every := time.Duration(a.every.Load()) // what this beat's answer said: waiting longer would cost the site role
		if err != nil {
			every = min(every, 5*time.Second)
		}
		if !pause(ctx, a.jitter(every)) {
			return nil
		}
	}
}
