package control

import (
	"context"
	"errors"
	"fmt"

	"edgecloud/cloud/identity"
	"edgecloud/controlplane"
)

// Run runs a centre alone until ctx ends: its hosts are other machines, whose agents join.
func Run(ctx context.Context, o Options) error {
	o.Engine = EngineRemote
	return Serve(ctx, o, func(ctx context.Context, cfg controlplane.Config, _ string) (Cloud, error) {
		c, err := openAlone(ctx, cfg)
		if err != nil && o.Database != "" {
			err = fmt.Errorf("--database: %w", err) // without its text, which may hold a password
		}
		return c, err
	})
}

// alone is a centre without a host in its process.
type alone struct {
	*controlplane.ControlPlane
	admin *identity.FirstAdmin
}

// openAlone opens a centre. A fresh one has an operator and the default flavors; its sites, hosts and images are the operator's to add.
func openAlone(ctx context.Context, cfg controlplane.Config) (Cloud, error) {
	centre, err := controlplane.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := &alone{ControlPlane: centre}
	if c.admin, err = centre.Identity.EnsureAdmin(ctx); err == nil {
		err = centre.Place.AddDefaultFlavors(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, centre.Close())
	}
	return c, nil
}

// Centre is the centre.
func (c *alone) Centre() *controlplane.ControlPlane { return c.ControlPlane }

// Operator is the first operator.
func (c *alone) Operator() *identity.FirstAdmin { return c.admin }
