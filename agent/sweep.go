package agent

import (
	"context"
	"encoding/json"
	"errors"

	"edgecloud/engine/disk"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// Sweep compares what the engines have with the ledger: what should be and is not is lined up, what no spec knows is reported as an orphan.
func (a *Agent) Sweep(ctx context.Context) error {
	if err := a.point("sweep"); err != nil {
		return err
	}
	a.sweeps.Lock()
	defer a.sweeps.Unlock()
	machines, err := a.cfg.Hypervisor.List(ctx)
	if err == nil {
		a.sweepMachines(machines)
	}
	volumes, failed := a.cfg.Pool.List(ctx)
	if failed == nil {
		a.sweepVolumes(volumes)
	}
	images, broken := a.cfg.Pool.Images(ctx)
	if broken == nil {
		found := map[string]bool{}
		for _, uid := range images {
			found[uid] = true
		}
		a.sweepKind(spec.KindImage, found)
	}
	snapshots, lost := a.cfg.Pool.Snapshots(ctx)
	if lost == nil {
		found := map[string]bool{}
		for _, s := range snapshots {
			found[s.UID] = true
		}
		a.sweepKind(spec.KindSnapshot, found)
	}
	return errors.Join(err, failed, broken, lost, a.sweepSite(ctx))
}

func (a *Agent) sweepMachines(machines []hypervisor.State) {
	states := map[string]hypervisor.State{}
	found := map[string]bool{}
	for _, m := range machines {
		states[m.UID], found[m.UID] = m, true
	}
	a.sweepKind(spec.KindInstance, found)
	for _, i := range a.ledger.Items() {
		if i.Kind != spec.KindInstance || i.Deleted || !found[i.UID] {
			continue
		}
		last, ok := a.outbox.last(i.Key)
		var facts spec.InstanceFacts
		if !ok || json.Unmarshal(last.Facts, &facts) != nil || facts.Power != states[i.UID].Power || facts.Crashed != states[i.UID].Crashed {
			a.again(i.Key)
		}
	}
}

func (a *Agent) sweepVolumes(volumes []disk.Volume) {
	found := map[string]bool{}
	for _, v := range volumes {
		found[v.UID] = true
	}
	a.sweepKind(spec.KindVolume, found)
}

// leaveBalancers ends the load balancers of a site whose role this host has no more: their addresses are with the host that has it. They hold no data.
func (a *Agent) leaveBalancers(ctx context.Context) {
	if a.cfg.Balancer == nil {
		return
	}
	uids, err := a.cfg.Balancer.List(ctx)
	for _, uid := range uids {
		err = errors.Join(err, a.cfg.Balancer.Remove(ctx, uid))
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		a.cfg.Logger.Warn("a load balancer of a site that another host carries is still here; the next look tries again", "error", err)
	}
}

func (a *Agent) sweepBalancers(ctx context.Context) error {
	if a.cfg.Balancer == nil {
		return nil
	}
	uids, err := a.cfg.Balancer.List(ctx)
	if err != nil {
		return err
	}
	found := map[string]bool{}
	for _, uid := range uids {
		found[uid] = true
	}
	a.sweepKind(spec.KindBalancer, found)
	return nil
}

func (a *Agent) sweepSite(ctx context.Context) error {
	role := a.ledger.Role()
	if role.Epoch == 0 {
		a.leaveBalancers(ctx)
		return nil
	}
	if a.cfg.Network == nil {
		return nil
	}
	objects, err := a.cfg.Network.List(ctx)
	if err != nil {
		return err
	}
	found := map[string]map[string]bool{}
	for _, o := range objects {
		if found[o.Kind] == nil {
			found[o.Kind] = map[string]bool{}
		}
		found[o.Kind][o.UID] = true
	}
	for _, kind := range spec.Kinds() {
		if protocol.IsSiteKind(kind) && kind != spec.KindBalancer {
			a.sweepKind(kind, found[kind])
		}
	}
	return a.sweepBalancers(ctx)
}

// sweepKind lines up what is missing and reports what is unknown.
func (a *Agent) sweepKind(kind string, found map[string]bool) {
	for _, i := range a.ledger.Items() {
		if i.Kind == kind && !i.Deleted && !found[i.UID] {
			a.again(i.Key)
		}
	}
	target := a.target
	if protocol.IsSiteKind(kind) {
		target = spec.SiteTarget(a.ledger.Role().Site)
	}
	a.pulling.Lock()
	defer a.pulling.Unlock()
	if !a.synced[target] {
		return // what the ledger does not know, the centre may
	}
	for uid := range found {
		key := protocol.Key{Kind: kind, UID: uid}
		if _, known := a.ledger.Get(key); !known {
			a.outbox.put(spec.Report{Kind: kind, UID: uid, Phase: spec.Orphan, Error: "found in the engine, known to no spec"}, nil, false)
		}
	}
	for _, key := range a.outbox.orphans(kind) {
		if _, known := a.ledger.Get(key); !known && !found[key.UID] {
			a.outbox.forget(key)
		}
	}
}

// again lines an item up unless its work is under way or waits for its turn anyway.
func (a *Agent) again(key protocol.Key) {
	if a.queue.idleKey(key) {
		a.queue.add(key, false, false)
	}
}

// orphans lists the items of a kind that were reported as orphans.
func (o *outbox) orphans(kind string) []protocol.Key {
	o.mu.Lock()
	defer o.mu.Unlock()
	var keys []protocol.Key
	for key, e := range o.entries {
		if key.Kind == kind && e.report.Phase == spec.Orphan {
			keys = append(keys, key)
		}
	}
	return keys
}

func (a *Agent) sweepLoop(ctx context.Context) error {
	for pause(ctx, a.jitter(a.cfg.Sweep)) {
		err := a.Sweep(ctx)
		if stop := fatal(err); stop != nil {
			return stop
		}
		if err != nil && ctx.Err() == nil {
			a.cfg.Logger.Warn("comparing the engines with the ledger failed", "error", err)
		}
	}
	return nil
}

// watchLoop looks at a machine as soon as its engine tells of it.
func (a *Agent) watchLoop(ctx context.Context) error {
	for ctx.Err() == nil {
		changes, err := a.cfg.Hypervisor.Watch(ctx)
		if err != nil {
			if !pause(ctx, a.jitter(retryFirst)) {
				return nil
			}
			continue
		}
		for uid := range changes {
			key := protocol.Key{Kind: spec.KindInstance, UID: uid}
			if i, known := a.ledger.Get(key); known && !i.Deleted {
				a.queue.add(key, false, false)
			}
		}
		if !pause(ctx, retryFirst) {
			return nil
		}
	}
	return nil
}
