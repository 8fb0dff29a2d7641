package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"edgecloud/link/spec"
)

// hostRecord is what is kept of a host.
type hostRecord struct {
	Capacity Capacity `json:"capacity"`
	Dark     bool     `json:"dark,omitempty"`
	Cut      bool     `json:"cut,omitempty"`
}

// Open makes a world from what a folder holds (an empty or absent one is an empty world) and keeps every change there from now on. Machines that were on are on
// again: restarting the process that simulates is not a power cut of what it simulates. A kill -9 loses nothing that was answered; a power cut of the
// real machine may, and records that are torn are left out.
// One process at a time may have a folder open. Call Close at the end.
func Open(cfg Config, dir string) (*World, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w, j, err := load(cfg, dir)
	if err != nil {
		return nil, err
	}
	if err := j.rotate(); err != nil {
		return nil, err
	}
	w.journal = j
	return w, nil
}

// Load makes a world in memory from a folder, without keeping changes there.
func Load(cfg Config, dir string) (*World, error) {
	w, _, err := load(cfg, dir)
	return w, err
}

// Save writes the whole world into an empty or absent folder, for Load or Open.
func (w *World) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		return errors.Join(err, fmt.Errorf("sim: save: %s is not empty", dir))
	}
	_, err := w.snapshot(filepath.Join(dir, name("snapshot", 1)))
	return err
}

// Close writes what is not yet on disk. The world can be used further, but keeps nothing any more.
func (w *World) Close() error {
	if w.journal == nil {
		return nil
	}
	return w.journal.close()
}

func (w *World) keep(r record, value any) {
	if w.journal == nil {
		return
	}
	payload, err := encode(r, value)
	if err != nil {
		panic(err) // a value of ours that JSON cannot hold
	}
	w.journal.append(payload)
}

func (w *World) forget(r record) {
	if w.journal != nil {
		w.keep(r, nil)
	}
}

func (w *World) keepHost(h *Host) {
	w.keep(record{Site: h.site.name, Host: h.name, Kind: kindHost}, h.record())
}

func (h *Host) record() hostRecord {
	return hostRecord{Capacity: *h.capacity.Load(), Dark: h.dark.Load(), Cut: h.cut.Load()}
}

func encode(r record, value any) ([]byte, error) {
	if value != nil {
		v, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		r.Value = v
	}
	return json.Marshal(r)
}

func load(cfg Config, dir string) (*World, *journal, error) {
	w := NewWorld(cfg)
	j := &journal{dir: dir, world: w}
	snapshots, err := generations(dir, "snapshot")
	if err != nil {
		return nil, nil, err
	}
	from := 0
	if len(snapshots) > 0 {
		from = snapshots[len(snapshots)-1]
		path := filepath.Join(dir, name("snapshot", from))
		ended, size, err := w.replay(path)
		if err != nil || !ended {
			return nil, nil, fmt.Errorf("sim: %s is damaged: %w", path, errors.Join(err, errTorn))
		}
		j.base, j.gen = size, from
	}
	journals, err := generations(dir, "journal")
	if err != nil {
		return nil, nil, err
	}
	for _, gen := range journals {
		if gen < from {
			continue
		}
		path := filepath.Join(dir, name("journal", gen))
		_, size, err := w.replay(path)
		if errors.Is(err, errTorn) {
			slog.Warn("the simulated world's journal ends in a torn record", "file", path, "good_bytes", size)
			err = nil
		}
		if err != nil {
			return nil, nil, err
		}
		j.gen, j.size = max(j.gen, gen), j.size+size
	}
	w.settleLoaded()
	return w, j, nil
}

// replay applies a file's records; ended tells whether it has an end record.
func (w *World) replay(path string) (ended bool, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, 0, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		payload, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return ended, size, nil
		}
		if err != nil {
			return ended, size, err
		}
		size += frameHead + int64(len(payload))
		var r record
		if err := json.Unmarshal(payload, &r); err != nil {
			return ended, size, fmt.Errorf("sim: %s: %w", path, err)
		}
		if r.Kind == kindEnd {
			ended = true
			continue
		}
		if err := w.apply(r); err != nil {
			return ended, size, fmt.Errorf("sim: %s: %s %s: %w", path, r.Kind, r.UID, err)
		}
	}
}

// apply puts one record's thing in its place, or takes it away. Only load calls it: there is nobody else yet, so it takes no locks and checks no references,
// which need not hold in the middle of a replay.
func (w *World) apply(r record) error {
	s := w.site(r.Site)
	if r.Kind == kindSite {
		return nil
	}
	if r.Host == "" {
		return s.net.apply(r)
	}
	h, ok := s.hosts[r.Host]
	if !ok {
		h = newHost(s, r.Host)
		h.capacity.Store(&Capacity{})
		s.hosts[r.Host] = h
	}
	switch r.Kind {
	case kindHost:
		var v hostRecord
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return err
		}
		h.capacity.Store(&v.Capacity)
		h.dark.Store(v.Dark)
		h.cut.Store(v.Cut)
		return nil
	case spec.KindImage:
		return place(&h.pool.images, r)
	case spec.KindVolume:
		return place(&h.pool.volumes, r)
	case spec.KindBalancer:
		return placeSpec(&h.lbs.specs, r)
	case kindMachine:
		return place(&h.hv.at(r.UID).of, r)
	}
	return fmt.Errorf("sim: unknown kind %q", r.Kind)
}

// place decodes a record's value into a map, or deletes it there.
func place[V any](m *map[string]*V, r record) error {
	if r.Value == nil {
		delete(*m, r.UID)
		return nil
	}
	v := new(V)
	if err := json.Unmarshal(r.Value, v); err != nil {
		return err
	}
	put(m, r.UID, v)
	return nil
}

func placeSpec[V any](m *map[string]V, r record) error {
	if r.Value == nil {
		delete(*m, r.UID)
		return nil
	}
	var v V
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return err
	}
	put(m, r.UID, v)
	return nil
}

func (n *network) apply(r record) error {
	switch r.Kind {
	case spec.KindUplink:
		return placeSpec(&n.uplinks, r)
	case spec.KindNetwork:
		return placeSpec(&n.networks, r)
	case spec.KindNetworkACL:
		return placeSpec(&n.acls, r)
	case spec.KindSubnet:
		return placeSpec(&n.subnets, r)
	case spec.KindSecurityGroup:
		return placeSpec(&n.groups, r)
	case spec.KindPort:
		return placeSpec(&n.ports, r)
	case spec.KindVirtualIP:
		return placeSpec(&n.virtualIPs, r)
	case spec.KindBandwidth:
		return placeSpec(&n.shared, r)
	case spec.KindPublicIP:
		return placeSpec(&n.publicIPs, r)
	case spec.KindNATGateway:
		return placeSpec(&n.gateways, r)
	}
	return fmt.Errorf("sim: unknown kind %q", r.Kind)
}

// settleLoaded computes what is not kept: indexes, users and sums.
func (w *World) settleLoaded() {
	for _, s := range w.sites {
		s.net.index()
		for _, h := range s.hosts {
			h.pool.sum()
			h.hv.sum()
		}
	}
}

func (n *network) index() {
	for uid, s := range n.subnets {
		link(&n.subnetsOf, s.Network, uid)
		if s.ACL != "" {
			link(&n.aclSubnets, s.ACL, uid)
		}
	}
	for uid, p := range n.ports {
		link(&n.subnetPorts, p.Subnet, uid)
		for _, g := range p.SecurityGroups {
			link(&n.groupPorts, g, uid)
		}
	}
	for uid, v := range n.virtualIPs {
		link(&n.subnetVIPs, v.Subnet, uid)
	}
	for uid, p := range n.publicIPs {
		if p.Bandwidth != "" {
			link(&n.members, p.Bandwidth, uid)
		}
		link(&n.portPublics, p.Port, uid)
		link(&n.publicByAddr, p.Address, uid)
	}
}

func (p *pool) sum() {
	for _, i := range p.images {
		p.used += i.Bytes
	}
	for _, v := range p.volumes {
		p.used += v.Used
		if i := p.images[v.Image]; i != nil {
			i.users++
		}
	}
}

func (v *machines) sum() {
	for i := range v.shard {
		for uid, m := range v.shard[i].of {
			m.UID = uid
			if m.On {
				v.used += m.RunMemory
			}
		}
	}
}
