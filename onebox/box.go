package onebox

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

	"edgecloud/agent"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
	"edgecloud/host"
	"edgecloud/link/memory"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Box is a cloud on one machine.
type Box struct {
	Control *controlplane.ControlPlane
	Admin   *identity.FirstAdmin
	World   *sim.World  // nil with real hosts
	Net     *memory.Net // the link of the local hosts
	Agents  []*agent.Agent

	cfg     Config
	engines host.Engines // of this machine, if it is the host
}

// Open makes the cloud, or finds what was made before in the same folder. Nothing runs until Run.
func Open(ctx context.Context, cfg Config) (*Box, error) {
	cfg.defaults()
	b := &Box{cfg: cfg}
	if cfg.Sim != nil {
		cfg.Control.Faults = worldFaults{b}
	}
	if err := os.MkdirAll(cfg.Control.FilesDir, 0o755); err != nil {
		return nil, err
	}
	centre, err := controlplane.Open(ctx, cfg.Control)
	if err != nil {
		return nil, err
	}
	b.Control, b.Net = centre, memory.New(centre.Link)
	centre.AddDialer(b.Net.Dial)
	if err := b.furnish(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Centre is the cloud's centre.
func (b *Box) Centre() *controlplane.ControlPlane { return b.Control }

// Operator is the first operator.
func (b *Box) Operator() *identity.FirstAdmin { return b.Admin }

// FilesDir is where the cloud keeps image files.
func (b *Box) FilesDir() string { return b.cfg.Control.FilesDir }

// furnish makes what a fresh cloud has: an operator, places, hosts, images.
func (b *Box) furnish(ctx context.Context) (err error) {
	if b.Admin, err = b.Control.Identity.EnsureAdmin(ctx); err != nil {
		return err
	}
	switch {
	case b.cfg.Sim != nil:
		return b.furnishSim(ctx)
	case b.cfg.Real != nil:
		return b.furnishReal(ctx)
	}
	return b.Control.Place.AddDefaults(ctx)
}

// together makes one transaction of all that f does: a start waits for the disk once.
func (b *Box) together(ctx context.Context, f func(ctx context.Context) error) error {
	return b.Control.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return f(store.Join(ctx, tx)) })
}

// operator is the caller that the box itself acts as.
func (b *Box) operator() *identity.Caller {
	return &identity.Caller{Account: b.Admin.Account.UID, User: b.Admin.User.UID, Role: identity.Admin, Operator: true, Dialect: "onebox", Operation: "up"}
}

// enrol finds the host of a name at a site, or makes it known.
func (b *Box) enrol(ctx context.Context, site *place.Site, facts spec.HostFacts) (string, error) {
	known, err := b.Control.Place.Hosts(ctx, b.operator(), site.UID)
	if err != nil {
		return "", err
	}
	return b.enrolAmong(ctx, known, site, facts)
}

func (b *Box) enrolAmong(ctx context.Context, known []*place.Host, site *place.Site, facts spec.HostFacts) (uid string, err error) {
	for _, h := range known {
		if h.Site == site.UID && h.Name == facts.Name {
			return h.UID, nil // its agent tells what changed
		}
	}
	err = b.Control.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		uid = tx.NewUID()
		return b.Control.Link.Enrol(ctx, tx, uid, site.UID, "local."+uid, facts)
	})
	if err != nil {
		return "", fmt.Errorf("enrol host %s: %w", facts.Name, err)
	}
	return uid, nil
}

// Enrol makes a host known at a site, or finds it by its name, and gives its UID. The agent's heartbeat tells what it has.
func (b *Box) Enrol(ctx context.Context, site *place.Site, name string) (string, error) {
	return b.enrol(ctx, site, spec.HostFacts{Name: name})
}

// Run carries the cloud until ctx ends.
func (b *Box) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Control.Run(ctx) })
	g.Go(func() error { return b.Control.Link.Nudges(ctx, b.Net.Nudge) })
	for _, a := range b.Agents {
		g.Go(func() error { return a.Run(ctx) })
	}
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Close frees everything; call it after Run has returned.
func (b *Box) Close() error {
	var errs []error
	for _, a := range b.Agents {
		errs = append(errs, a.Close())
	}
	if b.World != nil {
		errs = append(errs, b.World.Close())
	}
	errs = append(errs, b.engines.Close())
	return errors.Join(append(errs, b.Control.Close())...)
}
