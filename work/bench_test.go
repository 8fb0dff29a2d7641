package work_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// BenchmarkDrain runs trivial steps as fast as they go, from rows that are all due.
func BenchmarkDrain(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b, tables...), "postgres": storetest.Postgres(b, tables...)} {
		b.Run(name, func(b *testing.B) {
			uids := make([]string, b.N)
			for i := range uids {
				uids[i] = fmt.Sprintf("t%07d", i)
			}
			wake(b, db, "thing", uids...)
			var steps atomic.Int64
			all := make(chan struct{})
			r := &work.Runner{DB: db, Logger: silent, Reconcilers: []work.Reconciler{script{"thing", func(context.Context, *store.Tx, string) (work.Next, error) {
				if steps.Add(1) == int64(b.N) {
					close(all)
				}
				return work.Done(), nil
			}}}}
			ctx, stop := context.WithCancel(context.Background())
			ended := make(chan error)
			b.ResetTimer()
			go func() { ended <- r.Run(ctx) }()
			<-all
			stop()
			require.NoError(b, <-ended)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
