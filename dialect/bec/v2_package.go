package bec

import (
	"context"

	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2resource"
)

func (d *Door) v2Packages() dialect.Handlers {
	return dialect.Handlers{wire.OpListResourcePackages: d.v2ListPackages}
}

// v2ListPackages lists the flavors. Only machines have any yet, and only of the chosen-model policy: there is no other.
func (d *Door) v2ListPackages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	out := wire.ListResourcePackageResponse{Result: []wire.ResourcePackage{}}
	if c.Path("type") != "vm" || c.Param("policy") == "random" {
		return dialect.OK(out), nil
	}
	flavors, err := d.Place.Flavors(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range flavors {
		one := wire.ResourcePackage{Spec: &f.Name, Name: &f.Name, CPU: new(int32(f.VCPUs)), Memory: new(int32(f.MemoryMiB >> 10))}
		if f.GPUs > 0 {
			one.GPU, one.GPUModel = new(int32(f.GPUs)), &f.GPUModel
		}
		out.Result = append(out.Result, one)
	}
	return dialect.OK(out), nil
}
