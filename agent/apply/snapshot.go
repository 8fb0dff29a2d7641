package apply

import (
	"context"
	"errors"
	"slices"

	"edgecloud/agent/ledger"
	"edgecloud/engine/disk"
	"edgecloud/link/spec"
)

// snapshot takes a snapshot once: one that was made and is gone was lost, since the volumes have changed.
func (a *Applier) snapshot(ctx context.Context, item ledger.Item) (Result, error) {
	if item.Deleted {
		return Result{}, a.Pool.RemoveSnapshot(ctx, item.UID)
	}
	s, err := decode[spec.Snapshot](item)
	if err != nil {
		return Result{}, err
	}
	if a.Ledger.Facts(item.Key).Made {
		return Result{}, a.snapshotThere(ctx, s)
	}
	err = a.Pool.Snapshot(ctx, s.UID, s.Volumes)
	if errors.Is(err, disk.ErrAbsent) {
		return Result{}, &Wait{For: keys(spec.KindVolume, s.Volumes...), Reason: "a volume is not here yet"}
	}
	if err != nil {
		return Result{}, err
	}
	return Result{}, a.Ledger.SetFacts(item.Key, ledger.Facts{Made: true})
}

func (a *Applier) snapshotThere(ctx context.Context, s spec.Snapshot) error {
	all, err := a.Pool.Snapshots(ctx)
	if err != nil {
		return err
	}
	var in []string
	for _, found := range all {
		if found.UID == s.UID {
			in = found.Volumes
		}
	}
	for _, v := range s.Volumes {
		if !slices.Contains(in, v) {
			return ErrLost
		}
	}
	return nil
}
