package place

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"edgecloud/fault"
	"edgecloud/store"
)

// Demand is what an instance takes from a host.
type Demand struct {
	VCPUs     int64
	MemoryMiB int64
	DiskGiB   int64
}

// Take chooses the host of a site with the most memory left that has room, takes the room, and gives the host's UID. Hosts that hold another member of the
// placement set are left out; set may be empty. No host left is a Capacity fault. The choice and the taking are one statement: nothing can come between.
func Take(ctx context.Context, tx *store.Tx, site string, d Demand, set string) (string, error) {
	const take = `UPDATE hosts SET used_vcpus = used_vcpus + ?0, used_mib = used_mib + ?1, used_gib = used_gib + ?2, instances = instances + 1
		WHERE uid = (SELECT h.uid FROM hosts AS h WHERE h.site = ?3 AND h.enabled AND h.seen >= ?4
			AND h.used_vcpus + ?0 <= h.vcpus AND h.used_mib + ?1 <= h.memory_mib AND h.used_gib + ?2 <= h.disk_gib
			AND (?5 = '' OR h.uid NOT IN (SELECT m.host FROM placement_members AS m WHERE m.pset = ?5))
			ORDER BY h.memory_mib - h.used_mib DESC, h.instances, h.uid LIMIT 1) RETURNING uid`
	var host string
	silent := store.At(tx.Now().Add(-HostSilence))
	err := tx.NewRaw(take, d.VCPUs, d.MemoryMiB, d.DiskGiB, site, silent, set).Scan(ctx, &host)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.New(fault.Capacity, "The node has no host left with %d vCPU, %d MiB of memory and %d GiB of disk for this instance.", d.VCPUs, d.MemoryMiB, d.DiskGiB)
	}
	if err != nil {
		return "", fmt.Errorf("take room on a host: %w", err)
	}
	return host, nil
}

// Give returns what Take took.
func Give(ctx context.Context, tx *store.Tx, host string, d Demand) error {
	return adjust(ctx, tx, host, Demand{-d.VCPUs, -d.MemoryMiB, -d.DiskGiB}, -1)
}

// Change takes or gives the difference that a resize makes on the host that an instance is on. No room is a Capacity fault.
func Change(ctx context.Context, tx *store.Tx, host string, from, to Demand) error {
	delta := Demand{to.VCPUs - from.VCPUs, to.MemoryMiB - from.MemoryMiB, to.DiskGiB - from.DiskGiB}
	return adjust(ctx, tx, host, delta, 0)
}

func adjust(ctx context.Context, tx *store.Tx, host string, d Demand, instances int64) error {
	const change = `UPDATE hosts SET used_vcpus = used_vcpus + ?0, used_mib = used_mib + ?1, used_gib = used_gib + ?2, instances = instances + ?3 WHERE uid = ?4
		AND (?0 <= 0 OR used_vcpus + ?0 <= vcpus) AND (?1 <= 0 OR used_mib + ?1 <= memory_mib) AND (?2 <= 0 OR used_gib + ?2 <= disk_gib)`
	res, err := tx.NewRaw(change, d.VCPUs, d.MemoryMiB, d.DiskGiB, instances, host).Exec(ctx)
	if err != nil {
		return fmt.Errorf("change room on host %s: %w", host, err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fault.New(fault.Capacity, "The instance's host has not enough room for the change.")
	}
	return nil
}

// Open gives the hosts of sites on which something can be placed now, by site.
func Open(ctx context.Context, tx *store.Tx, sites []string) (map[string][]*Host, error) {
	found := map[string][]*Host{}
	if len(sites) == 0 {
		return found, nil
	}
	var hosts []*Host
	silent := store.At(tx.Now().Add(-HostSilence))
	if err := tx.NewSelect().Model(&hosts).Where("site IN (?) AND enabled AND seen >= ?", bun.In(sites), silent).Order("site", "uid").Scan(ctx); err != nil {
		return nil, err
	}
	for _, h := range hosts {
		found[h.Site] = append(found[h.Site], h)
	}
	return found, nil
}
