package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"edgecloud/engine/hypervisor"
	"edgecloud/link/spec"
)

// askAgain is how often a guest is asked: one that still boots does not hear the first request.
const askAgain = 3 * time.Second

// Start implements hypervisor.Hypervisor.
func (e *Engine) Start(ctx context.Context, uid string) error {
	d, err := e.lookup(ctx, uid)
	if err != nil {
		return err
	}
	err = e.call(ctx, func(l *golibvirt.Libvirt) error {
		state, reason, err := l.DomainGetState(d, 0)
		if err == nil && givenUp(state, reason) {
			err = l.DomainDestroy(d)
		}
		if err != nil {
			return err
		}
		active, err := l.DomainIsActive(d)
		if err != nil || active == 1 {
			return err
		}
		err = l.DomainCreate(d)
		if isCode(err, golibvirt.ErrOperationInvalid) {
			return alreadyActive(l, d, err)
		}
		return err
	})
	if isCode(err, golibvirt.ErrNoDomain) {
		return absent(uid)
	}
	if err != nil {
		return fmt.Errorf("libvirt: start %s: %w", uid, err)
	}
	return nil
}

// alreadyActive forgives a start that another one was faster than.
func alreadyActive(l *golibvirt.Libvirt, d golibvirt.Domain, cause error) error {
	active, err := l.DomainIsActive(d)
	if err == nil && active == 1 {
		return nil
	}
	return cause
}

// Stop implements hypervisor.Hypervisor.
func (e *Engine) Stop(ctx context.Context, uid string, grace time.Duration) error {
	d, err := e.lookup(ctx, uid)
	if errors.Is(err, hypervisor.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if grace > 0 {
		off, err := e.shutdown(ctx, uid, d, grace)
		if err != nil || off {
			return err
		}
	}
	err = e.call(ctx, func(l *golibvirt.Libvirt) error { return l.DomainDestroy(d) })
	if err != nil && !isCode(err, golibvirt.ErrOperationInvalid, golibvirt.ErrNoDomain) {
		return fmt.Errorf("libvirt: stop %s: %w", uid, err)
	}
	return nil
}

// shutdown asks the guest to power off until it does or grace is over.
func (e *Engine) shutdown(ctx context.Context, uid string, d golibvirt.Domain, grace time.Duration) (off bool, err error) {
	isOff := func(event) (bool, error) {
		s, err := e.Get(ctx, uid)
		if errors.Is(err, hypervisor.ErrAbsent) {
			return true, nil
		}
		return err == nil && s.Power == spec.Off, err
	}
	ask := func() error {
		return e.call(ctx, func(l *golibvirt.Libvirt) error { return l.DomainShutdown(d) })
	}
	return e.request(ctx, uid, grace, ask, isOff)
}

// request asks the guest, again and again, until an event fulfils the wish or grace is over.
func (e *Engine) request(ctx context.Context, uid string, grace time.Duration, ask func() error, fulfilled func(event) (bool, error)) (bool, error) {
	events, end := e.hub.subscribe(64)
	defer end()
	over := time.NewTimer(grace)
	defer over.Stop()
	again := time.NewTicker(askAgain)
	defer again.Stop()
	for heard := (event{}); ; {
		if done, err := fulfilled(heard); err != nil || done {
			return done, err
		}
		if heard.uid == "" {
			if err := ask(); err != nil && !isCode(err, golibvirt.ErrOperationInvalid, golibvirt.ErrAgentUnresponsive) {
				return false, err
			}
		}
		select {
		case heard = <-events:
			for heard.uid != "" && heard.uid != uid {
				heard = event{uid: uid} // somebody else's: look at the state, do not ask again
			}
		case <-again.C:
			heard = event{}
		case <-over.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// Restart implements hypervisor.Hypervisor.
func (e *Engine) Restart(ctx context.Context, uid string, grace time.Duration) error {
	s, err := e.Get(ctx, uid)
	if err != nil {
		return err
	}
	if s.Power != spec.On {
		return fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
	}
	d, err := e.lookup(ctx, uid)
	if err != nil {
		return err
	}
	if grace > 0 {
		ask := func() error {
			return e.call(ctx, func(l *golibvirt.Libvirt) error { return l.DomainReboot(d, golibvirt.DomainRebootDefault) })
		}
		done, err := e.request(ctx, uid, grace, ask, func(ev event) (bool, error) { return ev.reboot && ev.uid == uid, nil })
		if err != nil || done {
			return err
		}
	}
	err = e.call(ctx, func(l *golibvirt.Libvirt) error { return l.DomainReset(d, 0) })
	if isCode(err, golibvirt.ErrOperationInvalid) {
		return fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
	}
	return err
}
