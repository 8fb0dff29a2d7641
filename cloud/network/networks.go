package network

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/store"
)

// Networks gives access to networks and all that hangs on them.
type Networks struct {
	db    *store.DB
	place *place.Place
}

// New makes a Networks on a database.
func New(db *store.DB, p *place.Place) *Networks { return &Networks{db: db, place: p} }

// The default network of an account at a site (BEC 1.0 createVmService: "172.16.0.0/20 with a default subnet 172.16.0.0/24").
const (
	defaultCIDR       = "172.16.0.0/20"
	defaultSubnetBits = 24
	defaultName       = "default"
	defaultWords      = "默认私有网络"
	defaultDNS        = "114.114.114.114"
)

// NewNetwork is what a caller says of a network.
type NewNetwork struct {
	Site        *place.Site // nil: it spans sites
	Managed     bool        // the cloud makes its subnets where instances are placed
	Name        string
	Description string
	CIDR        string
	Tags        []Tag
}

// CreateNetwork makes a network at a site, or one that spans sites.
func (n *Networks) CreateNetwork(ctx context.Context, caller *identity.Caller, w NewNetwork) (*Network, error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	var net *Network
	err := n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		net = &Network{Account: caller.Account, Name: w.Name, Description: w.Description, CIDR: w.CIDR, Kind: Custom, Managed: w.Managed, Tags: TagsOf(w.Tags)}
		if w.Site != nil {
			net.Site = w.Site.UID
		}
		if err := insertNetwork(ctx, tx, net); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "network", net.UID)
	})
	return net, err
}

func (w NewNetwork) check() error {
	if err := checkName(w.Name); err != nil {
		return err
	}
	if err := checkDescription(w.Description); err != nil {
		return err
	}
	prefix, err := parseCIDR("cidr", w.CIDR, 8, 28, w.Site == nil)
	if err == nil && w.Site == nil {
		err = checkPrivate(prefix)
	}
	return err
}

// checkPrivate holds the range of a network that spans sites against those that IEC has (api/iec/vpc.yaml, Vpc.cidr).
func checkPrivate(p netip.Prefix) error {
	for _, whole := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		if w := netip.MustParsePrefix(whole); w.Contains(p.Addr()) && p.Bits() >= w.Bits() && p.Bits() <= 24 {
			return nil
		}
	}
	return fault.BadField("cidr", "must be a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 with a mask of at most /24")
}

func insertNetwork(ctx context.Context, tx *store.Tx, net *Network) error {
	net.UID, net.Slug, net.Created = tx.NewUID(), tx.NewSlug(), tx.Time()
	if err := quota.Count(ctx, tx, net.Account, net.count(1)); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(net).Exec(ctx); err != nil {
		return nameTaken(fmt.Errorf("add network: %w", err))
	}
	if err := addDefaultTable(ctx, tx, net); err != nil {
		return err
	}
	if net.Site == "" {
		return nil
	}
	return addRouter(ctx, tx, net, net.Site)
}

// count is the quota that a network uses. One that spans sites is none of a site's: only the total counts it.
func (n *Network) count(delta int64) quota.Change {
	if n.Site == "" {
		return quota.Change{Name: quota.TotalNetworks, Delta: delta}
	}
	return quota.Change{Name: quota.Networks, Scope: n.Site, Delta: delta}
}

// nameTaken tells of a second network of one name. Only those that span sites have unique names.
func nameTaken(err error) error {
	if columns, dup := store.IsUnique(err); dup && strings.Contains(columns, "name") {
		return fault.New(fault.Exists, "There is a network of this name already.").About("network", "").On("name")
	}
	return err
}

// FindNetwork finds the caller's network by UID or slug inside a transaction.
func FindNetwork(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Network, error) {
	net := new(Network)
	err := tx.NewSelect().Model(net).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("network", id)
	}
	return net, err
}

// NetworksByUID gives those of the caller's networks that are named, by UID: for lists of what hangs on them.
func (n *Networks) NetworksByUID(ctx context.Context, caller *identity.Caller, uids []string) (map[string]*Network, error) {
	found := map[string]*Network{}
	if len(uids) == 0 {
		return found, nil
	}
	var all []*Network
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&all).Where("account = ?", caller.Account).Where("uid IN (?)", bun.In(uids)).Scan(ctx)
	})
	for _, net := range all {
		found[net.UID] = net
	}
	return found, err
}

// GetNetwork gives one network with its subnets.
func (n *Networks) GetNetwork(ctx context.Context, caller *identity.Caller, id string) (net *Network, subnets []*Subnet, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if net, err = FindNetwork(ctx, tx, caller, id); err != nil {
			return err
		}
		if err := loadSites(ctx, tx, net); err != nil {
			return err
		}
		if err := tx.NewSelect().Model(&subnets).Where("network = ?", net.UID).Order("uid").Scan(ctx); err != nil {
			return err
		}
		net.Subnets = len(subnets)
		return nil
	})
	return net, subnets, err
}

// Text changes a name or description; nil leaves it.
type Text struct {
	Name        *string
	Description *string
}

func (t Text) check() error {
	if t.Name != nil {
		if err := checkName(*t.Name); err != nil {
			return err
		}
	}
	if t.Description != nil {
		return checkDescription(*t.Description)
	}
	return nil
}

// NetworkChange changes a network; nil leaves a field.
type NetworkChange struct {
	Text
	CIDR *string // of one that spans sites; its subnets must lie in it
}

// UpdateNetwork changes a network.
func (n *Networks) UpdateNetwork(ctx context.Context, caller *identity.Caller, id string, c NetworkChange) (net *Network, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if net, err = FindNetwork(ctx, tx, caller, id); err != nil {
			return err
		}
		net.Name, net.Description = c.apply(net.Name, net.Description)
		if c.CIDR != nil {
			if err := resize(ctx, tx, net, *c.CIDR); err != nil {
				return err
			}
		}
		if _, err := tx.NewUpdate().Model(net).Column("name", "description", "cidr").WherePK().Exec(ctx); err != nil {
			return nameTaken(err)
		}
		if err := loadSites(ctx, tx, net); err != nil {
			return err
		}
		if net.Subnets, err = tx.NewSelect().Model((*Subnet)(nil)).Where("network = ?", net.UID).Count(ctx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "network", net.UID)
	})
	return net, err
}

// resize gives a network another range that still holds all its subnets.
func resize(ctx context.Context, tx *store.Tx, net *Network, cidr string) error {
	if net.Site != "" {
		return fault.Conflicting("network", net.Slug, "The range of a network of one site cannot be changed.").On("cidr")
	}
	prefix, err := parseCIDR("cidr", cidr, 8, 28, true)
	if err != nil {
		return err
	}
	if err := checkPrivate(prefix); err != nil {
		return err
	}
	if err := lockNetwork(ctx, tx, net.UID); err != nil {
		return err
	}
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("network = ?", net.UID).Scan(ctx); err != nil {
		return err
	}
	net.CIDR = cidr
	for _, s := range subnets {
		if !net.holds(s.Prefix()) {
			return fault.Conflicting("subnet", s.Slug, "The subnet %s (%s) lies outside the range %s.", s.Name, s.CIDR, prefix)
		}
	}
	return nil
}

// holds tells whether a range lies inside the network's.
func (n *Network) holds(p netip.Prefix) bool {
	whole := n.Prefix()
	return p.Bits() >= whole.Bits() && whole.Contains(p.Addr())
}

func (t Text) apply(name, description string) (string, string) {
	if t.Name != nil {
		name = *t.Name
	}
	if t.Description != nil {
		description = *t.Description
	}
	return name, description
}

// DeleteNetwork removes a network. One of a single site, or whose subnets the system made, goes with its subnets; one that spans sites must have none (IEC deleteVpc).
// A default network and one with ports stay (BEC 1.0 deleteVpc).
func (n *Networks) DeleteNetwork(ctx context.Context, caller *identity.Caller, id string) (net *Network, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if net, err = FindNetwork(ctx, tx, caller, id); err != nil {
			return err
		}
		if net.Kind == Default {
			return fault.Conflicting("network", id, "The default network of a node cannot be deleted.")
		}
		return deleteNetwork(ctx, tx, caller, net)
	})
	return net, err
}

func deleteNetwork(ctx context.Context, tx *store.Tx, caller *identity.Caller, net *Network) error {
	if err := lockNetwork(ctx, tx, net.UID); err != nil {
		return err
	}
	if err := mustBeFree(ctx, tx, "network", net.UID, net.Slug); err != nil {
		return err
	}
	if err := mustHaveNoGateway(ctx, tx, net); err != nil {
		return err
	}
	var subnets []*Subnet
	if err := tx.NewSelect().Model(&subnets).Where("network = ?", net.UID).Scan(ctx); err != nil {
		return err
	}
	if net.Site == "" && !net.Managed && len(subnets) > 0 {
		return fault.Conflicting("subnet", net.Slug, "The network has %d subnets; delete them first.", len(subnets))
	}
	for _, s := range subnets {
		if err := dropSubnet(ctx, tx, s); err != nil {
			return err
		}
	}
	if err := dropTables(ctx, tx, net); err != nil {
		return err
	}
	if err := dropRouters(ctx, tx, net); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model(net).WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := quota.Drop(ctx, tx, net.Account, quota.Subnets, net.UID); err != nil {
		return err
	}
	if err := quota.Count(ctx, tx, net.Account, net.count(-1)); err != nil {
		return err
	}
	return audit.Note(ctx, tx, caller, "network", net.UID)
}

// lockNetwork makes changes of what hangs on a network go one after the other.
func lockNetwork(ctx context.Context, tx *store.Tx, uid string) error {
	_, err := tx.NewUpdate().Model((*Network)(nil)).Set("revision = revision + 1").Where("uid = ?", uid).Exec(ctx)
	return err
}

// DefaultNetwork finds the account's default network at a site, or makes it with its first subnet.
func DefaultNetwork(ctx context.Context, tx *store.Tx, caller *identity.Caller, site string) (*Network, error) {
	net := new(Network)
	err := tx.NewSelect().Model(net).Where("account = ? AND site = ? AND kind = ?", caller.Account, site, Default).Scan(ctx)
	if err == nil || !store.NotFound(err) {
		return net, err
	}
	*net = Network{Account: caller.Account, Site: site, Name: defaultName, Description: defaultWords, CIDR: defaultCIDR, Kind: Default}
	if err := insertNetwork(ctx, tx, net); err != nil {
		return nil, err
	}
	_, err = addOwnSubnet(ctx, tx, net, site)
	return net, err
}

func checkName(name string) error {
	length := len([]rune(name))
	if length < 1 || length > 65 {
		return fault.BadField("name", "must have 1 to 65 characters")
	}
	if name == defaultName {
		return fault.BadField("name", "must not be %q, which is the name of what the system makes", defaultName).About("reserved name", name)
	}
	if strings.TrimSpace(name) == "" {
		return fault.BadField("name", "must not be blank")
	}
	return nil
}

func checkDescription(text string) error {
	if len([]rune(text)) > 200 {
		return fault.BadField("description", "must have at most 200 characters")
	}
	return nil
}

// parseCIDR reads an IPv4 range whose mask lies between two lengths. hostBits: it may be written as any address of the range.
func parseCIDR(field, text string, minBits, maxBits int, hostBits bool) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return p, fault.BadField(field, "must be an IPv4 range such as 192.168.0.0/16")
	}
	if p.Bits() < minBits || p.Bits() > maxBits {
		return p, fault.BadField(field, "must have a mask between /%d and /%d", minBits, maxBits)
	}
	if p != p.Masked() && !hostBits {
		return p, fault.BadField(field, "must be a network address: %s, not %s", p.Masked(), p)
	}
	return p.Masked(), nil
}
