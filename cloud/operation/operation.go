package operation

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// Status says how an operation stands.
type Status string

// The statuses.
const (
	Running   Status = "running"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
	// Superseded operations were overtaken by a later one on the same resource, such as a deletion.
	Superseded Status = "superseded"
)

// Operation is one change under way.
type Operation struct {
	bun.BaseModel `bun:"table:operations,alias:op"`

	UID     string     `bun:"uid,pk"`
	Account string     `bun:"account"`
	Verb    string     `bun:"verb"` // create, start, stop, ...
	Kind    string     `bun:"kind"`
	Target  string     `bun:"target"`
	Status  Status     `bun:"status"`
	Step    string     `bun:"step"`    // the life cycle's state
	Percent int        `bun:"percent"` // rough
	Error   string     `bun:"error"`   // public sentence
	Opened  store.Time `bun:"opened"`
	Closed  store.Time `bun:"closed"`
}

// Open starts an operation on a resource and ends the one that it overtakes.
func Open(ctx context.Context, tx *store.Tx, account, verb, kind, target, step string) (string, error) {
	if err := end(ctx, tx, target, Superseded, ""); err != nil {
		return "", err
	}
	return OpenFirst(ctx, tx, account, verb, kind, target, step)
}

// OpenFirst starts an operation on a resource that is made in the same transaction, so that there is none to overtake.
func OpenFirst(ctx context.Context, tx *store.Tx, account, verb, kind, target, step string) (string, error) {
	o := &Operation{UID: tx.NewUID(), Account: account, Verb: verb, Kind: kind, Target: target, Status: Running, Step: step, Opened: store.At(tx.Now())}
	_, err := tx.NewInsert().Model(o).Exec(ctx)
	return o.UID, err
}

// Progress notes how far the running operation on a resource is.
func Progress(ctx context.Context, tx *store.Tx, target, step string, percent int) error {
	_, err := tx.NewUpdate().Model((*Operation)(nil)).Set("step = ?", step).Set("percent = ?", percent).Where("target = ? AND status = ?", target, Running).Exec(ctx)
	return err
}

// Succeed closes the running operation on a resource, if there is one.
func Succeed(ctx context.Context, tx *store.Tx, target string) error {
	return end(ctx, tx, target, Succeeded, "")
}

// Fail closes the running operation on a resource with a public sentence.
func Fail(ctx context.Context, tx *store.Tx, target, sentence string) error {
	return end(ctx, tx, target, Failed, sentence)
}

func end(ctx context.Context, tx *store.Tx, target string, status Status, sentence string) error {
	q := tx.NewUpdate().Model((*Operation)(nil)).Set("status = ?", status).Set("closed = ?", store.At(tx.Now())).Set("error = ?", sentence)
	if status == Succeeded {
		q = q.Set("percent = 100")
	}
	_, err := q.Where("target = ? AND status = ?", target, Running).Exec(ctx)
	return err
}

// Get finds one operation of the caller.
func Get(ctx context.Context, db *store.DB, caller *identity.Caller, uid string) (*Operation, error) {
	o := new(Operation)
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(o).Where("uid = ? AND account = ?", uid, caller.Account).Scan(ctx)
	})
	if store.NotFound(err) {
		return nil, fault.Missing("operation", uid)
	}
	return o, err
}

// Last finds the newest operation on a resource of the caller's, or on what was one.
func Last(ctx context.Context, db *store.DB, caller *identity.Caller, target string) (*Operation, error) {
	o := new(Operation)
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(o).Where("target = ? AND account = ?", target, caller.Account).Order("uid DESC").Limit(1).Scan(ctx)
	})
	if store.NotFound(err) {
		return nil, fault.Missing("operation", target)
	}
	return o, err
}

// Purge forgets operations that ended before the given age.
func Purge(ctx context.Context, db *store.DB, age time.Duration) error {
	return db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewDelete().Model((*Operation)(nil)).Where("status <> ? AND closed < ?", Running, store.At(tx.Now().Add(-age))).Exec(ctx)
		return err
	})
}
