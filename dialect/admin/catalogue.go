package admin

import (
	"context"

	"edgecloud/cloud/image"
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

func (d *Door) images() dialect.Handlers {
	return dialect.Handlers{wire.OpListImages: d.listImages, wire.OpGetImage: d.getImage, wire.OpDeleteImage: d.deleteImage}
}

// public lists the public images, and the names that stand for each file.
func (d *Door) public(ctx context.Context, c *dialect.Call) (all []*image.Image, names map[string][]string, err error) {
	if err := c.Caller.MayOperate(); err != nil {
		return nil, nil, err
	}
	all, err = d.Images.List(ctx, c.Caller, image.Filter{Public: new(true)})
	names = map[string][]string{}
	for _, i := range all {
		names[i.File] = append(names[i.File], i.Name)
	}
	return all, names, err
}

func (d *Door) listImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	all, names, err := d.public(ctx, c)
	if err != nil {
		return nil, err
	}
	some, next := page(c, all, func(i *image.Image) string { return i.UID })
	out := wire.ImageList{Next: next}
	for _, i := range some {
		one, err := d.image(ctx, c, i.UID, names)
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, one)
	}
	return dialect.OK(out), nil
}

// image finds an image with its file; public ones come from a cache.
func (d *Door) image(ctx context.Context, c *dialect.Call, id string, names map[string][]string) (wire.Image, error) {
	i, f, err := d.Images.Find(ctx, c.Caller, id)
	if err != nil {
		return wire.Image{}, err
	}
	out := wire.Image{ID: i.UID, Slug: i.Slug, Name: i.Name, Description: optional(i.Description), OSType: i.OSType, OSName: optional(i.OSName),
		OSVersion: optional(i.OSVersion), OSArch: optional(i.OSArch), MinDiskGiB: &i.MinDiskGiB, Status: status(i.Status), Created: stamp(i.Created)}
	if f != nil {
		out.Bytes, out.VirtualBytes, out.Sha256 = &f.Bytes, &f.VirtualBytes, optional(f.SHA256)
	}
	for _, n := range names[i.File] {
		if n != i.Name {
			out.Names = append(out.Names, n)
		}
	}
	return out, nil
}

// status is one of this API's words: what is being made counts as under way.
func status(s image.Status) string {
	if s == image.Imaging {
		return "importing"
	}
	return string(s)
}

func (d *Door) getImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	_, names, err := d.public(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := d.image(ctx, c, c.Path("image"), names)
	if err != nil {
		return nil, err
	}
	return dialect.OK(out), nil
}

func (d *Door) deleteImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := d.Images.Withdraw(ctx, c.Caller, c.Path("image")); err != nil {
		return nil, err
	}
	return gone(), nil
}
