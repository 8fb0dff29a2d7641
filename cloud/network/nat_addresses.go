package network

import (
	"context"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/work"
)

// maxInward is how many addresses a gateway has besides the outward one (BEC, product guide, limits: DNAT IPs 0, 1 or 3).
const maxInward = 3

// BindToGateway binds an address that stands alone and is bound to nothing to a NAT gateway of its site. The first one is what the gateway's sources are seen as; DNAT rules may
// use all.
func (n *Networks) BindToGateway(ctx context.Context, caller *identity.Caller, id, gateway string) (d *PublicIPDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ip, err := findAlone(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		g, err := findLiving(ctx, tx, caller, gateway)
		if err != nil {
			return fault.From(err).On("gateway")
		}
		if err := joinGateway(ctx, tx, ip, g); err != nil {
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

func joinGateway(ctx context.Context, tx *store.Tx, ip *PublicIP, g *NATGateway) error {
	switch {
	case ip.bound():
		return fault.Conflicting("public IP", ip.UID, "The public address is bound already; unbind it first.")
	case ip.State == IPFailed:
		return fault.Conflicting("public IP", ip.UID, "The public address could not be made at its site and cannot be bound.")
	case ip.Bandwidth != "":
		return fault.Conflicting("public IP", ip.UID, "The public address is in a shared bandwidth, and a NAT gateway has its own.")
	case ip.Site != g.Site:
		return fault.New(fault.Invalid, "The public address and the NAT gateway are at different sites.").On("gateway")
	}
	l, err := lineFor(ctx, tx, ip.Site, ip.Line)
	if err != nil {
		return err
	}
	if err := sameProvider(ctx, tx, l, &Router{Line: g.Uplink}); err != nil {
		return err
	}
	have, err := boundTo(ctx, tx, g.UID)
	if err != nil {
		return err
	}
	ip.Outward = len(have) == 0 || !have[0].Outward
	if !ip.Outward && len(have) > maxInward {
		return fault.Conflicting("NAT gateway", g.Slug, "The NAT gateway has %d addresses for DNAT already, which is the most.", maxInward).On("gateway")
	}
	ip.Gateway, ip.Uplink, ip.State = g.UID, g.Uplink, IPBinding
	if _, err := tx.NewUpdate().Model(ip).Column("gateway", "uplink", "state", "outward").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := putGateway(ctx, tx, g); err != nil {
		return err
	}
	return awaitGateway(ctx, tx, ip, g)
}

// awaitGateway notes that an address is as wanted once its gateway has been reported as it is now, which it may be already: one that no rule uses yet changes nothing.
func awaitGateway(ctx context.Context, tx *store.Tx, ip *PublicIP, g *NATGateway) error {
	ip.Wanted, ip.Seen, ip.Phase, ip.Error = g.Wanted, g.Seen, g.Phase, g.Error
	if _, err := tx.NewUpdate().Model(ip).Column("wanted", "seen", "phase", "error").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, PublicIPKind, ip.UID)
}

// partFromGateway unbinds an address from its gateway. It stays the gateway's until the site has confirmed, so that nobody else gets it meanwhile.
func partFromGateway(ctx context.Context, tx *store.Tx, caller *identity.Caller, ip *PublicIP) error {
	if ip.State == IPUnbinding {
		return nil
	}
	g, err := findLiving(ctx, tx, caller, ip.Gateway)
	if err != nil {
		return err
	}
	used, err := tx.NewSelect().Model((*DNATRule)(nil)).Where("public_ip = ?", ip.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if used {
		return fault.Conflicting("public IP", ip.UID, "DNAT rules of the NAT gateway %s lead from the public address; remove them first.", g.Name)
	}
	led, err := tx.NewSelect().Model((*Route)(nil)).Where("gateway = ?", g.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if led && ip.Outward {
		return fault.Conflicting("public IP", ip.UID, "Routes lead to the NAT gateway %s, which needs its address for them; remove them first.", g.Name)
	}
	ip.State, ip.Outward, ip.Given = IPUnbinding, false, false
	if _, err := tx.NewUpdate().Model(ip).Column("state", "outward", "given").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := putGateway(ctx, tx, g); err != nil {
		return err
	}
	return awaitGateway(ctx, tx, ip, g)
}

// awaitParting frees an address that its gateway has let go of.
func awaitParting(ctx context.Context, tx *store.Tx, ip *PublicIP) (work.Next, error) {
	if !ip.settled() {
		return work.Wait("report", 0), nil
	}
	if _, err := tx.NewUpdate().Model(ip).Set("gateway = '', uplink = '', error = ''").WherePK().Exec(ctx); err != nil {
		return work.Next{}, err
	}
	return work.Goto(string(IPFree)), nil
}

// leaveGateway frees an address whose gateway is gone.
func leaveGateway(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
	ip.Gateway, ip.Uplink, ip.State, ip.Error, ip.Outward = "", "", IPFree, "", false
	_, err := tx.NewUpdate().Model(ip).Column("gateway", "uplink", "state", "error", "outward").WherePK().Exec(ctx)
	return err
}
