package onebox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"edgecloud/agent"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/engine/sim"
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
	engines Engines // of this machine, if it is the host
}

// Open makes the cloud, or finds what was made before in the same folder. Nothing runs until Run.
func Open(ctx context.Context, cfg Config) (*Box, error) {
	cfg.defaults()
	if err := os.MkdirAll(cfg.filesDir(), 0o755); err != nil {
		return nil, err
	}
	if cfg.Control.DSN == "" {
		cfg.Control.DSN = "sqlite:" + filepath.Join(cfg.Dir, dbFile)
	}
	if cfg.Control.MasterKey == "" {
		cfg.Control.MasterKey = filepath.Join(cfg.Dir, keyFile)
	}
	cfg.Control.FilesDir = cfg.filesDir()
	centre, err := controlplane.Open(ctx, cfg.Control)
	if err != nil {
		return nil, err
	}
	b := &Box{Control: centre, Net: memory.New(centre.Link), cfg: cfg}
	centre.SetDialer(b.Net.Dial)
	if err := b.furnish(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (c *Config) filesDir() string { return filepath.Join(c.Dir, filesName) }

// FilesDir is where the cloud keeps image files.
func (b *Box) FilesDir() string { return b.cfg.filesDir() }

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
