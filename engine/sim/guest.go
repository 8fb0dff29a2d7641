package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"edgecloud/engine/hypervisor"
)

// boot lets a machine's guest begin anew: it reads its seed, and listens after a while.
func (v *machines) boot(m *machine) {
	takes, rule := v.host.world.guestDraw(v.host.name, OpGuestBoot, m.UID)
	m.Boots++
	m.ReadyAt, m.OffAt, m.DownBad, m.Dumb = v.nanos()+int64(takes), 0, false, false
	m.RunSeed = m.Seed
	if epoch := m.Disks[0].Epoch; epoch != m.SysEpoch {
		m.SysEpoch, m.Passwords = epoch, nil // a fresh disk knows no password that was set on the old one
	}
	if rule == nil {
		return
	}
	if rule.Effect == Crash {
		m.OffAt, m.DownBad = max(m.ReadyAt, 1), true
		return
	}
	m.ReadyAt, m.Dumb = math.MaxInt64, true
}

// guestTakes tells how long a guest that is asked now takes to go down, and whether it refuses to.
func (v *machines) guestTakes(m *machine) (takes time.Duration, refuses bool) {
	if m.ReadyAt == math.MaxInt64 {
		return 0, true
	}
	takes, rule := v.host.world.guestDraw(v.host.name, OpGuestShutdown, m.UID)
	takes += max(0, time.Duration(m.ReadyAt-v.nanos())) // it listens when it has booted
	return takes, rule != nil
}

func (v *machines) SetPassword(ctx context.Context, uid, user, hash string) error {
	c, err := v.host.begin(ctx, OpSetPassword, uid)
	if err != nil {
		return err
	}
	_, dumb := v.host.world.guestDraw(v.host.name, OpGuestAgent, uid)
	if !v.with(uid, func(m *machine) {
		switch {
		case !m.On:
			err = fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
		case dumb != nil || !m.ready(v.nanos()):
			err = fmt.Errorf("%w: %s", hypervisor.ErrNoGuestTool, uid)
		default:
			m.Passwords = slices.DeleteFunc(slices.Clone(m.Passwords), func(c Credential) bool { return c.User == user })
			m.Passwords = append(m.Passwords, Credential{User: user, Hash: hash})
			v.keep(m)
			err = v.done(c, m)
		}
	}) {
		return absent(uid)
	}
	return err
}

// Guest is the inside of a machine, as a test sees it.
type Guest struct {
	On        bool
	Ready     bool // it listens to requests
	Boots     int  // starts and restarts together
	Seeded    bool // it found a seed image at its last boot
	Hostname  string
	Passwords []Credential // that were set on this system disk
	MemoryMiB int64        // it runs with
	VCPUs     int
	Ports     []string // of its NICs, by their UIDs
	Volumes   []string // its disks, by their UIDs
}

// Guest looks inside a machine; ok is false if there is none.
func (h *Host) Guest(uid string) (g Guest, ok bool) {
	ok = h.hv.with(uid, func(m *machine) {
		g = Guest{On: m.On, Ready: m.ready(h.hv.nanos()), Boots: int(m.Boots), Seeded: m.RunSeed != 0, Hostname: m.Hostname,
			Passwords: slices.Clone(m.Passwords), MemoryMiB: m.RunMemory, VCPUs: int(m.RunVCPUs)}
		for _, n := range m.NICs {
			g.Ports = append(g.Ports, n.Port)
		}
		for _, d := range m.Disks {
			g.Volumes = append(g.Volumes, d.Volume)
		}
	})
	return g, ok
}

// CrashMachine lets a running machine go off by itself, as when its process dies.
func (h *Host) CrashMachine(uid string) error { return h.goes(uid, true) }

// GuestPowersOff lets a running machine's guest shut down by its own wish.
func (h *Host) GuestPowersOff(uid string) error { return h.goes(uid, false) }

func (h *Host) goes(uid string, crashed bool) error {
	err := absent(uid)
	h.hv.with(uid, func(m *machine) {
		if !m.On {
			err = fmt.Errorf("%w: %s", hypervisor.ErrNotRunning, uid)
			return
		}
		err = nil
		h.hv.off(m, crashed)
		h.hv.keep(m)
	})
	return err
}

// MemoryInUse tells how many MiB the machines have that are on.
func (h *Host) MemoryInUse() int64 {
	h.hv.memory.Lock()
	defer h.hv.memory.Unlock()
	return h.hv.used
}
