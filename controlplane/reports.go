package controlplane

import (
	"context"
	"log/slog"

	"edgecloud/cloud/balancer"
	"edgecloud/cloud/compute"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// observers says which part of the cloud each kind of report belongs to. Kinds without one are only counted: nothing waits for them.
func observers() map[string]link.Observer {
	return map[string]link.Observer{
		spec.KindInstance:   compute.Observe,
		spec.KindVolume:     volume.Observe,
		spec.KindSnapshot:   volume.ObserveSnapshot,
		spec.KindImage:      image.Observe,
		spec.KindPort:       network.ObservePort,
		spec.KindVirtualIP:  network.ObserveVirtualIP,
		spec.KindPublicIP:   network.ObservePublicIP,
		spec.KindNATGateway: network.ObserveNATGateway,
		spec.KindBalancer:   balancer.Observe,
		spec.KindUplink:     network.ObserveUplink,
		spec.KindSubnet:     network.ObserveSubnet,
		spec.KindNetwork:    network.ObserveNetwork,
	}
}

func onHeartbeat(ctx context.Context, tx *store.Tx, host string, facts *spec.HostFacts) error {
	return place.ObserveHost(ctx, tx, host, facts)
}

func onJoin(ctx context.Context, tx *store.Tx, host, site string, facts spec.HostFacts) error {
	if err := place.EnrolHost(ctx, tx, host, site, facts.Name); err != nil {
		return err
	}
	return place.ObserveHost(ctx, tx, host, &facts)
}

// overdue tells the operator of a resource that stays in a state for too long.
func (c *ControlPlane) overdue(_ context.Context, _ *store.Tx, o work.Overdue) error {
	c.log.Warn("overdue", slog.Any("work", o))
	return nil
}
