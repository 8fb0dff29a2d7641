package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Attachment says where an instance's ports are to be: a subnet of the caller's (empty: the default one of its site) and security groups (empty: the
// default one). Resolve turns it into rows once for many instances.
type Attachment struct {
	Site    *place.Site
	Network string   // UID or slug; empty: the subnet's, or the default
	Subnet  string   // UID or slug; empty: the network's first, or the default
	Groups  []string // UIDs or slugs
	Pairs   []Pair   // addresses that the ports may use besides their own
}

// Resolved is an attachment whose names have been looked up.
type Resolved struct {
	Network *Network
	Subnet  *Subnet
	Groups  []*SecurityGroup
	pairs   []Pair
	own     bool // its network's subnets are the system's: further ones may be made when this one is full
}

// Resolve looks an attachment up and makes what is default and missing.
func Resolve(ctx context.Context, tx *store.Tx, caller *identity.Caller, a Attachment) (*Resolved, error) {
	r := &Resolved{pairs: a.Pairs}
	if err := (PortChange{Pairs: &a.Pairs}).check(); err != nil {
		return nil, err
	}
	if err := r.findSubnet(ctx, tx, caller, a); err != nil {
		return nil, err
	}
	if r.Subnet.Site != a.Site.UID {
		return nil, fault.New(fault.Invalid, "The network %s belongs to another node than %s.", r.Network.Slug, a.Site.Name).On("vpcId")
	}
	if len(a.Groups) == 0 {
		g, err := StandardGroup(ctx, tx, caller)
		r.Groups = []*SecurityGroup{g}
		return r, err
	}
	for _, id := range a.Groups {
		g, err := FindGroup(ctx, tx, caller, id)
		if err != nil {
			return nil, err
		}
		r.Groups = append(r.Groups, g)
	}
	return r, nil
}

func (r *Resolved) findSubnet(ctx context.Context, tx *store.Tx, caller *identity.Caller, a Attachment) (err error) {
	if a.Subnet != "" {
		return r.named(ctx, tx, caller, a)
	}
	if a.Network != "" {
		if r.Network, err = FindNetwork(ctx, tx, caller, a.Network); err != nil {
			return err
		}
	} else {
		if r.Network, err = DefaultNetwork(ctx, tx, caller, a.Site.UID); err != nil {
			return err
		}
	}
	if r.Network.Site != "" && r.Network.Site != a.Site.UID {
		return fault.New(fault.Invalid, "The network %s belongs to another node than %s.", r.Network.Slug, a.Site.Name).On("vpcId")
	}
	r.own = r.Network.Kind == Default || r.Network.Managed
	r.Subnet = new(Subnet)
	err = tx.NewSelect().Model(r.Subnet).Where("network = ? AND site = ?", r.Network.UID, a.Site.UID).OrderExpr("uid DESC").Limit(1).Scan(ctx)
	if store.NotFound(err) && r.Network.Managed {
		r.Subnet, err = firstOwnSubnet(ctx, tx, r.Network, a.Site.UID)
	}
	if store.NotFound(err) {
		return fault.New(fault.Invalid, "The network %s has no subnet at %s; make one first.", r.Network.Slug, a.Site.Name).On("vpcId")
	}
	return err
}

// firstOwnSubnet brings a managed network to a site where an instance is to be. Another placement may have been faster.
func firstOwnSubnet(ctx context.Context, tx *store.Tx, net *Network, site string) (*Subnet, error) {
	if err := lockNetwork(ctx, tx, net.UID); err != nil {
		return nil, err
	}
	s := new(Subnet)
	err := tx.NewSelect().Model(s).Where("network = ? AND site = ?", net.UID, site).OrderExpr("uid DESC").Limit(1).Scan(ctx)
	if !store.NotFound(err) {
		return s, err
	}
	return addOwnSubnet(ctx, tx, net, site)
}

func (r *Resolved) named(ctx context.Context, tx *store.Tx, caller *identity.Caller, a Attachment) (err error) {
	if r.Subnet, err = FindSubnet(ctx, tx, caller, a.Subnet); err != nil {
		return err
	}
	if r.Network, err = FindNetwork(ctx, tx, caller, r.Subnet.Network); err != nil {
		return err
	}
	if a.Network == "" || a.Network == r.Network.UID || a.Network == r.Network.Slug {
		return nil
	}
	if _, err := FindNetwork(ctx, tx, caller, a.Network); err != nil {
		return err
	}
	return fault.New(fault.Invalid, "The subnet %s does not belong to the network %s.", r.Subnet.Slug, a.Network).On("subnetId")
}

// AddPorts gives each of the instances a port at a position among its NICs. Their specs are written by the instance's life cycle.
func (r *Resolved) AddPorts(ctx context.Context, tx *store.Tx, caller *identity.Caller, position int, instances []string) ([]*Port, error) {
	free, err := r.choose(ctx, tx, len(instances))
	if err != nil {
		return nil, err
	}
	ports := make([]*Port, len(instances))
	var memberships []*PortGroup
	for i, instance := range instances {
		uid := tx.NewUID()
		ports[i] = &Port{UID: uid, Slug: tx.NewSlug(), Account: caller.Account, Network: r.Network.UID, Subnet: free[i].subnet, Site: r.Subnet.Site, Instance: instance,
			Position: position, Kind: NIC, Pairs: Pairs{V: r.pairs}, MAC: macOf(uid), Address: free[i].address.String(), Phase: spec.Pending, Created: tx.Time()}
		for k, g := range r.Groups {
			memberships = append(memberships, &PortGroup{Port: uid, Group: g.UID, Position: k})
		}
	}
	if _, err := tx.NewInsert().Model(&ports).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add ports: %w", err)
	}
	if _, err := tx.NewInsert().Model(&memberships).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add ports to security groups: %w", err)
	}
	return ports, r.useGroups(ctx, tx)
}

// useGroups brings the groups to the site if this is their first use there.
func (r *Resolved) useGroups(ctx context.Context, tx *store.Tx) error {
	for _, g := range r.Groups {
		if err := useGroup(ctx, tx, g, r.Subnet.Site); err != nil {
			return err
		}
	}
	return nil
}

func useGroup(ctx context.Context, tx *store.Tx, g *SecurityGroup, site string) error {
	res, err := tx.NewInsert().Model(&groupSite{Group: g.UID, Site: site}).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return err
	}
	if first, _ := res.RowsAffected(); first == 0 {
		return nil
	}
	return putGroup(ctx, tx, g, site)
}

// PortsOf gives the ports of instances in order.
func PortsOf(ctx context.Context, tx *store.Tx, instances ...string) ([]*Port, error) {
	var ports []*Port
	if len(instances) == 0 {
		return nil, nil
	}
	err := tx.NewSelect().Model(&ports).Where("instance IN (?)", bun.In(instances)).Order("instance", "position").Scan(ctx)
	return ports, err
}

// GroupsOf gives the security groups of a port in order.
func GroupsOf(ctx context.Context, tx *store.Tx, ports []*Port) (map[string][]string, error) {
	var rows []*PortGroup
	uids := make([]string, len(ports))
	for i, p := range ports {
		uids[i] = p.UID
	}
	groups := map[string][]string{}
	if len(uids) == 0 {
		return groups, nil
	}
	if err := tx.NewSelect().Model(&rows).Where("port IN (?)", bun.In(uids)).Order("port", "position", "grp").Scan(ctx); err != nil {
		return nil, err
	}
	for _, row := range rows {
		groups[row.Port] = append(groups[row.Port], row.Group)
	}
	return groups, nil
}

// Bind puts the ports of an instance into security groups, or takes them out. A port keeps at least one group. Ports that were made by themselves keep their own groups.
func (n *Networks) Bind(ctx context.Context, caller *identity.Caller, instances []string, groups []string, in bool) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ports, err := PortsOf(ctx, tx, instances...)
		if err != nil {
			return err
		}
		ports = slices.DeleteFunc(ports, func(p *Port) bool { return p.Account != caller.Account || p.Elastic != "" })
		for _, id := range groups {
			g, err := FindGroup(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			if err := changeMembers(ctx, tx, g, ports, in); err != nil {
				return err
			}
		}
		return put(ctx, tx, ports)
	})
}

func changeMembers(ctx context.Context, tx *store.Tx, g *SecurityGroup, ports []*Port, in bool) error {
	for _, p := range ports {
		if in {
			if _, err := tx.NewInsert().Model(&PortGroup{Port: p.UID, Group: g.UID, Position: 1000}).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return err
			}
			if err := useGroup(ctx, tx, g, p.Site); err != nil {
				return err
			}
			continue
		}
		if _, err := tx.NewDelete().Model((*PortGroup)(nil)).Where("port = ? AND grp = ?", p.UID, g.UID).Exec(ctx); err != nil {
			return err
		}
		left, err := tx.NewSelect().Model((*PortGroup)(nil)).Where("port = ?", p.UID).Exists(ctx)
		if err != nil {
			return err
		}
		if !left {
			return fault.Conflicting("security group", g.Slug, "An instance must stay in at least one security group.")
		}
	}
	return nil
}

// ReleasePorts takes ports away from a site: their specs become tombstones. DropPorts forgets them once the site has confirmed.
func ReleasePorts(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if err := freeBound(ctx, tx, ports); err != nil {
		return err
	}
	if err := unbind(ctx, tx, ports); err != nil {
		return err
	}
	if err := dropRoutesTo(ctx, tx, ports); err != nil {
		return err
	}
	if err := wakeWatchers(ctx, tx, ports); err != nil {
		return err
	}
	for _, p := range ports {
		if err := link.Delete(ctx, tx, spec.SiteTarget(p.Site), spec.KindPort, p.UID); err != nil {
			return err
		}
	}
	return nil
}

// DropPorts forgets ports and gives their addresses back. Those that were made by themselves stay, on no instance.
func DropPorts(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if err := unbind(ctx, tx, ports); err != nil {
		return err
	}
	if err := dropRoutesTo(ctx, tx, ports); err != nil {
		return err
	}
	if err := wakeWatchers(ctx, tx, ports); err != nil {
		return err
	}
	return dropOrLoosen(ctx, tx, ports)
}

// NIC gives what the guest needs to know of a port.
func (p *Port) NIC(s *Subnet) spec.NIC {
	a := netip.MustParseAddr(p.Address)
	return spec.NIC{Port: p.UID, Slot: p.Position, MAC: p.MAC, Addresses: []netip.Prefix{netip.PrefixFrom(a, s.Prefix().Bits())}, Gateway: netip.MustParseAddr(s.Gateway),
		DNS: s.asked(), DHCP: s.DHCP}
}
