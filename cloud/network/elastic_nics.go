package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// MaxElasticAddresses is how many addresses an elastic NIC has at most, the primary one included. BEC says "by quota" and names no number: this is the largest that an
// instance may have.
const MaxElasticAddresses = 40

// maxAtOnce is how many further addresses of an elastic NIC one call adds or removes (BEC batchAddEniPrivateIps).
const maxAtOnce = 10

// NewElasticNIC is what a caller says of a NIC that is made by itself.
type NewElasticNIC struct {
	Name        string
	Description string
	Subnet      string       // UID or slug
	Groups      []string     // UIDs or slugs of security groups
	Primary     netip.Addr   // invalid: any free one
	Further     []netip.Addr // invalid ones: any free ones
}

func (w NewElasticNIC) check() error {
	if err := (Text{Name: &w.Name, Description: &w.Description}).check(); err != nil {
		return err
	}
	if len(w.Groups) == 0 {
		return fault.BadField("security_groups", "must name at least one security group")
	}
	return nil
}

// CreateElasticNIC makes a NIC that is on no instance. Its site is told of it when it comes to one.
func (n *Networks) CreateElasticNIC(ctx context.Context, caller *identity.Caller, w NewElasticNIC) (p *Port, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := FindSubnet(ctx, tx, caller, w.Subnet)
		if err != nil {
			return fault.From(err).On("subnet")
		}
		if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.ElasticNICs, Delta: 1}); err != nil {
			return err
		}
		if p, err = insertElastic(ctx, tx, caller, s, w); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "port", p.UID)
	})
	return p, err
}

func insertElastic(ctx context.Context, tx *store.Tx, caller *identity.Caller, s *Subnet, w NewElasticNIC) (*Port, error) {
	if w.Primary.IsValid() && slices.Contains(w.Further, w.Primary) {
		return nil, fault.New(fault.Exists, "The address %s is named twice.", w.Primary).On("address")
	}
	uid := tx.NewUID()
	p := &Port{UID: uid, Slug: tx.NewSlug(), Account: caller.Account, Network: s.Network, Subnet: s.UID, Site: s.Site, Kind: NIC, Elastic: Loose, Name: w.Name,
		Description: w.Description, MAC: macOf(uid), Phase: spec.Pending, Created: tx.Time()}
	// Its chosen further addresses first, so that none of them becomes the primary one that the cloud chooses.
	if w.Primary.IsValid() {
		p.Address = w.Primary.String()
	}
	if len(w.Further) > 0 {
		if _, err := hold(ctx, tx, s, p, w.Further, MaxElasticAddresses); err != nil {
			return nil, err
		}
	}
	primary, err := pick(ctx, tx, s, w.Primary)
	if err != nil {
		return nil, err
	}
	p.Address = primary.String()
	if _, err := tx.NewInsert().Model(p).Exec(ctx); err != nil {
		return nil, addressTaken(fmt.Errorf("add an elastic NIC: %w", err), p.Address)
	}
	return p, setGroups(ctx, tx, caller, p, w.Groups)
}

// FindElastic finds the caller's elastic NIC by UID or slug inside a transaction.
func FindElastic(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*Port, error) {
	p, err := FindPort(ctx, tx, caller, id)
	if err == nil && p.Elastic == "" || fault.Is(err, fault.NotFound) {
		return nil, fault.Missing("elastic NIC", id)
	}
	return p, err
}

// changeElastic finds an elastic NIC and changes it.
func (n *Networks) changeElastic(ctx context.Context, caller *identity.Caller, id string, change func(ctx context.Context, tx *store.Tx, p *Port) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := FindElastic(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, p); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "port", p.UID)
	})
}

// UpdateElasticNIC changes an elastic NIC's name or description.
func (n *Networks) UpdateElasticNIC(ctx context.Context, caller *identity.Caller, id string, t Text) error {
	if err := t.check(); err != nil {
		return err
	}
	return n.changeElastic(ctx, caller, id, func(ctx context.Context, tx *store.Tx, p *Port) error {
		set(&p.Name, t.Name)
		set(&p.Description, t.Description)
		_, err := tx.NewUpdate().Model(p).Column("name", "description").WherePK().Exec(ctx)
		return err
	})
}

// DeleteElasticNIC forgets an elastic NIC that is on no instance, and gives its addresses back.
func (n *Networks) DeleteElasticNIC(ctx context.Context, caller *identity.Caller, id string) error {
	return n.changeElastic(ctx, caller, id, func(ctx context.Context, tx *store.Tx, p *Port) error {
		if p.Elastic != Loose {
			return fault.Conflicting("elastic NIC", id, "The elastic NIC is %s; it can be deleted when it is on no instance.", p.Elastic)
		}
		if err := unbind(ctx, tx, []*Port{p}); err != nil {
			return err
		}
		if err := dropRows(ctx, tx, []*Port{p}); err != nil {
			return err
		}
		return quota.Count(ctx, tx, p.Account, quota.Change{Name: quota.ElasticNICs, Delta: -1})
	})
}

// AddElasticAddresses gives an elastic NIC further addresses; invalid ones are any free ones.
func (n *Networks) AddElasticAddresses(ctx context.Context, caller *identity.Caller, id string, wanted []netip.Addr) (added []string, err error) {
	if len(wanted) > maxAtOnce {
		return nil, fault.BadField("addresses", "must be at most %d", maxAtOnce)
	}
	err = n.changeElastic(ctx, caller, id, func(ctx context.Context, tx *store.Tx, p *Port) error {
		added, err = AddFurther(ctx, tx, p, wanted, MaxElasticAddresses)
		return err
	})
	return added, err
}

// RemoveElasticAddresses takes further addresses from an elastic NIC.
func (n *Networks) RemoveElasticAddresses(ctx context.Context, caller *identity.Caller, id string, addresses []string) error {
	if len(addresses) > maxAtOnce {
		return fault.BadField("addresses", "must be at most %d", maxAtOnce)
	}
	return n.changeElastic(ctx, caller, id, func(ctx context.Context, tx *store.Tx, p *Port) error {
		return RemoveFurther(ctx, tx, p, addresses)
	})
}

// NICGroups names the security groups of an elastic NIC.
type NICGroups struct {
	NIC    string   // UID or slug
	Groups []string // UIDs or slugs
}

// SetElasticGroups makes groups the only ones of elastic NICs; all or none is changed.
func (n *Networks) SetElasticGroups(ctx context.Context, caller *identity.Caller, all []NICGroups) error {
	return n.eachElastic(ctx, caller, all, func(ctx context.Context, tx *store.Tx, p *Port, groups []string) error {
		if err := setGroups(ctx, tx, caller, p, groups); err != nil {
			return err
		}
		return putLiving(ctx, tx, p)
	})
}

// LeaveElasticGroups takes elastic NICs out of groups; each stays in at least one.
func (n *Networks) LeaveElasticGroups(ctx context.Context, caller *identity.Caller, all []NICGroups) error {
	return n.eachElastic(ctx, caller, all, func(ctx context.Context, tx *store.Tx, p *Port, groups []string) error {
		for _, id := range groups {
			g, err := FindGroup(ctx, tx, caller, id)
			if err != nil {
				return fault.From(err).On("security_groups")
			}
			if err := changeMembers(ctx, tx, g, []*Port{p}, false); err != nil {
				return err
			}
		}
		return putLiving(ctx, tx, p)
	})
}

func (n *Networks) eachElastic(ctx context.Context, caller *identity.Caller, all []NICGroups, change func(ctx context.Context, tx *store.Tx, p *Port, groups []string) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(all) == 0 {
		return fault.BadField("enis", "must name at least one")
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, one := range all {
			if len(one.Groups) == 0 {
				return fault.BadField("security_groups", "must name at least one security group")
			}
			p, err := FindElastic(ctx, tx, caller, one.NIC)
			if err != nil {
				return err
			}
			if err := change(ctx, tx, p, one.Groups); err != nil {
				return err
			}
			if err := audit.Note(ctx, tx, caller, "port", p.UID); err != nil {
				return err
			}
		}
		return nil
	})
}
