package onebox

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"edgecloud/agent"
	"edgecloud/agent/ledger"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/control"
	"edgecloud/engine/sim"
	"edgecloud/host"
	"edgecloud/link/spec"
)

// simHost is a simulated host that the centre knows.
type simHost struct {
	site *place.Site
	name string
	uid  string
}

// furnishSim makes the simulated world: sites, lines, hosts with agents, and images.
func (b *Box) furnishSim(ctx context.Context) (err error) {
	if b.World, err = b.openWorld(); err != nil {
		return err
	}
	images, err := b.blankImages()
	if err != nil {
		return err
	}
	var hosts []simHost
	err = b.together(ctx, func(ctx context.Context) (err error) {
		if hosts, err = b.furnishSimPlaces(ctx); err != nil {
			return err
		}
		return b.publishMissing(ctx, images)
	})
	if err != nil {
		return err
	}
	for _, h := range hosts {
		if err := b.addSimHost(h); err != nil {
			return err
		}
	}
	return nil
}

func (b *Box) furnishSimPlaces(ctx context.Context) (hosts []simHost, err error) {
	if err := b.Control.Place.AddDefaults(ctx); err != nil {
		return nil, err
	}
	if len(b.cfg.Sim.Sites) > 0 {
		if err := b.Control.Place.KeepOnly(ctx, b.cfg.Sim.Sites); err != nil {
			return nil, err
		}
	}
	sites, err := b.Control.Place.AllSites(ctx)
	if err != nil {
		return nil, err
	}
	known, err := b.Control.Place.Hosts(ctx, b.operator(), "")
	if err != nil {
		return nil, err
	}
	for index, site := range sites {
		if !site.Enabled || len(b.cfg.Sim.Sites) > 0 && !slices.Contains(b.cfg.Sim.Sites, site.Name) {
			continue
		}
		here, err := b.furnishSimSite(ctx, index, site, known)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, here...)
	}
	return hosts, nil
}

func (b *Box) openWorld() (*sim.World, error) {
	if !b.cfg.Sim.Keep {
		return sim.NewWorld(b.cfg.Sim.World), nil
	}
	return sim.Open(b.cfg.Sim.World, filepath.Join(b.cfg.Dir, worldName))
}

func (b *Box) furnishSimSite(ctx context.Context, index int, site *place.Site, known []*place.Host) (hosts []simHost, err error) {
	for k, carrier := range carriersOf(site) {
		prefix := simRange(index, k)
		line := place.NewLine{Carrier: carrier, PhysicalNetwork: "provider", Prefix: prefix, Gateway: prefix.Addr().Next(), IPv6: simBlock(index, k)}
		if err := b.Control.Place.EnsureLine(ctx, site.UID, line); err != nil {
			return nil, err
		}
	}
	c := b.cfg.Sim.Capacity
	for n := range b.cfg.Sim.Hosts {
		name := fmt.Sprintf("%s-%d", site.Name, n+1)
		facts := spec.HostFacts{Name: name, Version: "sim", VCPUs: c.VCPUs, MemoryMiB: c.MemoryMiB, DiskBytes: c.DiskBytes, DiskFree: c.DiskBytes, Architecture: c.Arch}
		uid, err := b.enrolAmong(ctx, known, site, facts)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, simHost{site: site, name: name, uid: uid})
	}
	return hosts, nil
}

// carriersOf gives the lines of a site: a triple-line site has all three carriers'.
func carriersOf(s *place.Site) []place.Carrier {
	if s.Carrier == place.TripleLine {
		return []place.Carrier{place.Mobile, place.Telecom, place.Unicom}
	}
	return []place.Carrier{s.Carrier}
}

// simRange cuts the shared address space 100.64.0.0/10 (RFC 6598), which is nobody's on the internet, into a /17 for each line of each site.
func simRange(site, line int) netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 100<<24|64<<16+uint32(site*4+line)<<15)
	return netip.PrefixFrom(netip.AddrFrom4(b), 17)
}

// simBlock cuts the prefix for documents 2001:db8::/32 (RFC 3849) into a /64 for each line of each site.
func simBlock(site, line int) place.Block6 {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint16(b[4:], uint16(site))
	binary.BigEndian.PutUint16(b[6:], uint16(line))
	prefix := netip.PrefixFrom(netip.AddrFrom16(b), 64)
	return place.Block6{Prefix: prefix, Gateway: prefix.Addr().Next()}
}

func (b *Box) addSimHost(h simHost) error {
	e := host.OpenSim(b.World.Host(h.site.Name, h.name, b.cfg.Sim.Capacity))
	cfg := e.AgentConfig(b.Net.Connect(h.uid), h.name, "", b.cfg.Logger.With("host", h.name))
	// The ledger is in memory: a simulated host has no life without this process, and the centre still has its specs.
	cfg.Ledger, cfg.Version, cfg.Now, cfg.Sweep, cfg.Workers = ledger.Memory(), "sim", b.cfg.Control.Now, b.cfg.Sim.Sweep, simWorkers
	cfg.Sample = b.cfg.Sample
	a, err := agent.New(cfg)
	if err != nil {
		return err
	}
	b.Agents = append(b.Agents, a)
	return nil
}

// simWorkers is small, as there are many agents in one process.
const simWorkers = 4

// simImages are the public names that users of these clouds expect (BEC's image list, IEC's and the console's examples). In a simulated world all are blank disks.
var simImages = []image.NewImage{
	{Name: "Ubuntu 16.04 server 64bit", OSType: "linux", OSName: "Ubuntu", OSVersion: "16.04 LTS", OSArch: "x86_64 (64bit)"},
	{Name: "Ubuntu 18.04 server 64bit", OSType: "linux", OSName: "Ubuntu", OSVersion: "18.04 LTS", OSArch: "x86_64 (64bit)"},
	{Name: "Ubuntu 22.04 server 64bit", OSType: "linux", OSName: "Ubuntu", OSVersion: "22.04 LTS", OSArch: "x86_64 (64bit)"},
	{Name: "CentOS 7.5 64bit", OSType: "linux", OSName: "CentOS", OSVersion: "7.5", OSArch: "x86_64 (64bit)"},
	{Name: "CentOS 7.9 64bit", OSType: "linux", OSName: "CentOS", OSVersion: "7.9", OSArch: "x86_64 (64bit)"},
	{Name: "Debian 12 64bit", OSType: "linux", OSName: "Debian", OSVersion: "12", OSArch: "x86_64 (64bit)"},
	{Name: "Rocky Linux 9 64bit", OSType: "linux", OSName: "Rocky Linux", OSVersion: "9", OSArch: "x86_64 (64bit)"},
	{Name: "Windows Server 2019 64bit", OSType: "windows", OSName: "Windows Server", OSVersion: "2019 Datacenter", OSArch: "x86_64 (64bit)"},
}

// publication is an image of the catalogue with its file.
type publication struct {
	image image.NewImage
	file  image.NewFile
}

// blankImages writes the files of all images of the simulated world that are not there yet.
func (b *Box) blankImages() (all []publication, err error) {
	const size = 20 << 30
	for _, n := range simImages {
		s, content, err := sim.BlankImage("", n.Name, size)
		if err != nil {
			return nil, err
		}
		path, err := filepath.Abs(filepath.Join(b.cfg.Control.FilesDir, s.SHA256))
		if err != nil {
			return nil, err
		}
		if info, err := os.Stat(path); err != nil || info.Size() != s.Bytes {
			if err := control.ReplaceFile(path, content, 0o644); err != nil {
				return nil, err
			}
		}
		n.MinMemoryMiB, n.Description = 512, n.Name
		all = append(all, publication{n, image.NewFile{SHA256: s.SHA256, Format: s.Format, Bytes: s.Bytes, VirtualBytes: size, URL: "file://" + path}})
	}
	return all, nil
}

// publishMissing puts images into the catalogue, but leaves the names that it has: the operator may have mapped them to something else.
func (b *Box) publishMissing(ctx context.Context, all []publication) error {
	public := true
	have, err := b.Control.Images.List(ctx, b.operator(), image.Filter{Public: &public})
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, i := range have {
		names[i.Name] = true
	}
	for _, p := range all {
		if names[p.image.Name] {
			continue
		}
		if _, err := b.Control.Images.Publish(ctx, b.operator(), p.image, p.file); err != nil {
			return fmt.Errorf("publish image %s: %w", p.image.Name, err)
		}
	}
	return nil
}
