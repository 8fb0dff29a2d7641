package network

import (
	"context"
	"fmt"
	"slices"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// MaxNATMbps is the highest limit of a gateway in Mbit/s. BEC gives no range; this is what its instances have at most.
const MaxNATMbps = 10_000

// natSigns may stand in a gateway's name beside letters and digits (BEC, product guide, NAT gateway).
const natSigns = "-_/.+"

// NewNATGateway is what a caller says of a NAT gateway.
type NewNATGateway struct {
	Site        *place.Site
	Network     string        // UID or slug; empty: the account's default one at the site
	Carrier     place.Carrier // of the address that comes with it; empty: the site's first line
	Name        string
	Description string
	Size        NATSize
	Mbps        int64 // 0: no limit
	Tags        []Tag
}

func (w NewNATGateway) check() error {
	if err := checkNATText(Text{Name: &w.Name, Description: &w.Description}); err != nil {
		return err
	}
	if !slices.Contains([]NATSize{NATSmall, NATMiddle, NATLarge}, w.Size) {
		return fault.BadField("size", "must be %s, %s or %s", NATSmall, NATMiddle, NATLarge)
	}
	if w.Mbps < 0 || w.Mbps > MaxNATMbps {
		return fault.BadField("mbps", "must be from 0, for no limit, to %d Mbit/s", MaxNATMbps)
	}
	return nil
}

func checkNATText(t Text) error {
	if t.Description != nil {
		if err := checkDescription(*t.Description); err != nil {
			return err
		}
	}
	return Text{Name: t.Name}.checkPlain(natSigns)
}

// CreateNATGateways makes gateways, all or none. Each comes with one public address, which its sources are seen as.
func (n *Networks) CreateNATGateways(ctx context.Context, caller *identity.Caller, wanted []NewNATGateway) (made []*NATGatewayDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return nil, fault.BadField("gateways", "must name at least one")
	}
	for _, w := range wanted {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		made = nil
		for _, w := range wanted {
			g, err := addGateway(ctx, tx, caller, w)
			if err != nil {
				return err
			}
			d, err := gatewayDetail(ctx, tx, caller, g.UID)
			if err != nil {
				return err
			}
			made = append(made, d)
		}
		return audit.Note(ctx, tx, caller, NATGatewayKind, made[0].UID)
	})
	return made, err
}

func addGateway(ctx context.Context, tx *store.Tx, caller *identity.Caller, w NewNATGateway) (*NATGateway, error) {
	net, err := w.network(ctx, tx, caller)
	if err != nil {
		return nil, err
	}
	var carriers []place.Carrier
	if w.Carrier != "" {
		carriers = append(carriers, w.Carrier)
	}
	lines, err := linesOf(ctx, tx, w.Site.UID, carriers)
	if err != nil {
		return nil, err
	}
	router, err := ensureRouterAddress(ctx, tx, net.UID, lines[0])
	if err != nil {
		return nil, err
	}
	if err := sameProvider(ctx, tx, lines[0], router); err != nil {
		return nil, err
	}
	if err := lockNetwork(ctx, tx, net.UID); err != nil {
		return nil, err
	}
	if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.NATGateways, Delta: 1}, quota.Change{Name: quota.PublicIPs, Delta: 1}); err != nil {
		return nil, err
	}
	g := &NATGateway{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Network: net.UID, Site: w.Site.UID, Uplink: router.Line, Name: w.Name, Description: w.Description,
		Size: w.Size, Mbps: w.Mbps, Tags: TagsOf(w.Tags), State: NATStarting, Phase: spec.Pending, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(g).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add NAT gateway: %w", err)
	}
	return g, giveAddress(ctx, tx, g, lines[0])
}

// network finds the network that the gateway is to be of.
func (w NewNATGateway) network(ctx context.Context, tx *store.Tx, caller *identity.Caller) (*Network, error) {
	if w.Network == "" {
		return DefaultNetwork(ctx, tx, caller, w.Site.UID)
	}
	net, err := FindNetwork(ctx, tx, caller, w.Network)
	if err != nil {
		return nil, fault.From(err).On("network")
	}
	if net.Site != "" && net.Site != w.Site.UID {
		return nil, fault.BadField("network", "must be one of the site")
	}
	if _, err := findRouter(ctx, tx, net.UID, w.Site.UID); err != nil {
		return nil, fault.From(err).On("network")
	}
	return net, nil
}

// giveAddress gives a new gateway the address that comes with it.
func giveAddress(ctx context.Context, tx *store.Tx, g *NATGateway, l *place.Line) error {
	free, err := poolOf(l, false).take(ctx, tx, 1)
	if err != nil {
		return err
	}
	ip := &PublicIP{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: g.Account, Site: g.Site, Line: l.UID, Uplink: g.Uplink, Carrier: l.Carrier, Address: free[0].String(), Name: g.Name,
		State: IPBinding, Mbps: g.Mbps, Phase: spec.Pending, Gateway: g.UID, Outward: true, Given: true, Created: tx.Time()}
	if _, err := tx.NewInsert().Model(&lineAddress{Line: l.UID, Address: ip.Address, Holder: ip.UID}).Exec(ctx); err != nil {
		return fmt.Errorf("lease a public address: %w", err)
	}
	if _, err := tx.NewInsert().Model(ip).Exec(ctx); err != nil {
		return fmt.Errorf("add a public address: %w", err)
	}
	if err := putGateway(ctx, tx, g); err != nil {
		return err
	}
	return awaitGateway(ctx, tx, ip, g)
}

// changeGateway changes a gateway that is not being deleted. Changes of all that hangs on its network go one after the other.
func (n *Networks) changeGateway(ctx context.Context, caller *identity.Caller, id string, change func(ctx context.Context, tx *store.Tx, g *NATGateway) error) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := findLiving(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, g); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, NATGatewayKind, g.UID)
	})
}

func findGateway(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*NATGateway, error) {
	g := new(NATGateway)
	err := tx.NewSelect().Model(g).Where("account = ?", caller.Account).Where("uid = ? OR slug = ?", id, id).Scan(ctx)
	if store.NotFound(err) {
		return nil, fault.Missing("NAT gateway", id)
	}
	return g, err
}

// findLiving finds a gateway that is not being deleted, and locks its network.
func findLiving(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*NATGateway, error) {
	g, err := findGateway(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	if err := lockNetwork(ctx, tx, g.Network); err != nil {
		return nil, err
	}
	if err := tx.NewSelect().Model(g).WherePK().Scan(ctx); err != nil {
		return nil, err
	}
	if g.State == NATDeleting {
		return nil, fault.Conflicting("NAT gateway", id, "The NAT gateway is being deleted.")
	}
	return g, nil
}

// UpdateNATGateway changes a gateway's name or description.
func (n *Networks) UpdateNATGateway(ctx context.Context, caller *identity.Caller, id string, t Text) error {
	if err := checkNATText(t); err != nil {
		return err
	}
	return n.changeGateway(ctx, caller, id, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		g.Name, g.Description = t.apply(g.Name, g.Description)
		_, err := tx.NewUpdate().Model(g).Column("name", "description").WherePK().Exec(ctx)
		return err
	})
}

// LimitNATGateway changes the bandwidth of a gateway, in Mbit/s.
func (n *Networks) LimitNATGateway(ctx context.Context, caller *identity.Caller, id string, mbps int64) error {
	if mbps < 1 || mbps > MaxNATMbps {
		return fault.BadField("mbps", "must be from 1 to %d Mbit/s", MaxNATMbps)
	}
	return n.changeGateway(ctx, caller, id, func(ctx context.Context, tx *store.Tx, g *NATGateway) error {
		g.Mbps = mbps
		if _, err := tx.NewUpdate().Model(g).Column("mbps").WherePK().Exec(ctx); err != nil {
			return err
		}
		if _, err := tx.NewRaw("UPDATE public_ips SET mbps = ? WHERE gateway <> '' AND gateway = ? AND given", mbps, g.UID).Exec(ctx); err != nil {
			return err
		}
		return putGateway(ctx, tx, g)
	})
}

// DeleteNATGateways takes gateways away with their rules, all or none: one that a route leads to stays. Their addresses go, or are free, once their sites have confirmed.
func (n *Networks) DeleteNATGateways(ctx context.Context, caller *identity.Caller, ids []string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	if len(ids) == 0 {
		return fault.BadField("gateways", "must name at least one")
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		var first string
		seen := map[string]bool{}
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			g, err := findLiving(ctx, tx, caller, id)
			if err != nil {
				return err
			}
			first = g.UID
			if err := endGateway(ctx, tx, g); err != nil {
				return err
			}
		}
		return audit.Note(ctx, tx, caller, NATGatewayKind, first)
	})
}

func endGateway(ctx context.Context, tx *store.Tx, g *NATGateway) error {
	led, err := tx.NewSelect().Model((*Route)(nil)).Where("gateway = ?", g.UID).Exists(ctx)
	if err != nil {
		return err
	}
	if led {
		return fault.Conflicting("NAT gateway", g.Slug, "Routes lead to the NAT gateway %s; remove them first.", g.Name)
	}
	if err := link.Delete(ctx, tx, spec.SiteTarget(g.Site), spec.KindNATGateway, g.UID); err != nil {
		return err
	}
	g.State = NATDeleting
	if _, err := tx.NewUpdate().Model(g).Column("state").WherePK().Exec(ctx); err != nil {
		return err
	}
	return work.Wake(ctx, tx, NATGatewayKind, g.UID)
}
