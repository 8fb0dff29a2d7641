package place

import (
	"context"
	"encoding/json"
	"fmt"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/link/spec"
	"edgecloud/store"
)

// Overcommit says how much more than it has a host gives out.
type Overcommit struct {
	VCPU   float64
	Memory float64
	Disk   float64
}

// DefaultOvercommit gives out four times the processors (edge workloads idle), all of the memory, and twice the disk (volumes are thin).
var DefaultOvercommit = Overcommit{VCPU: 4, Memory: 1, Disk: 2}

// EnrolHost makes a host known at a site. Called by the enrolment that link carries out; doing it again for the same UID changes nothing.
func EnrolHost(ctx context.Context, tx *store.Tx, uid, site, name string) error {
	h := &Host{UID: uid, Slug: tx.NewSlug(), Site: site, Name: name, Enabled: true, Facts: "{}", Created: store.At(tx.Now())}
	_, err := tx.NewInsert().Model(h).On("CONFLICT (uid) DO NOTHING").Exec(ctx)
	if _, dup := store.IsUnique(err); dup {
		return fault.New(fault.Exists, "The site has a host named %q already.", name).On("name")
	}
	return err
}

// ObserveHost writes a heartbeat: the host is alive, and this is what it has; nil facts are as before.
func ObserveHost(ctx context.Context, tx *store.Tx, uid string, f *spec.HostFacts) error {
	if f == nil {
		_, err := tx.NewUpdate().Model((*Host)(nil)).Set("seen = ?", store.At(tx.Now())).Where("uid = ?", uid).Exec(ctx)
		return err
	}
	o := DefaultOvercommit
	facts, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode facts of host %s: %w", uid, err)
	}
	_, err = tx.NewUpdate().Model((*Host)(nil)).Set("seen = ?", store.At(tx.Now())).Set("facts = ?", string(facts)).
		Set("vcpus = ?", int64(float64(f.VCPUs)*o.VCPU)).Set("memory_mib = ?", int64(float64(f.MemoryMiB)*o.Memory)).
		Set("disk_gib = ?", int64(float64(f.DiskBytes>>30)*o.Disk)).Where("uid = ?", uid).Exec(ctx)
	return err
}

// Hosts lists the hosts of a site, or of all if site is empty. For operators.
func (p *Place) Hosts(ctx context.Context, caller *identity.Caller, site string) ([]*Host, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	var hosts []*Host
	err := p.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		q := tx.NewSelect().Model(&hosts).Order("site", "name")
		if site != "" {
			q = q.Where("site = ?", site)
		}
		return q.Scan(ctx)
	})
	return hosts, err
}

// EnableHost opens a host for new instances, or closes it. Instances that run there stay.
func (p *Place) EnableHost(ctx context.Context, caller *identity.Caller, uid string, enabled bool) error {
	if err := caller.MayOperate(); err != nil {
		return err
	}
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		res, err := tx.NewUpdate().Model((*Host)(nil)).Set("enabled = ?", enabled).Where("uid = ?", uid).Exec(ctx)
		if err != nil {
			return err
		}
		if n, _ := res.RowsAffected(); n == 0 {
			return fault.Missing("host", uid)
		}
		return nil
	})
}

// Up tells whether the host has been heard of lately.
func (h *Host) Up(now store.Time) bool {
	return now.Time().Sub(h.Seen.Time()) <= HostSilence
}
