package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// NewVirtualIP is what a caller says of a virtual IP.
type NewVirtualIP struct {
	Subnet  string // UID or slug
	Name    string
	Address netip.Addr // invalid: any free one
}

// CreateVirtualIP gives the caller an address of a subnet that no NIC has yet: see UpdatePort for who may use it.
func (n *Networks) CreateVirtualIP(ctx context.Context, caller *identity.Caller, w NewVirtualIP) (*PortDetail, error) {
	made, err := n.CreateVirtualIPs(ctx, caller, []NewVirtualIP{w})
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// CreateVirtualIPs makes several virtual IPs: all or none.
func (n *Networks) CreateVirtualIPs(ctx context.Context, caller *identity.Caller, all []NewVirtualIP) (made []*PortDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		made = nil
		for _, w := range all {
			p, err := addVirtualIP(ctx, tx, caller, w)
			if err != nil {
				return err
			}
			made = append(made, p)
		}
		return audit.Note(ctx, tx, caller, "port", made[0].UID)
	})
	return made, err
}

func addVirtualIP(ctx context.Context, tx *store.Tx, caller *identity.Caller, w NewVirtualIP) (*PortDetail, error) {
	s, err := FindSubnet(ctx, tx, caller, w.Subnet)
	if err != nil {
		return nil, err
	}
	address, err := pick(ctx, tx, s, w.Address)
	if err != nil {
		return nil, err
	}
	uid := tx.NewUID()
	v := &Port{UID: uid, Slug: tx.NewSlug(), Account: caller.Account, Network: s.Network, Subnet: s.UID, Site: s.Site, Kind: Virtual, Name: w.Name, MAC: macOf(uid),
		Address: address.String(), Phase: spec.Pending, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(v).Exec(ctx); err != nil {
		return nil, addressTaken(fmt.Errorf("add virtual IP: %w", err), v.Address)
	}
	if err := putVirtualIP(ctx, tx, v); err != nil {
		return nil, err
	}
	return &PortDetail{Port: *v, SubnetPhase: s.Phase}, nil
}

// pick takes the address that a caller chose, or a free one.
func pick(ctx context.Context, tx *store.Tx, s *Subnet, chosen netip.Addr) (netip.Addr, error) {
	if chosen.IsValid() {
		return chosen, checkChosen(s, chosen)
	}
	free, err := allocate(ctx, tx, s, 1)
	if err != nil {
		return chosen, err
	}
	return free[0], nil
}

// DeleteVirtualIP takes a virtual IP away that no NIC has any more. Its address is free again once its site has confirmed.
func (n *Networks) DeleteVirtualIP(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		p, err := FindPort(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if p.Kind != Virtual {
			return fault.Conflicting("port", id, "Only virtual IPs can be deleted; other ports come and go with what they belong to.")
		}
		if err := mustBeUnbound(ctx, tx, p); err != nil {
			return err
		}
		if err := dropRoutesTo(ctx, tx, []*Port{p}); err != nil {
			return err
		}
		if err := doomVirtualIP(ctx, tx, p); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, "port", p.UID)
	})
}

func doomVirtualIP(ctx context.Context, tx *store.Tx, p *Port) error {
	p.Doomed = true
	if _, err := tx.NewUpdate().Model(p).Column("doomed").WherePK().Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewDelete().Model((*PortGroup)(nil)).Where("port = ?", p.UID).Exec(ctx); err != nil {
		return err
	}
	return link.Delete(ctx, tx, spec.SiteTarget(p.Site), spec.KindVirtualIP, p.UID)
}

func mustBeUnbound(ctx context.Context, tx *store.Tx, p *Port) error {
	bound, err := tx.NewSelect().Model((*Member)(nil)).Where("vip = ?", p.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if bound {
		return fault.Conflicting("virtual IP", p.UID, "The virtual IP is bound to a network interface; unbind it first.")
	}
	public, err := tx.NewSelect().Model((*PublicIP)(nil)).Where("port = ? AND port <> ''", p.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if public {
		return fault.Conflicting("public IP", p.UID, "A public address is bound to the virtual IP; unbind it first.")
	}
	return nil
}

// bindTo makes the NICs of a virtual IP's subnet that have the named addresses its members, and no others. An address that no NIC has is kept as said, and bound
// to nothing (IEC updatePort: "they must be existing NIC addresses, otherwise the virtual IP may not communicate").
func bindTo(ctx context.Context, tx *store.Tx, vip *Port, addresses []string) error {
	if _, err := tx.NewDelete().Model((*Member)(nil)).Where("vip = ?", vip.UID).Exec(ctx); err != nil {
		return err
	}
	if len(addresses) > 0 {
		query := "INSERT INTO virtual_ip_members (vip, port) SELECT ?, uid FROM ports WHERE subnet = ? AND kind = ? AND address IN (?)"
		if _, err := tx.NewRaw(query, vip.UID, vip.Subnet, NIC, bun.In(addresses)).Exec(ctx); err != nil {
			return fmt.Errorf("bind virtual IP: %w", err)
		}
	}
	return putVirtualIP(ctx, tx, vip)
}

// unbind takes ports that go out of all virtual IPs.
func unbind(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if len(ports) == 0 {
		return nil
	}
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.UID
	}
	var vips []*Port
	if err := tx.NewSelect().Model(&vips).Where("uid IN (SELECT m.vip FROM virtual_ip_members AS m WHERE m.port IN (?))", bun.In(uids)).Order("uid").Scan(ctx); err != nil {
		return err
	}
	if len(vips) == 0 {
		return nil
	}
	if _, err := tx.NewDelete().Model((*Member)(nil)).Where("port IN (?)", bun.In(uids)).Exec(ctx); err != nil {
		return err
	}
	for _, v := range vips {
		if err := putVirtualIP(ctx, tx, v); err != nil {
			return err
		}
	}
	return nil
}

func putVirtualIP(ctx context.Context, tx *store.Tx, v *Port) error {
	var members []string
	if err := tx.NewSelect().Model((*Member)(nil)).Column("port").Where("vip = ?", v.UID).Order("port").Scan(ctx, &members); err != nil {
		return err
	}
	body := spec.VirtualIP{UID: v.UID, Network: v.Network, Subnet: v.Subnet, MAC: v.MAC, Address: netip.MustParseAddr(v.Address), Ports: members}
	generation, err := link.Put(ctx, tx, spec.SiteTarget(v.Site), spec.KindVirtualIP, v.UID, body)
	if err != nil || v.Wanted == generation {
		return err
	}
	v.Wanted = generation
	_, err = tx.NewUpdate().Model(v).Column("wanted").WherePK().Exec(ctx)
	return err
}
