package host

import (
	"context"
	"sync"

	"edgecloud/engine/network"
	"edgecloud/link/spec"
)

// lateNetwork is a network engine that is opened by the first call that can: the site's database may be on another machine, and a host that starts without it
// must start its guests all the same. Until then every call fails, and the agent tries again.
type lateNetwork struct {
	open func(ctx context.Context) (network.Network, error)

	mu   sync.Mutex
	real network.Network
}

func (n *lateNetwork) get(ctx context.Context) (network.Network, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.real != nil {
		return n.real, nil
	}
	opened, err := n.open(ctx)
	if err == nil {
		n.real = opened
	}
	return opened, err
}

func on(ctx context.Context, n *lateNetwork, call func(network.Network) error) error {
	opened, err := n.get(ctx)
	if err != nil {
		return err
	}
	return call(opened)
}

func (n *lateNetwork) EnsureUplink(ctx context.Context, s spec.Uplink) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureUplink(ctx, s) })
}

func (n *lateNetwork) EnsureNetwork(ctx context.Context, s spec.Network) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureNetwork(ctx, s) })
}

func (n *lateNetwork) EnsureNetworkACL(ctx context.Context, s spec.NetworkACL) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureNetworkACL(ctx, s) })
}

func (n *lateNetwork) EnsureSubnet(ctx context.Context, s spec.Subnet) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureSubnet(ctx, s) })
}

func (n *lateNetwork) EnsureSecurityGroup(ctx context.Context, s spec.SecurityGroup) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureSecurityGroup(ctx, s) })
}

func (n *lateNetwork) EnsurePort(ctx context.Context, s spec.Port) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsurePort(ctx, s) })
}

func (n *lateNetwork) EnsurePublicIP(ctx context.Context, s spec.PublicIP) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsurePublicIP(ctx, s) })
}

func (n *lateNetwork) EnsureVirtualIP(ctx context.Context, s spec.VirtualIP) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureVirtualIP(ctx, s) })
}

func (n *lateNetwork) EnsureNATGateway(ctx context.Context, s spec.NATGateway) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureNATGateway(ctx, s) })
}

func (n *lateNetwork) EnsureBandwidth(ctx context.Context, s spec.Bandwidth) error {
	return on(ctx, n, func(r network.Network) error { return r.EnsureBandwidth(ctx, s) })
}

func (n *lateNetwork) Remove(ctx context.Context, o network.Object) error {
	return on(ctx, n, func(r network.Network) error { return r.Remove(ctx, o) })
}

func (n *lateNetwork) List(ctx context.Context) (all []network.Object, err error) {
	err = on(ctx, n, func(r network.Network) error {
		all, err = r.List(ctx)
		return err
	})
	return all, err
}

func (n *lateNetwork) Traffic(ctx context.Context) (all []network.Traffic, err error) {
	err = on(ctx, n, func(r network.Network) error {
		all, err = r.Traffic(ctx)
		return err
	})
	return all, err
}

func (n *lateNetwork) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.real == nil {
		return nil
	}
	return n.real.Close()
}
