package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"edgecloud/agent"
	"edgecloud/agent/apply"
	"edgecloud/engine/balancer"
	"edgecloud/engine/balancer/haproxy"
	"edgecloud/engine/daemons"
	"edgecloud/engine/disk"
	"edgecloud/engine/disk/qcow"
	"edgecloud/engine/hypervisor"
	"edgecloud/engine/hypervisor/libvirt"
	"edgecloud/engine/network"
	"edgecloud/engine/network/ovn"
	"edgecloud/engine/sim"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Real says where a host's daemons and folders are.
type Real struct {
	LibvirtSocket string         // libvirtd's unix socket; empty is libvirt's own default
	LibvirtRoot   string         // how this process sees libvirtd's file system; empty if they are the same
	StateDir      string         // seeds and serial logs; libvirtd sees it under the same path
	DiskDir       string         // images and volumes; libvirtd sees it under the same path
	DiskReserve   int64          // bytes of the disk's file system that stay free
	NBEndpoint    string         // OVN's northbound database: "unix:/path", "tcp:host:port" or "ssl:host:port"; empty: no network engine
	Late          bool           // a northbound database that does not answer now is looked for later
	Gateways      []string       // hosts (OVN system-id) that carry the site's uplinks, best first; empty leaves what the site has
	MTU           int            // guests', bytes; 0 is OVN's over an underlay of 1500
	Balancers     string         // folder of load balancers; the host sees it under the same path; empty: the host carries none
	Runner        daemons.Runner // runs the programs of load balancers on the host; nil: this machine
	KVM           bool           // guests run under KVM; see engine/hypervisor/probe
	Logger        *slog.Logger
}

// Engines are what one host's agent works with.
type Engines struct {
	Hypervisor hypervisor.Hypervisor
	Pool       disk.Pool
	Network    network.Network
	Balancer   balancer.Engine // nil: none
	Seed       func(spec.Instance) ([]byte, error)

	close func() error // what is behind them
}

// Close frees connections; machines and networks run on. Call it after the host's agent has returned.
func (e Engines) Close() error {
	var errs []error
	if e.Hypervisor != nil {
		errs = append(errs, e.Hypervisor.Close())
	}
	if e.Network != nil {
		errs = append(errs, e.Network.Close())
	}
	if e.Balancer != nil {
		errs = append(errs, e.Balancer.Close())
	}
	if e.close != nil {
		errs = append(errs, e.close())
	}
	return errors.Join(errs...)
}

// OpenSim gives the engines of a simulated host. Closing them leaves the world as it is.
func OpenSim(h *sim.Host) Engines {
	return Engines{Hypervisor: h.Hypervisor(), Pool: h.Disk(), Network: h.Network(), Balancer: h.Balancer(), Seed: apply.SeedText}
}

// OpenReal opens libvirt, the folder of disks and OVN. It fails when one of them cannot be reached now (but see Late).
func OpenReal(ctx context.Context, h Real) (Engines, error) {
	machines, err := libvirt.Open(ctx, libvirt.Config{Socket: h.LibvirtSocket, Root: h.LibvirtRoot, StateDir: h.StateDir, KVM: h.KVM, Log: h.Logger})
	if err != nil {
		return Engines{}, fmt.Errorf("open libvirt: %w", err)
	}
	e := Engines{Hypervisor: machines, Seed: apply.Seed}
	pool, err := qcow.Open(qcow.Config{Dir: h.DiskDir, Reserve: h.DiskReserve, Grow: machines.GrowDisk, Snapshot: machines.SnapshotDisks,
		RemoveSnapshot: machines.RemoveDiskSnapshot})
	if err != nil {
		return Engines{}, errors.Join(fmt.Errorf("open disks in %s: %w", h.DiskDir, err), e.Close())
	}
	e.Pool = pool
	if e.Network, err = openNetwork(ctx, h); err != nil {
		return Engines{}, errors.Join(err, e.Close())
	}
	if h.Balancers == "" || e.Network == nil {
		return e, nil
	}
	balancers, err := haproxy.Open(haproxy.Options{Dir: h.Balancers, Runner: h.Runner, Logger: h.Logger})
	if err != nil {
		return Engines{}, errors.Join(err, e.Close())
	}
	e.Balancer = balancers
	return e, nil
}

// openNetwork gives nil without a database.
func openNetwork(ctx context.Context, h Real) (network.Network, error) {
	if h.NBEndpoint == "" {
		return nil, nil
	}
	open := func(ctx context.Context) (network.Network, error) {
		n, err := ovn.Open(ctx, ovn.Options{Endpoint: h.NBEndpoint, GatewayChassis: h.Gateways, MTU: h.MTU, Logger: h.Logger})
		if err != nil {
			return nil, fmt.Errorf("open OVN at %s: %w", h.NBEndpoint, err)
		}
		return n, nil
	}
	if h.Late {
		return &lateNetwork{open: open}, nil
	}
	return open(ctx)
}

// AgentConfig composes the agent of a host on these engines; dir keeps its ledger. The caller may change it before agent.New.
func (e Engines) AgentConfig(t protocol.Transport, name, dir string, logger *slog.Logger) agent.Config {
	return agent.Config{Dir: dir, Transport: t, Hypervisor: e.Hypervisor, Pool: e.Pool, Network: e.Network, Balancer: e.Balancer, Seed: e.Seed, Name: name, Logger: logger}
}
