package libvirt

import (
	"context"
	"fmt"
	"net"
	"path/filepath"

	golibvirt "github.com/digitalocean/go-libvirt"

	"edgecloud/engine/hypervisor"
	"edgecloud/fault"
)

// SetPassword implements hypervisor.Hypervisor, through QEMU's guest agent.
func (e *Engine) SetPassword(ctx context.Context, uid, user, hash string) error {
	if user == "" || hash == "" {
		return fault.BadField("password_hash", "a user and a crypt(3) hash are needed")
	}
	d, err := e.running(ctx, uid)
	if err != nil {
		return err
	}
	err = e.call(ctx, func(l *golibvirt.Libvirt) error {
		return l.DomainSetUserPassword(d, golibvirt.OptString{user}, golibvirt.OptString{hash}, golibvirt.DomainPasswordEncrypted)
	})
	switch {
	case isCode(err, golibvirt.ErrAgentUnresponsive, golibvirt.ErrArgumentUnsupported, golibvirt.ErrAgentUnsynced):
		return fmt.Errorf("%w: %s: %w", hypervisor.ErrNoGuestTool, uid, err)
	case isCode(err, golibvirt.ErrOperationInvalid):
		return fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
	case err != nil:
		return fmt.Errorf("libvirt: set the password in %s: %w", uid, err)
	}
	return nil
}

// running finds a domain that runs; hypervisor.ErrAbsent, hypervisor.ErrNotRunning.
func (e *Engine) running(ctx context.Context, uid string) (golibvirt.Domain, error) {
	d, err := e.lookup(ctx, uid)
	if err != nil {
		return d, err
	}
	active, err := query(ctx, e, func(l *golibvirt.Libvirt) (int32, error) { return l.DomainIsActive(d) })
	if err == nil && active != 1 {
		err = fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
	}
	return d, err
}

// screen tells the path of a running domain's VNC socket.
func screen(l *golibvirt.Libvirt, d golibvirt.Domain) (string, error) {
	live, err := readDomain(l, d, 0)
	if err != nil {
		return "", err
	}
	for _, g := range live.Devices.Graphics {
		if g.VNC != nil {
			return g.VNC.Socket, nil
		}
	}
	return "", nil
}

// Console implements hypervisor.Hypervisor.
func (e *Engine) Console(ctx context.Context, uid string) (net.Conn, error) {
	d, err := e.running(ctx, uid)
	if err != nil {
		return nil, err
	}
	path, err := query(ctx, e, func(l *golibvirt.Libvirt) (string, error) { return screen(l, d) })
	if err != nil {
		return nil, err
	}
	if path == "" {
		return nil, fmt.Errorf("%w: %s has no screen", hypervisor.ErrNotRunning, uid)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(e.config.Root, path))
	if err != nil {
		return nil, fmt.Errorf("libvirt: console of %s: %w", uid, err)
	}
	return conn, nil
}
