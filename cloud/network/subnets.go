package network

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewSubnet is what a caller says of a subnet.
type NewSubnet struct {
	Network     string // UID or slug
	Site        string // UID; empty: the network's only one
	Name        string
	Description string
	CIDR        string
	HostBits    bool   // the CIDR may be any address of the range
	Gateway     string // empty: the range's first address
	NoDHCP      bool
	DNS         Servers
	Tags        []Tag
}

// CreateSubnet makes a subnet inside a network's range; it must not overlap another.
func (n *Networks) CreateSubnet(ctx context.Context, caller *identity.Caller, w NewSubnet) (s *Subnet, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	wanted, err := w.subnet()
	if err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s = new(*wanted)
		net, err := FindNetwork(ctx, tx, caller, w.Network)
		if err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, net.UID); err != nil {
			return err
		}
		if s.Site, err = siteFor(ctx, tx, net, w.Site); err != nil {
			return err
		}
		if err := mustFit(ctx, tx, net, s.Prefix()); err != nil {
			return err
		}
		if err := insertSubnet(ctx, tx, net, s); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "subnet", s.UID)
	})
	return s, err
}

// subnet checks what can be checked without looking anything up.
func (w NewSubnet) subnet() (*Subnet, error) {
	if err := checkName(w.Name); err != nil {
		return nil, err
	}
	if err := checkDescription(w.Description); err != nil {
		return nil, err
	}
	prefix, err := parseCIDR("cidr", w.CIDR, 8, 29, w.HostBits)
	if err != nil {
		return nil, err
	}
	s := &Subnet{Name: w.Name, Description: w.Description, CIDR: w.CIDR, Gateway: prefix.Addr().Next().String(), DHCP: !w.NoDHCP, DNS: defaultDNS, Kind: Custom, Tags: TagsOf(w.Tags)}
	if w.Gateway != "" {
		gateway, err := netip.ParseAddr(w.Gateway)
		if err != nil || checkChosen(s, gateway) != nil {
			return nil, fault.BadField("gateway", "must be an address of the range %s other than its first and last", prefix)
		}
		s.Gateway = gateway.String()
	}
	return s, w.DNS.apply(s)
}

// maxSpanningBits is the longest mask of a subnet in a network that spans sites (IEC createSubnet).
const maxSpanningBits = 28

// siteFor decides where a new subnet of a network is to be.
func siteFor(ctx context.Context, tx *store.Tx, net *Network, wanted string) (string, error) {
	if net.Managed {
		return "", ownSubnetsOnly()
	}
	if wanted == "" && net.Site == "" {
		if err := loadSites(ctx, tx, net); err != nil {
			return "", err
		}
		if len(net.Sites) != 1 {
			return "", fault.BadField("site", "is required: the network spans sites")
		}
		return net.Sites[0], nil
	}
	if wanted != "" && net.Site != "" && wanted != net.Site {
		return "", fault.BadField("site", "must be the network's")
	}
	return cmp.Or(wanted, net.Site), nil
}

func ownSubnetsOnly() error {
	return fault.New(fault.Denied, "The subnets of this network are made by the system where instances are placed.").About("subnet", "")
}

func mustFit(ctx context.Context, tx *store.Tx, net *Network, prefix netip.Prefix) error {
	if !net.holds(prefix) {
		return fault.BadField("cidr", "must lie inside the network's range %s", net.Prefix()).About("network range", net.CIDR)
	}
	if net.Site == "" && prefix.Bits() > maxSpanningBits {
		return fault.BadField("cidr", "must have a mask of at most /%d", maxSpanningBits)
	}
	var others []*Subnet
	if err := tx.NewSelect().Model(&others).Where("network = ?", net.UID).Scan(ctx); err != nil {
		return err
	}
	for _, o := range others {
		if o.Prefix().Overlaps(prefix) {
			return fault.New(fault.Conflict, "The range %s overlaps the subnet %s (%s).", prefix, o.Name, o.CIDR).On("cidr")
		}
	}
	return nil
}

// insertSubnet adds a subnet whose site, name, range, gateway and servers are set.
func insertSubnet(ctx context.Context, tx *store.Tx, net *Network, s *Subnet) error {
	s.UID, s.Slug, s.Created = tx.NewUID(), tx.NewSlug(), tx.Time()
	s.Account, s.Network, s.Phase, s.Cursor = net.Account, net.UID, spec.Pending, firstOffset
	if s.Gateway == s.Prefix().Addr().Next().String() {
		s.Cursor++ // the search need not try it
	}
	if err := quota.Count(ctx, tx, s.Account, s.counts(net, 1)...); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
		return fmt.Errorf("add subnet: %w", err)
	}
	if err := addRouter(ctx, tx, net, s.Site); err != nil {
		return err
	}
	if err := reachOut(ctx, tx, net.UID, s.Site); err != nil {
		return err
	}
	leg, err := addGatewayPort(ctx, tx, s)
	if err != nil {
		return err
	}
	if err := putSubnet(ctx, tx, s, leg); err != nil {
		return err
	}
	return renewGateways(ctx, tx, s.Network, s.Site)
}

// counts are the quotas that a subnet uses. Those that the system makes do not use the tenant's up, so that the whole range can be had.
func (s *Subnet) counts(net *Network, delta int64) []quota.Change {
	switch {
	case s.Kind == Default:
		return nil
	case net.Site == "":
		return []quota.Change{{Name: quota.TotalSubnets, Delta: delta}}
	}
	return []quota.Change{{Name: quota.Subnets, Scope: net.UID, Delta: delta}}
}

// addOwnSubnet gives a network whose subnets the system makes its next one at a site.
func addOwnSubnet(ctx context.Context, tx *store.Tx, net *Network, site string) (*Subnet, error) {
	bits := max(defaultSubnetBits, net.Prefix().Bits())
	prefix := netip.PrefixFrom(net.Prefix().Addr(), bits)
	for net.Prefix().Contains(prefix.Addr()) {
		err := mustFit(ctx, tx, net, prefix)
		if err != nil && !fault.Is(err, fault.Conflict) {
			return nil, err
		}
		if err == nil {
			s := &Subnet{Site: site, Name: defaultName, Kind: Default, CIDR: prefix.String(), Gateway: prefix.Addr().Next().String(), DHCP: true, DNS: defaultDNS}
			return s, insertSubnet(ctx, tx, net, s)
		}
		prefix = netip.PrefixFrom(lastOf(prefix).Next(), bits)
	}
	return nil, fault.New(fault.Capacity, "The network %s has no address left.", net.Name)
}

// FindSubnet finds the caller's subnet by UID or slug inside a transaction.
func FindSubnet(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Subnet, error) {
	s := new(Subnet)
	err := tx.NewSelect().Model(s).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("subnet", id)
	}
	return s, err
}
