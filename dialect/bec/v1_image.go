package bec

import (
	"context"
	"slices"
	"strings"

	"edgecloud/cloud/image"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1vmimage2"
)

func (d *Door) v1Images() dialect.Handlers {
	return dialect.Handlers{wire.OpListVMImages: d.v1ListImages}
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
	for _, i := range found[from:min(from+p.Size, len(found))] {
		out.Result = append(out.Result, v1ListedImage(i))
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

func v1ListedImage(i *image.Image) wire.VMImageVo {
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
	case image.Imaging:
		out.Status = new("IMAGING")
	}
	return out
}
