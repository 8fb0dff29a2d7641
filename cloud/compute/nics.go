package compute

import (
	"context"
	"slices"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// NIC says where one of an instance's ports is to be.
type NIC struct {
	Network string         // UID or slug; empty: the subnet's, or the site's default one
	Subnet  string         // UID or slug; empty: one of the network's
	Groups  []string       // security groups, UIDs or slugs; empty: the instance's, or the default one
	Pairs   []network.Pair // addresses that the port may use besides its own
}

// maxNICs is how many ports an instance can have: the slots of its mainboard, and what IEC's document gives (deployments).
const maxNICs = 8

func (s Spread) check() error {
	if len(s.NICs) > maxNICs {
		return fault.BadField("nics", "an instance has at most %d", maxNICs)
	}
	if len(s.Labels) > 0 && len(s.Labels) != s.Count {
		return fault.BadField("labels", "must be one for each of the %d instances", s.Count)
	}
	for _, l := range s.Labels {
		if l.Name != "" {
			if err := checkName(l.Name); err != nil {
				return err
			}
		}
		if l.Hostname != "" && !hostname.MatchString(l.Hostname) {
			return badHostname()
		}
	}
	return nil
}

// attach gives instances of one site a port on a network each, at a position among their NICs.
func attach(ctx context.Context, tx *store.Tx, caller *identity.Caller, site *place.Site, nic NIC, groups []string, position int, instances []string) (*network.Resolved, []*network.Port, error) {
	if len(nic.Groups) > 0 {
		groups = nic.Groups
	}
	att, err := network.Resolve(ctx, tx, caller, network.Attachment{Site: site, Network: nic.Network, Subnet: nic.Subnet, Groups: groups, Pairs: nic.Pairs})
	if err != nil {
		return nil, nil, err
	}
	ports, err := att.AddPorts(ctx, tx, caller, position, instances)
	return att, ports, err
}

// carriersAt are the lines on which the NIC at a position gets public addresses; it has none if bears is false.
func (s Spread) carriersAt(position int) (carriers []place.Carrier, bears bool) {
	if !s.EachNIC {
		return s.Carriers, position == 0
	}
	if position >= len(s.Carriers) {
		return nil, false
	}
	return s.Carriers[position : position+1], true
}

// wire gives the new instances of a site their ports and public addresses.
func (n *creation) wire(ctx context.Context, tx *store.Tx, caller *identity.Caller, s Spread, instances []string) error {
	nics := s.NICs
	if len(nics) == 0 {
		nics = []NIC{{}}
	}
	for position, nic := range nics {
		att, ports, err := attach(ctx, tx, caller, s.Site, nic, n.w.Groups, position, instances)
		if err != nil {
			return err
		}
		carriers, bears := s.carriersAt(position)
		if !bears || !n.w.Public {
			continue
		}
		ips, err := network.AddPublicIPs(ctx, tx, caller, att.Network, ports, carriers, n.w.Mbps)
		if err != nil {
			return err
		}
		if n.w.IPv6 {
			if _, err := network.AddIPv6(ctx, tx, caller, ports, carriers, n.w.Mbps); err != nil {
				return fault.From(err).On("needIpv6PublicIp")
			}
		}
		if n.w.Sharing == nil {
			continue
		}
		if err := n.w.Sharing.Share(ctx, tx, caller, ips, position, max(len(s.Carriers), 1)); err != nil {
			return err
		}
	}
	return nil
}

// AddNICs gives an instance more ports. One that runs gets them at once, without a restart.
func (c *Compute) AddNICs(ctx context.Context, caller *identity.Caller, id string, nics []NIC) (*View, error) {
	if len(nics) == 0 {
		return nil, fault.BadField("nics", "must name at least one")
	}
	return c.change(ctx, caller, id, "add NICs", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "given more NICs", Running, Stopped); err != nil {
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
		free := p.freeSlots()
		if len(nics) > len(free) {
			return "", fault.Conflicting(Kind, i.Handle, "An instance has at most %d NICs; this one has %d.", maxNICs, maxNICs-len(free))
		}
		for k, nic := range nics {
			if _, _, err := attach(ctx, tx, caller, site, nic, nil, free[k], []string{i.UID}); err != nil {
				return "", err
			}
		}
		return i.rewired(), nil
	})
}

// rewired is the state that an instance enters when its NICs have been changed.
func (i *Instance) rewired() State {
	if i.State == Running {
		return Rewiring
	}
	return Amending
}

// freeSlots are the positions that no port of the instance has.
func (p *parts) freeSlots() (free []int) {
	taken := map[int]bool{}
	for _, port := range p.allPorts() {
		taken[port.Position] = true
	}
	for slot := range maxNICs {
		if !taken[slot] {
			free = append(free, slot)
		}
	}
	return free
}

// RemoveNICs takes ports away from an instance, which keeps at least one. One that runs loses them at once; the ports are gone when host and site have confirmed.
func (c *Compute) RemoveNICs(ctx context.Context, caller *identity.Caller, id string, ports []string) (*View, error) {
	return c.change(ctx, caller, id, "remove NICs", func(ctx context.Context, tx *store.Tx, i *Instance) (State, error) {
		if err := guard(i, "taken NICs from", Running, Stopped); err != nil {
			return "", err
		}
		return i.rewired(), loseNICs(ctx, tx, i, ports)
	})
}

// loseNICs marks ports of an instance as leaving.
func loseNICs(ctx context.Context, tx *store.Tx, i *Instance, ports []string) error {
	p, err := loadParts(ctx, tx, i)
	if err != nil {
		return err
	}
	before := len(i.Leaving.V)
	for _, one := range ports {
		if err := p.take(one); err != nil {
			return err
		}
	}
	if len(i.Leaving.V)-before >= len(p.ports) {
		return fault.Conflicting(Kind, i.Handle, "An instance must keep at least one NIC.")
	}
	going := slices.DeleteFunc(slices.Clone(p.ports), func(port *network.Port) bool { return !slices.Contains(p.Leaving.V, port.UID) })
	return network.SetHold(ctx, tx, going, network.Detaching)
}

// take marks a port as leaving.
func (p *parts) take(id string) error {
	for _, port := range p.ports {
		if port.UID != id && port.Slug != id || slices.Contains(p.Leaving.V, port.UID) {
			continue
		}
		for _, ip := range p.ips {
			if ip.Port == port.UID {
				return fault.Conflicting("port", id, "The public address %s is bound to the NIC; unbind it first.", ip.Address)
			}
		}
		p.Leaving.V = append(p.Leaving.V, port.UID)
		return nil
	}
	return fault.Missing("port", id)
}

// rewiring waits until an instance that runs has the NICs and volumes that it should have and no other.
func rewiring(ctx context.Context, tx *store.Tx, i *Instance) (work.Next, error) {
	p, err := written(ctx, tx, i)
	if err != nil {
		return work.Next{}, err
	}
	if !poweredOn(p) {
		return work.Wait("report", 0), nil
	}
	if err := p.dropLosing(ctx, tx); err != nil {
		return work.Next{}, err
	}
	if gone, err := p.dropLeaving(ctx, tx); err != nil || !gone {
		return work.Wait("report", 0), err
	}
	return work.Goto(string(Running)), nil
}

// dropLeaving takes the ports that the host has let go of away from the site, and forgets them when the site has confirmed.
func (p *parts) dropLeaving(ctx context.Context, tx *store.Tx) (gone bool, err error) {
	if len(p.leaving) == 0 {
		return true, nil
	}
	if err := network.ReleasePorts(ctx, tx, p.leaving); err != nil {
		return false, err
	}
	for _, port := range p.leaving {
		if gone, err := link.Gone(ctx, tx, spec.SiteTarget(port.Site), spec.KindPort, port.UID); err != nil || !gone {
			return false, err
		}
	}
	if err := network.DropPorts(ctx, tx, p.leaving); err != nil {
		return false, err
	}
	p.Leaving.V, p.leaving = nil, nil
	_, err = tx.NewUpdate().Model(p.Instance).Column("leaving").WherePK().Exec(ctx)
	return true, err
}

// allPorts are the instance's ports, those on their way out included.
func (p *parts) allPorts() []*network.Port { return slices.Concat(p.ports, p.leaving) }
