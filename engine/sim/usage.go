package sim

import (
	"context"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"edgecloud/engine/hypervisor"
	netengine "edgecloud/engine/network"
	"edgecloud/link/spec"
)

// wave is a rate that swings by the day, by three quarters of an hour and by minutes. It is a sum of sines, so that what it counts up to between two moments is
// known at once, however far they are apart.
type wave struct {
	base  float64 // per second
	phase [len(swings)]float64
}

// swings are the periods in seconds, and how far the rate goes from its base: together less than 1, so that it is always positive.
var swings = [...]struct{ period, depth float64 }{{86400, 0.4}, {2700, 0.3}, {420, 0.2}}

// wave draws the rate of one thing: its base is between two bounds.
func (w *World) wave(salt, uid string, low, high float64) wave {
	v := wave{base: low + (high-low)*draw(w.seed, "base "+salt, OpUsage, uid, 0)}
	for k := range swings {
		v.phase[k] = 2 * math.Pi * draw(w.seed, "phase "+salt, OpUsage, uid, uint64(k))
	}
	return v
}

// rate is the rate at a moment.
func (v wave) rate(at time.Time) float64 {
	rate, t := 1.0, float64(at.UnixNano())/1e9
	for k, s := range swings {
		rate += s.depth * math.Sin(2*math.Pi*t/s.period+v.phase[k])
	}
	return v.base * rate
}

// count is what the rate adds up to between two moments, in Unix nanoseconds.
func (v wave) count(from, to int64) float64 {
	sum := float64(to-from) / 1e9
	for k, s := range swings {
		omega := 2 * math.Pi / s.period
		sum += s.depth / omega * (math.Cos(omega*float64(from)/1e9+v.phase[k]) - math.Cos(omega*float64(to)/1e9+v.phase[k]))
	}
	return max(0, v.base*sum)
}

// Bounds of what simulated guests use: the load of a processor, bytes and requests a second.
const (
	loadLow, loadHigh     = 0.02, 0.4
	diskLow, diskHigh     = 2e3, 400e3
	nicLow, nicHigh       = 4e3, 60e3
	packetBytes           = 700
	requestBytes          = 16 << 10
	memoryLow, memoryHigh = 0.1, 0.45 // of its memory; the swings can nearly double it
)

// usage is what a machine has used since it went on.
func (v *machines) usage(m *machine) hypervisor.Usage {
	u := hypervisor.Usage{UID: m.UID, VCPUs: int(m.VCPUs), MemoryBytes: m.Memory << 20}
	for _, n := range m.NICs {
		u.NICs = append(u.NICs, hypervisor.NICUsage{Port: n.Port})
	}
	if !m.On {
		return u
	}
	w, now := v.host.world, v.nanos()
	u.VCPUs, u.MemoryBytes = int(m.RunVCPUs), m.RunMemory<<20
	seconds := w.wave("cpu", m.UID, loadLow, loadHigh).count(m.Since, now) * float64(m.RunVCPUs)
	u.CPU = time.Duration(seconds * float64(time.Second))
	u.MemoryUsed = int64(w.wave("memory", m.UID, memoryLow, memoryHigh).rate(time.Unix(0, now)) * float64(u.MemoryBytes))
	u.Disk.ReadBytes = int64(w.wave("read", m.UID, diskLow, diskHigh).count(m.Since, now))
	u.Disk.WriteBytes = int64(w.wave("write", m.UID, diskLow, diskHigh).count(m.Since, now))
	u.Disk.Reads, u.Disk.Writes = u.Disk.ReadBytes/requestBytes, u.Disk.WriteBytes/requestBytes
	for k := range u.NICs {
		n := &u.NICs[k]
		n.InBytes = int64(w.wave("in", n.Port, nicLow, nicHigh).count(m.Since, now))
		n.OutBytes = int64(w.wave("out", n.Port, nicLow, nicHigh).count(m.Since, now))
		n.In, n.Out = n.InBytes/packetBytes, n.OutBytes/packetBytes
	}
	return u
}

func (v *machines) Usage(ctx context.Context) ([]hypervisor.Usage, error) {
	c, err := v.host.begin(ctx, OpUsage, "")
	if err != nil {
		return nil, err
	}
	var all []hypervisor.Usage
	v.each(func(m *machine) { all = append(all, v.usage(m)) })
	slices.SortFunc(all, func(a, b hypervisor.Usage) int { return strings.Compare(a.UID, b.UID) })
	return all, c.end()
}

// meter counts what public addresses and gateways carry for the machines of one host. An object gets a share of what each NIC behind it has received and sent
// since the last look.
type meter struct {
	mu   sync.Mutex
	seen map[string]hypervisor.NICUsage // by port
	sum  map[netengine.Object]netengine.Traffic
}

func (v view) Traffic(ctx context.Context) ([]netengine.Traffic, error) {
	c, err := v.begin(ctx, OpTraffic, "")
	if err != nil || v.host == nil {
		return nil, err
	}
	var nics []hypervisor.NICUsage
	v.host.hv.each(func(m *machine) { nics = append(nics, v.host.hv.usage(m).NICs...) })
	v.net.mu.RLock()
	defer v.net.mu.RUnlock()
	return v.host.meter.read(v.net, nics), c.end()
}

func (m *meter) read(n *network, nics []hypervisor.NICUsage) []netengine.Traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]hypervisor.NICUsage{}
	}
	old, now := m.sum, map[netengine.Object]netengine.Traffic{}
	gone := m.seen
	m.seen = make(map[string]hypervisor.NICUsage, len(nics))
	for _, nic := range nics {
		m.seen[nic.Port] = nic
		before := gone[nic.Port]
		if before.InBytes > nic.InBytes || before.OutBytes > nic.OutBytes {
			before = hypervisor.NICUsage{} // its machine was started again
		}
		for o, part := range n.carriers(nic.Port) {
			t, ok := now[o]
			if !ok {
				t = old[o]
				t.Object, t.Connections = o, 0
			}
			now[o] = more(t, nic, before, part)
		}
	}
	m.sum = now
	all := make([]netengine.Traffic, 0, len(now))
	for _, t := range now {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b netengine.Traffic) int { return strings.Compare(a.Kind+a.UID, b.Kind+b.UID) })
	return all
}

// carriers are the objects that traffic of a port with the outside goes through, and which part of all its traffic that is.
func (n *network) carriers(port string) map[netengine.Object]float64 {
	all := map[netengine.Object]float64{}
	take := func(of string) {
		for uid := range n.portPublics[of] {
			all[netengine.Object{Kind: spec.KindPublicIP, UID: uid}] = 0.1 + 0.2*draw(n.site.world.seed, "share", OpTraffic, uid, 0)
		}
	}
	take(port)
	for vip, holder := range n.holders {
		if holder == port {
			take(vip)
		}
	}
	if len(all) > 0 {
		return all // a public address goes before the gateway
	}
	p := n.ports[port]
	for uid, g := range n.gateways {
		for _, a := range p.Addresses {
			if g.Network == p.Network && slices.ContainsFunc(g.Sources, func(s netip.Prefix) bool { return s.Contains(a) }) && n.translate(p.Network, a) == g.Address {
				all[netengine.Object{Kind: spec.KindNATGateway, UID: uid}] = 0.1 + 0.3*draw(n.site.world.seed, "share", OpTraffic, port, 0)
			}
		}
	}
	return all
}

// more adds a part of what a NIC has received and sent. How many connections are open goes with how much is sent.
func more(t netengine.Traffic, now, before hypervisor.NICUsage, part float64) netengine.Traffic {
	in, out := int64(part*float64(now.InBytes-before.InBytes)), int64(part*float64(now.OutBytes-before.OutBytes))
	t.InBytes, t.OutBytes = t.InBytes+in, t.OutBytes+out
	t.In, t.Out = t.InBytes/packetBytes, t.OutBytes/packetBytes
	t.Connections++
	if out > 0 {
		t.Connections += int64(20 * part)
	}
	return t
}
