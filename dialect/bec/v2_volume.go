package bec

import (
	"context"
	"strings"

	"edgecloud/cloud/volume"
	"edgecloud/contract/scalar"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v2volume"
	"edgecloud/fault"
	"edgecloud/link/spec"
)

func (d *Door) v2Volumes() dialect.Handlers {
	return dialect.Handlers{
		wire.OpCreateVolumes: d.createVolumes,
		wire.OpListVolumes:   d.listVolumes,
		wire.OpGetVolume:     d.getVolume,
		wire.OpAttachVolume:  d.attachVolume,
		wire.OpDetachVolume:  d.detachVolume,
		wire.OpRenameVolume:  d.renameVolume,
		wire.OpResizeVolume:  d.resizeVolume,
		wire.OpDeleteVolume:  d.deleteVolume,
	}
}

func volumeID(v *volume.Volume) string       { return "cds-" + v.Slug }
func pathVolume(c *dialect.Call) string      { return bare("cds-", c.Path("volumeId")) }
func cloudStorage(storageType string) string { return "CDS_" + strings.ToUpper(storageType) }

// storageType is a disk's kind in the two words that this resource has.
func storageType(v *volume.Volume) string {
	for _, hdd := range []string{"HDD", "SATA"} {
		if strings.Contains(strings.ToUpper(*storageWord(v.Storage)), hdd) {
			return "hdd"
		}
	}
	return "ssd"
}

func (d *Door) createVolumes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateCDSRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if billing := scalar.Value(in.Billing); billing != "" && billing != "Postpaid" {
		return nil, fault.BadField("billing", "must be Postpaid, not %q", billing)
	}
	var wanted []volume.NewLoose
	for _, one := range in.DeployInstances {
		site, err := d.site(ctx, one.RegionID)
		if err != nil {
			return nil, err
		}
		w := volume.NewLoose{Site: site, Count: int(one.PurchaseCount), Name: in.Name, Description: scalar.Value(in.Description), Storage: cloudStorage(in.StorageType),
			GiB: int64(position(in.CDSSizeInGB))}
		if id := scalar.Value(in.SnapShotID); id != "" {
			w.From = bareRule(id)
		}
		for _, t := range in.Tags {
			w.Tags = append(w.Tags, volume.Tag{Key: scalar.Value(t.TagKey), Value: scalar.Value(t.TagValue)})
		}
		wanted = append(wanted, w)
	}
	made, err := volume.CreateLoose(ctx, d.DB, c.Caller, wanted)
	if err != nil {
		return nil, err
	}
	out := wire.CreateVolumesResponse{}
	for _, v := range made {
		out.VolumeIDs = append(out.VolumeIDs, volumeID(v))
	}
	return dialect.OK(out), nil
}

// volumeStatus tells where a volume is in the document's words. One that is deleted is shown no more.
func volumeStatus(v *volume.Volume, inSnapshot bool) string {
	switch {
	case v.Phase == spec.Failed:
		return "Error"
	case inSnapshot:
		return "SnapshotProcessing"
	case v.Hold == volume.Loose && v.Phase != spec.Applied:
		return "Creating" // as a copy of a snapshot; what is blank is made where it is attached first
	case v.Hold == volume.Loose:
		return "Available"
	case v.Hold == volume.Attaching:
		return "Attaching"
	case v.Hold == volume.Detaching:
		return "Detaching"
	case v.Phase != spec.Applied:
		return "Creating"
	}
	return "InUse"
}

// volumes shows volumes, with the instances that they are on.
func (d *Door) volumes(ctx context.Context, c *dialect.Call, all []*volume.Volume) ([]wire.VolumeModel, error) {
	var instances, uids []string
	for _, v := range all {
		uids = append(uids, v.UID)
		if v.Instance != "" {
			instances = append(instances, v.Instance)
		}
	}
	handles, err := d.Compute.Handles(ctx, c.Caller, instances)
	if err != nil {
		return nil, err
	}
	busy, err := d.Compute.BusyVolumes(ctx, uids)
	if err != nil {
		return nil, err
	}
	out := []wire.VolumeModel{}
	for _, v := range all {
		site, err := d.Place.Site(ctx, v.Site)
		if err != nil {
			return nil, err
		}
		m := wire.VolumeModel{ID: new(volumeID(v)), Name: &v.Name, RegionID: &site.Name, Type: new("Cds"), DiskSizeInGB: new(int32(v.GiB)), StorageType: new(storageType(v)),
			Status: new(volumeStatus(v, busy[v.UID])), PaymentTiming: new("Postpaid"), CreateTime: new(stamp(v.Created))}
		if v.Role == volume.System {
			m.Type = new("System")
		}
		if handle := handles[v.Instance]; handle != "" {
			m.Attachments = []wire.VolumeAttachmentModel{{VolumeID: m.ID, InstanceID: new("vm-" + handle)}}
		}
		for _, t := range v.Tags.V {
			m.Tags = append(m.Tags, wire.TagModel{TagKey: new(t.Key), TagValue: new(t.Value)})
		}
		out = append(out, m)
	}
	return out, nil
}

func (d *Door) listVolumes(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f := volume.Filter{Name: c.Param("name")}
	if name := c.Param("regionId"); name != "" {
		site, err := d.site(ctx, name)
		if err != nil {
			return nil, err
		}
		f.Site = site.UID
	}
	m := marker(bare("cds-", c.Param("marker")), c.Int("maxKeys", 0))
	out := wire.ListVolumesResponse{IsTruncated: new(false), MaxKeys: new(int32(m.Size)), Volumes: []wire.VolumeModel{}}
	if id := c.Param("instanceId"); id != "" {
		i, err := d.Compute.Get(ctx, c.Caller, bare("vm-", id))
		if err != nil {
			return nil, err
		}
		f.Instance = i.UID
	}
	found, next, err := volume.ListFrom(ctx, d.DB, c.Caller, f, m)
	if err != nil {
		return nil, err
	}
	*out.IsTruncated = next != ""
	echo(c, &out.Marker, &out.NextMarker, "cds-", next)
	out.Volumes, err = d.volumes(ctx, c, found)
	return dialect.OK(out), err
}

func (d *Door) getVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	v, err := volume.Get(ctx, d.DB, c.Caller, pathVolume(c))
	if err != nil {
		return nil, err
	}
	shown, err := d.volumes(ctx, c, []*volume.Volume{v})
	if err != nil {
		return nil, err
	}
	return dialect.OK(shown[0]), nil
}

// onInstance does something with a volume and the instance that the request names.
func (d *Door) onInstance(ctx context.Context, c *dialect.Call, do func(context.Context, *dialect.Call, string, string) error) (*dialect.Answer, error) {
	var in wire.UpdateCDSRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if scalar.Value(in.InstanceID) == "" {
		return nil, fault.BadField("instanceId", "is required")
	}
	return dialect.Empty(), do(ctx, c, bare("vm-", *in.InstanceID), pathVolume(c))
}

func (d *Door) attachVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.onInstance(ctx, c, func(ctx context.Context, c *dialect.Call, instance, id string) error {
		_, err := d.Compute.AttachVolume(ctx, c.Caller, instance, id)
		return err
	})
}

func (d *Door) detachVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return d.onInstance(ctx, c, func(ctx context.Context, c *dialect.Call, instance, id string) error {
		_, err := d.Compute.DetachVolume(ctx, c.Caller, instance, id)
		return err
	})
}

func (d *Door) renameVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateCDSRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), volume.Rename(ctx, d.DB, c.Caller, pathVolume(c), scalar.Value(in.Name))
}

func (d *Door) resizeVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.UpdateCDSRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Compute.GrowVolume(ctx, c.Caller, pathVolume(c), int64(position(in.NewCDSSizeInGB)))
}

func (d *Door) deleteVolume(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	return dialect.Empty(), volume.Delete(ctx, d.DB, c.Caller, pathVolume(c))
}
