package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"edgecloud/link/spec"
	"edgecloud/series"
	"edgecloud/store"
)

// ahead is how far a host's clock may be before the cloud's: samples from further on would stand in the way of all that come later.
const ahead = 10 * time.Minute

// Keep takes rounds of samples of a host (reports of spec.KindUsage). A round that comes twice is kept once. What a host says of things that are not its own, and of
// what is gone, is left out.
func (m *Monitor) Keep(ctx context.Context, host string, rounds []spec.Report) error {
	all, err := m.decode(host, rounds)
	if err != nil || len(all) == 0 {
		return err
	}
	o, err := m.owners(ctx, host, all)
	if err != nil {
		return err
	}
	var samples []series.Sample
	for _, round := range all {
		samples = append(samples, o.samples(round)...)
	}
	late, err := m.series.Append(ctx, samples)
	if late > 0 {
		m.log.Warn("samples came too late to be kept", "host", host, "samples", late)
	}
	return err
}

// decode reads the rounds. One that cannot be read, or is from the future, will not become better by being sent again.
func (m *Monitor) decode(host string, rounds []spec.Report) (all []spec.Samples, err error) {
	for _, r := range rounds {
		var one spec.Samples
		if err := json.Unmarshal(r.Facts, &one); err != nil {
			m.log.Error("a round of samples cannot be read", "host", host, "round", r.UID, "error", err)
			continue
		}
		if one.At.After(m.db.Now().Add(ahead)) || one.At.Before(time.Unix(0, 0)) {
			m.log.Warn("a round of samples is dropped: the host's clock is wrong", "host", host, "at", one.At)
			continue
		}
		all = append(all, one)
	}
	return all, nil
}

// owner is whose a resource is.
type owner struct {
	UID      string
	Account  string
	Site     string
	Grp      string
	Instance string
	Carrier  string
}

// owners are those of what rounds speak of: by instance, and by kind and UID of what carries traffic.
type owners struct {
	host      string
	instances map[string]owner
	traffic   map[string]map[string]owner
}

func (m *Monitor) owners(ctx context.Context, host string, all []spec.Samples) (owners, error) {
	machines, carriers := map[string]bool{}, map[string]map[string]bool{spec.KindPublicIP: {}, spec.KindNATGateway: {}}
	for _, round := range all {
		for _, i := range round.Instances {
			machines[i.UID] = true
		}
		for _, t := range round.Traffic {
			if carriers[t.Kind] != nil {
				carriers[t.Kind][t.UID] = true
			}
		}
	}
	o := owners{host: host, traffic: map[string]map[string]owner{}}
	err := m.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if o.instances, err = ownersOf(ctx, tx, machines, "SELECT uid, account, site, grp, uid AS instance, '' AS carrier FROM instances WHERE uid IN (?) AND host = ?", host); err != nil {
			return err
		}
		const here = "= (SELECT h.site FROM hosts AS h WHERE h.uid = ?)"
		if o.traffic[spec.KindPublicIP], err = ownersOf(ctx, tx, carriers[spec.KindPublicIP], `SELECT pip.uid, pip.account, pip.site, COALESCE(i.grp, '') AS grp,
			COALESCE(i.uid, '') AS instance, pip.carrier FROM public_ips AS pip LEFT JOIN ports AS p ON p.uid = pip.port LEFT JOIN instances AS i ON i.uid = p.instance
			WHERE pip.uid IN (?) AND pip.site `+here, host); err != nil {
			return err
		}
		o.traffic[spec.KindNATGateway], err = ownersOf(ctx, tx, carriers[spec.KindNATGateway],
			"SELECT uid, account, site, '' AS grp, '' AS instance, '' AS carrier FROM nat_gateways WHERE uid IN (?) AND site "+here, host)
		return err
	})
	return o, err
}

func ownersOf(ctx context.Context, tx *store.Tx, uids map[string]bool, query, host string) (map[string]owner, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	var rows []owner
	if err := tx.NewRaw(query, bun.In(slices.Sorted(maps.Keys(uids))), host).Scan(ctx, &rows); err != nil {
		return nil, fmt.Errorf("monitor: find the owners of samples: %w", err)
	}
	found := make(map[string]owner, len(rows))
	for _, r := range rows {
		found[r.UID] = r
	}
	return found, nil
}

// samples are those of a round that have an owner.
func (o owners) samples(round spec.Samples) (out []series.Sample) {
	add := func(labels map[string]string, values map[string]float64) {
		for name, value := range values {
			out = append(out, series.Sample{Labels: series.Labels{Name: name, Of: labels}, At: round.At, Value: value})
		}
	}
	for _, i := range round.Instances {
		own, ok := o.instances[i.UID]
		if !ok {
			continue
		}
		labels := map[string]string{labelAccount: own.Account, labelSite: own.Site, labelGroup: own.Grp, labelInstance: i.UID}
		add(labels, map[string]float64{cpuSeconds: i.CPU.Seconds(), cpus: float64(i.VCPUs), memory: float64(i.Memory), memoryUsed: float64(i.Used),
			diskRead: float64(i.Disk.ReadBytes), diskWritten: float64(i.Disk.WriteBytes), diskReads: float64(i.Disk.Reads), diskWrites: float64(i.Disk.Writes)})
		for _, n := range i.NICs {
			of := maps.Clone(labels)
			of[labelPort] = n.UID
			add(of, flow(n, nicIn, nicOut, nicPktsIn, nicPktsOut))
		}
	}
	for _, t := range round.Traffic {
		own, ok := o.traffic[t.Kind][t.UID]
		if !ok {
			continue
		}
		labels := map[string]string{labelAccount: own.Account, labelSite: own.Site, labelGroup: own.Grp, labelInstance: own.Instance, labelCarrier: own.Carrier,
			labelKind: t.Kind, labelResource: t.UID, labelHost: o.host}
		add(labels, flow(t.FlowSample, flowIn, flowOut, flowPktsIn, flowPktsOut))
		if t.Connections >= 0 {
			add(labels, map[string]float64{flowOpen: float64(t.Connections)})
		}
	}
	return out
}

func flow(f spec.FlowSample, in, out, packetsIn, packetsOut string) map[string]float64 {
	return map[string]float64{in: float64(f.InBytes), out: float64(f.OutBytes), packetsIn: float64(f.In), packetsOut: float64(f.Out)}
}
