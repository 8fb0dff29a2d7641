package iec

import (
	"context"

	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/dialect"
	wire "edgecloud/dialect/iec/wire/volume"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) volumes() dialect.Handlers {
	return dialect.Handlers{wire.OpListVolumes: d.listVolumes, wire.OpShowVolume: d.showVolume}
}

var volumeCodes = []refinement{{in: "iec/volume.", kind: fault.NotFound, about: "volume", code: "IEC.010560"}}

// volumeFilters says what each status stands for. The document shows in-use only; the others are Cinder's words for what a volume can be here.
var volumeFilters = map[string]volume.Filter{
	"in-use": {Phase: spec.Applied, Attached: new(true)}, "available": {Phase: spec.Applied, Attached: new(false)},
	"creating": {Phase: spec.Pending}, "error": {Phase: spec.Failed}, "deleting": {Phase: spec.Gone},
}

func volumeStatus(v *volume.Volume) string {
	for word, f := range volumeFilters {
		if f.Phase == v.Phase && (f.Attached == nil || *f.Attached == (v.Instance != "")) {
			return word
		}
	}
	return "error"
}

func (d *Door) listVolumes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	w, err := window(c)
	if err != nil {
		return nil, err
	}
	out := wire.ListVolumesResponse{Volumes: []wire.Volume{}}
	f := volume.Filter{}
	if status := c.Param("status"); status != "" {
		of, known := volumeFilters[status]
		if !known {
			return dialect.OK(out), nil
		}
		f = of
	}
	f.Name = c.Param("name")
	found, total, err := volume.List(ctx, d.DB, c.Caller, f, w)
	if err != nil {
		return nil, err
	}
	out.Count = int32(total)
	for _, v := range found {
		site, err := d.Place.Site(ctx, v.Site)
		if err != nil {
			return nil, err
		}
		out.Volumes = append(out.Volumes, describeVolume(v, site))
	}
	return dialect.OK(out), nil
}

func (d *Door) showVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := volume.Get(ctx, d.DB, c.Caller, c.Path("volume_id"))
	if err != nil {
		return nil, err
	}
	site, err := d.Place.Site(ctx, v.Site)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.ShowVolumeResponse{Volume: new(describeVolume(v, site))}), nil
}

func describeVolume(v *volume.Volume, site *place.Site) wire.Volume {
	out := wire.Volume{ID: v.UID, Name: v.Name, Status: volumeStatus(v), Size: int32(v.GiB), AvailabilityZone: site.Name, VolumeType: v.Storage, Bootable: "false",
		Attachments: []wire.Attachment{}, Metadata: map[string]string{"attached_mode": "rw", "readonly": "False"}}
	if v.Role == volume.System {
		out.Bootable = "true"
	}
	if v.Instance != "" {
		out.Attachments = append(out.Attachments, wire.Attachment{AttachmentID: v.UID, Device: deviceName(v.Position), ID: v.UID, ServerID: v.Instance, VolumeID: v.UID})
	}
	return out
}
