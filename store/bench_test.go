package store_test

import (
	"context"
	"testing"

	"edgecloud/store"
	"edgecloud/store/storetest"
)

// BenchmarkWrite9Rows is the database's part of a create: nine rows in one transaction, from 16 callers a core.
func BenchmarkWrite9Rows(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b, tables...), "postgres": storetest.Postgres(b, tables...)} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
						for range 9 {
							uid := tx.NewUID()
							if err := insert(ctx, tx, uid, uid, 1); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}
