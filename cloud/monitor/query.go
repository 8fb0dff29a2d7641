package monitor

import (
	"context"
	"math"
	"time"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/series"
	"edgecloud/store"
)

// Metric is what is asked for.
type Metric string

// The metrics. In is from the outside to the instance. CPU and memory are those of instances, packets and connections those of public addresses and gateways.
const (
	CPU          Metric = "cpu"    // used part of all processors, 0 to 1
	Memory       Metric = "memory" // used part of all memory, 0 to 1
	BandwidthIn  Metric = "bandwidth-in"
	BandwidthOut Metric = "bandwidth-out" // bits a second
	TrafficIn    Metric = "traffic-in"
	TrafficOut   Metric = "traffic-out" // bytes in the step
	PacketsIn    Metric = "packets-in"
	PacketsOut   Metric = "packets-out" // a second
	Connections  Metric = "connections" // open, of NAT gateways
)

// Bounds of a question.
const (
	MaxSpan  = 31 * 24 * time.Hour
	lastTime = 1<<31 - 1 // Unix seconds that the wire can carry
)

// Query asks for a metric at even steps from Start to End, both included.
type Query struct {
	Metric     Metric
	Start, End time.Time
	Step       time.Duration
	Carrier    place.Carrier // bandwidth of instances: on the public addresses of this carrier alone; empty: of all
	Private    bool          // bandwidth of instances: all but what is on public addresses
}

func (m *Monitor) check(q Query) error {
	if m.series == nil {
		return fault.New(fault.Unavailable, "This cloud keeps no record of what is used.")
	}
	if at := q.Start.Unix(); at < 0 || at > lastTime {
		return fault.BadField("start", "must be a Unix time in seconds, not %d", at)
	}
	if at := q.End.Unix(); at < 0 || at > lastTime {
		return fault.BadField("end", "must be a Unix time in seconds, not %d", at)
	}
	if q.End.Before(q.Start) {
		return fault.BadField("end", "must not be before start")
	}
	if q.End.Sub(q.Start) > MaxSpan {
		return fault.BadField("end", "must be at most 31 days after start")
	}
	if q.Step < time.Minute || q.Step > MaxSpan {
		return fault.BadField("step", "must be from 1 to %d minutes", int(MaxSpan/time.Minute))
	}
	return nil
}

// Result is the answer.
type Result struct {
	Points           []series.Point
	Max, Mean, Total float64 // of the points
}

// Instance answers for one instance.
func (m *Monitor) Instance(ctx context.Context, caller *identity.Caller, id string, q Query) (*Result, error) {
	if err := m.check(q); err != nil {
		return nil, err
	}
	var i *compute.Instance
	err := m.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		i, err = compute.Find(ctx, tx, caller, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m.instances(ctx, q, only(labelAccount, i.Account), only(labelInstance, i.UID))
}

// Group answers for all instances of a group, those that it has no more too.
func (m *Monitor) Group(ctx context.Context, caller *identity.Caller, id string, q Query) (*Result, error) {
	if err := m.check(q); err != nil {
		return nil, err
	}
	var g *compute.Group
	err := m.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		g, err = compute.FindGroup(ctx, tx, caller, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return m.instances(ctx, q, only(labelAccount, g.Account), only(labelGroup, g.UID))
}

// Account answers for all instances of the caller's account, those that it has no more too; with sites (UIDs), for those there.
func (m *Monitor) Account(ctx context.Context, caller *identity.Caller, sites []string, q Query) (*Result, error) {
	if err := m.check(q); err != nil {
		return nil, err
	}
	match := []series.Match{only(labelAccount, caller.Account)}
	if len(sites) > 0 {
		match = append(match, series.Match{Label: labelSite, In: sites})
	}
	return m.instances(ctx, q, match...)
}

// PublicIP answers for one public address.
func (m *Monitor) PublicIP(ctx context.Context, caller *identity.Caller, id string, q Query) (*Result, error) {
	if err := m.check(q); err != nil {
		return nil, err
	}
	ip, err := m.networks.GetPublicIP(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return m.carrier(ctx, q, spec.KindPublicIP, ip.UID, ip.Account)
}

// NATGateway answers for one NAT gateway.
func (m *Monitor) NATGateway(ctx context.Context, caller *identity.Caller, id string, q Query) (*Result, error) {
	if err := m.check(q); err != nil {
		return nil, err
	}
	g, err := m.networks.GetNATGateway(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return m.carrier(ctx, q, spec.KindNATGateway, g.UID, g.Account)
}

func only(label, value string) series.Match { return series.Match{Label: label, In: []string{value}} }

// read sums up the series of a name.
func (m *Monitor) read(ctx context.Context, s steps, name string, match ...series.Match) (line, error) {
	all, err := m.series.Select(ctx, name, s.from(), s.to(), match...)
	return s.sum(all), err
}

// instances answers for what is labelled as instances'.
func (m *Monitor) instances(ctx context.Context, q Query, match ...series.Match) (*Result, error) {
	s := stepsOf(q)
	switch q.Metric {
	case CPU:
		return m.ratio(ctx, s, cpuSeconds, cpus, match)
	case Memory:
		return m.ratio(ctx, s, memoryUsed, memory, match)
	case BandwidthIn:
		return m.bandwidth(ctx, s, q, nicIn, flowIn, match)
	case BandwidthOut:
		return m.bandwidth(ctx, s, q, nicOut, flowOut, match)
	}
	return nil, fault.BadField("metric", "instances have none of the name %q", q.Metric)
}

func (m *Monitor) ratio(ctx context.Context, s steps, used, of string, match []series.Match) (*Result, error) {
	part, err := m.read(ctx, s, used, match...)
	if err != nil {
		return nil, err
	}
	whole, err := m.read(ctx, s, of, match...)
	if err != nil {
		return nil, err
	}
	return s.result(part.where(whole, func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return min(a/b, 1) // QEMU's own work beside the guest may need a little more
	})), nil
}

// bandwidth is what instances receive or send. It is known where their NICs are sampled; what no public address has carried is private.
func (m *Monitor) bandwidth(ctx context.Context, s steps, q Query, nic, public string, match []series.Match) (*Result, error) {
	all, err := m.read(ctx, s, nic, match...)
	if err != nil {
		return nil, err
	}
	outside := append([]series.Match{only(labelKind, spec.KindPublicIP), {Label: labelInstance}}, match...)
	if q.Carrier != "" {
		outside = append(outside, only(labelCarrier, string(q.Carrier)))
	}
	carried, err := m.read(ctx, s, public, outside...)
	if err != nil {
		return nil, err
	}
	return s.result(carried.where(all, func(public, nic float64) float64 {
		if math.IsNaN(public) {
			public = 0
		}
		if q.Private {
			public = max(0, nic-public)
		}
		return 8 * public
	})), nil
}

// carrier answers for what carries traffic.
func (m *Monitor) carrier(ctx context.Context, q Query, kind, uid, account string) (*Result, error) {
	s, names := stepsOf(q), map[Metric]string{BandwidthIn: flowIn, BandwidthOut: flowOut, TrafficIn: flowIn, TrafficOut: flowOut, PacketsIn: flowPktsIn, PacketsOut: flowPktsOut,
		Connections: flowOpen}
	name, factor := names[q.Metric], 1.0
	switch q.Metric {
	case BandwidthIn, BandwidthOut:
		factor = 8
	case TrafficIn, TrafficOut:
		factor = q.Step.Seconds()
	}
	if name == "" {
		return nil, fault.BadField("metric", "a %s has none of the name %q", kind, q.Metric)
	}
	l, err := m.read(ctx, s, name, only(labelAccount, account), only(labelKind, kind), only(labelResource, uid))
	if err != nil {
		return nil, err
	}
	for k := range l {
		l[k] *= factor
	}
	return s.result(l), nil
}
