package libvirt

import (
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// event is a domain's change. An empty uid says that anything may have changed.
type event struct {
	uid    string
	reboot bool
}

// hub hands libvirt's events to those who wait. A waiter that is slow misses events but never its last wake-up, so it must look at the state itself.
type hub struct {
	mu      sync.Mutex
	waiters map[chan event]struct{}
}

func newHub() *hub { return &hub{waiters: map[chan event]struct{}{}} }

// subscribe returns a channel of events and what ends it.
func (h *hub) subscribe(size int) (<-chan event, func()) {
	ch := make(chan event, size)
	h.mu.Lock()
	h.waiters[ch] = struct{}{}
	h.mu.Unlock()
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiters, ch)
	}
}

func (h *hub) send(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiters {
		select {
		case ch <- e:
		default:
			makeRoom(ch)
			ch <- event{} // only send writes, under the lock: there is room
		}
	}
}

// makeRoom drops the oldest event of a full channel.
func makeRoom(ch chan event) {
	select {
	case <-ch:
	default:
	}
}

func (h *hub) wakeAll() { h.send(event{}) }

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.waiters)
}

// forward runs until the connection ends.
func (h *hub) forward(events <-chan any) {
	for e := range events {
		switch e := e.(type) {
		case *golibvirt.DomainEventCallbackLifecycleMsg:
			h.send(event{uid: uuid.UUID(e.Msg.Dom.UUID).String()})
		case *golibvirt.DomainEventCallbackRebootMsg:
			h.send(event{uid: uuid.UUID(e.Msg.Dom.UUID).String(), reboot: true})
		}
	}
}
