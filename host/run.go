package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"edgecloud/agent"
	"edgecloud/agent/ledger"
	"edgecloud/engine/hypervisor/probe"
	"edgecloud/engine/sim"
	"edgecloud/link/natslink"
)

// Options say how a host's agent runs.
type Options struct {
	Dir    string // of the host: identity, ledger, disks
	Engine string // EngineReal (default) or EngineSim
	URL    string // of the centre's link; empty: as the enrolment said
	CAFile string // authority of the centre; empty: as the enrolment said

	Sim        Sim
	Real       Real          // empty folders are in Dir, an empty NBEndpoint is this machine's if it has one; KVM is found out
	Sample     time.Duration // between samples of what is used; default 1 min
	SampleKeep int64         // bytes of samples that are kept while the centre is not reached; default spool.DefaultLimit
	Version    string
	Logger     *slog.Logger
	// Ready is called once when the agent works, which is before it has reached the centre.
	Ready func(natslink.Identity)
}

// Engines of a host.
const (
	EngineSim  = "sim"
	EngineReal = "real"
)

// Sim says what a simulated host has.
type Sim struct {
	Seed     uint64
	Capacity sim.Capacity
}

// Files of a host's folder, beside those of natslink.
const (
	ledgerName    = "ledger"
	worldName     = "world"
	guestsName    = "guests"
	disksName     = "disks"
	balancersName = "balancers"
	kvmName       = "kvm.json"

	samplesName = "samples"
)

// DefaultReserve is what stays free on the file system of the volumes.
const DefaultReserve = 2 << 30

// ErrNoHost is returned for a folder that holds no identity.
var ErrNoHost = errors.New("the machine is no host yet")

// Run runs the host's agent until ctx ends; machines run on. It needs no centre: what the ledger says is made so from the start, and the centre is looked for in
// the background.
func Run(ctx context.Context, o Options) (err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	id, err := natslink.Load(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s holds no identity. Run edgecloud agent join; edgecloud admin host enrol prints the whole command", ErrNoHost, o.Dir)
	}
	if err != nil {
		return err
	}
	kept, err := ledger.Open(filepath.Join(o.Dir, ledgerName)) // also the lock against a second agent
	if err != nil {
		return err
	}
	e, err := o.engines(ctx, id)
	if err == nil {
		err = errors.Join(o.run(ctx, id, kept, e), e.Close())
	}
	return errors.Join(err, kept.Close())
}

// engines opens what the host works with.
func (o *Options) engines(ctx context.Context, id natslink.Identity) (Engines, error) {
	switch o.Engine {
	case EngineSim:
		w, err := sim.Open(sim.Config{Seed: o.Sim.Seed}, filepath.Join(o.Dir, worldName))
		if err != nil {
			return Engines{}, err
		}
		e := OpenSim(w.Host(id.Site, id.Name, o.Sim.Capacity))
		e.close = w.Close
		return e, nil
	case EngineReal, "":
		return o.real(ctx)
	}
	return Engines{}, fmt.Errorf("--engine %s: must be real or sim", o.Engine)
}

func (o *Options) real(ctx context.Context) (Engines, error) {
	// QEMU may run as another user, who must find its disks; what is secret in the folder has modes of its own.
	if err := os.Chmod(o.Dir, 0o711); err != nil {
		return Engines{}, err
	}
	kvm, err := probe.KVM(ctx, probe.Config{Cache: filepath.Join(o.Dir, kvmName)})
	if err != nil {
		return Engines{}, err
	}
	if !kvm.KVM {
		o.Logger.Warn("guests run without KVM, slowly", "reason", kvm.Reason)
	}
	r := o.Real
	r.KVM, r.Late, r.Logger = kvm.KVM, true, o.Logger
	if r.StateDir == "" {
		r.StateDir = filepath.Join(o.Dir, guestsName)
	}
	if r.DiskDir == "" {
		r.DiskDir = filepath.Join(o.Dir, disksName)
	}
	if r.Balancers == "" {
		r.Balancers = filepath.Join(o.Dir, balancersName)
	}
	if r.DiskReserve == 0 {
		r.DiskReserve = DefaultReserve
	}
	if _, err := os.Stat(localNB); err == nil && r.NBEndpoint == "" {
		r.NBEndpoint = "unix:" + localNB
	}
	scheme, rest, _ := strings.Cut(r.NBEndpoint, ":")
	switch {
	case r.NBEndpoint == "":
		o.Logger.Info("no OVN northbound database is known (--ovn-nb): this host will not carry its site's networks out")
	case rest == "" || scheme != "unix" && scheme != "tcp" && scheme != "ssl":
		return Engines{}, fmt.Errorf("--ovn-nb %s: must be unix:/PATH, tcp:HOST:PORT or ssl:HOST:PORT", r.NBEndpoint)
	}
	return OpenReal(ctx, r)
}

// localNB is where the northbound database listens on the machine that runs it.
const localNB = "/run/ovn/ovnnb_db.sock"

func (o *Options) run(ctx context.Context, id natslink.Identity, kept *ledger.Ledger, e Engines) error {
	d, client, err := o.reach(id)
	if err != nil {
		return err
	}
	wire, err := natslink.Connect(d, id)
	if err != nil {
		return err
	}
	defer wire.Close()
	cfg := e.AgentConfig(wire, id.Name, "", o.Logger)
	cfg.Ledger, cfg.HTTP, cfg.Version = kept, client, o.Version
	cfg.Samples, cfg.Sample, cfg.SampleKeep = filepath.Join(o.Dir, samplesName), o.Sample, o.SampleKeep
	a, err := agent.New(cfg)
	if err != nil {
		return err
	}
	if o.Ready != nil {
		o.Ready(id)
	}
	return a.Run(ctx)
}

// reach says how the centre is reached: over the link, and for image files.
func (o *Options) reach(id natslink.Identity) (natslink.Dialer, *http.Client, error) {
	d, err := id.Dialer()
	if err == nil && o.CAFile != "" {
		d.TLS, err = trustFile(o.CAFile)
	}
	if err != nil {
		return d, nil, err
	}
	if o.URL != "" {
		d.URL = o.URL
	}
	d.Logger = o.Logger
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, err = natslink.Trust(id.Web)
	return d, &http.Client{Transport: transport}, err
}

func trustFile(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	config, err := natslink.Trust(string(text))
	if err != nil {
		return nil, fmt.Errorf("--ca %s: %w", path, err)
	}
	return config, nil
}
