package store

import "context"

type joinKey struct{}

// Join gives a context in which Write and Read take part in tx instead of beginning a transaction of their own: a door wraps a whole call this way, so that
// an idempotency token, the call's changes and its stored answer commit together. A Write that fails inside undoes its own part only.
func Join(ctx context.Context, tx *Tx) context.Context { return context.WithValue(ctx, joinKey{}, tx) }

func joined(ctx context.Context) *Tx {
	tx, _ := ctx.Value(joinKey{}).(*Tx)
	return tx
}

// within runs f as a part of the transaction that ctx has joined. Deeper calls join it too.
func (tx *Tx) within(ctx context.Context, f func(context.Context, *Tx) error) error {
	if tx.readOnly {
		return guard(func() error { return f(ctx, tx) })
	}
	return tx.Try(ctx, func() error { return f(ctx, tx) })
}
