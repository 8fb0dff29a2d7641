package sim

import (
	"context"
	"sync/atomic"

	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	netengine "edgecloud/engine/network"
)

// Capacity is what a host has. Zero fields are without limit.
type Capacity struct {
	VCPUs     int
	MemoryMiB int64 // machines that are on never have more than this together
	DiskBytes int64
	Arch      string // empty: x86_64
}

// Host is one simulated host: machines and disks, a power button and a cable.
type Host struct {
	name     string
	site     *Site
	world    *World
	capacity atomic.Pointer[Capacity]
	dark     atomic.Bool
	cut      atomic.Bool
	hv       machines
	pool     pool
	lbs      balancers
	meter    meter
}

func newHost(s *Site, name string) *Host {
	h := &Host{name: name, site: s, world: s.world}
	h.hv.host, h.pool.host, h.lbs.host = h, h, h
	return h
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Site is the site that the host stands at.
func (h *Host) Site() *Site { return h.site }

// Hypervisor gives the host's machines through the engine's interface.
func (h *Host) Hypervisor() hypervisor.Hypervisor { return &h.hv }

// Disk gives the host's images and volumes through the engine's interface.
func (h *Host) Disk() disk.Pool { return &h.pool }

// Network gives the site's network engine as it is reached from this host: not at all while the host is dark or cut.
func (h *Host) Network() netengine.Network { return view{net: h.site.net, host: h} }

// Network gives the site's network engine.
func (s *Site) Network() netengine.Network { return view{net: s.net} }

// PowerOff takes the host's power: machines go off without being asked, watches and consoles break, disks stay, and every engine answers ErrHostDown.
func (h *Host) PowerOff() {
	if h.dark.Swap(true) {
		return
	}
	h.hv.blackout()
	h.world.keepHost(h)
}

// PowerOn gives the power back. No machine starts by itself: that is the agent's work.
func (h *Host) PowerOn() {
	if h.dark.Swap(false) {
		h.world.keepHost(h)
	}
}

// PowerCycle is a power cut that is over at once.
func (h *Host) PowerCycle() {
	h.PowerOff()
	h.PowerOn()
}

// Powered tells whether the host has power.
func (h *Host) Powered() bool { return !h.dark.Load() }

// Cut pulls the host's network cable (true) or plugs it in (false): traffic between hosts stops, machines run on.
func (h *Host) Cut(cut bool) {
	if h.cut.Swap(cut) != cut {
		h.world.keepHost(h)
	}
}

// IsCut tells whether the cable is out: links that tests build should ask it.
func (h *Host) IsCut() bool { return h.cut.Load() }

// begin starts a call of one of the host's own engines.
func (h *Host) begin(ctx context.Context, op Op, uid string) (call, error) {
	if h.dark.Load() {
		return call{}, ErrHostDown
	}
	c, err := h.world.begin(ctx, h.name, op, uid)
	if err == nil && h.dark.Load() { // the power went while the call took its time
		return c, ErrHostDown
	}
	return c, err
}
