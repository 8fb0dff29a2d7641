package libvirt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// Get implements hypervisor.Hypervisor.
func (e *Engine) Get(ctx context.Context, uid string) (hypervisor.State, error) {
	d, err := e.lookup(ctx, uid)
	if err != nil {
		return hypervisor.State{}, err
	}
	s, err := query(ctx, e, func(l *golibvirt.Libvirt) (hypervisor.State, error) { return state(l, d) })
	if isCode(err, golibvirt.ErrNoDomain) {
		return s, absent(uid)
	}
	return s, err
}

// List implements hypervisor.Hypervisor.
func (e *Engine) List(ctx context.Context) ([]hypervisor.State, error) {
	states, err := query(ctx, e, func(l *golibvirt.Libvirt) ([]hypervisor.State, error) {
		var states []hypervisor.State
		domains, _, err := l.ConnectListAllDomains(1, golibvirt.ConnectListDomainsPersistent)
		if err != nil {
			return nil, err
		}
		for _, d := range domains {
			s, err := listed(l, d)
			if isCode(err, golibvirt.ErrNoDomain, golibvirt.ErrNoDomainMetadata) {
				continue
			}
			if err != nil {
				return nil, err
			}
			states = append(states, s)
		}
		return states, nil
	})
	if err != nil {
		return nil, fmt.Errorf("libvirt: list: %w", err)
	}
	return states, nil
}

// listed is state for a domain that may not be ours: golibvirt.ErrNoDomainMetadata then.
func listed(l *golibvirt.Libvirt, d golibvirt.Domain) (hypervisor.State, error) {
	if _, err := readMark(l, d, golibvirt.DomainAffectConfig); err != nil {
		return hypervisor.State{}, err
	}
	return state(l, d)
}

func state(l *golibvirt.Libvirt, d golibvirt.Domain) (hypervisor.State, error) {
	s := hypervisor.State{UID: uuid.UUID(d.UUID).String(), Power: spec.On}
	code, reason, err := l.DomainGetState(d, 0)
	if err != nil {
		return s, err
	}
	switch golibvirt.DomainState(code) {
	case golibvirt.DomainShutoff:
		s.Power = spec.Off
		why := golibvirt.DomainShutoffReason(reason)
		s.Crashed = why == golibvirt.DomainShutoffCrashed || why == golibvirt.DomainShutoffDaemon
	case golibvirt.DomainCrashed:
		s.Power, s.Crashed = spec.Off, true
	case golibvirt.DomainNostate:
		s.Power = spec.Off
	}
	if givenUp(code, reason) {
		s.Power, s.Crashed = spec.Off, true
	}
	if s.Power == spec.On {
		s.Drifted, s.Held, err = drifted(l, d)
	}
	return s, err
}

// givenUp tells of a guest that QEMU has paused for good, as after an instruction that KVM cannot emulate: its process is there, but will never run it
// again. A guest that a person or a full disk has paused is another thing: it goes on where it was.
func givenUp(state, reason int32) bool {
	why := golibvirt.DomainPausedReason(reason)
	return golibvirt.DomainState(state) == golibvirt.DomainPaused && (why == golibvirt.DomainPausedUnknown || why == golibvirt.DomainPausedCrashed)
}

// drifted compares what runs with what is defined, and tells whether it has a disk that is not.
func drifted(l *golibvirt.Libvirt, d golibvirt.Domain) (drifts, held bool, err error) {
	defined, err := readMark(l, d, golibvirt.DomainAffectConfig)
	if err != nil {
		return false, false, err
	}
	running, err := readMark(l, d, golibvirt.DomainAffectLive)
	if isCode(err, golibvirt.ErrOperationInvalid) {
		return false, false, nil // it went off meanwhile
	}
	if err != nil {
		return false, false, err
	}
	config, err := readDomain(l, d, golibvirt.DomainXMLInactive)
	if err != nil {
		return false, false, err
	}
	live, err := readDomain(l, d, 0)
	if err != nil {
		return false, false, err
	}
	has, should := pluggables(live), pluggables(config)
	held = slices.ContainsFunc(missing(has, should), func(p pluggable) bool { return strings.HasPrefix(p.key, diskKey) })
	return defined.Base != running.Base || !slices.Equal(keys(should), keys(has)), held, nil
}

// Watch implements hypervisor.Hypervisor.
func (e *Engine) Watch(ctx context.Context) (<-chan string, error) {
	if _, err := e.connect(ctx); err != nil {
		return nil, err
	}
	events, end := e.hub.subscribe(64)
	out := make(chan string)
	e.wg.Go(func() {
		defer close(out)
		defer end()
		for {
			select {
			case ev := <-events:
				e.tell(ctx, out, ev)
			case <-ctx.Done():
				return
			case <-e.ctx.Done():
				return
			}
		}
	})
	return out, nil
}

// tell sends an event's machine, or all machines if it may be any.
func (e *Engine) tell(ctx context.Context, out chan<- string, ev event) {
	uids := []string{ev.uid}
	if ev.uid == "" {
		states, err := e.List(ctx)
		if err != nil {
			return // the next connection wakes us again
		}
		uids = nil
		for _, s := range states {
			uids = append(uids, s.UID)
		}
	}
	for _, uid := range uids {
		select {
		case out <- uid:
		case <-ctx.Done():
			return
		case <-e.ctx.Done():
			return
		}
	}
}
