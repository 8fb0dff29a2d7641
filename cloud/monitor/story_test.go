package monitor_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/identity"
	"edgecloud/cloud/monitor"
	"edgecloud/cloud/volume"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/hypervisor"
	"edgecloud/fault"
	"edgecloud/link/protocol"
	"edgecloud/link/spec"
)

// bed is a centre, a host and an instance that runs, under a clock that moves when told.
type bed struct {
	*controlplanetest.Bed
	id, group string
	begin     time.Time
}

func newBed(t *testing.T) *bed {
	b := &bed{Bed: controlplanetest.NewBed(t)}
	made, err := b.CP.Compute.Create(t.Context(), b.Caller, compute.NewInstances{Spread: []compute.Spread{{Site: b.Site, Count: 1}}, Size: compute.Size{VCPUs: 2, MemoryMiB: 1024},
		Image: "Debian", System: volume.New{Name: "sys", Storage: "NVME", GiB: 40}, Login: compute.Login{PasswordHash: "$6$salt$hash"}, Public: true, Mbps: 5, Payment: compute.Postpaid})
	require.NoError(t, err)
	b.id, b.group = made.Instances[0].UID, made.Instances[0].Group
	b.Settle(compute.Lifecycle())
	b.begin = b.Clock.Now()
	return b
}

// sample lets the host sample once a minute. Whether the centre is reached or not is told by its reports.
func (b *bed) sample(minutes int) {
	b.T.Helper()
	for range minutes {
		require.NoError(b.T, b.Agent.SampleOnce(context.Background()))
		if err := b.Agent.ReportOnce(context.Background()); err != nil {
			require.ErrorIs(b.T, err, protocol.ErrAway)
		}
		b.Clock.Advance(time.Minute)
	}
}

// drain sends all that waits.
func (b *bed) drain() {
	b.T.Helper()
	for k := 0; !b.Agent.Idle(); k++ {
		require.Less(b.T, k, 10000)
		require.NoError(b.T, b.Agent.ReportOnce(context.Background()))
	}
}

func (b *bed) used() hypervisor.Usage {
	b.T.Helper()
	all, err := b.Host.Hypervisor().Usage(context.Background())
	require.NoError(b.T, err)
	require.Len(b.T, all, 1)
	return all[0]
}

func (b *bed) ask(metric monitor.Metric) *monitor.Result {
	b.T.Helper()
	q := monitor.Query{Metric: metric, Start: b.begin, End: b.Clock.Now(), Step: 5 * time.Minute}
	r, err := b.CP.Monitor.Instance(context.Background(), b.Caller, b.id, q)
	require.NoError(b.T, err)
	whole, err := b.CP.Monitor.Group(context.Background(), b.Caller, b.group, q)
	require.NoError(b.T, err)
	require.Equal(b.T, r, whole)
	whole, err = b.CP.Monitor.Account(context.Background(), b.Caller, []string{b.Site.UID}, q)
	require.NoError(b.T, err)
	require.Equal(b.T, r, whole)
	return r
}

// holds compares what is answered of the processors with what the engine has counted since the bed began.
func (b *bed) holds(before hypervisor.Usage) {
	b.T.Helper()
	r := b.ask(monitor.CPU)
	minutes := b.Clock.Now().Sub(b.begin).Minutes()
	require.Len(b.T, r.Points, int(minutes/5))
	load := (b.used().CPU - before.CPU).Minutes() / minutes / 2
	require.InEpsilon(b.T, load, r.Mean, 0.02)
	require.Less(b.T, r.Max, 1.0)
}

// twice is a link on which every message comes twice.
type twice struct{}

func (twice) Send(context.Context, string, string) (int, error) { return 1, nil }
func (twice) Answer(context.Context, string, string) error      { return nil }
func (twice) Late(context.Context, string, string) error        { return nil }

// lossy is a link on which every other answer is lost.
type lossy struct{ n int }

func (*lossy) Send(context.Context, string, string) (int, error) { return 0, nil }
func (*lossy) Late(context.Context, string, string) error        { return nil }
func (l *lossy) Answer(context.Context, string, string) error {
	if l.n++; l.n%2 == 0 {
		return errors.New("lost")
	}
	return nil
}

// TestSamplesSurviveTheLinkAndTheCentre: through a cut of half a day, answers that are lost, messages that come twice and a restart of the centre, what is answered stays
// what the engine has counted.
func TestSamplesSurviveTheLinkAndTheCentre(t *testing.T) {
	b := newBed(t)
	before := b.used()
	b.Net.SetFaults(twice{})
	b.sample(31)
	b.drain()
	b.Net.Drain()
	b.Clock.Advance(-time.Minute) // to the moment of the last sample
	b.holds(before)

	b.Clock.Advance(time.Minute)
	b.Net.SetCentre(nil)
	b.sample(12 * 60)
	require.False(t, b.Agent.Idle(), "they are kept")
	b.Restart()
	b.Net.SetFaults(&lossy{})
	for k := 0; !b.Agent.Idle(); k++ {
		require.Less(t, k, 10000)
		if err := b.Agent.ReportOnce(t.Context()); err != nil {
			require.ErrorIs(t, err, protocol.ErrAway)
		}
	}
	b.Net.SetFaults(nil)
	b.Clock.Advance(-time.Minute)
	b.holds(before)
	b.Restart()
	b.holds(before)
	require.Positive(t, b.ask(monitor.Memory).Mean)
	require.Positive(t, b.ask(monitor.BandwidthOut).Mean)
}

// TestAMachineThatIsOffUsesNothing, and is known to.
func TestAMachineThatIsOffUsesNothing(t *testing.T) {
	b := newBed(t)
	_, err := b.CP.Compute.Stop(t.Context(), b.Caller, b.id, true)
	require.NoError(t, err)
	b.Settle(compute.Lifecycle())
	b.begin = b.Clock.Now()
	b.sample(11)
	b.Clock.Advance(-time.Minute)
	for _, metric := range []monitor.Metric{monitor.CPU, monitor.Memory, monitor.BandwidthIn, monitor.BandwidthOut} {
		r := b.ask(metric)
		require.Len(t, r.Points, 2, metric)
		require.Zero(t, r.Max, metric)
	}
}

// TestOthersSeeNothing: neither by an instance's names nor in a sum.
func TestOthersSeeNothing(t *testing.T) {
	b := newBed(t)
	b.sample(11)
	other := &identity.Caller{Account: "b", User: "v", Role: identity.Admin, Dialect: "test"}
	q := monitor.Query{Metric: monitor.CPU, Start: b.begin, End: b.Clock.Now(), Step: time.Minute}
	_, err := b.CP.Monitor.Instance(t.Context(), other, b.id, q)
	require.Equal(t, fault.NotFound, fault.From(err).Kind)
	_, err = b.CP.Monitor.Group(t.Context(), other, b.group, q)
	require.Equal(t, fault.NotFound, fault.From(err).Kind)
	r, err := b.CP.Monitor.Account(t.Context(), other, nil, q)
	require.NoError(t, err)
	require.Empty(t, r.Points)
}

// TestAHostSpeaksOfItsOwnAlone: what it says of machines on other hosts, of what there is not, and from a clock that is wrong, is left out.
func TestAHostSpeaksOfItsOwnAlone(t *testing.T) {
	b := newBed(t)
	round := func(uid string, at time.Time, cpu time.Duration) spec.Report {
		facts, err := json.Marshal(spec.Samples{At: at, Instances: []spec.InstanceSample{{UID: uid, VCPUs: 1, CPU: cpu, Memory: 1}}})
		require.NoError(t, err)
		return spec.Report{Kind: spec.KindUsage, UID: at.String(), Facts: facts}
	}
	later := b.begin.Add(5 * time.Minute)
	b.Clock.Advance(5 * time.Minute)
	require.NoError(t, b.CP.Monitor.Keep(t.Context(), "another", []spec.Report{round(b.id, b.begin, 0), round(b.id, later, time.Minute)}))
	require.NoError(t, b.CP.Monitor.Keep(t.Context(), b.host(), []spec.Report{round("no such", b.begin, 0), {Kind: spec.KindUsage, Facts: []byte("no JSON")},
		round(b.id, b.begin.Add(24*time.Hour), 0), round(b.id, b.begin.Add(25*time.Hour), 0)}))
	require.Empty(t, b.ask(monitor.CPU).Points)
	require.NoError(t, b.CP.Monitor.Keep(t.Context(), b.host(), []spec.Report{round(b.id, later, time.Minute), round(b.id, b.begin, 0)}))
	require.Len(t, b.ask(monitor.CPU).Points, 1)
}

// host is the UID of the bed's host.
func (b *bed) host() string {
	b.T.Helper()
	hosts, err := b.CP.Place.Hosts(context.Background(), b.Caller, "")
	require.NoError(b.T, err)
	return hosts[0].UID
}
