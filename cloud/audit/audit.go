package audit

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/store"
)

// Event is one record.
type Event struct {
	bun.BaseModel `bun:"table:audit_events,alias:event"`

	UID       string     `bun:"uid,pk"`
	At        store.Time `bun:"at"`
	Account   string     `bun:"account"`
	User      string     `bun:"user_id"`
	AccessKey string     `bun:"access_key"`
	Source    string     `bun:"source"` // address of the caller
	Dialect   string     `bun:"dialect"`
	Operation string     `bun:"operation"` // as the contract names it
	Request   string     `bun:"request"`   // request ID, as the caller got it
	Kind      string     `bun:"kind"`      // of the resource
	Target    string     `bun:"target"`    // UID of the resource; empty for a call that failed before it had one
	Result    string     `bun:"result"`    // "ok" or the fault's kind
}

// Note records a change that commits with tx.
func Note(ctx context.Context, tx *store.Tx, caller *identity.Caller, kind, target string) error {
	_, err := tx.NewInsert().Model(event(tx, caller, kind, target, "ok")).Exec(ctx)
	return err
}

// Failed records a mutating call that changed nothing.
func Failed(ctx context.Context, db *store.DB, caller *identity.Caller, result string) error {
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewInsert().Model(event(tx, caller, "", "", result)).Exec(ctx)
		return err
	})
}

func event(tx *store.Tx, c *identity.Caller, kind, target, result string) *Event {
	return &Event{UID: tx.NewUID(), At: store.At(tx.Now()), Account: c.Account, User: c.User, AccessKey: c.KeyID, Source: c.SourceIP, Dialect: c.Dialect,
		Operation: c.Operation, Request: c.RequestID, Kind: kind, Target: target, Result: result}
}

// List gives an account's newest records first, older than before (a record's UID; empty starts at the newest). Operators may ask for all accounts.
func List(ctx context.Context, db *store.DB, caller *identity.Caller, account, before string, limit int) ([]*Event, error) {
	if account != caller.Account {
		if err := caller.MayOperate(); err != nil {
			return nil, err
		}
	}
	var events []*Event
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&events).Order("uid DESC").Limit(limit)
		if account != "" {
			q = q.Where("account = ?", account)
		}
		if before != "" {
			q = q.Where("uid < ?", before)
		}
		return q.Scan(ctx)
	})
	return events, err
}
