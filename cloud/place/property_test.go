package place_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/cloud/place"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

// TestPlacementKeepsItsRules places, resizes and removes instances at random on hosts that come and go, beside a model: no host gives out more than it has,
// a silent or closed host gets nothing new, the members of a set never share a host, and a request is refused only if no host could take it.
func TestPlacementKeepsItsRules(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenSQLite(t, store.Config{Migrations: []store.MigrationSet{place.Migrations()}, Now: clock.Now})
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		m := newModel(r, db, clock, round)
		act := func(f func()) func(*rapid.T) { return func(r *rapid.T) { m.t = r; f() } }
		r.Repeat(map[string]func(*rapid.T){
			"place":  act(m.place),
			"remove": act(m.remove),
			"resize": act(m.resize),
			"beat":   act(m.beat),
			"":       act(m.same),
		})
	})
}

type modelHost struct {
	uid   string
	total place.Demand
	used  place.Demand
	count int64
	seen  time.Time
}

func (h *modelHost) room(d place.Demand) bool {
	return h.used.VCPUs+d.VCPUs <= h.total.VCPUs && h.used.MemoryMiB+d.MemoryMiB <= h.total.MemoryMiB && h.used.DiskGiB+d.DiskGiB <= h.total.DiskGiB
}

func (h *modelHost) add(d place.Demand, sign int64) {
	h.used = place.Demand{VCPUs: h.used.VCPUs + sign*d.VCPUs, MemoryMiB: h.used.MemoryMiB + sign*d.MemoryMiB, DiskGiB: h.used.DiskGiB + sign*d.DiskGiB}
}

type modelInstance struct {
	uid    string
	host   *modelHost
	demand place.Demand
	set    string
}

type placements struct {
	t         *rapid.T
	db        *store.DB
	clock     *storetest.Clock
	site      string
	sets      []string
	hosts     []*modelHost
	instances []*modelInstance
	made      int
}

func newModel(r *rapid.T, db *store.DB, clock *storetest.Clock, round int) *placements {
	m := &placements{t: r, db: db, clock: clock, site: fmt.Sprintf("site-%d", round), sets: []string{fmt.Sprintf("x-%d", round), fmt.Sprintf("y-%d", round)}}
	hosts := rapid.IntRange(1, 4).Draw(r, "hosts")
	m.write(func(ctx context.Context, tx *store.Tx) error {
		s := &place.Site{UID: m.site, Slug: m.site, Name: m.site, Enabled: true}
		if _, err := tx.NewInsert().Model(s).Exec(ctx); err != nil {
			return err
		}
		for _, set := range m.sets {
			if _, err := tx.NewInsert().Model(&place.Set{UID: set, Slug: set, Account: "a", Name: set}).Exec(ctx); err != nil {
				return err
			}
		}
		for k := range hosts {
			uid := fmt.Sprintf("%s-host-%d", m.site, k)
			if err := place.EnrolHost(ctx, tx, uid, m.site, uid); err != nil {
				return err
			}
		}
		return nil
	})
	for k := range hosts {
		h := &modelHost{uid: fmt.Sprintf("%s-host-%d", m.site, k)}
		m.hosts = append(m.hosts, h)
		m.heard(h, rapid.Int64Range(1, 4).Draw(r, "size"))
	}
	return m
}

func (m *placements) write(f func(ctx context.Context, tx *store.Tx) error) {
	require.NoError(m.t, m.db.Write(context.Background(), f))
}

// heard lets a host report: a size of one is a processor, 2 GiB of memory and 10 GiB of disk.
func (m *placements) heard(h *modelHost, size int64) {
	facts := &spec.HostFacts{VCPUs: int(size), MemoryMiB: size * 2048, DiskBytes: size * 10 << 30}
	m.write(func(ctx context.Context, tx *store.Tx) error { return place.ObserveHost(ctx, tx, h.uid, facts) })
	o := place.DefaultOvercommit
	h.total = place.Demand{VCPUs: int64(float64(size) * o.VCPU), MemoryMiB: int64(float64(size*2048) * o.Memory), DiskGiB: int64(float64(size*10) * o.Disk)}
	h.seen = m.clock.Now()
}

// beat lets time pass, after which some hosts are heard of and others are not.
func (m *placements) beat() {
	m.clock.Advance(time.Duration(rapid.IntRange(0, 60).Draw(m.t, "seconds")) * time.Second)
	for _, h := range m.hosts {
		if rapid.Bool().Draw(m.t, "heard") {
			m.write(func(ctx context.Context, tx *store.Tx) error { return place.ObserveHost(ctx, tx, h.uid, nil) })
			h.seen = m.clock.Now()
		}
	}
}

func (m *placements) demand() place.Demand {
	return place.Demand{VCPUs: rapid.Int64Range(1, 6).Draw(m.t, "vcpus"), MemoryMiB: 512 * rapid.Int64Range(1, 6).Draw(m.t, "memory"), DiskGiB: rapid.Int64Range(1, 30).Draw(m.t, "disk")}
}

// candidates are the hosts that may take an instance.
func (m *placements) candidates(d place.Demand, set string) (all []*modelHost) {
	for _, h := range m.hosts {
		taken := slices.ContainsFunc(m.instances, func(i *modelInstance) bool { return set != "" && i.set == set && i.host == h })
		if !taken && h.room(d) && m.clock.Now().Sub(h.seen) <= place.HostSilence {
			all = append(all, h)
		}
	}
	return all
}

func (m *placements) place() {
	i := &modelInstance{uid: fmt.Sprintf("%s-i-%d", m.site, m.made), demand: m.demand(), set: rapid.SampledFrom(append([]string{""}, m.sets...)).Draw(m.t, "set")}
	m.made++
	could := m.candidates(i.demand, i.set)
	var uid string
	err := m.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		if uid, err = place.Take(ctx, tx, m.site, i.demand, i.set); err != nil || i.set == "" {
			return err
		}
		return place.Join(ctx, tx, i.set, i.uid, uid, m.site)
	})
	if len(could) == 0 {
		require.True(m.t, fault.Is(err, fault.Capacity), "%v", err)
		return
	}
	require.NoError(m.t, err)
	at := slices.IndexFunc(could, func(h *modelHost) bool { return h.uid == uid })
	require.GreaterOrEqual(m.t, at, 0, "placed on %s, which could not take it", uid)
	i.host = could[at]
	for _, other := range could {
		require.LessOrEqual(m.t, other.total.MemoryMiB-other.used.MemoryMiB, i.host.total.MemoryMiB-i.host.used.MemoryMiB, "not the host with the most memory left")
	}
	i.host.add(i.demand, 1)
	i.host.count++
	m.instances = append(m.instances, i)
}

func (m *placements) some() (int, *modelInstance) {
	if len(m.instances) == 0 {
		m.t.Skip("nothing is placed")
	}
	at := rapid.IntRange(0, len(m.instances)-1).Draw(m.t, "instance")
	return at, m.instances[at]
}

func (m *placements) remove() {
	at, i := m.some()
	m.write(func(ctx context.Context, tx *store.Tx) error {
		if err := place.Give(ctx, tx, i.host.uid, i.demand); err != nil {
			return err
		}
		return place.Leave(ctx, tx, i.uid)
	})
	i.host.add(i.demand, -1)
	i.host.count--
	m.instances = slices.Delete(m.instances, at, at+1)
}

func (m *placements) resize() {
	_, i := m.some()
	to := m.demand()
	rest := *i.host
	rest.add(i.demand, -1)
	err := m.db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error { return place.Change(ctx, tx, i.host.uid, i.demand, to) })
	if !rest.room(to) {
		require.True(m.t, fault.Is(err, fault.Capacity), "%v", err)
		return
	}
	require.NoError(m.t, err)
	i.host.add(i.demand, -1)
	i.host.add(to, 1)
	i.demand = to
}

// same holds the hosts' rows against the model.
func (m *placements) same() {
	var rows []*place.Host
	require.NoError(m.t, m.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewSelect().Model(&rows).Where("site = ?", m.site).Order("uid").Scan(ctx)
	}))
	require.Len(m.t, rows, len(m.hosts))
	for k, row := range rows {
		h := m.hosts[k]
		require.Equal(m.t, h.used, place.Demand{VCPUs: row.UsedVCPUs, MemoryMiB: row.UsedMiB, DiskGiB: row.UsedGiB}, h.uid)
		require.Equal(m.t, h.count, row.Instances, h.uid)
		require.LessOrEqual(m.t, row.UsedVCPUs, row.VCPUs)
		require.LessOrEqual(m.t, row.UsedMiB, row.MemoryMiB)
		require.LessOrEqual(m.t, row.UsedGiB, row.DiskGiB)
	}
}
