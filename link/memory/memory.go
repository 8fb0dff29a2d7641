package memory

import (
	"context"
	"fmt"
	"net"
	"sync"

	"edgecloud/link/protocol"
)

// Faults is asked about every call. A nil Faults lets all through.
type Faults interface {
	// Send is called before the message reaches the centre; an error loses it. It may wait, and returns how many more times the message arrives later.
	Send(ctx context.Context, host, call string) (again int, err error)
	// Answer is called before the answer reaches the agent; an error loses it.
	Answer(ctx context.Context, host, call string) error
	// Late is called for each repetition and waits until it arrives; an error loses it.
	Late(ctx context.Context, host, call string) error
}

// Net is the wire between a centre and its agents.
type Net struct {
	mu     sync.Mutex
	centre protocol.Centre
	faults Faults
	cut    map[string]bool
	links  map[string]*Link
	late   sync.WaitGroup
}

// New makes a net; centre may be nil (down) and set later.
func New(centre protocol.Centre) *Net {
	return &Net{centre: centre, cut: map[string]bool{}, links: map[string]*Link{}}
}

// SetCentre replaces the centre; nil means that it is down.
func (n *Net) SetCentre(c protocol.Centre) {
	n.mu.Lock()
	n.centre = c
	n.mu.Unlock()
	n.NudgeAll()
}

// SetFaults sets or clears the faults.
func (n *Net) SetFaults(f Faults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Cut cuts a host off, or joins it again.
func (n *Net) Cut(host string, cut bool) {
	n.mu.Lock()
	n.cut[host] = cut
	n.mu.Unlock()
	if !cut {
		n.Nudge(host)
	}
}

// Nudge signals a host's agent. It is what link.Service.Nudges calls.
func (n *Net) Nudge(host string) {
	n.mu.Lock()
	l := n.links[host]
	if n.cut[host] {
		l = nil
	}
	n.mu.Unlock()
	if l != nil {
		l.nudge()
	}
}

// NudgeAll signals every agent.
func (n *Net) NudgeAll() {
	n.mu.Lock()
	hosts := make([]string, 0, len(n.links))
	for h := range n.links {
		hosts = append(hosts, h)
	}
	n.mu.Unlock()
	for _, h := range hosts {
		n.Nudge(h)
	}
}

// Drain waits for late repetitions.
func (n *Net) Drain() { n.late.Wait() }

// Join enrols through the net.
func (n *Net) Join(ctx context.Context, j protocol.Join) (protocol.Joined, error) {
	n.mu.Lock()
	c := n.centre
	n.mu.Unlock()
	if c == nil {
		return protocol.Joined{}, protocol.ErrAway
	}
	return c.Join(ctx, j)
}

// Connect gives the transport of an enrolled host. A second one replaces the first.
func (n *Net) Connect(host string) *Link {
	l := &Link{net: n, host: host, nudges: make(chan struct{}, 1)}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[host] = l
	return l
}

// Dial opens a stream to a host's agent. ErrAway when it is cut off or serves none.
func (n *Net) Dial(ctx context.Context, host, kind, uid string) (net.Conn, error) {
	n.mu.Lock()
	l, cut := n.links[host], n.cut[host]
	n.mu.Unlock()
	if l == nil || cut {
		return nil, fmt.Errorf("%w: host %s", protocol.ErrAway, host)
	}
	l.mu.Lock()
	t := l.tunnel
	l.mu.Unlock()
	if t == nil {
		return nil, fmt.Errorf("%w: host %s serves no streams", protocol.ErrAway, host)
	}
	return t(ctx, kind, uid)
}

// Link is one host's transport.
type Link struct {
	net    *Net
	host   string
	nudges chan struct{}
	mu     sync.Mutex
	tunnel protocol.Tunnel
	closed bool
}

var _ protocol.Transport = (*Link)(nil)

// Host is the host's UID.
func (l *Link) Host() string { return l.host }

// Nudges is the channel of signals.
func (l *Link) Nudges() <-chan struct{} { return l.nudges }

func (l *Link) nudge() {
	select {
	case l.nudges <- struct{}{}:
	default:
	}
}

// Serve sets who opens streams.
func (l *Link) Serve(t protocol.Tunnel) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tunnel = t
}

// Close ends the link; calls then return ErrAway.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed, l.tunnel = true, nil
	l.mu.Unlock()
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.links[l.host] == l {
		delete(l.net.links, l.host)
	}
	return nil
}

// Pull asks the centre.
func (l *Link) Pull(ctx context.Context, p protocol.Pull) (protocol.Pulled, error) {
	return call(ctx, l, "pull", func(ctx context.Context, c protocol.Centre) (protocol.Pulled, error) { return c.Pull(ctx, l.host, p) })
}

// Report tells the centre.
func (l *Link) Report(ctx context.Context, r protocol.Reports) (protocol.Reported, error) {
	return call(ctx, l, "report", func(ctx context.Context, c protocol.Centre) (protocol.Reported, error) {
		return c.Report(ctx, l.host, r)
	})
}

// Heartbeat tells the centre.
func (l *Link) Heartbeat(ctx context.Context, h protocol.Heartbeat) (protocol.Beat, error) {
	return call(ctx, l, "heartbeat", func(ctx context.Context, c protocol.Centre) (protocol.Beat, error) {
		return c.Heartbeat(ctx, l.host, h)
	})
}

func (l *Link) state() (c protocol.Centre, f Faults, err error) {
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if closed || l.net.cut[l.host] || l.net.centre == nil {
		return nil, nil, fmt.Errorf("%w: host %s is cut off", protocol.ErrAway, l.host)
	}
	return l.net.centre, l.net.faults, nil
}

func call[A any](ctx context.Context, l *Link, name string, ask func(context.Context, protocol.Centre) (A, error)) (A, error) {
	var none A
	c, f, err := l.state()
	if err != nil {
		return none, err
	}
	if f == nil {
		return ask(ctx, c)
	}
	again, err := f.Send(ctx, l.host, name)
	if err != nil {
		return none, fmt.Errorf("%w: %w", protocol.ErrAway, err)
	}
	for range again {
		l.net.late.Go(func() {
			late := context.WithoutCancel(ctx)
			if f.Late(late, l.host, name) == nil {
				_, _ = ask(late, c) // nobody hears the answer
			}
		})
	}
	answer, err := ask(ctx, c)
	if lost := f.Answer(ctx, l.host, name); lost != nil {
		return none, fmt.Errorf("%w: %w", protocol.ErrAway, lost)
	}
	return answer, err
}
