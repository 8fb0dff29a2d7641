package compute

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/fault"
	"edgecloud/store"
)

// View is an instance with what people want to see beside it.
type View struct {
	Instance `bun:",extend"`

	GroupSlug    string `bun:"group_slug,scanonly"`
	GroupName    string `bun:"group_name,scanonly"`
	ImageSlug    string `bun:"image_slug,scanonly"` // empty if the image has left the catalogue
	ImageName    string `bun:"image_name,scanonly"`
	ImageAccount string `bun:"image_account,scanonly"` // empty for a public image
	OSName       string `bun:"os_name,scanonly"`
	OSVersion    string `bun:"os_version,scanonly"`

	SetSlug string `bun:"set_slug,scanonly"` // of the placement set that it is in; empty for none
	SetName string `bun:"set_name,scanonly"`
	Total   int    `bun:"total,scanonly"` // matches over all pages; only in numbered lists

	Security []*network.SecurityGroup `bun:"-"` // only in numbered lists and details; without rules

	Where   *place.Site         `bun:"-"`
	Volumes []*volume.Volume    `bun:"-"` // the system disk first
	Ports   []*PortView         `bun:"-"`
	IPs     []*network.PublicIP `bun:"-"` // of IPv4
	IPv6s   []*network.PublicIP `bun:"-"`
	Pairs   []*KeyPair          `bun:"-"` // only in lists and details
}

// PortView is a port with the names of its subnet and network.
type PortView struct {
	network.Port `bun:",extend"`

	SubnetSlug  string `bun:"subnet_slug,scanonly"`
	SubnetName  string `bun:"subnet_name,scanonly"`
	SubnetCIDR  string `bun:"subnet_cidr,scanonly"`
	NetworkSlug string `bun:"network_slug,scanonly"`
	NetworkName string `bun:"network_name,scanonly"`
	NetworkCIDR string `bun:"network_cidr,scanonly"`
}

// selectViews begins a select of views: one statement for instances, groups and images.
func selectViews(tx *store.Tx, into *[]*View) *bun.SelectQuery {
	return tx.NewSelect().Model(into).ColumnExpr("i.*").
		ColumnExpr("g.slug AS group_slug, g.name AS group_name").
		ColumnExpr("COALESCE(im.slug, '') AS image_slug, COALESCE(im.name, '') AS image_name, COALESCE(im.account, '') AS image_account").
		ColumnExpr("COALESCE((SELECT s.slug FROM placement_members AS m JOIN placement_sets AS s ON s.uid = m.pset WHERE m.instance = i.uid LIMIT 1), '') AS set_slug").
		ColumnExpr("COALESCE((SELECT s.name FROM placement_members AS m JOIN placement_sets AS s ON s.uid = m.pset WHERE m.instance = i.uid LIMIT 1), '') AS set_name").
		ColumnExpr("COALESCE(im.os_name, '') AS os_name, COALESCE(im.os_version, '') AS os_version").
		Join("JOIN groups AS g ON g.uid = i.grp").Join("LEFT JOIN images AS im ON im.uid = i.image")
}

// complete fills in what hangs on instances: three statements, however many there are.
func (c *Compute) complete(ctx context.Context, tx *store.Tx, views []*View) error {
	byUID := make(map[string]*View, len(views))
	uids := make([]string, len(views))
	for k, v := range views {
		uids[k], byUID[v.UID] = v.UID, v
		site, err := c.place.Site(store.Join(ctx, tx), v.Site)
		if err != nil {
			return err
		}
		v.Where = site
	}
	if len(views) == 0 {
		return nil
	}
	volumes, err := volume.Of(ctx, tx, uids...)
	if err != nil {
		return err
	}
	for _, d := range volumes {
		byUID[d.Instance].Volumes = append(byUID[d.Instance].Volumes, d)
	}
	ips, err := network.PublicIPsAt(ctx, tx, uids...)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		v := byUID[ip.Instance]
		if ip.IPv6 {
			v.IPv6s = append(v.IPv6s, ip)
			continue
		}
		v.IPs = append(v.IPs, ip)
	}
	ports, err := portViews(ctx, tx, uids)
	for _, p := range ports {
		byUID[p.Instance].Ports = append(byUID[p.Instance].Ports, p)
	}
	return err
}

func portViews(ctx context.Context, tx *store.Tx, instances []string) ([]*PortView, error) {
	var ports []*PortView
	err := tx.NewSelect().Model(&ports).ColumnExpr("port.*").
		ColumnExpr("s.slug AS subnet_slug, s.name AS subnet_name, s.cidr AS subnet_cidr, n.slug AS network_slug, n.name AS network_name, n.cidr AS network_cidr").
		Join("JOIN subnets AS s ON s.uid = port.subnet").Join("JOIN networks AS n ON n.uid = port.network").
		Where("port.instance IN (?)", bun.In(instances)).Order("port.instance", "port.position").Scan(ctx)
	return ports, err
}

// addPairs fills in the key pairs of instances: one statement, or none if no instance has any.
func addPairs(ctx context.Context, tx *store.Tx, views []*View) error {
	var uids []string
	for _, v := range views {
		uids = append(uids, v.Keys.V...)
	}
	if len(uids) == 0 {
		return nil
	}
	var pairs []*KeyPair
	if err := tx.NewSelect().Model(&pairs).Where("uid IN (?)", bun.In(uids)).Scan(ctx); err != nil {
		return err
	}
	byUID := map[string]*KeyPair{}
	for _, p := range pairs {
		byUID[p.UID] = p
	}
	for _, v := range views {
		for _, uid := range v.Keys.V {
			if p := byUID[uid]; p != nil {
				v.Pairs = append(v.Pairs, p)
			}
		}
	}
	return nil
}

// view gives one instance by UID.
func (c *Compute) view(ctx context.Context, tx *store.Tx, uid string) (*View, error) {
	var views []*View
	if err := selectViews(tx, &views).Where("i.uid = ?", uid).Scan(ctx); err != nil {
		return nil, err
	}
	if len(views) == 0 {
		return nil, fault.Missing(Kind, uid)
	}
	return views[0], c.complete(ctx, tx, views)
}

// addSecurity fills in the security groups of instances: one statement.
func addSecurity(ctx context.Context, tx *store.Tx, views []*View) error {
	byUID := map[string]*View{}
	uids := make([]string, len(views))
	for k, v := range views {
		uids[k], byUID[v.UID] = v.UID, v
	}
	if len(views) == 0 {
		return nil
	}
	var rows []struct {
		network.SecurityGroup `bun:",extend"`

		Instance string `bun:"instance,scanonly"`
	}
	err := tx.NewSelect().TableExpr("security_groups AS sg").ColumnExpr("DISTINCT sg.*, p.instance").Join("JOIN port_groups AS pg ON pg.grp = sg.uid").
		Join("JOIN ports AS p ON p.uid = pg.port").Where("p.instance IN (?) AND p.elastic = ''", bun.In(uids)).OrderExpr("p.instance, sg.uid").Scan(ctx, &rows)
	for k := range rows {
		v := byUID[rows[k].Instance]
		v.Security = append(v.Security, &rows[k].SecurityGroup)
	}
	return err
}
