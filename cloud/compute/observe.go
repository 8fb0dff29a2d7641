package compute

import (
	"context"
	"encoding/json"
	"fmt"

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
