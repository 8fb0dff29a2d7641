package iec

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"edgecloud/cloud/image"
	"edgecloud/cloud/operation"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/image"
	"edgecloud/fault"
	"edgecloud/store"
)

func (d *Door) images() dialect.Handlers {
	return dialect.Handlers{wire.OpListImages: d.listImages, wire.OpShowImage: d.showImage, wire.OpDeleteImage: d.deleteImage, wire.OpRegisterImage: d.registerImage,
		wire.OpCreateImage: d.createImage, wire.OpListCloudImages: d.listCloudImages, wire.OpRetryImageJob: d.retryImageJob}
}

var imageCodes = []refinement{
	{in: "iec/image.", kind: fault.NotFound, about: "image", code: "IEC.030201"},
	{in: "iec/image.", kind: fault.NotFound, about: "instance", code: "IEC.010200"},
	{in: "iec/image.", kind: fault.Conflict, about: "instance", code: "IEC.010406"},
	{in: "iec/image.", kind: fault.Quota, code: "IEC.010910"},
	{in: "iec/image.", kind: fault.Unavailable, code: "IEC.030002"},
}

// imageStatuses are the words for how far an image is. Deleted ones are not kept.
var imageStatuses = map[image.Status]string{image.Active: "active", image.Imaging: "saving", image.Importing: "saving", image.Broken: "killed"}

// The least and the largest system disk that the contract allows an image to ask for, in GB.
const (
	minImageDisk = 40
	maxImageDisk = 1024
)

const imageFormat = "qcow2" // of every file that is made here; clients that know another one is there are told nothing else by it

func describeImage(i *image.Image) wire.ImageList {
	disk, kind := int32(min(max(i.MinDiskGiB, minImageDisk), maxImageDisk)), "private"
	out := wire.ImageList{ID: i.UID, Name: i.Name, Status: imageStatuses[i.Status], DiskFormat: imageFormat, MinDisk: &disk, MinRAM: int32(i.MinMemoryMiB), Owner: i.Account,
		Visibility: "private", CreatedAt: stamp(i.Created), UpdatedAt: stamp(i.Created), Self: "/v1/images/" + i.UID, VirtualEnvType: "FusionCompute", Imagetype: &kind,
		Platform: i.OSName, OSType: title(i.OSType), OSVersion: strings.TrimSpace(i.OSName + " " + i.OSVersion + " 64bit"), Isregistered: i.Status == image.Active,
		SupportKvm: "true", HwFirmwareType: "bios", DataSource: dataSource(i)}
	if i.Public() {
		kind, out.Visibility, out.Protected = "gold", "public", true
	}
	if i.OSArch == "aarch64" {
		out.SupportArm = "true"
	}
	if i.GPU {
		out.SupportGPUT4 = "true"
	}
	return out
}

// dataSource tells where an image comes from: "ims:<image ID>:" or "instance:<instance ID>" (4.15.3).
func dataSource(i *image.Image) string {
	switch {
	case i.Registered != "":
		return "ims:" + i.Registered + ":"
	case i.Source != "":
		return "instance:" + i.Source
	}
	return ""
}

// listImages lists the images that instances can be made from: public ones and the account's own.
func (d *Door) listImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	found, err := d.imagesOf(ctx, c)
	if err != nil {
		return nil, err
	}
	out := wire.ListImagesResponse{Total: int32(len(found)), Images: []wire.ImageList{}}
	if w.Limit == 0 || w.Limit > maxImages {
		w.Limit = maxImages
	}
	out.Images = append(out.Images, cut(found, w)...)
	return dialect.OK(out), nil
}

// maxImages is the longest page, and the page of who asks for none.
const maxImages = 500

// imagesOf are the images that the filters of both lists leave, sorted as asked.
func (d *Door) imagesOf(ctx context.Context, c *dialect.Call) ([]wire.ImageList, error) {
	all, err := d.Images.List(ctx, c.Caller, image.Filter{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *image.Image) int { return cmp.Compare(b.Created, a.Created) })
	var found []wire.ImageList
	for _, i := range all {
		if one := describeImage(i); imageMatches(c, one) {
			found = append(found, one)
		}
	}
	sortImages(found, c.Param("sort_key"), c.Param("sort_dir"))
	return found, nil
}

// imageMatches compares every filter that is given with what the image shows. What no image here supports matches none.
func imageMatches(c *dialect.Call, i wire.ImageList) bool {
	shown := map[string]string{"id": i.ID, "name": i.Name, "status": i.Status, "visibility": i.Visibility, "owner": i.Owner, "virtual_env_type": i.VirtualEnvType,
		"__imagetype": *i.Imagetype, "__os_type": i.OSType, "protected": truth(i.Protected), "__isregistered": truth(i.Isregistered), "__support_kvm": i.SupportKvm,
		"__support_arm": i.SupportArm, "__support_gpu_t4": i.SupportGPUT4}
	for name, values := range c.Query {
		value, known := shown[name]
		switch {
		case len(values) == 0 || values[0] == "":
		case known && value != values[0]:
			return false
		case !known && strings.HasPrefix(name, "__support_"):
			return false
		}
	}
	return true
}

func truth(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

// sortImages sorts what comes newest first: by created_at downwards unless asked otherwise.
func sortImages(all []wire.ImageList, key, direction string) {
	field := map[string]func(wire.ImageList) string{"name": func(i wire.ImageList) string { return i.Name }, "status": func(i wire.ImageList) string { return i.Status },
		"disk_format": func(i wire.ImageList) string { return i.DiskFormat }}[key]
	if field == nil {
		field = func(i wire.ImageList) string { return i.CreatedAt }
	}
	slices.SortStableFunc(all, func(a, b wire.ImageList) int {
		if direction == "asc" {
			return cmp.Compare(field(a), field(b))
		}
		return cmp.Compare(field(b), field(a))
	})
}

func (d *Door) showImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	i, _, err := d.Images.Find(ctx, c.Caller, c.Path("image_id"))
	if err != nil {
		return nil, err
	}
	out, err := as[wire.ShowImageResponse](describeImage(i))
	if err != nil {
		return nil, err
	}
	if err := d.whereImage(ctx, i, &out); err != nil {
		return nil, err
	}
	o, err := operation.Last(ctx, d.DB, c.Caller, i.UID)
	if err == nil {
		out.RelatedJobID, out.RelationJobID = jobID(o.UID), jobID(o.UID)
	}
	if fault.Is(err, fault.NotFound) {
		err = nil
	}
	return dialect.OK(out), err
}

// whereImage tells where an image comes from and at which sites hosts have it.
func (d *Door) whereImage(ctx context.Context, i *image.Image, out *wire.ShowImageResponse) error {
	out.EdgeRegionInfo = []wire.EdgeImageRegionInfo{}
	sites, err := d.Images.Copies(ctx, i)
	if err != nil {
		return err
	}
	for _, uid := range sites {
		site, err := d.Place.Site(ctx, uid)
		if err != nil {
			return err
		}
		out.EdgeRegionInfo = append(out.EdgeRegionInfo, wire.EdgeImageRegionInfo{RegionID: site.Name, ImageID: i.UID})
	}
	switch {
	case i.Registered != "":
		out.OriginRegionInfo = &wire.CloudImageRegionInfo{RegionID: d.Identity.Region(), ImageID: i.Registered}
	case i.Source != "":
		site, err := d.Place.Site(ctx, i.Site)
		if err != nil {
			return err
		}
		out.OriginRegionInfo = &wire.CloudImageRegionInfo{RegionID: site.Name, ImageID: i.UID}
	}
	return nil
}

// deleteImage takes one of the account's own images away. Instances that were made from it keep their disks.
func (d *Door) deleteImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return &dialect.Answer{Status: http.StatusNoContent}, d.Compute.DeleteImages(ctx, c.Caller, []string{c.Path("image_id")}, true)
}

// registerImage makes an edge image of a private one in the central region, whose catalogue is the same here.
func (d *Door) registerImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.RegisterImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.RegionID == nil || *in.RegionID != d.Identity.Region() {
		return nil, fault.BadField("region_id", "must be %s, the region whose images can be registered", d.Identity.Region())
	}
	if in.ImageID == nil || *in.ImageID == "" {
		return nil, fault.BadField("image_id", "must be set")
	}
	made, op, err := d.Images.Register(ctx, c.Caller, *in.ImageID)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ImageJobResponse{JobID: jobID(op), ImageID: made.UID}), nil
}

// createImage makes an image of the system disk of an instance that is off.
func (d *Door) createImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, op, err := d.Compute.CaptureImage(ctx, c.Caller, in.InstanceID, in.Name, "")
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ImageJobResponse{JobID: jobID(op), ImageID: made.UID}), nil
}

// listCloudImages lists the images of the central region: public ones, and the account's own that were not made at the edge. Another region has none.
func (d *Door) listCloudImages(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	out := wire.ListCloudImagesResponse{Images: []wire.ImageInfo{}}
	if c.Path("region_id") != d.Identity.Region() {
		return dialect.OK(out), nil
	}
	found, err := d.imagesOf(ctx, c)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(i wire.ImageList) bool { return i.DataSource != "" })
	if marker := c.Param("marker"); marker != "" {
		k := slices.IndexFunc(found, func(i wire.ImageList) bool { return i.ID == marker })
		if k < 0 {
			return nil, fault.BadField("marker", "names no image of the list")
		}
		found = found[k:]
	}
	if w.Limit == 0 || w.Limit > maxImages {
		w.Limit = maxImages
	}
	for _, i := range cut(found, store.Window{Limit: w.Limit}) {
		out.Images = append(out.Images, centralImage(i))
	}
	return dialect.OK(out), nil
}

func centralImage(i wire.ImageList) wire.ImageInfo {
	return wire.ImageInfo{ID: i.ID, Name: &i.Name, Status: &i.Status, DiskFormat: i.DiskFormat, MinDisk: i.MinDisk, MinRAM: i.MinRAM, Owner: i.Owner, Protected: i.Protected,
		Visibility: i.Visibility, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt, Self: i.Self, VirtualEnvType: &i.VirtualEnvType, Imagetype: i.Imagetype, Platform: i.Platform,
		OSType: i.OSType, OSVersion: i.OSVersion, OSBit: "64", Isregistered: truth(i.Isregistered), SupportKvm: i.SupportKvm, SupportArm: i.SupportArm,
		HwFirmwareType: i.HwFirmwareType, ContainerFormat: "bare", EnterpriseProjectID: "0", ImageSourceType: "uds", Tags: []string{}}
}

// retryImageJob begins an image's job that failed anew.
func (d *Door) retryImageJob(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if c.Path("domain_id") != c.Caller.Account {
		return nil, fault.Missing("account", c.Path("domain_id"))
	}
	id, err := uuid.Parse(c.Path("job_id"))
	if err != nil {
		return nil, fault.Missing("job", c.Path("job_id"))
	}
	err = d.Compute.RetryImage(ctx, c.Caller, id.String())
	if f := fault.From(err); f != nil && f.Resource == "operation" {
		err = fault.Missing("job", c.Path("job_id"))
	}
	return &dialect.Answer{Status: http.StatusNoContent}, err
}
