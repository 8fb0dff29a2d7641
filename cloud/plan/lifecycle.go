package plan

import (
	"context"
	"fmt"
	"time"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/operation"
	"edgecloud/cloud/quota"
	"edgecloud/store"
	"edgecloud/work"
)

// How long each waiting state may last: a little longer than what an instance may take for the same.
const (
	makeDeadline   = 40 * time.Minute
	deleteDeadline = 20 * time.Minute
)

// Lifecycle is the life of edge clouds. It moves nothing by itself: it looks at what becomes of the instances, whose changes wake it.
func Lifecycle() work.Lifecycle {
	rest := work.State[*Cloud]{Step: resting, Terminal: true}
	return work.Machine[*Cloud]{
		Kind: Kind, Load: load, SetState: setState,
		States: map[string]work.State[*Cloud]{
			string(Creating):     {Step: making, Deadline: makeDeadline, OnDeadline: tooLate(Failed)},
			string(Updating):     {Step: making, Deadline: makeDeadline, OnDeadline: tooLate(Failed)},
			string(InService):    rest,
			string(Failed):       rest,
			string(DeleteFailed): rest,
			string(Deleting):     {Step: deleting, Deadline: deleteDeadline, OnDeadline: tooLate(DeleteFailed)},
		},
	}.MustBuild()
}

func load(ctx context.Context, tx *store.Tx, uid string) (*Cloud, string, error) {
	c := new(Cloud)
	if err := tx.NewSelect().Model(c).Where("uid = ?", uid).Scan(ctx); err != nil {
		return nil, "", err
	}
	return c, string(c.State), nil
}

func setState(ctx context.Context, tx *store.Tx, c *Cloud, state string) error {
	from := c.State
	c.State, c.Changed = State(state), tx.Time()
	res, err := tx.NewUpdate().Model(c).Column("state", "error", "changed").Where("uid = ? AND state = ?", c.UID, from).Exec(ctx)
	if err != nil {
		return err
	}
	if n, _ := res.RowsAffected(); n == 0 {
		return fmt.Errorf("edge cloud %s left the state %s meanwhile", c.UID, from)
	}
	if c.State == InService {
		return operation.Succeed(ctx, tx, c.UID)
	}
	return operation.Fail(ctx, tx, c.UID, c.Error)
}

// gone tells whether the edge cloud's group is no more, and then forgets the edge cloud. Its row goes with the step, which then must not ask for another state.
func (c *Cloud) gone(ctx context.Context, tx *store.Tx) (bool, error) {
	there, err := tx.NewSelect().Model((*compute.Group)(nil)).Where("uid = ?", c.UID).Exists(ctx)
	if err != nil || there {
		return false, err
	}
	if _, err := tx.NewDelete().Model(c).WherePK().Exec(ctx); err != nil {
		return false, err
	}
	if err := operation.Succeed(ctx, tx, c.UID); err != nil {
		return false, err
	}
	return true, quota.Count(ctx, tx, c.Account, quota.Change{Name: quota.EdgeClouds, Delta: -1})
}

// making waits until the last instance has been made or has failed at it.
func making(ctx context.Context, tx *store.Tx, c *Cloud) (work.Next, error) {
	if gone, err := c.gone(ctx, tx); err != nil || gone {
		return work.Again(0), err
	}
	var count struct{ Busy, Bad, Total int }
	err := tx.NewRaw(`SELECT COALESCE(SUM(CASE WHEN state = ? THEN 1 ELSE 0 END), 0) AS busy, COALESCE(SUM(CASE WHEN state = ? AND created >= ? THEN 1 ELSE 0 END), 0) AS bad,
		COUNT(*) AS total FROM instances WHERE grp = ?`, compute.Creating, compute.Failed, c.Changed, c.UID).Scan(ctx, &count)
	if err != nil {
		return work.Next{}, err
	}
	switch {
	case count.Busy > 0:
		return work.Wait("instances", 0), nil
	case count.Bad > 0:
		c.Error = fmt.Sprintf("%d of %d instances could not be made.", count.Bad, count.Total)
		return work.Goto(string(Failed)), nil
	}
	return work.Goto(string(InService)), nil
}

// deleting waits until the group is gone with the last instance.
func deleting(ctx context.Context, tx *store.Tx, c *Cloud) (work.Next, error) {
	if gone, err := c.gone(ctx, tx); err != nil || gone {
		return work.Again(0), err
	}
	return work.Wait("instances", 0), nil
}

// resting notices that somebody has deleted the group.
func resting(ctx context.Context, tx *store.Tx, c *Cloud) (work.Next, error) {
	if gone, err := c.gone(ctx, tx); err != nil || gone {
		return work.Again(0), err
	}
	return work.Done(), nil
}

// tooLate ends a state that lasted too long.
func tooLate(to State) func(ctx context.Context, tx *store.Tx, c *Cloud) (work.Next, error) {
	return func(_ context.Context, _ *store.Tx, c *Cloud) (work.Next, error) {
		c.Error = fmt.Sprintf("It did not get beyond %q in time.", c.State)
		return work.Goto(string(to)), nil
	}
}

// Unsettled lists the edge clouds that are on their way or whose group is gone, for the slow scan that finds lost wake-ups.
func Unsettled(ctx context.Context, tx *store.Tx, after string, limit int) (uids []string, err error) {
	err = tx.NewSelect().Model((*Cloud)(nil)).Column("uid").Where("uid > ?", after).
		Where("state NOT IN (?, ?, ?) OR uid NOT IN (SELECT g.uid FROM groups AS g)", InService, Failed, DeleteFailed).Order("uid").Limit(limit).Scan(ctx, &uids)
	return uids, err
}
