package network

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/cloud/quota"
	"edgecloud/fault"
	"edgecloud/link"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// AddPublicIPs gives each of a network's ports at one site a public address on each of the site's lines that is wanted (empty: all). The addresses go with their instances. Their specs
// are written by the instance's life cycle.
func AddPublicIPs(ctx context.Context, tx *store.Tx, caller *identity.Caller, net *Network, ports []*Port, carriers []place.Carrier, mbps int64) ([]*PublicIP, error) {
	if len(ports) == 0 {
		return nil, nil
	}
	site := ports[0].Site
	lines, err := linesOf(ctx, tx, site, carriers)
	if err != nil {
		return nil, err
	}
	router, err := ensureRouterAddress(ctx, tx, net.UID, lines[0])
	if err != nil {
		return nil, err
	}
	return lease(ctx, tx, caller, lines, &PublicIP{Site: site, Uplink: router.Line, Mbps: mbps}, ports)
}

// lease gives each of the ports an address on each of the lines, all like the sample.
func lease(ctx context.Context, tx *store.Tx, caller *identity.Caller, lines []*place.Line, sample *PublicIP, ports []*Port) ([]*PublicIP, error) {
	var ips []*PublicIP
	var leases []*lineAddress
	for _, l := range lines {
		free, err := poolOf(l, sample.IPv6).take(ctx, tx, len(ports))
		if err != nil {
			return nil, err
		}
		for i, p := range ports {
			ip := new(*sample)
			ip.UID, ip.Slug, ip.Account, ip.Line, ip.Carrier, ip.Address = tx.NewUID(), tx.NewSlug(), caller.Account, l.UID, l.Carrier, free[i].String()
			ip.Port, ip.Instance, ip.Phase, ip.Created = p.UID, p.Instance, spec.Pending, tx.Time()
			ips = append(ips, ip)
			leases = append(leases, &lineAddress{Line: l.UID, Address: ip.Address, Holder: ip.UID})
		}
	}
	if err := quota.Count(ctx, tx, caller.Account, quota.Change{Name: quota.PublicIPs, Delta: int64(len(ips))}); err != nil {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(&leases).Exec(ctx); err != nil {
		return nil, fmt.Errorf("lease public addresses: %w", err)
	}
	if _, err := tx.NewInsert().Model(&ips).Exec(ctx); err != nil {
		return nil, fmt.Errorf("add public addresses: %w", err)
	}
	return ips, nil
}

func linesOf(ctx context.Context, tx *store.Tx, site string, wanted []place.Carrier) ([]*place.Line, error) {
	lines, err := place.Lines(ctx, tx, site)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, fault.New(fault.Capacity, "The node has no line with public addresses.")
	}
	if len(wanted) == 0 {
		return lines, nil
	}
	var chosen []*place.Line
	for _, c := range wanted {
		for _, l := range lines {
			if l.Carrier == c {
				chosen = append(chosen, l)
			}
		}
	}
	if len(chosen) != len(wanted) {
		return nil, fault.BadField("subServiceProviders", "names a carrier that has no line at the node")
	}
	return chosen, nil
}

// PublicIPsOf gives the public addresses that were made with instances.
func PublicIPsOf(ctx context.Context, tx *store.Tx, instances ...string) ([]*PublicIP, error) {
	var ips []*PublicIP
	if len(instances) == 0 {
		return nil, nil
	}
	err := tx.NewSelect().Model(&ips).Where("instance IN (?)", bun.In(instances)).Order("instance", "uid").Scan(ctx)
	return ips, err
}

// PublicIPsAt gives the public addresses by which instances are reached: those made with them, and those bound to their ports since. Instance is filled in.
func PublicIPsAt(ctx context.Context, tx *store.Tx, instances ...string) ([]*PublicIP, error) {
	var ips []*PublicIP
	if len(instances) == 0 {
		return nil, nil
	}
	const instance = "CASE WHEN pip.instance <> '' THEN pip.instance ELSE (SELECT p.instance FROM ports AS p WHERE p.uid = pip.port) END"
	err := tx.NewSelect().Model(&ips).ExcludeColumn("instance").ColumnExpr(instance+" AS instance").
		Where("pip.instance IN (?) OR pip.instance = '' AND pip.port <> '' AND pip.port IN (SELECT p.uid FROM ports AS p WHERE p.instance IN (?))", bun.In(instances), bun.In(instances)).
		OrderExpr(instance + ", CASE WHEN pip.instance = '' THEN 1 ELSE 0 END, pip.uid").Scan(ctx)
	return ips, err
}

// SetBandwidth changes the bandwidth of addresses; their specs are written by the instance's life cycle.
func SetBandwidth(ctx context.Context, tx *store.Tx, ips []*PublicIP, mbps int64) error {
	for _, ip := range ips {
		ip.Mbps = mbps
		if _, err := tx.NewUpdate().Model(ip).Column("mbps").WherePK().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ReleasePublicIPs takes addresses away from a site. The lease ends when the site has confirmed (ObservePublicIP), or now if the site never knew it.
func ReleasePublicIPs(ctx context.Context, tx *store.Tx, ips []*PublicIP) error {
	for _, ip := range ips {
		if ip.Wanted == 0 {
			if err := freeLeases(ctx, tx, ip.UID); err != nil {
				return err
			}
			continue
		}
		if err := link.Delete(ctx, tx, spec.SiteTarget(ip.Site), spec.KindPublicIP, ip.UID); err != nil {
			return err
		}
	}
	return nil
}

// DropPublicIPs forgets addresses that were released.
func DropPublicIPs(ctx context.Context, tx *store.Tx, account string, ips []*PublicIP) error {
	for _, ip := range ips {
		if _, err := tx.NewDelete().Model(ip).WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := dropIfEmpty(ctx, tx, ip.Bandwidth); err != nil {
			return err
		}
	}
	return quota.Count(ctx, tx, account, quota.Change{Name: quota.PublicIPs, Delta: -int64(len(ips))})
}

func freeLeases(ctx context.Context, tx *store.Tx, holder string) error {
	_, err := tx.NewDelete().Model((*lineAddress)(nil)).Where("holder = ?", holder).Exec(ctx)
	return err
}
