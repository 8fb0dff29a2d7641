package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// BindPublicIP binds an address that stands alone to a NIC or a virtual IP of the same site, from whatever port it was bound to before; an empty port unbinds it, from a
// NAT gateway too.
func (n *Networks) BindPublicIP(ctx context.Context, caller *identity.Caller, id, port string) (*PublicIPDetail, error) {
	return n.bind(ctx, caller, id, func(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
		if ip.State == IPCreating {
			return fault.Conflicting("public IP", id, "The public address is still being created.").On("state")
		}
		if port == "" {
			return release(ctx, tx, caller, ip)
		}
		return bindIP(ctx, tx, caller, ip, port)
	})
}

// TakePublicIP is BindPublicIP for an address that must be bound to nothing, and that may have been made a moment ago: the site then binds it when it has the line.
func (n *Networks) TakePublicIP(ctx context.Context, caller *identity.Caller, id, port string) error {
	_, err := n.bind(ctx, caller, id, func(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
		if ip.Port != "" {
			return fault.Conflicting("public IP", id, "The public address is bound already; unbind it first.")
		}
		return bindIP(ctx, tx, caller, ip, port)
	})
	return err
}

// FreePublicIP unbinds an address; from is the port or NAT gateway that it must be bound to, unless that is empty.
func (n *Networks) FreePublicIP(ctx context.Context, caller *identity.Caller, id, from string) error {
	_, err := n.bind(ctx, caller, id, func(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
		if !ip.bound() || from != "" && from != ip.Port && from != ip.Gateway {
			return fault.Conflicting("public IP", id, "The public address is not bound to that.")
		}
		return release(ctx, tx, caller, ip)
	})
	return err
}

// bound tells whether the address is bound to a port or a NAT gateway.
func (ip *PublicIP) bound() bool { return ip.Port != "" || ip.Gateway != "" }

// release unbinds an address from whatever it is bound to.
func release(ctx context.Context, tx *store.Tx, caller *identity.Caller, ip *PublicIP) error {
	if ip.Gateway != "" {
		return partFromGateway(ctx, tx, caller, ip)
	}
	return freeIP(ctx, tx, ip)
}

func (n *Networks) bind(ctx context.Context, caller *identity.Caller, id string, change func(context.Context, *store.Tx, *PublicIP) error) (d *PublicIPDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ip, err := findAlone(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, ip); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, caller, PublicIPKind, ip.UID); err != nil {
			return err
		}
		d, err = ipDetail(ctx, tx, caller, ip.UID)
		return err
	})
	return d, err
}

func bindIP(ctx context.Context, tx *store.Tx, caller *identity.Caller, ip *PublicIP, port string) error {
	if ip.State == IPFailed {
		return fault.Conflicting("public IP", ip.UID, "The public address could not be made at its site and cannot be bound.")
	}
	if ip.Gateway != "" {
		return fault.Conflicting("public IP", ip.UID, "The public address is bound to a NAT gateway; unbind it first.").On("gateway")
	}
	p, err := FindPort(ctx, tx, caller, port)
	if err != nil {
		return fault.From(err).On("port")
	}
	if p.Kind == Gateway {
		return fault.Conflicting("port", port, "A public address binds to a network interface or a virtual IP, not to a gateway.")
	}
	if p.Elastic != "" && p.Elastic != Attached { // its site does not know of it, so that nothing would ever confirm
		return fault.Conflicting("port", port, "The network interface is on no instance; attach it first.").On("port")
	}
	if p.Site != ip.Site {
		return fault.New(fault.Invalid, "The public address and the port are at different sites.").On("port")
	}
	other, err := tx.NewSelect().Model((*PublicIP)(nil)).Where("port <> '' AND port = ? AND uid <> ?", p.UID, ip.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if other {
		return portTaken(p)
	}
	l, err := lineFor(ctx, tx, ip.Site, ip.Line)
	if err != nil {
		return err
	}
	router, err := ensureRouterAddress(ctx, tx, p.Network, l)
	if err != nil {
		return err
	}
	if err := sameProvider(ctx, tx, l, router); err != nil {
		return err
	}
	ip.Port, ip.Uplink, ip.State = p.UID, router.Line, IPBinding
	return putIP(ctx, tx, ip, p)
}

func portTaken(p *Port) error {
	return fault.Conflicting("port", p.UID, "The port has a public address already; unbind that first.").On("port")
}

// sameProvider demands that a network's router reaches the address's line: several lines of a site share one provider network.
func sameProvider(ctx context.Context, tx *store.Tx, l *place.Line, r *Router) error {
	if r.Line == l.UID {
		return nil
	}
	out, err := lineFor(ctx, tx, l.Site, r.Line)
	if err != nil {
		return err
	}
	if out.PhysicalNetwork != l.PhysicalNetwork || out.VLAN != l.VLAN {
		return fault.New(fault.Conflict, "The port's network goes out over another line, whose provider network is not that of the address.").On("port")
	}
	return nil
}

// putIP writes what a bound address is, to the site and to its row.
func putIP(ctx context.Context, tx *store.Tx, ip *PublicIP, p *Port) error {
	generation, err := link.Put(ctx, tx, spec.SiteTarget(ip.Site), spec.KindPublicIP, ip.UID, ip.specOf(p))
	if err != nil {
		return err
	}
	ip.Wanted = generation
	_, err = tx.NewUpdate().Model(ip).Column("port", "uplink", "state", "wanted", "mbps", "bandwidth").WherePK().Exec(ctx)
	if _, taken := store.IsUnique(err); taken {
		return portTaken(p)
	}
	if err != nil {
		return err
	}
	return work.Wake(ctx, tx, PublicIPKind, ip.UID)
}

// freeIP unbinds an address; one that is bound to nothing stays as it is.
func freeIP(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
	if ip.Port == "" {
		return nil
	}
	if err := link.Delete(ctx, tx, spec.SiteTarget(ip.Site), spec.KindPublicIP, ip.UID); err != nil {
		return err
	}
	ip.Port, ip.Uplink, ip.State, ip.Error = "", "", IPFree, ""
	_, err := tx.NewUpdate().Model(ip).Column("port", "uplink", "state", "error").WherePK().Exec(ctx)
	return err
}

// freeBound unbinds the addresses that stand alone from ports that go away.
func freeBound(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if len(ports) == 0 {
		return nil
	}
	ips, err := aloneOn(ctx, tx, ports)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		if err := freeIP(ctx, tx, ip); err != nil {
			return err
		}
	}
	return nil
}

func aloneOn(ctx context.Context, tx *store.Tx, ports []*Port) (ips []*PublicIP, err error) {
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.UID
	}
	err = tx.NewSelect().Model(&ips).Where("instance = '' AND balancer = '' AND port <> '' AND port IN (?)", bun.In(uids)).Order("uid").Scan(ctx)
	return ips, err
}

// MovePublicIPs lets the addresses that go with an instance lead to another port of it. Their specs are written by the instance's life cycle.
func MovePublicIPs(ctx context.Context, tx *store.Tx, ips []*PublicIP, to *Port) error {
	for _, ip := range ips {
		if ip.IPv6 {
			return fault.Conflicting("public IP", ip.UID, "The instance has a public IPv6 address, which is of its network and cannot be moved.")
		}
		l, err := lineFor(ctx, tx, ip.Site, ip.Line)
		if err != nil {
			return err
		}
		router, err := ensureRouterAddress(ctx, tx, to.Network, l)
		if err != nil {
			return err
		}
		if err := sameProvider(ctx, tx, l, router); err != nil {
			return err
		}
		ip.Port, ip.Uplink = to.UID, router.Line
		if _, err := tx.NewUpdate().Model(ip).Column("port", "uplink").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// MustBeUnbound refuses a change of ports that an address which stands alone is bound to.
func MustBeUnbound(ctx context.Context, tx *store.Tx, ports []*Port) error {
	bound, err := aloneOn(ctx, tx, ports)
	if err == nil && len(bound) > 0 {
		err = fault.Conflicting("public IP", bound[0].UID, "The public address %s is bound to the instance; unbind it first.", bound[0].Address)
	}
	return err
}

// SetPosition gives a port another place among those of its instance.
func SetPosition(ctx context.Context, tx *store.Tx, p *Port, position int) error {
	p.Position = position
	_, err := tx.NewUpdate().Model(p).Column("position").WherePK().Exec(ctx)
	return err
}
