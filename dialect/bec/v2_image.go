package bec

import (
	"context"
	"slices"
	"strings"

	"edgecloud/cloud/image"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2vmimage"
)

func (d *Door) v2Images() dialect.Handlers {
	return dialect.Handlers{
		wire.OpListVMImages: d.v2ListImages,
		wire.OpGetVMImage:   d.v2GetImage,

		wire.OpCreateVMImage: d.v2CreateImage,
		wire.OpUpdateVMImage: d.v2UpdateImage,
		wire.OpDeleteVMImage: d.v2DeleteImage,
	}
}

func (d *Door) v2CreateImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateBecVMImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, _, err := d.Compute.CaptureImage(ctx, c.Caller, bare("vm-", in.InstanceID), in.ImageName, "")
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateBecVMImageResponse{ImageID: new(imageID(made.Slug, made.Account))}), nil
}

func (d *Door) v2UpdateImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ModifyBecVMImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	_, err := d.Images.Rename(ctx, c.Caller, bareImage(c.Path("imageId")), in.Name)
	return dialect.Empty(), err
}

// v2DeleteImage has no force, and no word of images in use being kept: the instances made from it keep their disks.
func (d *Door) v2DeleteImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), d.Compute.DeleteImages(ctx, c.Caller, []string{bareImage(c.Path("imageId"))}, true)
}

func (d *Door) v2ListImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	kind := c.Param("imageType")
	filter := image.Filter{Public: new(kind != "becCustom")}
	if kind != "becCustom" {
		filter.GPU = new(kind == "becGpu")
	}
	found, err := d.Images.List(ctx, c.Caller, filter)
	if err != nil {
		return nil, err
	}
	id, name := bareImage(c.Param("imageId")), c.Param("imageName")
	found = slices.DeleteFunc(found, func(i *image.Image) bool {
		return id != "" && i.Slug != id && i.UID != id || name != "" && i.Name != name
	})
	// In the order of IDs, as the inclusive marker needs.
	slices.SortFunc(found, func(a, b *image.Image) int { return strings.Compare(a.Slug, b.Slug) })
	m := marker(bareImage(c.Param("marker")), c.Int("maxKeys", 0))
	found = slices.DeleteFunc(found, func(i *image.Image) bool { return i.Slug < m.Start })
	out := wire.ListVMImageResponse{IsTruncated: new(len(found) > m.Size), MaxKeys: new(int32(m.Size)), Images: []wire.BecVMImageModel{}}
	if c.Query.Has("marker") {
		out.Marker = new(c.Param("marker"))
	}
	if len(found) > m.Size {
		out.NextMarker = new(imageID(found[m.Size].Slug, found[m.Size].Account))
		found = found[:m.Size]
	}
	for _, i := range found {
		out.Images = append(out.Images, v2Image(i))
	}
	return dialect.OK(out), nil
}

func (d *Door) v2GetImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	i, _, err := d.Images.Find(ctx, c.Caller, bareImage(c.Path("imageId")))
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.GetVMImageResponse{Image: new(v2Image(i))}), nil
}

func v2Image(i *image.Image) wire.BecVMImageModel {
	kind, status := "becCommon", "SUCCEEDED"
	switch {
	case !i.Public():
		kind = "becCustom"
	case i.GPU:
		kind = "becGpu"
	}
	switch i.Status {
	case image.Imaging:
		status = "IMAGING"
	case image.Broken:
		status = "FAILED"
	case image.Importing:
		status = "IMPORTING"
	}
	return wire.BecVMImageModel{ImageID: new(imageID(i.Slug, i.Account)), ImageName: &i.Name, ImageType: &kind, OSType: &i.OSType, OSVersion: &i.OSVersion,
		OSArch: &i.OSArch, OSName: &i.OSName, OSBuild: &i.OSBuild, OSLang: &i.OSLang, Status: &status, CreateTime: new(stamp(i.Created))}
}
