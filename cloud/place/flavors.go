package place

import (
	"context"

	"edgecloud/cloud/identity"
	"edgecloud/fault"
	"edgecloud/store"
)

// NewFlavor is what an operator says of a flavor that is to be offered.
type NewFlavor struct {
	Name, Family     string
	VCPUs, MemoryMiB int64
	GPUModel         string
	GPUs             int64
}

// AllFlavors lists every flavor, disabled ones too. For operators.
func (p *Place) AllFlavors(ctx context.Context, caller *identity.Caller) ([]*Flavor, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	_, all, err := p.load(ctx)
	return all, err
}

// CreateFlavor offers a further flavor. For operators.
func (p *Place) CreateFlavor(ctx context.Context, caller *identity.Caller, n NewFlavor) (*Flavor, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	switch {
	case n.Name == "":
		return nil, fault.BadField("name", "a flavor needs a name, such as bec.g4.c1m4")
	case n.VCPUs <= 0:
		return nil, fault.BadField("vcpus", "must be positive")
	case n.MemoryMiB <= 0:
		return nil, fault.BadField("memoryMiB", "must be positive")
	case n.GPUs < 0:
		return nil, fault.BadField("gpus", "must not be negative")
	}
	var f *Flavor
	err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		f = &Flavor{UID: tx.NewUID(), Name: n.Name, Family: n.Family, VCPUs: n.VCPUs, MemoryMiB: n.MemoryMiB, GPUModel: n.GPUModel, GPUs: n.GPUs,
			Enabled: true, Created: tx.Time()}
		tx.AfterCommit(p.forget)
		_, err := tx.NewInsert().Model(f).Exec(ctx)
		if _, taken := store.IsUnique(err); taken {
			return fault.New(fault.Exists, "There is a flavor named %q already.", n.Name).On("name")
		}
		return err
	})
	return f, err
}

// EnableFlavor offers a flavor, by name or UID, or stops offering it. Instances keep it. For operators.
func (p *Place) EnableFlavor(ctx context.Context, caller *identity.Caller, id string, enabled bool) (*Flavor, error) {
	if err := caller.MayOperate(); err != nil {
		return nil, err
	}
	f := new(Flavor)
	err := p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.AfterCommit(p.forget)
		err := tx.NewRaw("UPDATE flavors SET enabled = ? WHERE uid = ? OR name = ? RETURNING *", enabled, id, id).Scan(ctx, f)
		if store.NotFound(err) {
			return fault.Missing("flavor", id)
		}
		return err
	})
	return f, err
}
