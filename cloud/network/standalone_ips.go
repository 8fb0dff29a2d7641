package network

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/uptrace/bun"

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

// NewPublicIP is what a caller says of public addresses that are to stand alone.
type NewPublicIP struct {
	Site      *place.Site
	Line      string // UID; empty: the site's first
	Count     int    // 0 is one
	Name      string
	Tags      []Tag
	Mbps      int64         // a limit of its own; not with Bandwidth or Shared
	Bandwidth string        // UID or slug of a bandwidth on the line
	Shared    BandwidthType // without Bandwidth: the line's latest of the type, or a new one
}

// PublicIPDetail is a public address with what it is bound to and what it shares.
type PublicIPDetail struct {
	PublicIP `bun:",extend"`

	Private       string     `bun:"private,scanonly"`       // address of its port; empty while it is bound to none
	PortPhase     spec.Phase `bun:"port_phase,scanonly"`    // of its port
	PortInstance  string     `bun:"port_instance,scanonly"` // instance of its port
	PortSlug      string     `bun:"port_slug,scanonly"`
	PortName      string     `bun:"port_name,scanonly"`
	PortKind      PortKind   `bun:"port_kind,scanonly"`
	PortElastic   Hold       `bun:"port_elastic,scanonly"`   // empty unless its port is an elastic NIC
	BandwidthName string     `bun:"bandwidth_name,scanonly"` // of what it shares
	BandwidthMbps int64      `bun:"bandwidth_mbps,scanonly"`
	BandwidthSlug string     `bun:"bandwidth_slug,scanonly"`
	GatewayName   string     `bun:"gateway_name,scanonly"`
	GatewaySlug   string     `bun:"gateway_slug,scanonly"` // of the NAT gateway that it is bound to; empty: none
}

// Now is where the address is in its life, also for one that goes with an instance.
func (d *PublicIPDetail) Now() IPState {
	if d.Instance == "" {
		return d.State
	}
	if d.settled() {
		return IPBound
	}
	return IPBinding
}

// CreatePublicIPs gives the caller public addresses of a line. They are free for binding once the site has the line.
func (n *Networks) CreatePublicIPs(ctx context.Context, caller *identity.Caller, all ...NewPublicIP) (made []*PublicIPDetail, err error) {
	if err := caller.MayWrite(); err != nil {
		return nil, err
	}
	err = n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		made = nil
		for _, w := range all {
			ips, err := addFree(ctx, tx, caller, w)
			if err != nil {
				return err
			}
			for _, ip := range ips {
				d, err := ipDetail(ctx, tx, caller, ip.UID)
				if err != nil {
					return err
				}
				made = append(made, d)
			}
		}
		return audit.Note(ctx, tx, caller, PublicIPKind, made[0].UID)
	})
	return made, err
}

func addFree(ctx context.Context, tx *store.Tx, caller *identity.Caller, w NewPublicIP) ([]*PublicIP, error) {
	l, err := lineFor(ctx, tx, w.Site.UID, w.Line)
	if err != nil {
		return nil, err
	}
	bandwidth, err := w.bandwidth(ctx, tx, caller, l)
	if err != nil {
		return nil, err
	}
	count := max(w.Count, 1)
	free, err := poolOf(l, false).take(ctx, tx, count)
	if err != nil {
		return nil, err
	}
	if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.PublicIPs, Delta: int64(count)}); err != nil {
		return nil, err
	}
	ips, leases := make([]*PublicIP, count), make([]*lineAddress, count)
	for k, a := range free {
		ips[k] = &PublicIP{UID: tx.NewUID(), Slug: tx.NewSlug(), Account: caller.Account, Site: w.Site.UID, Line: l.UID, Carrier: l.Carrier, Address: a.String(), Name: w.Name,
			Tags: TagsOf(w.Tags), State: IPCreating, Mbps: w.Mbps, Bandwidth: bandwidth, Phase: spec.Pending, Created: tx.Time()}
		leases[k] = &lineAddress{Line: l.UID, Address: ips[k].Address, Holder: ips[k].UID}
	}
	if _, err := tx.NewInsert().Model(&leases).Exec(ctx); err != nil {
		return nil, fmt.Errorf("lease public addresses: %w", err)
	}
	if _, err := tx.NewInsert().Model(&ips).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add public addresses: %w", err)
	}
	for _, ip := range ips {
		if err := work.Wake(ctx, tx, PublicIPKind, ip.UID); err != nil {
			return nil, err
		}
	}
	return ips, putUplink(ctx, tx, l)
}

// lineFor finds a line of a site; empty is its first.
func lineFor(ctx context.Context, tx *store.Tx, site, line string) (*place.Line, error) {
	lines, err := place.Lines(ctx, tx, site)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		if line == "" || l.UID == line {
			return l, nil
		}
	}
	if line == "" {
		return nil, fault.New(fault.Capacity, "The site has no line with public addresses.").About("line", "")
	}
	return nil, fault.BadField("line", "must be a line of the site")
}

func (w NewPublicIP) bandwidth(ctx context.Context, tx *store.Tx, caller *identity.Caller, l *place.Line) (string, error) {
	if w.Bandwidth != "" {
		b, err := FindBandwidth(ctx, tx, caller, w.Bandwidth)
		if err != nil {
			return "", err
		}
		if b.Line != l.UID {
			return "", fault.BadField("bandwidth", "must be one of the address's line")
		}
		return b.UID, nil
	}
	if w.Shared == "" {
		return "", nil
	}
	b, err := sharedOn(ctx, tx, caller, w.Site.UID, l.UID, w.Shared)
	if err != nil {
		return "", err
	}
	return b.UID, nil
}

// PublicIPFilter narrows a list of public addresses. Empty fields match any.
type PublicIPFilter struct {
	ID        string // UID or slug
	Name      string
	Address   string
	Site      string // UID
	Port      string // UID or slug
	Bandwidth string // UID or slug
	States    []IPState
	Alone     bool // without those that go with an instance
	Newest    bool // first; else last

	SlugPart, NamePart, AddressPart string
	Shared                          *bool // whether it is in a bandwidth
}

func (f PublicIPFilter) apply(q *bun.SelectQuery) *bun.SelectQuery {
	for column, value := range map[string]string{"pip.name": f.Name, "pip.address": f.Address, "pip.site": f.Site} {
		if value != "" {
			q = q.Where("? = ?", bun.Ident(column), value)
		}
	}
	for column, value := range map[string]string{"pip.slug": f.SlugPart, "pip.name": f.NamePart, "pip.address": f.AddressPart} {
		if value != "" {
			q = q.Where("? LIKE ? ESCAPE '!'", bun.Ident(column), store.Contains(value))
		}
	}
	for alias, value := range map[string]string{"pip": f.ID, "port": f.Port, "bw": f.Bandwidth} {
		if value != "" {
			q = q.Where("(? = ? OR ? = ?)", bun.Ident(alias+".uid"), value, bun.Ident(alias+".slug"), value)
		}
	}
	if len(f.States) > 0 {
		q = q.Where("pip.state IN (?)", bun.In(f.States))
	}
	if f.Alone {
		q = q.Where("pip.instance = '' AND pip.balancer = ''")
	}
	if f.Shared != nil {
		q = q.Where("(pip.bandwidth <> '') = ?", *f.Shared)
	}
	if f.Newest {
		return q.OrderExpr("pip.uid DESC")
	}
	return q.OrderExpr("pip.uid")
}

// selectIPs begins a select of the caller's public IPv4 addresses. Those of IPv6 are their instances' alone.
func selectIPs(tx *store.Tx, caller *identity.Caller) *bun.SelectQuery {
	return tx.NewSelect().Model((*PublicIPDetail)(nil)).ColumnExpr("pip.*").
		ColumnExpr("COALESCE(port.address, '') AS private, COALESCE(port.phase, '') AS port_phase, COALESCE(port.instance, '') AS port_instance").
		ColumnExpr("COALESCE(port.slug, '') AS port_slug, COALESCE(port.name, '') AS port_name, COALESCE(port.kind, '') AS port_kind, COALESCE(port.elastic, '') AS port_elastic").
		ColumnExpr("COALESCE(bw.name, '') AS bandwidth_name, COALESCE(bw.mbps, 0) AS bandwidth_mbps, COALESCE(bw.slug, '') AS bandwidth_slug").
		ColumnExpr("COALESCE(nat.slug, '') AS gateway_slug, COALESCE(nat.name, '') AS gateway_name").Join("LEFT JOIN nat_gateways AS nat ON nat.uid = pip.gateway").
		Join("LEFT JOIN ports AS port ON port.uid = pip.port").Join("LEFT JOIN bandwidths AS bw ON bw.uid = pip.bandwidth").Where("pip.account = ? AND NOT pip.ipv6", caller.Account)
}

// ListPublicIPs lists the caller's public addresses, oldest first, those that were made with instances too.
func (n *Networks) ListPublicIPs(ctx context.Context, caller *identity.Caller, f PublicIPFilter, w store.Window) (found []*PublicIPDetail, total int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		found, total, err = store.ListWindow[*PublicIPDetail](ctx, f.apply(selectIPs(tx, caller)), w)
		return err
	})
	return found, total, err
}

// GetPublicIP gives one of the caller's public addresses.
func (n *Networks) GetPublicIP(ctx context.Context, caller *identity.Caller, id string) (d *PublicIPDetail, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, err = ipDetail(ctx, tx, caller, id)
		return err
	})
	return d, err
}

func ipDetail(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*PublicIPDetail, error) {
	d := new(PublicIPDetail)
	err := selectIPs(tx, caller).Where("(pip.uid = ? OR pip.slug = ?)", id, id).Scan(ctx, d)
	if store.NotFound(err) {
		return nil, fault.Missing("public IP", id)
	}
	return d, err
}

// findAlone finds an address of the caller's that stands alone.
func findAlone(ctx context.Context, tx *store.Tx, caller *identity.Caller, id string) (*PublicIP, error) {
	d, err := ipDetail(ctx, tx, caller, id)
	if err != nil {
		return nil, err
	}
	if d.Instance != "" {
		return nil, fault.Conflicting("public IP", id, "The public address was made with an instance and goes with it.").On("instance")
	}
	if d.Balancer != "" {
		return nil, fault.Conflicting("public IP", id, "The public address was made with a load balancer and goes with it.").On("balancer")
	}
	return &d.PublicIP, nil
}

// DeletePublicIP gives an address back that is bound to nothing. It can be given out again once its site has confirmed the last unbinding.
func (n *Networks) DeletePublicIP(ctx context.Context, caller *identity.Caller, id string) error {
	if err := caller.MayWrite(); err != nil {
		return err
	}
	return n.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		ip, err := findAlone(ctx, tx, caller, id)
		if err != nil {
			return err
		}
		if ip.Port != "" {
			return fault.Conflicting("public IP", id, "The public address is bound to a port; unbind it first.").On("port")
		}
		if ip.Gateway != "" {
			return fault.Conflicting("public IP", id, "The public address is bound to a NAT gateway; unbind it first.").On("gateway")
		}
		if err := dropAlone(ctx, tx, ip); err != nil {
			return err
		}
		return audit.Note(ctx, tx, caller, PublicIPKind, ip.UID)
	})
}

func dropAlone(ctx context.Context, tx *store.Tx, ip *PublicIP) error {
	gone, err := link.Gone(ctx, tx, spec.SiteTarget(ip.Site), spec.KindPublicIP, ip.UID)
	if err != nil {
		return err
	}
	if gone {
		if err := freeLeases(ctx, tx, ip.UID); err != nil {
			return err
		}
	}
	return DropPublicIPs(ctx, tx, ip.Account, []*PublicIP{ip})
}

// specOf is what a site gets of an address that is bound to a port.
func (ip *PublicIP) specOf(p *Port) spec.PublicIP {
	s := spec.PublicIP{UID: ip.UID, Uplink: ip.Uplink, Address: netip.MustParseAddr(ip.Address), Network: p.Network, Port: p.UID, Virtual: p.Kind == Virtual,
		Private: netip.MustParseAddr(p.Address), Mbps: int(ip.Mbps)}
	if ip.IPv6 {
		s.Private = netip.MustParseAddr(p.Address6)
	}
	if ip.Bandwidth != "" {
		s.Mbps, s.Bandwidth = 0, ip.Bandwidth
	}
	return s
}
