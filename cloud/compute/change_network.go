package compute

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// ChangeNetwork moves an instance to another subnet, of any of the account's networks at its site: it gets a new NIC there in place of all that it has, in the same
// security groups, and keeps its public addresses. One that runs is restarted (BEC 1.0 changeVmInstanceVpc).
func (c *Compute) ChangeNetwork(ctx context.Context, caller *identity.Caller, id, subnet string) (*View, error) {
	return c.change(ctx, caller, id, "change network", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "moved to another network", Running, Stopped); err != nil {
			return "", err
		}
		site, err := c.place.Site(store.Join(ctx, tx), i.Site)
		if err != nil {
			return "", err
		}
		p, err := loadParts(ctx, tx, i)
		if err != nil {
			return "", err
		}
		if err := p.replaceNICs(ctx, tx, caller, site, subnet); err != nil {
			return "", err
		}
		if i.State == Stopped {
			return Amending, nil
		}
		i.Power, i.ForceOff = spec.Off, false
		return ResizeStopping, nil
	})
}

// replaceNICs gives the instance one NIC on a subnet for all that it has.
func (p *parts) replaceNICs(ctx context.Context, tx *store.Tx, caller *identity.Caller, site *place.Site, subnet string) error {
	main := p.main()
	if main == nil || len(p.leaving) > 0 {
		return fault.Conflicting(Kind, p.Handle, "The instance's NICs are changing.")
	}
	for _, port := range p.ports {
		if port.Elastic != "" {
			return fault.Conflicting(Kind, p.Handle, "The elastic NIC %s is on the instance; detach it first.", port.Name)
		}
	}
	if err := network.MustBeUnbound(ctx, tx, p.ports); err != nil {
		return err
	}
	groups, err := network.GroupsOf(ctx, tx, p.ports[:1])
	if err != nil {
		return err
	}
	free := p.freeSlots()
	if len(free) < 1 {
		return fault.Conflicting(Kind, p.Handle, "The instance has no slot left for another NIC.")
	}
	slot := main.Position
	if err := network.SetPosition(ctx, tx, main, free[0]); err != nil { // the new one has its place in the guest
		return err
	}
	_, ports, err := attach(ctx, tx, caller, site, NIC{Subnet: subnet, Groups: groups[main.UID]}, nil, slot, []string{p.UID})
	if err != nil {
		return fault.From(err).On("subnetId")
	}
	if ports[0].Subnet == main.Subnet {
		return fault.BadField("subnetId", "must be another subnet than the instance is on")
	}
	for _, port := range p.ports {
		p.Leaving.V = append(p.Leaving.V, port.UID)
	}
	return network.MovePublicIPs(ctx, tx, p.ips, ports[0])
}
