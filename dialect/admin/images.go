package admin

import (
	"context"
	"net/http"

	"edgecloud/cloud/image"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/admin/wire/catalogue"
)

func (d *Door) images() dialect.Handlers {
	return dialect.Handlers{wire.OpListImages: d.listImages, wire.OpGetImage: d.getImage, wire.OpDeleteImage: d.deleteImage, wire.OpImportImage: d.importImage,
		wire.OpUploadImage: d.uploadImage, wire.OpSetImageNames: d.setImageNames}
}

// public lists the public images, and the names that stand for each file.
func (d *Door) public(ctx context.Context, c *dialect.Call) (all []*image.Image, names map[string][]string, err error) {
	if err := c.Caller.MayOperate(); err != nil {
		return nil, nil, err
	}
	all, err = d.Images.List(ctx, c.Caller, image.Filter{Public: new(true), Unfinished: true})
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
	uids := make([]string, len(some))
	for k, i := range some {
		uids[k] = i.UID
	}
	jobs, err := d.Images.Jobs(ctx, uids)
	if err != nil {
		return nil, err
	}
	out := wire.ImageList{Next: next}
	for _, i := range some {
		_, f, err := d.Images.Find(ctx, c.Caller, i.UID) // public ones come from a cache
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, d.image(i, f, jobs[i.UID], names[i.File]))
	}
	return dialect.OK(out), nil
}

// image is an image with its file, and the job that brings it one.
func (d *Door) image(i *image.Image, f *image.File, j *image.Job, names []string) wire.Image {
	out := wire.Image{ID: i.UID, Slug: i.Slug, Name: i.Name, Description: optional(i.Description), OSType: i.OSType, OSName: optional(i.OSName),
		OSVersion: optional(i.OSVersion), OSArch: optional(i.OSArch), MinDiskGiB: &i.MinDiskGiB, MinMemoryMiB: &i.MinMemoryMiB, Status: string(i.Status), Names: []string{}, Created: stamp(i.Created)}
	if f != nil {
		out.Bytes, out.VirtualBytes, out.Sha256 = &f.Bytes, &f.VirtualBytes, optional(f.SHA256)
	}
	for _, n := range names {
		if f != nil && n != i.Name {
			out.Names = append(out.Names, n)
		}
	}
	if j != nil {
		d.progress(&out, j)
	}
	return out
}

// progress tells how a file that is on its way is doing; an image that has another file stays usable meanwhile.
func (d *Door) progress(out *wire.Image, j *image.Job) {
	if j.Stage == image.Stuck {
		out.Error = optional(j.Error)
		return
	}
	out.Status, out.Error = string(image.Importing), optional(j.Trouble)
	received, total := d.Images.Progress(j)
	out.Received = &received
	if total > 0 {
		out.Progress = new(int32(min(100, received*100/total)))
	}
}

func (d *Door) getImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	if err := c.Caller.MayOperate(); err != nil {
		return nil, err
	}
	out, err := d.shown(ctx, c, c.Path("image"))
	if err != nil {
		return nil, err
	}
	return dialect.OK(out), nil
}

// shown gives an image as it is now.
func (d *Door) shown(ctx context.Context, c *dialect.Call, id string) (wire.Image, error) {
	_, names, err := d.public(ctx, c)
	if err != nil {
		return wire.Image{}, err
	}
	i, f, err := d.Images.Find(ctx, c.Caller, id)
	if err != nil {
		return wire.Image{}, err
	}
	jobs, err := d.Images.Jobs(ctx, []string{i.UID})
	if err != nil {
		return wire.Image{}, err
	}
	return d.image(i, f, jobs[i.UID], names[i.File]), nil
}

func (d *Door) importImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.ImportImageRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, err := d.Images.Import(ctx, c.Caller, image.Import{NewImage: image.NewImage{Name: in.Name, Names: in.Names, Description: scalar.Value(in.Description), OSType: in.OSType,
		OSName: scalar.Value(in.OSName), OSVersion: scalar.Value(in.OSVersion), OSArch: scalar.Value(in.OSArch), MinDiskGiB: int64(scalar.Value(in.MinDiskGiB)),
		MinMemoryMiB: int64(scalar.Value(in.MinMemoryMiB))}, URL: scalar.Value(in.URL), Bytes: int64(scalar.Value(in.Bytes)), SHA256: in.Sha256, Replace: bool(scalar.Value(in.Replace))})
	if err != nil {
		return nil, err
	}
	out, err := d.shown(ctx, c, made.UID)
	if err != nil {
		return nil, err
	}
	return &dialect.Answer{Status: http.StatusAccepted, Body: out}, nil
}

func (d *Door) uploadImage(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	i, err := d.Images.Upload(ctx, c.Caller, c.Path("image"), int64(c.Int("offset", 0)), c.Body)
	if err != nil {
		return nil, err
	}
	out, err := d.shown(ctx, c, i.UID)
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

func (d *Door) setImageNames(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.SetImageNamesRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	i, err := d.Images.SetNames(ctx, c.Caller, c.Path("image"), in.Names)
	if err != nil {
		return nil, err
	}
	out, err := d.shown(ctx, c, i.UID)
	if err != nil {
		return nil, err
	}
	return dialect.OK(out), nil
}
