package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/uptrace/bun"
)

// Tx is one transaction: bun's query builders, and the values that must be the same throughout it. It belongs to the goroutine that runs the function.
type Tx struct {
	bun.IDB
	db       *DB
	now      time.Time
	readOnly bool
	depth    int
	after    []func()
	notified map[string]bool
	gathered []gathered
}

type txKey struct{}

// enterTx marks a context as being inside a transaction.
func enterTx(ctx context.Context) context.Context { return context.WithValue(ctx, txKey{}, true) }

func inTx(ctx context.Context) bool { return ctx.Value(txKey{}) != nil }

func (db *DB) newTx(q bun.IDB) *Tx { return &Tx{IDB: q, db: db, now: db.gen.Now()} }

// Now is the clock's reading at the beginning of the transaction, the same at every call.
func (tx *Tx) Now() time.Time { return tx.now }

// Time is Now as a column value.
func (tx *Tx) Time() Time { return At(tx.now) }

// NewUID makes a UUIDv7 (RFC 9562); those of one process sort in the order in which they were made.
func (tx *Tx) NewUID() string { return tx.db.gen.NewUID(tx.now) }

// NewSlug makes 8 random characters of [a-z0-9].
func (tx *Tx) NewSlug() string { return tx.db.gen.NewSlug() }

// Token makes n random characters of [A-Za-z0-9].
func (tx *Tx) Token(n int) string { return tx.db.gen.Token(n) }

// ReadOnly tells whether this is a Read.
func (tx *Tx) ReadOnly() bool { return tx.readOnly }

// AfterCommit runs f once after the commit, in the goroutine that called Write and before Write returns. It does not run when the transaction fails.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// BeginTx is refused: use Try for a part that may fail.
func (tx *Tx) BeginTx(context.Context, *sql.TxOptions) (bun.Tx, error) { return bun.Tx{}, ErrNested }

// RunInTx is refused: use Try for a part that may fail.
func (tx *Tx) RunInTx(context.Context, *sql.TxOptions, func(context.Context, bun.Tx) error) error {
	return ErrNested
}

// Try runs f in a savepoint: when it fails, what it did is undone and the transaction goes on. It returns f's error (a panic becomes one).
func (tx *Tx) Try(ctx context.Context, f func() error) error {
	tx.depth++
	name := fmt.Sprintf("try_%d", tx.depth)
	defer func() { tx.depth-- }()
	if _, err := tx.ExecContext(ctx, "SAVEPOINT "+name); err != nil {
		return err
	}
	after, notified, gathered := len(tx.after), len(tx.notified), tx.gathered
	err := guard(f)
	if err == nil {
		_, err = tx.ExecContext(ctx, "RELEASE SAVEPOINT "+name)
		return err
	}
	tx.after, tx.gathered = tx.after[:after], gathered
	if len(tx.notified) != notified {
		tx.notified = nil // its AfterCommit is gone; a repeated Notify is harmless
	}
	if _, back := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT "+name); back != nil {
		return errors.Join(err, errBroken, back)
	}
	if _, back := tx.ExecContext(ctx, "RELEASE SAVEPOINT "+name); back != nil {
		return errors.Join(err, errBroken, back)
	}
	return err
}

// errBroken marks a transaction that the database has given up, so that nothing of it may be committed.
var errBroken = errors.New("store: the transaction is broken")

func (tx *Tx) committed() {
	for _, f := range tx.after {
		f()
	}
}

// PanicError is a panic inside a transaction, returned as an error after the rollback.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the panic's value and where it came from.
func (p *PanicError) Error() string {
	return fmt.Sprintf("store: panic in a transaction: %v\n%s", p.Value, p.Stack)
}

// guard turns a panic into an error. runtime.Goexit passes through.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
