package compute

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/store"
)

// AddIPv6 gives an instance that has public addresses of IPv4 those of IPv6 beside them, without a restart: the guest hears of it from its router. One that has
// them keeps them.
func (c *Compute) AddIPv6(ctx context.Context, caller *identity.Caller, id string) (*View, error) {
	return c.amend(ctx, caller, id, func(ctx context.Context, tx *store.Tx, i *Instance) error {
		p, err := loadParts(ctx, tx, i)
		if err != nil {
			return err
		}
		lines := map[string][]place.Carrier{} // of the IPv4 addresses, by port
		for _, ip := range p.ips {
			if ip.IPv6 {
				return nil
			}
			lines[ip.Port] = append(lines[ip.Port], ip.Carrier)
		}
		if len(lines) == 0 {
			return fault.BadField("needIpv6PublicIp", "needs a public address of IPv4 beside it, which the instance does not have")
		}
		for _, port := range p.ports {
			if len(lines[port.UID]) == 0 {
				continue
			}
			if _, err := network.AddIPv6(ctx, tx, caller, []*network.Port{port}, lines[port.UID], i.Mbps); err != nil {
				return fault.From(err).On("needIpv6PublicIp")
			}
		}
		i.Dirty = true
		return nil
	})
}
