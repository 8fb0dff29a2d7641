package admin

import (
	"context"

	"edgecloud/cloud/place"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/catalogue"
)

func (d *Door) flavors() dialect.Handlers {
	return dialect.Handlers{wire.OpListFlavors: d.listFlavors, wire.OpCreateFlavor: d.createFlavor, wire.OpUpdateFlavor: d.updateFlavor}
}

func flavor(f *place.Flavor) wire.Flavor {
	return wire.Flavor{ID: f.UID, Name: f.Name, Family: f.Family, Vcpus: f.VCPUs, MemoryMiB: f.MemoryMiB, GPUModel: optional(f.GPUModel), GPUs: f.GPUs,
		Enabled: f.Enabled, Created: stamp(f.Created)}
}

func (d *Door) listFlavors(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	all, err := d.Place.AllFlavors(ctx, c.Caller)
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(f *place.Flavor) string { return f.UID })
	out := wire.FlavorList{Next: next}
	for _, f := range some {
		out.Flavors = append(out.Flavors, flavor(f))
	}
	return dialect.OK(out), nil
}

func (d *Door) createFlavor(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateFlavorRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var made *place.Flavor
	err := d.noted(ctx, c, "flavor", func(ctx context.Context) (_ string, err error) {
		made, err = d.Place.CreateFlavor(ctx, c.Caller, place.NewFlavor{Name: in.Name, Family: scalar.Value(in.Family), VCPUs: int64(in.Vcpus),
			MemoryMiB: int64(in.MemoryMiB), GPUModel: scalar.Value(in.GPUModel), GPUs: int64(scalar.Value(in.GPUs))})
		if err != nil {
			return "", err
		}
		return made.UID, nil
	})
	if err != nil {
		return nil, err
	}
	return created(flavor(made)), nil
}

func (d *Door) updateFlavor(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateFlavorRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var changed *place.Flavor
	err := d.noted(ctx, c, "flavor", func(ctx context.Context) (_ string, err error) {
		changed, err = d.Place.EnableFlavor(ctx, c.Caller, c.Path("flavor"), bool(in.Enabled))
		if err != nil {
			return "", err
		}
		return changed.UID, nil
	})
	if err != nil {
		return nil, err
	}
	return dialect.OK(flavor(changed)), nil
}
