package bec

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/image"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vmimage2"
	"edgecloud/fault"
)

func (d *Door) v1Images() dialect.Handlers {
	return dialect.Handlers{wire.OpListVMImages: d.v1ListImages, wire.OpCreateVMImage: d.v1CreateImage, wire.OpUpdateVMImage: d.v1UpdateImage,
		wire.OpDeleteVMImages: d.v1DeleteImages, wire.OpImportVMImage: d.v1ImportImage}
}

func (d *Door) v1CreateImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateVMImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	vm, snapshot := scalar.Value(in.VMID), scalar.Value(in.SnapshotID)
	if (vm == "") == (snapshot == "") {
		return nil, fault.BadField("vmId", "give vmId or snapshotId, and not both")
	}
	capture, of := d.Compute.CaptureImage, bare("vm-", vm)
	if snapshot != "" {
		capture, of = d.Compute.CaptureSnapshot, bareRule(snapshot)
	}
	made, _, err := capture(ctx, c.Caller, of, in.Name, "")
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateVMImageResponse{Result: new(imageID(made.Slug, made.Account)), Success: new(true)}), nil
}

func (d *Door) v1ImportImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ImportVMImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	arch := "x86_64 (64bit)"
	if in.OSArch != nil && *in.OSArch != 64 {
		return nil, fault.BadField("osArch", "must be 64")
	}
	made, err := d.Images.ImportOwn(ctx, c.Caller, image.NewImage{Name: in.Name, OSType: cmp.Or(strings.ToLower(scalar.Value(in.OSType)), "linux"), OSName: scalar.Value(in.OSName),
		OSVersion: scalar.Value(in.OSVersion), OSArch: arch}, in.BosURL)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateVMImageResponse{Result: new(imageID(made.Slug, made.Account)), Success: new(true)}), nil
}

func (d *Door) v1UpdateImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateVMImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if _, err := d.Images.Rename(ctx, c.Caller, bareImage(c.Path("imageId")), in.Name); err != nil {
		return nil, err
	}
	return dialect.OK(wire.BooleanResponse{Result: new(true), Success: new(true)}), nil
}

func (d *Door) v1DeleteImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var ids []string
	for id := range strings.SplitSeq(c.Param("imageIdList"), ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, bareImage(id))
		}
	}
	if err := d.Compute.DeleteImages(ctx, c.Caller, ids, c.Bool("force")); err != nil {
		return nil, err
	}
	return dialect.OK(wire.BooleanResponse{Result: new(true), Success: new(true)}), nil
}

func (d *Door) v1ListImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	filter := image.Filter{OSName: c.Param("osName"), Public: new(c.Param("type") == "becCommon")}
	switch c.Param("status") {
	case "SUCCEEDED":
		filter.Status = image.Active
	case "IMAGING":
		filter.Status = image.Imaging
	}
	keyword := c.Param("keyword")
	byID := c.Param("keywordType") == "imageId"
	if !byID {
		filter.Keyword = keyword
	}
	found, err := d.Images.List(ctx, c.Caller, filter)
	if err != nil {
		return nil, err
	}
	if byID && keyword != "" {
		found = slices.DeleteFunc(found, func(i *image.Image) bool { return i.Slug != bareImage(keyword) && i.UID != keyword })
	}
	order, orderBy := sortImages(found, c.Param("order"), c.Param("orderBy"))
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 1000)
	out := wire.VMImageListResponse{Success: new(true), Result: []wire.VMImageVo{}, Order: &order, OrderBy: &orderBy, PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(len(found)))}
	from := min((p.Number-1)*p.Size, len(found))
	some := found[from:min(from+p.Size, len(found))]
	users, err := d.imageUsers(ctx, c, some)
	if err != nil {
		return nil, err
	}
	for _, i := range some {
		out.Result = append(out.Result, v1ListedImage(i, users[i.UID]))
	}
	return dialect.OK(out), nil
}

// sortImages sorts as asked, newest first by default, and gives the order in the answer's spelling.
func sortImages(all []*image.Image, order, by string) (string, string) {
	order = strings.ToLower(order)
	if order != "asc" {
		order = "desc"
	}
	if by == "" {
		by = "createTime"
	}
	slices.SortStableFunc(all, func(a, b *image.Image) int {
		n := a.Created.Time().Compare(b.Created.Time())
		if by == "systemDisk" {
			n = int(a.MinDiskGiB - b.MinDiskGiB)
		}
		if n == 0 {
			n = strings.Compare(a.UID, b.UID)
		}
		if order == "desc" {
			return -n
		}
		return n
	})
	return order, by
}

// imageUsers gives the instances made from the custom ones among images.
func (d *Door) imageUsers(ctx context.Context, c *dialect.Call, some []*image.Image) (map[string][]compute.ImageUser, error) {
	var own []string
	for _, i := range some {
		if !i.Public() {
			own = append(own, i.UID)
		}
	}
	return d.Compute.ImageUsers(ctx, c.Caller, own)
}

func v1ListedImage(i *image.Image, users []compute.ImageUser) wire.VMImageVo {
	id := imageID(i.Slug, i.Account)
	out := wire.VMImageVo{ImageID: &id, Name: &i.Name, BccImageID: &id, ImageType: new("becCommon"), AccountID: new("becCommon"), SystemDisk: new(int32(i.MinDiskGiB)),
		OSType: &i.OSType, OSVersion: &i.OSVersion, OSName: &i.OSName, OSBuild: &i.OSBuild, OSLang: &i.OSLang, OSArch: &i.OSArch,
		CreateTime: new(stamp(i.Created)), UpdateTime: new(stamp(i.Created))}
	if i.Public() {
		return out // its status is null
	}
	out.ImageType, out.AccountID = new("becCustom"), &i.Account
	switch i.Status {
	case image.Active:
		out.Status = new("SUCCEEDED")
	case image.Imaging, image.Importing:
		out.Status = new("IMAGING")
	}
	out.BeingUsed, out.BeingUsedVMList = new(len(users) > 0), []wire.VMInstanceImageVo{}
	for _, u := range users {
		out.BeingUsedVMList = append(out.BeingUsedVMList, wire.VMInstanceImageVo{VMID: new("vm-" + u.Handle), VMName: new(u.Name)})
	}
	return out
}
