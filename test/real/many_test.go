package real_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"edgecloud/cloud/compute"
)

// Twenty creates at once on one host: every one runs, once, and nothing is left of any.
func TestTwentyCreatesAtOnce(t *testing.T) {
	const count = 20
	s := newSite(t, 1, nil)
	u := s.tenant()
	h := u.settle("many", "192.168.0.0/16", "192.168.10.0/24")
	made := make([]*compute.Instance, count)
	began := time.Now()
	var g errgroup.Group
	for k := range count {
		g.Go(func() error {
			one, err := u.trySmall(order{name: fmt.Sprintf("many-%d", k), count: 1, group: h.group.UID, subnet: h.subnet.UID, mib: 128})
			if err == nil {
				made[k] = one[0]
			}
			return err
		})
	}
	require.NoError(t, g.Wait())
	u.is(compute.Running, uids(made)...)
	t.Logf("%d instances run after %s", count, since(began))
	guests, err := s.nodes[0].PoweredGuests()
	require.NoError(t, err)
	var want []string
	for _, i := range made {
		want = append(want, "ec-"+i.Handle)
	}
	require.ElementsMatch(t, want, guests)
	began = time.Now()
	u.clear(made)
	t.Logf("%d instances are gone after %s", count, since(began))
	u.leave(h)
}
