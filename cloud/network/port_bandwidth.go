package network

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// AttachBandwidth would give a port's IPv6 address a way out within a bandwidth. IPv4 addresses get theirs through a public address, and subnets have no IPv6
// addresses yet: so every port is refused, as IEC refuses those without one.
func (n *Networks) AttachBandwidth(ctx context.Context, caller *identity.Caller, port, bandwidth string) error {
	return n.withPort(ctx, caller, port, func(ctx context.Context, tx *store.Tx, p *Port) error {
		if _, err := FindBandwidth(ctx, tx, caller, bandwidth); err != nil {
			return err
		}
		return fault.Conflicting("port", p.UID, "The port has no IPv6 address; only these are put into a bandwidth.")
	})
}

// DetachBandwidth takes a port's IPv6 address out of its bandwidth; none is in one.
func (n *Networks) DetachBandwidth(ctx context.Context, caller *identity.Caller, port string) error {
	return n.withPort(ctx, caller, port, func(_ context.Context, _ *store.Tx, p *Port) error {
		return fault.Conflicting("port", p.UID, "The port is in no bandwidth.")
	})
}

func (n *Networks) withPort(ctx context.Context, caller *identity.Caller, port string, do func(context.Context, *store.Tx, *Port) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := FindPort(ctx, tx, caller, port)
		if err != nil {
			return err
		}
		return do(ctx, tx, p)
	})
}
