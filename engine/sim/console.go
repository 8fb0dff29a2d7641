package sim

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"edgecloud/engine/hypervisor"
	"edgecloud/engine/sim/rfb"
)

// screens are the consoles that are open; a machine that nobody looks at has none.
type screens struct {
	mu   sync.Mutex
	open map[string]*screen
}

// screen is one machine's screen, shared by all who look at it.
type screen struct {
	*rfb.Screen
	conns map[net.Conn]struct{}
}

// join adds a viewer, and makes the screen for the first one.
func (s *screens) join(uid string, conn net.Conn, make func() *rfb.Screen) *rfb.Screen {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[uid]
	if !ok {
		one = &screen{Screen: make(), conns: map[net.Conn]struct{}{}}
		put(&s.open, uid, one)
	}
	one.conns[conn] = struct{}{}
	return one.Screen
}

func (s *screens) leave(uid string, conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[uid]
	if !ok {
		return
	}
	if _, ok := one.conns[conn]; !ok {
		return // it belonged to an earlier run of the machine
	}
	if delete(one.conns, conn); len(one.conns) == 0 {
		delete(s.open, uid)
	}
}

// close ends every viewer's connection, as QEMU does when it ends.
func (s *screens) close(uid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.open[uid]; ok {
		for conn := range one.conns {
			conn.Close()
		}
		delete(s.open, uid)
	}
}

func (v *machines) Console(ctx context.Context, uid string) (net.Conn, error) {
	c, err := v.host.begin(ctx, OpConsole, uid)
	if err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	var show *rfb.Screen
	var title string
	if !v.with(uid, func(m *machine) {
		if !m.On {
			err = fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
			return
		}
		title = m.Name
		show = v.screen.join(uid, ours, func() *rfb.Screen { return v.greet(m) })
	}) {
		err = absent(uid)
	}
	if err != nil {
		return nil, err
	}
	go func() {
		defer v.screen.leave(uid, ours)
		_ = rfb.Serve(ours, show, title) // the viewer went away, or does not speak RFB: neither is the host's trouble
	}()
	return theirs, nil
}

// greet is what the machine's screen shows when somebody looks at it first. The caller holds the machine's lock.
func (v *machines) greet(m *machine) *rfb.Screen {
	host := m.Hostname
	if host == "" {
		host = m.Name
	}
	lines := []string{
		fmt.Sprintf("Simulated machine %s on host %s at site %s", m.Name, v.host.name, v.host.site.name),
		fmt.Sprintf("%d vCPU, %d MiB memory, boot %d at %s", m.RunVCPUs, m.RunMemory, m.Boots, time.Unix(0, m.Since).UTC().Format(time.RFC3339)),
	}
	for i, n := range m.NICs {
		line := fmt.Sprintf("eth%d: %s", i, n.MAC)
		for _, a := range n.Addresses {
			line += " " + a.String()
		}
		lines = append(lines, line)
	}
	uid := m.UID
	return rfb.NewScreen(host, append(lines, ""), func() { v.reset(uid) })
}

// reset is Ctrl-Alt-Del on a machine's screen.
func (v *machines) reset(uid string) {
	v.with(uid, func(m *machine) {
		if m.On {
			v.boot(m)
			v.keep(m)
		}
	})
}
