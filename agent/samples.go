package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"edgecloud/agent/spool"
	"edgecloud/engine/hypervisor"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

const (
	// sampleBatch bounds the bytes of rounds in one message.
	sampleBatch = 256 << 10
	// sampleHold is how long rounds rest that the centre could not take, so that they keep no other report waiting.
	sampleHold = 30 * time.Second
)

// samples are the rounds that the centre has not taken.
type samples struct {
	*spool.Spool
	held atomic.Int64 // Unix nanoseconds until which they rest
}

func (s *samples) ready(now time.Time) bool { return s.Waiting() && now.UnixNano() >= s.held.Load() }

// SampleOnce asks the engines what is used, and lines the answer up to be sent. A host without machines says nothing.
func (a *Agent) SampleOnce(ctx context.Context) error {
	if err := a.point("sampling"); err != nil {
		return err
	}
	used, err := a.cfg.Hypervisor.Usage(ctx)
	if err != nil {
		return fmt.Errorf("asking for the usage of machines: %w", err)
	}
	round := spec.Samples{At: a.cfg.Now().UTC()}
	for _, u := range used {
		round.Instances = append(round.Instances, instanceSample(u))
	}
	if a.cfg.Network != nil {
		carried, err := a.cfg.Network.Traffic(ctx)
		if err != nil {
			a.cfg.Logger.Warn("the network engine does not tell what addresses carry", "error", err) // what machines use is worth telling all the same
		}
		for _, t := range carried {
			round.Traffic = append(round.Traffic, spec.TrafficSample{Kind: t.Kind, Connections: t.Connections,
				FlowSample: spec.FlowSample{UID: t.UID, InBytes: t.InBytes, OutBytes: t.OutBytes, In: t.In, Out: t.Out}})
		}
	}
	if len(round.Instances) == 0 && len(round.Traffic) == 0 {
		return nil
	}
	data, err := json.Marshal(round)
	if err != nil {
		return err
	}
	if err := a.samples.Put(data); err != nil {
		return err
	}
	if lost := a.samples.Lost(); lost > 0 {
		a.cfg.Logger.Warn("the oldest samples are dropped: the centre has not taken them for too long", "bytes", lost)
	}
	a.outbox.poke()
	return nil
}

func instanceSample(u hypervisor.Usage) spec.InstanceSample {
	s := spec.InstanceSample{UID: u.UID, VCPUs: u.VCPUs, CPU: u.CPU, Memory: u.MemoryBytes, Used: u.MemoryUsed, Disk: spec.DiskSample(u.Disk)}
	for _, n := range u.NICs {
		s.NICs = append(s.NICs, spec.FlowSample{UID: n.Port, InBytes: n.InBytes, OutBytes: n.OutBytes, In: n.In, Out: n.Out})
	}
	return s
}

// rounds makes reports of the oldest rounds.
func (a *Agent) rounds() ([]spec.Report, []spool.ID, error) {
	if !a.samples.ready(a.cfg.Now()) {
		return nil, nil, nil
	}
	taken, err := a.samples.Take(sampleBatch)
	if err != nil {
		return nil, nil, err
	}
	var reports []spec.Report
	var ids []spool.ID
	for _, r := range taken {
		var at struct {
			At time.Time `json:"at"`
		}
		if err := json.Unmarshal(r.Data, &at); err != nil {
			return nil, nil, fmt.Errorf("agent: a round of samples cannot be read: %w", err)
		}
		reports, ids = append(reports, spec.Report{Kind: spec.KindUsage, UID: strconv.FormatInt(at.At.UnixMilli(), 10), Facts: r.Data}), append(ids, r.ID)
	}
	return reports, ids, nil
}

// roundsAnswered forgets what the centre has taken, and lets the rest wait.
func (a *Agent) roundsAnswered(reports []spec.Report, ids []spool.ID, failed []protocol.Key) error {
	var taken []spool.ID
	for k, r := range reports {
		if slices.Contains(failed, protocol.Key{Kind: r.Kind, UID: r.UID}) {
			a.samples.held.Store(a.cfg.Now().Add(sampleHold).UnixNano())
			continue
		}
		taken = append(taken, ids[k])
	}
	return a.samples.Done(taken...)
}

// sampleLoop takes a round every interval. Hosts begin at different moments, so that they do not all speak at once.
func (a *Agent) sampleLoop(ctx context.Context) error {
	if a.cfg.Sample < 0 {
		return nil
	}
	wait := a.jitter(a.cfg.Sample)
	for pause(ctx, wait) {
		if err := a.SampleOnce(ctx); err != nil {
			if stop := fatal(err); stop != nil {
				return stop
			}
			if ctx.Err() == nil {
				a.cfg.Logger.Warn("no samples were taken", "error", err)
			}
		}
		wait = a.cfg.Sample
	}
	return nil
}
