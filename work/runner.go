package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun/dialect"

	"edgecloud/store"
)

// Runner carries out the work of some kinds. Several runners, also on several servers, may share one database. The fields are not changed after the first use.
type Runner struct {
	DB          *store.DB
	Reconcilers []Reconciler
	Scans       []Scan        // slow full scans, see FullScan
	Workers     int           // step transactions under way at once; default 4
	Calls       int           // outside calls under way at once; default 32
	Lease       time.Duration // after so long without a sign of life a worker counts as dead; default 30 s
	Poll        time.Duration // how often to look for work that another server's commit made due; default 1 s on PostgreSQL, never on SQLite
	Logger      *slog.Logger  // default slog.Default
	// OnOverdue records an alert for a state or wait past its deadline, in the transaction that acts on it.
	OnOverdue func(ctx context.Context, tx *store.Tx, o Overdue) error
	// OnError is told of every failed step, after the failure is recorded.
	OnError func(kind, uid string, err error)
	Faults  *Faults

	once    sync.Once
	initErr error
	byKind  map[string]Reconciler
	kinds   []string
	prefix  string // of the holder names of this runner
	calls   chan struct{}
	batch   int // rows leased at once for one worker
	joint   int // rows of one step transaction
}

// The limits of a failed step's pause.
const (
	minBackoff = 200 * time.Millisecond
	maxBackoff = time.Minute
)

// batchSize rows are leased at once. On SQLite, where steps run one after the other anyway, jointSize of them share a step transaction, which makes calls wait
// for some milliseconds; on PostgreSQL each has its own, since one conflict repeats the whole transaction.
const (
	batchSize = 64
	jointSize = 16
)

func (r *Runner) init() error {
	r.once.Do(func() { r.initErr = r.setUp() })
	return r.initErr
}

func (r *Runner) setUp() error {
	if r.DB == nil {
		return errors.New("work: the runner has no database")
	}
	r.byKind = map[string]Reconciler{}
	all := r.Reconcilers
	if len(r.Scans) > 0 {
		all = append(all[:len(all):len(all)], newScanner(r.Scans))
	}
	for _, rec := range all {
		kind := rec.Kind()
		if _, twice := r.byKind[kind]; twice || kind == "" {
			return fmt.Errorf("work: the kind %q is empty or has two reconcilers", kind)
		}
		r.byKind[kind] = rec
		r.kinds = append(r.kinds, kind)
	}
	if len(r.kinds) == 0 {
		return errors.New("work: the runner has no reconcilers")
	}
	setDefault(&r.Workers, 4)
	setDefault(&r.Calls, 32)
	setDefault(&r.Lease, 30*time.Second)
	r.batch, r.joint = batchSize, jointSize
	if r.DB.Dialect().Name() == dialect.PG {
		setDefault(&r.Poll, time.Second)
		r.joint = 1
	}
	if r.Faults != nil {
		r.batch, r.joint = 1, 1 // a crash strikes one row
	}
	if r.Logger == nil {
		r.Logger = slog.Default()
	}
	r.prefix = r.DB.Instance() + "-"
	r.calls = make(chan struct{}, r.Calls)
	return nil
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Run works until the context ends, and returns when everything under way has ended: steps finish, outside calls are cancelled (their work is repeated
// later). Without work it sleeps until the next due time or a signal.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.init(); err != nil {
		return err
	}
	if err := r.start(ctx); err != nil {
		return err
	}
	ctx = store.Background(ctx)
	signal, cancel := r.DB.Subscribe(topic)
	defer cancel()
	var under sync.WaitGroup
	defer under.Wait()
	slots := make(chan struct{}, r.Workers)
	for {
		select {
		case <-ctx.Done():
			return nil
		case slots <- struct{}{}:
		}
		batch, err := r.take(ctx, r.takeSize(r.batch))
		if len(batch) == 0 {
			<-slots
			if !r.pause(ctx, signal, err) {
				return nil
			}
			continue
		}
		under.Go(func() {
			defer func() { <-slots }()
			for part := range slices.Chunk(batch, r.joint) {
				r.runBatch(ctx, part, &under)
			}
		})
	}
}

// start frees what dead processes held (on SQLite there is only this one) and begins the scans.
func (r *Runner) start(ctx context.Context) error {
	return r.DB.WriteCommitted(ctx, func(ctx context.Context, tx *store.Tx) error {
		if tx.Dialect().Name() == dialect.SQLite {
			if err := releaseOthers(ctx, tx, r.prefix); err != nil {
				return err
			}
		}
		return r.startScans(ctx, tx)
	})
}

// StartScans begins the scans, for simulations that step with RunOne; Run does it by itself.
func (r *Runner) StartScans(ctx context.Context) error {
	if err := r.init(); err != nil {
		return err
	}
	return r.DB.WriteCommitted(ctx, r.startScans)
}

// takeSize keeps the number of waiting outside calls bounded: when all are busy, rows are taken one by one.
func (r *Runner) takeSize(n int) int { return max(1, min(n, cap(r.calls)-len(r.calls))) }

func (r *Runner) take(ctx context.Context, n int) (batch []*row, err error) {
	if err := r.init(); err != nil {
		return nil, err
	}
	holder := r.prefix + r.DB.Token(10)
	err = r.DB.WriteCommitted(ctx, func(ctx context.Context, tx *store.Tx) error {
		batch, err = take(ctx, tx, r.kinds, n, holder, r.Lease)
		return err
	})
	if err != nil {
		return nil, err
	}
	return batch, nil
}

// pause waits for a reason to look again; false when the context has ended.
func (r *Runner) pause(ctx context.Context, signal <-chan struct{}, failed error) bool {
	if ctx.Err() != nil {
		return false
	}
	wait, limited := r.Poll, r.Poll > 0
	if failed == nil {
		due, ok, err := r.NextDue(ctx)
		if until := due.Sub(r.DB.Now()); ok && (!limited || until < wait) {
			wait, limited = until, true
		}
		failed = err
	}
	if failed != nil && ctx.Err() == nil {
		r.Logger.Error("work: the database does not answer", "error", failed)
		wait, limited = time.Second, true
	}
	var alarm <-chan time.Time
	if limited {
		timer := time.NewTimer(max(wait, 0))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-signal:
	case <-alarm:
	}
	return true
}

// NextDue tells when the next work is due (also in the past), or a dead worker's lease ends; ok is false when there is none at all.
func (r *Runner) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	if err := r.init(); err != nil {
		return time.Time{}, false, err
	}
	var due store.Time
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		due, ok, err = nextDue(ctx, tx, r.kinds)
		return err
	})
	return due.Time(), ok, err
}

// Idle tells whether nothing is due now.
func (r *Runner) Idle(ctx context.Context) (bool, error) {
	at, ok, err := r.NextDue(ctx)
	return err == nil && (!ok || at.After(r.DB.Now())), err
}

// backoff is the pause after a number of runs that failed: exponential, with jitter between a half and the whole.
func backoff(attempt int) time.Duration {
	d := maxBackoff
	if attempt < 10 {
		d = min(maxBackoff, minBackoff<<max(attempt-1, 0))
	}
	return d/2 + rand.N(d/2)
}
