package compute

import (
	"context"
	"encoding/json"
	"fmt"

	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Observe takes a host's report on an instance, and wakes its life cycle. link has refused stale and repeated reports before; a report from another host than
// the instance's own changes nothing.
func Observe(ctx context.Context, tx *store.Tx, r spec.Report) error {
	if r.Phase == spec.Orphan {
		return nil
	}
	var f spec.InstanceFacts
	if len(r.Facts) > 0 {
		if err := json.Unmarshal(r.Facts, &f); err != nil {
			return fmt.Errorf("read facts of instance %s: %w", r.UID, err)
		}
	}
	if f.Power == "" {
		f.Power = spec.Off
	}
	res, err := tx.NewRaw(`UPDATE instances SET seen = ?, phase = ?, seen_power = ?, seen_since = ?, seen_restart = ?, seen_password = ?, seen_epoch = ?, crashed = ?, trouble = ?
		WHERE uid = ? AND host = ?`, r.Generation, r.Phase, f.Power, store.At(f.Since), f.Restart, f.Password, f.Epoch, f.Crashed, r.Error, r.UID, r.Host).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return nil
	}
	return work.Wake(ctx, tx, Kind, r.UID)
}

// unsettled is the condition of the index instances_unsettled, word for word.
const unsettled = "dirty OR state NOT IN ('running', 'stopped', 'failed')"

// Unsettled lists the instances that are on their way, for the slow scan that finds lost wake-ups.
func Unsettled(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*Instance)(nil)).Column("uid").Where("uid > ?", after).Where(unsettled).
		Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}

// HostOf tells which host an instance is on.
func HostOf(ctx context.Context, tx *store.Tx, uid string) (host string, err error) {
	err = tx.NewSelect().Model((*Instance)(nil)).Column("host").Where("uid = ?", uid).Scan(ctx, &host)
	if store.NotFound(err) {
		return "", fault.Missing(Kind, uid)
	}
	return host, err
}
