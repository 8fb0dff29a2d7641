package network

import (
	"context"

	"github.com/uptrace/bun"

	"edgecloud/store"
	"edgecloud/work"
)

// portWatcher is somebody of a higher floor who is to know when a port goes: the work kind and UID that are woken.
type portWatcher struct {
	bun.BaseModel `bun:"table:port_watchers,alias:pw"`

	Port string `bun:"port,pk"`
	Kind string `bun:"kind,pk"`
	UID  string `bun:"uid,pk"`
}

// WatchPort wakes a piece of work when a port is taken away, after which the port is not watched any more (Watched).
func WatchPort(ctx context.Context, tx *store.Tx, port, kind, uid string) error {
	_, err := tx.NewInsert().Model(&portWatcher{Port: port, Kind: kind, UID: uid}).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// UnwatchPort ends a watch.
func UnwatchPort(ctx context.Context, tx *store.Tx, port, kind, uid string) error {
	_, err := tx.NewDelete().Model(&portWatcher{Port: port, Kind: kind, UID: uid}).WherePK().Exec(ctx)
	return err
}

func wakeWatchers(ctx context.Context, tx *store.Tx, ports []*Port) error {
	if len(ports) == 0 {
		return nil
	}
	uids := make([]string, len(ports))
	for k, p := range ports {
		uids[k] = p.UID
	}
	var watchers []portWatcher
	if err := tx.NewSelect().Model(&watchers).Where("port IN (?)", bun.In(uids)).Order("port", "kind", "uid").Scan(ctx); err != nil || len(watchers) == 0 {
		return err
	}
	for _, w := range watchers {
		if err := work.Wake(ctx, tx, w.Kind, w.UID); err != nil {
			return err
		}
	}
	_, err := tx.NewDelete().Model((*portWatcher)(nil)).Where("port IN (?)", bun.In(uids)).Exec(ctx)
	return err
}
