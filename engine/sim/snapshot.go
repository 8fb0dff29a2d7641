package sim

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"

	"edgecloud/link/spec"
)

// snapshot writes all that there is into one file, complete or not at all, and tells its size in bytes.
func (w *World) snapshot(path string) (int64, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "unfinished-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name()) // does nothing once it has its name
	s := &snapshotter{out: bufio.NewWriterSize(f, 256<<10)}
	for _, site := range w.Sites() {
		s.site(site)
	}
	s.add(record{Kind: kindEnd}, nil)
	if err := errors.Join(s.err, s.out.Flush(), f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	return s.size, os.Rename(f.Name(), path)
}

type snapshotter struct {
	out  *bufio.Writer
	size int64
	err  error
}

func (s *snapshotter) add(r record, value any) {
	if s.err != nil {
		return
	}
	payload, err := encode(r, value)
	if err != nil {
		s.err = err
		return
	}
	s.size += frameHead + int64(len(payload))
	s.err = writeFrame(s.out, payload)
}

func (s *snapshotter) site(site *Site) {
	s.add(record{Site: site.name, Kind: kindSite}, struct{}{})
	n := site.net
	n.mu.RLock()
	addAll(s, site, spec.KindUplink, n.uplinks)
	addAll(s, site, spec.KindNetwork, n.networks)
	addAll(s, site, spec.KindNetworkACL, n.acls)
	addAll(s, site, spec.KindSubnet, n.subnets)
	addAll(s, site, spec.KindSecurityGroup, n.groups)
	addAll(s, site, spec.KindPort, n.ports)
	addAll(s, site, spec.KindVirtualIP, n.virtualIPs)
	addAll(s, site, spec.KindBandwidth, n.shared)
	addAll(s, site, spec.KindPublicIP, n.publicIPs)
	addAll(s, site, spec.KindNATGateway, n.gateways)
	n.mu.RUnlock()
	for _, h := range site.Hosts() {
		s.host(h)
	}
}

func addAll[V any](s *snapshotter, site *Site, kind string, of map[string]V) {
	for uid, v := range of {
		s.add(record{Site: site.name, Kind: kind, UID: uid}, v)
	}
}

func (s *snapshotter) host(h *Host) {
	s.add(record{Site: h.site.name, Host: h.name, Kind: kindHost}, h.record())
	h.pool.mu.RLock()
	for uid, i := range h.pool.images {
		s.add(h.pool.record(spec.KindImage, uid), i)
	}
	for uid, v := range h.pool.volumes {
		s.add(h.pool.record(spec.KindVolume, uid), v)
	}
	h.pool.mu.RUnlock()
	h.lbs.mu.RLock()
	for uid, b := range h.lbs.specs {
		s.add(h.lbs.record(uid), b)
	}
	h.lbs.mu.RUnlock()
	h.hv.each(func(m *machine) { s.add(h.pool.record(kindMachine, m.UID), m) })
}
