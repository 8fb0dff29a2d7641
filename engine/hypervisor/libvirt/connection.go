package libvirt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

const (
	dialTime     = 5 * time.Second
	reconnectGap = 500 * time.Millisecond
)

// connect returns the living connection, or makes one.
func (e *Engine) connect(ctx context.Context) (*golibvirt.Libvirt, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ctx.Err(); err != nil {
		return nil, fmt.Errorf("libvirt: the engine is closed: %w", err)
	}
	if e.client != nil && e.client.IsConnected() {
		return e.client, nil
	}
	client := golibvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(e.config.Socket), dialers.WithLocalTimeout(dialTime)))
	if err := client.Connect(); err != nil {
		return nil, fmt.Errorf("libvirt: connect to %s: %w", e.config.Socket, err)
	}
	// The subscriptions end with the connection, never before: an event that arrives between a subscription's end and its deregistration would block the
	// library's reader, and every later call with it.
	events := context.WithoutCancel(e.ctx)
	lifecycle, err := client.SubscribeEvents(events, golibvirt.DomainEventIDLifecycle, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("libvirt: subscribe: %w", err), client.Disconnect())
	}
	reboots, err := client.SubscribeEvents(events, golibvirt.DomainEventIDReboot, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("libvirt: subscribe: %w", err), client.Disconnect())
	}
	e.client = client
	e.wg.Go(func() { e.hub.forward(lifecycle) })
	e.wg.Go(func() { e.hub.forward(reboots) })
	e.wg.Go(func() { e.mend(client) })
	e.hub.wakeAll() // what happened while there was no connection is unknown
	return client, nil
}

// mend connects again after a connection is lost, so that events keep coming while nobody calls.
func (e *Engine) mend(lost *golibvirt.Libvirt) {
	select {
	case <-lost.Disconnected():
	case <-e.ctx.Done():
		return
	}
	for e.ctx.Err() == nil {
		if _, err := e.connect(e.ctx); err == nil {
			return
		}
		select {
		case <-time.After(reconnectGap):
		case <-e.ctx.Done():
		}
	}
}

// query runs one exchange with libvirt. It ends with ctx even if libvirt hangs; then the exchange goes on alone, so it must write to nothing outside. Every
// exchange may be repeated, so that one which the daemon's restart cut off is tried once more.
func query[T any](ctx context.Context, e *Engine, exchange func(*golibvirt.Libvirt) (T, error)) (T, error) {
	var none T
	client, err := e.connect(ctx)
	if err != nil {
		return none, err
	}
	answer, err := attempt(ctx, client, exchange)
	if err == nil || client.IsConnected() || ctx.Err() != nil {
		return answer, err
	}
	if client, err = e.connect(ctx); err != nil {
		return none, err
	}
	return attempt(ctx, client, exchange)
}

func attempt[T any](ctx context.Context, client *golibvirt.Libvirt, exchange func(*golibvirt.Libvirt) (T, error)) (T, error) {
	type result struct {
		answer T
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := exchange(client)
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		return r.answer, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// call is query without an answer.
func (e *Engine) call(ctx context.Context, exchange func(*golibvirt.Libvirt) error) error {
	_, err := query(ctx, e, func(l *golibvirt.Libvirt) (struct{}, error) { return struct{}{}, exchange(l) })
	return err
}

// isCode tells whether an error is libvirt's with one of the codes.
func isCode(err error, codes ...golibvirt.ErrorNumber) bool {
	var e golibvirt.Error
	return errors.As(err, &e) && slices.Contains(codes, golibvirt.ErrorNumber(e.Code))
}
