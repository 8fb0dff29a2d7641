package store

import (
	"context"
	"errors"
)

// gathered is something that a transaction leaves to its end.
type gathered struct {
	key   string
	item  any
	flush func(ctx context.Context, tx *Tx, items []any) error
}

// Gather leaves something to the end of the transaction, where all items of a key are handed to flush together, in their order, so that many small changes
// become one statement. It is a part of the transaction: flush's error is the transaction's, and what a failed Try gathered is forgotten with it. Settle brings
// it forward. Whoever reads what flush writes calls Settle first.
func Gather[T any](tx *Tx, key string, item T, flush func(ctx context.Context, tx *Tx, items []T) error) error {
	if tx.readOnly {
		return errors.New("store: nothing can be written in a transaction that reads")
	}
	tx.gathered = append(tx.gathered, gathered{key: key, item: item, flush: func(ctx context.Context, tx *Tx, items []any) error {
		all := make([]T, len(items))
		for i, x := range items {
			all[i] = x.(T)
		}
		return flush(ctx, tx, all)
	}})
	return nil
}

// Settle does now what was gathered so far.
func (tx *Tx) Settle(ctx context.Context) error {
	for len(tx.gathered) > 0 {
		all := tx.gathered
		tx.gathered = nil
		for len(all) > 0 {
			first, rest := all[0], all[:0:0]
			var items []any
			for _, g := range all {
				if g.key == first.key {
					items = append(items, g.item)
				} else {
					rest = append(rest, g)
				}
			}
			if err := first.flush(ctx, tx, items); err != nil {
				return err
			}
			all = rest
		}
	}
	return nil
}

// whole runs f and what it gathered.
func (tx *Tx) whole(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Settle(ctx)
}
