package network

import (
	"context"

	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// ObservePort takes a site's report on a port and wakes the instance that waits for it.
func ObservePort(ctx context.Context, tx *store.Tx, r spec.Report) error {
	var instance, of string
	var kind PortKind
	var wanted int64
	var yielding bool
	err := tx.NewRaw("UPDATE ports SET seen = ?, phase = ?, error = ? WHERE uid = ? AND seen <= ? RETURNING instance, kind, nic, wanted, yielding", r.Generation, r.Phase, r.Error, r.UID, r.Generation).
		Scan(ctx, &instance, &kind, &of, &wanted, &yielding)
	if store.NotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if yielding && (r.Phase == spec.Gone || r.Phase == spec.Applied && r.Generation >= wanted) {
		if err := yield(ctx, tx, r.UID); err != nil {
			return err
		}
	}
	if kind == Balanced {
		return work.Wake(ctx, tx, BalancerKind, of)
	}
	if instance == "" {
		return nil
	}
	return work.Wake(ctx, tx, "instance", instance)
}

// ObservePublicIP takes a site's report on a public address; once it is gone from the site, it may be given out again.
func ObservePublicIP(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Gone {
		// One that stands alone keeps its address while it is unbound: its row tells.
		_, err := tx.NewDelete().Model((*lineAddress)(nil)).Where("holder = ?", r.UID).
			Where("NOT EXISTS (SELECT 1 FROM public_ips AS p WHERE p.uid = ? AND p.instance = '' AND p.balancer = '')", r.UID).Exec(ctx)
		if err != nil {
			return err
		}
	}
	var instance, balancer string
	err := tx.NewRaw("UPDATE public_ips SET seen = ?, phase = ?, error = ? WHERE uid = ? AND seen <= ? AND gateway = '' RETURNING instance, balancer", r.Generation, r.Phase, r.Error, r.UID, r.Generation).
		Scan(ctx, &instance, &balancer)
	if store.NotFound(err) { // or it is a NAT gateway's by now, whose reports tell of it
		return nil
	}
	if err != nil {
		return err
	}
	if balancer != "" {
		return work.Wake(ctx, tx, BalancerKind, balancer)
	}
	if instance == "" {
		return work.Wake(ctx, tx, PublicIPKind, r.UID)
	}
	return work.Wake(ctx, tx, "instance", instance)
}

// ObserveUplink takes a site's report on a line, and wakes the public addresses that wait for it.
func ObserveUplink(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if _, err := tx.NewRaw("UPDATE line_uses SET seen = ?, phase = ?, error = ? WHERE line = ? AND seen <= ?", r.Generation, r.Phase, r.Error, r.UID, r.Generation).Exec(ctx); err != nil {
		return err
	}
	var waiting []string
	if err := tx.NewSelect().Model((*PublicIP)(nil)).Column("uid").Where("line = ? AND state IN (?, ?)", r.UID, IPCreating, IPFailed).Order("uid").Scan(ctx, &waiting); err != nil {
		return err
	}
	for _, uid := range waiting {
		if err := work.Wake(ctx, tx, PublicIPKind, uid); err != nil {
			return err
		}
	}
	return nil
}

// ObserveNetwork takes a site's report on a network; once it is gone from the site, its router's address there may be given out again.
func ObserveNetwork(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase != spec.Gone {
		return nil
	}
	_, err := tx.NewDelete().Model((*lineAddress)(nil)).Where("holder = ?", r.UID).
		Where("line IN (SELECT l.uid FROM lines AS l JOIN hosts AS h ON h.site = l.site WHERE h.uid = ?)", r.Host).Exec(ctx)
	return err
}

// ObserveSubnet takes a site's report on a subnet.
func ObserveSubnet(ctx context.Context, tx *store.Tx, r spec.Report) error {
	_, err := tx.NewRaw("UPDATE subnets SET seen = ?, phase = ?, error = ? WHERE uid = ? AND seen <= ?", r.Generation, r.Phase, r.Error, r.UID, r.Generation).Exec(ctx)
	return err
}

// ObserveVirtualIP takes a site's report on a virtual IP; one that was deleted is forgotten once it is gone from the site, and its address is free.
func ObserveVirtualIP(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Gone {
		_, err := tx.NewDelete().Model((*Port)(nil)).Where("uid = ? AND doomed", r.UID).Exec(ctx)
		return err
	}
	_, err := tx.NewRaw("UPDATE ports SET seen = ?, phase = ?, error = ? WHERE uid = ? AND kind = ? AND seen <= ?", r.Generation, r.Phase, r.Error, r.UID, Virtual, r.Generation).Exec(ctx)
	return err
}

// Settled tells whether the site has done what is wanted of the ports, and the first error it met.
func Settled(ports []*Port, ips []*PublicIP) (settled bool, trouble string) {
	settled = true
	for _, p := range ports {
		settled = settled && p.Seen >= p.Wanted && p.Phase == spec.Applied
		if p.Phase == spec.Failed && trouble == "" {
			trouble = p.Error
		}
	}
	for _, ip := range ips {
		settled = settled && ip.Seen >= ip.Wanted && ip.Phase == spec.Applied
		if ip.Phase == spec.Failed && trouble == "" {
			trouble = ip.Error
		}
	}
	return settled, trouble
}
