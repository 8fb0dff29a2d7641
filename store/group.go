package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/uptrace/bun"
)

// maxGroup bounds the functions that share one commit, and so the time that the first of them waits.
const maxGroup = 128

// group commits the write functions of a moment together: BEGIN IMMEDIATE, each function in a savepoint of its own, COMMIT, so that one fsync serves all.
//
// Each function runs in the goroutine that asked for it, when the group's loop gives it the turn: so a test's FailNow (runtime.Goexit) inside a function
// ends that goroutine and not the loop.
type group struct {
	db    *DB
	conn  bun.Conn
	queue queue
	wake  chan struct{}
	quit  chan struct{}
	ended chan struct{}
}

// The lives of a job: only one side wins it from waiting.
const (
	jobWaiting = iota
	jobTaken
	jobLeft
)

type job struct {
	background bool

	state atomic.Int32
	turn  chan bool  // true: run now; closed: nothing more to run
	ran   chan error // the function's own error
	done  chan error // the fate of the transaction
}

func newGroup(db *DB, conn bun.Conn) *group {
	g := &group{db: db, conn: conn, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go g.loop()
	return g
}

func (g *group) stop() error {
	close(g.quit)
	<-g.ended
	return g.conn.Close()
}

// write queues f, runs it when its turn comes, and waits for the commit.
func (g *group) write(ctx context.Context, f func(context.Context, *Tx) error) error {
	j := &job{background: isBackground(ctx), turn: make(chan bool), ran: make(chan error), done: make(chan error, 1)}
	g.queue.add(j)
	g.poke()
	inner := enterTx(context.WithoutCancel(ctx))
	var tx *Tx
	for {
		select {
		case <-j.turn:
			tx = g.db.newTx(g.conn)
			g.run(j, func() error { return tx.whole(inner, f) })
		case err := <-j.done:
			if err == nil {
				tx.committed()
			}
			return err
		case <-ctx.Done():
			if j.state.CompareAndSwap(jobWaiting, jobLeft) {
				return ctx.Err()
			}
			ctx = inner // too late to leave: it runs, and the caller must know how it ended
		case <-g.ended:
			if j.state.CompareAndSwap(jobWaiting, jobLeft) {
				return ErrClosed
			}
			return <-j.done
		}
	}
}

var errGoexit = errors.New("store: the function ended its goroutine")

// run runs a function in the caller's goroutine and reports to the loop, even when the function ends the goroutine.
func (g *group) run(j *job, f func() error) {
	err := errGoexit
	defer func() { j.ran <- err }()
	err = guard(f)
}

func (g *group) loop() {
	defer close(g.ended)
	for {
		select {
		case <-g.quit:
			return
		case <-g.wake:
		}
		for {
			batch := g.queue.take()
			if len(batch) == 0 {
				break
			}
			g.commit(batch)
			select {
			case <-g.quit:
				return
			default:
			}
		}
	}
}

func (g *group) poke() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// commit runs a batch in one transaction. When the transaction as a whole fails (a deferred constraint, a full disk), each function that had succeeded runs
// again alone, so that only the culprit fails.
func (g *group) commit(batch []*job) {
	ok, err := g.together(batch)
	if err == nil {
		for _, j := range ok {
			j.done <- nil
		}
		return
	}
	if len(ok) == 1 {
		ok[0].done <- err
		return
	}
	for _, j := range ok {
		one, err := g.together([]*job{j})
		if len(one) == 1 {
			j.done <- err
		}
	}
}

// together runs the jobs in one transaction; those that fail are answered at once. It returns the others and the fate of the transaction.
func (g *group) together(batch []*job) (ok []*job, err error) {
	if err := g.exec("BEGIN IMMEDIATE"); err != nil {
		return batch, fmt.Errorf("store: beginning to write: %w", err)
	}
	if len(batch) == 1 {
		return g.alone(batch[0])
	}
	for i, j := range batch {
		if i > 0 && g.queue.yields(j) {
			g.queue.putBack(batch[i:])
			g.poke()
			break
		}
		fate, broken := g.inSavepoint(j)
		if broken != nil {
			g.abandon()
			if fate != nil {
				j.done <- fate
			} else {
				ok = append(ok, j)
			}
			return append(ok, batch[i+1:]...), broken
		}
		if fate != nil {
			j.done <- fate
			continue
		}
		ok = append(ok, j)
	}
	if len(ok) == 0 {
		return nil, g.exec("ROLLBACK")
	}
	if err := g.exec("COMMIT"); err != nil {
		g.abandon()
		return ok, fmt.Errorf("store: committing: %w", err)
	}
	return ok, nil
}

// alone runs the only job of a transaction, which needs no savepoint.
func (g *group) alone(j *job) (ok []*job, err error) {
	if !g.goesWell(j) {
		return nil, nil
	}
	if err := g.exec("COMMIT"); err != nil {
		g.abandon()
		return []*job{j}, fmt.Errorf("store: committing: %w", err)
	}
	return []*job{j}, nil
}

// goesWell runs a job; one that fails is answered, and its transaction is undone.
func (g *group) goesWell(j *job) bool {
	fate := g.turn(j)
	if fate == nil {
		return true
	}
	g.abandon()
	j.done <- fate
	return false
}

// inSavepoint gives a job its turn. fate is why the job failed; broken is why the transaction cannot go on.
func (g *group) inSavepoint(j *job) (fate, broken error) {
	if err := g.exec("SAVEPOINT one"); err != nil {
		return nil, err
	}
	fate = g.turn(j)
	if fate == nil {
		return nil, g.exec("RELEASE one")
	}
	if errors.Is(fate, errBroken) {
		return fate, fate
	}
	if err := g.exec("ROLLBACK TO one"); err != nil {
		return fate, err
	}
	return fate, g.exec("RELEASE one")
}

// turn lets a job's goroutine run its function.
func (g *group) turn(j *job) error {
	start := g.db.gen.now()
	j.turn <- true
	fate := <-j.ran
	g.queue.spent(j, g.db.gen.now().Sub(start))
	return fate
}

// abandon leaves a transaction that failed; SQLite may already have left it by itself.
func (g *group) abandon() {
	if err := g.exec("ROLLBACK"); err != nil {
		g.db.log.Debug("rolling back a failed group", "error", err)
	}
}

// exec goes past bun, so that transaction control is not counted as a statement of the caller.
func (g *group) exec(query string) error {
	_, err := g.conn.Conn.ExecContext(context.Background(), query)
	return err
}
