package network_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/network"
	"edgecloud/cloud/place"
	"edgecloud/controlplane"
	"edgecloud/fault"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

func TestBatchesFillTheWholeDefaultRange(t *testing.T) {
	storetest.Each(t, controlplane.Migrations(), func(t *testing.T, db *store.DB) {
		caller, site := &identity.Caller{Account: "a"}, &place.Site{UID: "s", Slug: "s", Name: "s"}
		seen, made := map[string]bool{}, 0
		add := func(count int) error {
			return db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				r, err := network.Resolve(ctx, tx, caller, network.Attachment{Site: site})
				if err != nil {
					return err
				}
				uids := make([]string, count)
				for i := range uids {
					uids[i] = fmt.Sprint("i", made+i)
				}
				ports, err := r.AddPorts(ctx, tx, caller, 0, uids)
				for _, p := range ports {
					require.False(t, seen[p.Address], p.Address)
					seen[p.Address] = true
				}
				made += len(ports)
				return err
			})
		}
		require.NoError(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.NewInsert().Model(site).Exec(ctx)
			return err
		}))
		const whole = 16 * 253
		for made+300 <= whole {
			require.NoError(t, add(300))
		}
		require.NoError(t, add(whole-made))
		require.True(t, fault.Is(add(1), fault.Capacity))
	})
}
