package balancer

import (
	"context"
	"encoding/json"
	"fmt"

	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/work"
)

// Observe takes a site's report on a balancer: how far it has come, and which members are healthy.
func Observe(ctx context.Context, tx *store.Tx, r spec.Report) error {
	var facts spec.BalancerFacts
	if len(r.Facts) > 0 {
		if err := json.Unmarshal(r.Facts, &facts); err != nil {
			return fmt.Errorf("facts of balancer %s: %w", r.UID, err)
		}
	}
	health := store.JSON[[]spec.MemberHealth]{V: facts.Members}
	res, err := tx.NewRaw("UPDATE balancers SET seen = ?, phase = ?, error = ?, health = ? WHERE uid = ? AND seen <= ?", r.Generation, r.Phase, r.Error, health, r.UID, r.Generation).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return work.Wake(ctx, tx, Kind, r.UID)
}
