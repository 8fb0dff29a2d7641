package worktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"edgecloud/store"
	"edgecloud/store/storetest"
	"edgecloud/work"
)

// The example is a volume on an engine: allocated by an outside call, started by an engine that reports, deleted by another outside call.
type volume struct {
	bun.BaseModel `bun:"table:example_volumes"`
	UID           string `bun:"uid,pk"`
	State         string `bun:"state"`
	Handle        string `bun:"handle"`
	Up            bool   `bun:"up"`
}

var tables = store.MigrationSet{Package: "example", Migrations: []store.Migration{{Name: "0900_example",
	SQL: "CREATE TABLE example_volumes (uid TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, handle TEXT NOT NULL, up BOOLEAN NOT NULL)"}}}

// engine keeps what the outside world holds.
type engine struct {
	made    map[string]string // handle -> uid
	started map[string]bool
	careful bool // false: an allocation that is asked for twice is made twice
}

func (e *engine) allocate(uid string) (string, error) {
	handle := "disk-" + uid
	if !e.careful {
		handle += fmt.Sprint("-", len(e.made))
	}
	e.made[handle] = uid
	return handle, nil
}

func (e *engine) free(handle string) (string, error) {
	delete(e.made, handle)
	return handle, nil
}

func machine(e *engine) work.Lifecycle {
	return work.Machine[*volume]{
		Kind: "volume", Failed: "failed",
		Load: func(ctx context.Context, tx *store.Tx, uid string) (*volume, string, error) {
			v := &volume{UID: uid}
			err := tx.NewSelect().Model(v).WherePK().Scan(ctx)
			return v, v.State, err
		},
		SetState: func(ctx context.Context, tx *store.Tx, v *volume, state string) error {
			return update(ctx, tx, v, "state", state)
		},
		States: map[string]work.State[*volume]{
			"creating": {Deadline: time.Minute, Step: func(ctx context.Context, tx *store.Tx, v *volume) (work.Next, error) {
				uid := v.UID
				return work.Outside(time.Second, func(context.Context) (string, error) { return e.allocate(uid) },
					func(ctx context.Context, tx *store.Tx, handle string, err error) (work.Next, error) {
						if err != nil {
							return work.Next{}, err
						}
						return work.Goto("starting"), update(ctx, tx, &volume{UID: uid}, "handle", handle)
					}), nil
			}},
			"starting": {Deadline: time.Minute, Step: func(ctx context.Context, tx *store.Tx, v *volume) (work.Next, error) {
				if !v.Up {
					return work.Wait("the engine's report", 0), nil
				}
				return work.Goto("running"), nil
			}},
			"running": {Terminal: true},
			"failed":  {Terminal: true},
			"deleting": {Deadline: time.Minute, Step: func(ctx context.Context, tx *store.Tx, v *volume) (work.Next, error) {
				uid, handle := v.UID, v.Handle
				return work.Outside(time.Second, func(context.Context) (string, error) { return e.free(handle) },
					func(ctx context.Context, tx *store.Tx, _ string, err error) (work.Next, error) {
						if err != nil {
							return work.Next{}, err
						}
						_, err = tx.NewDelete().Model(&volume{UID: uid}).WherePK().Exec(ctx)
						return work.Done(), err
					}), nil
			}},
		},
	}.MustBuild()
}

func update(ctx context.Context, tx *store.Tx, v *volume, column string, value any) error {
	_, err := tx.NewUpdate().Model(v).Set("? = ?", bun.Ident(column), value).WherePK().Exec(ctx)
	return err
}

// world builds the example.
func world(t *testing.T, open func(testing.TB, store.Config) *store.DB, careful bool) *World {
	clock := storetest.NewClock()
	db := open(t, store.Config{Now: clock.Now, Migrations: []store.MigrationSet{work.Migrations(), tables}})
	e := &engine{made: map[string]string{}, started: map[string]bool{}, careful: careful}
	write := func(f func(ctx context.Context, tx *store.Tx) error) { require.NoError(t, db.Write(t.Context(), f)) }
	all := func() (vs []volume) {
		require.NoError(t, db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error { return tx.NewSelect().Model(&vs).Scan(ctx) }))
		return vs
	}
	return &World{DB: db, Clock: clock, Reconcilers: []work.Reconciler{machine(e)},
		Create: func() {
			write(func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.NewInsert().Model(&volume{UID: "v1", State: "creating"}).Exec(ctx)
				return errors.Join(err, work.Wake(ctx, tx, "volume", "v1"))
			})
		},
		Delete: func() {
			write(func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(update(ctx, tx, &volume{UID: "v1"}, "state", "deleting"), work.Wake(ctx, tx, "volume", "v1"))
			})
		},
		Drive: func() {
			for _, v := range all() {
				if v.State == "starting" && v.Handle != "" && !v.Up {
					write(func(ctx context.Context, tx *store.Tx) error {
						return errors.Join(update(ctx, tx, &v, "up", true), work.Wake(ctx, tx, "volume", v.UID))
					})
				}
			}
		},
		State: func() (states []string) {
			for _, v := range all() {
				states = append(states, v.State)
			}
			return states
		},
		Leftovers: func() (left []string) {
			for handle := range e.made {
				left = append(left, handle)
			}
			return left
		},
	}
}

func TestACarefulLifeSurvivesEverything(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		Run(t, func(t *testing.T) *World { return world(t, storetest.OpenSQLite, true) })
	})
	t.Run("postgres", func(t *testing.T) {
		Run(t, func(t *testing.T) *World { return world(t, storetest.OpenPostgres, true) })
	})
}

// A life whose allocation is not repeatable goes well undisturbed, so only the harness can find it out.
func TestACarelessLifeIsFoundOut(t *testing.T) {
	calm, err := live(t.Context(), world(t, storetest.OpenSQLite, false), disturbance{crashAt: -1, wakeAfter: -1})
	require.NoError(t, err)
	require.Equal(t, []string{"running"}, calm.made)
	require.Empty(t, calm.gone)
	found := 0
	for _, d := range disturbances(calm) {
		_, err := live(t.Context(), world(t, storetest.OpenSQLite, false), d)
		if err != nil && strings.Contains(err.Error(), "left behind") {
			found++
			require.Contains(t, d.name, "crash", "only a crash between the call and its commit leaks")
		}
	}
	require.Equal(t, 2, found, "after the call, and before its result is committed")
}

// A life that waits for an event that never comes does not settle silently.
func TestALostWakeUpIsFoundOut(t *testing.T) {
	w := world(t, storetest.OpenSQLite, true)
	w.Drive = nil
	_, err := live(t.Context(), w, disturbance{crashAt: -1, wakeAfter: -1})
	require.ErrorContains(t, err, "overdue")
	require.ErrorContains(t, err, "waiting for the engine's report")
}
