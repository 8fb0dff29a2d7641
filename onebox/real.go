package onebox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	"edgecloud/agent"
	"edgecloud/cloud/image"
	"edgecloud/cloud/place"
	"edgecloud/engine/daemons"
	"edgecloud/engine/hypervisor/probe"
	"edgecloud/guest/tiny"
	"edgecloud/host"
)

// Real says what this machine is like as a host.
type Real struct {
	Site  string       // name of its site in the catalogue; default "cn-hangzhou-cm"
	Range netip.Prefix // public addresses, with this machine as their gateway; default as at the last start, or DefaultRange
}

const defaultSite = "cn-hangzhou-cm"

// diskReserve stays free on the file system of the volumes.
const diskReserve = 2 << 30

// openEngines opens the engines on this machine's daemons.
func openEngines(ctx context.Context, dir string, kvm bool, gateways []string, log *slog.Logger) (host.Engines, error) {
	at := filepath.Join(dir, hostName)
	return host.OpenReal(ctx, host.Real{LibvirtSocket: "/run/" + daemons.LibvirtSocket, StateDir: filepath.Join(at, "guests"),
		DiskDir: filepath.Join(at, "disks"), DiskReserve: diskReserve, Balancers: filepath.Join(at, "balancers"), NBEndpoint: nbEndpoint, Gateways: gateways, KVM: kvm, Logger: log})
}

// furnishReal makes this machine the host of one site.
func (b *Box) furnishReal(ctx context.Context) error {
	dir, err := filepath.Abs(b.cfg.Dir)
	if err != nil {
		return err
	}
	r := b.cfg.Real
	if r.Site == "" {
		r.Site = defaultSite
	}
	// QEMU may run as another user, who must find its disks; what is secret in the folder has modes of its own.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	m, err := openMachine(dir)
	if err != nil {
		return err
	}
	if err := m.settleRange(r.Range); err != nil {
		return err
	}
	r.Range = m.made.Range
	built := make(chan error, 1)
	var images []publication
	go func() {
		var err error
		defer func() { built <- err }()
		images, err = b.tinyImages(ctx, dir)
	}()
	systemID, err := m.start(ctx)
	if err = errors.Join(err, <-built); err != nil {
		return err
	}
	return b.join(ctx, dir, systemID, images)
}

// join enrols this machine and makes its agent.
func (b *Box) join(ctx context.Context, dir, systemID string, images []publication) error {
	kvm, err := probe.KVM(ctx, probe.Config{Cache: filepath.Join(dir, hostName, "kvm.json")})
	if err != nil {
		return err
	}
	if !kvm.KVM {
		b.cfg.Logger.Warn("guests run without KVM, slowly", "reason", kvm.Reason)
	}
	if b.engines, err = openEngines(ctx, dir, kvm.KVM, []string{systemID}, b.cfg.Logger); err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	var uid string
	err = b.together(ctx, func(ctx context.Context) (err error) {
		site, err := b.realSite(ctx)
		if err != nil {
			return err
		}
		if uid, err = b.Enrol(ctx, site, name); err != nil {
			return err
		}
		return b.publishMissing(ctx, images)
	})
	if err != nil {
		return err
	}
	cfg := b.engines.AgentConfig(b.Net.Connect(uid), name, filepath.Join(dir, hostName, "agent"), b.cfg.Logger)
	cfg.Samples, cfg.Sample = filepath.Join(dir, hostName, "samples"), b.cfg.Sample
	a, err := agent.New(cfg)
	if err != nil {
		return err
	}
	b.Agents = append(b.Agents, a)
	return nil
}

func (b *Box) realSite(ctx context.Context) (*place.Site, error) {
	r := b.cfg.Real
	if err := b.Control.Place.AddDefaults(ctx); err != nil {
		return nil, err
	}
	if err := b.Control.Place.KeepOnly(ctx, []string{r.Site}); err != nil {
		return nil, err
	}
	sites, err := b.Control.Place.AllSites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.Name != r.Site {
			continue
		}
		line := place.NewLine{Carrier: carriersOf(s)[0], PhysicalNetwork: physicalName, Prefix: r.Range, Gateway: r.Range.Addr().Next(), SNAT: true, IPv6: defaultBlock6}
		return s, b.Control.Place.EnsureLine(ctx, s.UID, line)
	}
	return nil, fmt.Errorf("--site %s: the catalogue has no such site; see edgecloud admin site list", r.Site)
}

// tinyImages builds the tiny Linux, and lets the well-known names of Linux images stand for it until the operator imports real ones.
func (b *Box) tinyImages(ctx context.Context, dir string) ([]publication, error) {
	if err := os.MkdirAll(filepath.Join(dir, imageName), 0o755); err != nil {
		return nil, err
	}
	r, err := tiny.Build(ctx, tiny.Options{Out: filepath.Join(dir, imageName, "tiny.qcow2"), Cache: filepath.Join(dir, imageName, "cache")})
	if err != nil {
		return nil, fmt.Errorf("build the tiny image: %w", err)
	}
	path := filepath.Join(b.cfg.Control.FilesDir, r.SHA256)
	size, err := copyOnce(r.Path, path)
	if err != nil {
		return nil, err
	}
	file := image.NewFile{SHA256: r.SHA256, Format: "qcow2", Bytes: size, VirtualBytes: r.VirtualBytes, URL: "file://" + path}
	own := image.NewImage{Name: "tiny", Description: "A Linux of a few megabytes", OSType: "linux", OSName: "Linux", OSVersion: "tiny", OSArch: "x86_64 (64bit)", MinMemoryMiB: 128}
	all := []publication{{own, file}}
	for _, n := range simImages {
		if n.OSType != "linux" {
			continue
		}
		n.MinMemoryMiB, n.Description = 128, "Stands for "+n.Name+" until an image is imported: the tiny Linux"
		all = append(all, publication{n, file})
	}
	return all, nil
}

// copyOnce copies a file unless its copy is there, and gives its size.
func copyOnce(from, to string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	if old, err := os.Stat(to); err == nil && old.Size() == info.Size() {
		return info.Size(), nil
	}
	out, err := os.CreateTemp(filepath.Dir(to), ".image-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(out.Name()) // gone already when all went well
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(out.Name(), to)
}
