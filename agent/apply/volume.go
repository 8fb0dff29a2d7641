package apply

import (
	"context"
	"errors"
	"slices"

	"edgecloud/agent/ledger"
	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

func (a *Applier) volume(ctx context.Context, item ledger.Item) (Result, error) {
	if item.Deleted {
		if err := a.unused(ctx, item.UID, false); err != nil {
			return Result{}, err
		}
		return Result{}, a.Pool.Remove(ctx, item.UID)
	}
	s, err := decode[spec.Volume](item)
	if err != nil {
		return Result{}, err
	}
	facts := a.Ledger.Facts(item.Key)
	if facts.Made && facts.Epoch == s.Epoch {
		// What was made once and is gone was lost: a new one from the image would hide that.
		if _, err := a.Pool.Get(ctx, item.UID); errors.Is(err, disk.ErrAbsent) {
			return Result{}, ErrLost
		}
	}
	if facts.Made && facts.Epoch < s.Epoch {
		if err := a.unused(ctx, item.UID, true); err != nil {
			return Result{}, err
		}
	}
	if err := a.rollBack(ctx, item, s, &facts); err != nil {
		return Result{}, err
	}
	v, err := a.Pool.Ensure(ctx, s)
	if errors.Is(err, disk.ErrAbsent) && s.Image != "" {
		return Result{}, &Wait{For: []protocol.Key{{Kind: spec.KindImage, UID: s.Image}}, Reason: "the image is not here yet"}
	}
	if err != nil {
		return Result{}, err
	}
	facts.Made, facts.Epoch = true, v.Epoch
	if err := a.Ledger.SetFacts(item.Key, facts); err != nil {
		return Result{}, err
	}
	return Result{Facts: spec.VolumeFacts{Bytes: v.Bytes, UsedBytes: v.UsedBytes, Epoch: v.Epoch, RollBack: facts.RollBack}}, nil
}

// rollBack puts a volume back to a snapshot, once per epoch. Doing it again after a crash changes nothing: no machine has written meanwhile.
func (a *Applier) rollBack(ctx context.Context, item ledger.Item, s spec.Volume, facts *ledger.Facts) error {
	if facts.RollBack >= s.RollBack.Epoch {
		return nil
	}
	if err := a.unused(ctx, item.UID, true); err != nil {
		return err
	}
	if err := a.Pool.RollBack(ctx, s.RollBack.Snapshot, item.UID); err != nil {
		return err
	}
	facts.RollBack = s.RollBack.Epoch
	return a.Ledger.SetFacts(item.Key, *facts)
}

// unused refuses to touch a volume's data while a machine has it: a running one (running), or any that is defined.
func (a *Applier) unused(ctx context.Context, volume string, running bool) error {
	for _, i := range a.Ledger.Items() {
		if i.Kind != spec.KindInstance {
			continue
		}
		in, err := decode[spec.Instance](i)
		if err != nil || (!slices.Contains(in.Volumes, volume) && !a.attached(i.UID, volume)) {
			continue
		}
		st, err := a.Hypervisor.Get(ctx, i.UID)
		if errors.Is(err, hypervisor.ErrAbsent) {
			continue
		}
		if err != nil {
			return err
		}
		detached := !i.Deleted && !slices.Contains(in.Volumes, volume) && !a.attached(i.UID, volume)
		if detached || (running && st.Power == spec.Off) {
			continue
		}
		return &Wait{For: []protocol.Key{i.Key}, Reason: "a machine still has the volume"}
	}
	return nil
}
