package bec

import (
	"context"

	"edgecloud/cloud/compute"
	"edgecloud/cloud/place"
	"edgecloud/cloud/volume"
	"edgecloud/dialect"
	wire "edgecloud/dialect/bec/wire/v1snapshot"
	"edgecloud/fault"
)

func (d *Door) v1Snapshots() dialect.Handlers {
	return dialect.Handlers{
		wire.OpRollbackSnapshot:       d.rollbackSnapshot,
		wire.OpCreateInsnapshot:       d.createInsnapshot,
		wire.OpListInsnapshots:        d.listInsnapshots,
		wire.OpGetInsnapshot:          d.getInsnapshot,
		wire.OpBatchDeleteInsnapshots: d.deleteInsnapshots,
		wire.OpRollbackInsnapshot:     d.rollbackInsnapshot,
	}
}

func insnapID(s *volume.Snapshot) string { return "ins-" + s.Slug }

// snapshotID is of a snapshot's part in one disk; the site's name in it is for people.
func snapshotID(site *place.Site, d *volume.SnapshotDisk) string {
	return "snp-" + site.Name + "-" + d.Slug
}

// insnapStatus are the document's words for a snapshot's states.
var insnapStatus = map[volume.SnapshotState]string{volume.SnapshotCreating: "creating", volume.SnapshotCreated: "created", volume.SnapshotRollingBack: "rollbacking",
	volume.SnapshotDeleting: "deleting", volume.SnapshotFailed: "error"}

func (d *Door) createInsnapshot(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.CreateInsnapshotRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	made, err := d.Compute.TakeSnapshot(ctx, c.Caller, bare("vm-", in.InstanceID), in.Name)
	if err != nil {
		return nil, err
	}
	return dialect.OK(wire.CreateInsnapshotResponse{InsnapID: new(insnapID(made))}), nil
}

// single takes the one ID of a field that the document has as a string and as a list of one.
func single(field string, ids []string) (string, error) {
	if len(ids) != 1 || ids[0] == "" {
		return "", fault.BadField(field, "must name one snapshot")
	}
	return ids[0], nil
}

func (d *Door) rollbackSnapshot(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.RollbackSnapshotRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	id, err := single("snapshotId", in.SnapshotID)
	if err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Compute.RollBackDisk(ctx, c.Caller, bareRule(id))
}

func (d *Door) rollbackInsnapshot(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.RollbackInsnapshotRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	id, err := single("insnapId", in.InsnapID)
	if err != nil {
		return nil, err
	}
	return dialect.Empty(), d.Compute.RollBackInstance(ctx, c.Caller, bare("ins-", id))
}

// deleteInsnapshots answers 400 where others have a conflict, as its page says.
func (d *Door) deleteInsnapshots(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	var in wire.BatchDeleteInsnapshotRequest
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range in.InsnapIDList {
		ids = append(ids, bare("ins-", id))
	}
	err := d.Compute.DeleteSnapshots(ctx, c.Caller, ids)
	if fault.Is(err, fault.Conflict) {
		err = fault.BadField("insnapIdList", "names a snapshot that cannot be deleted: %s", fault.From(err).Sentence)
	}
	return dialect.Empty(), err
}

func (d *Door) getInsnapshot(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	found, err := d.Compute.Snapshot(ctx, c.Caller, bare("ins-", c.Path("insnapId")))
	if err != nil {
		return nil, err
	}
	shown, err := d.insnapshot(ctx, found)
	return dialect.OK(shown), err
}

func (d *Door) insnapshot(ctx context.Context, v *compute.SnapshotView) (wire.InsnapshotModel, error) {
	site, err := d.Place.Site(ctx, v.Site)
	if err != nil {
		return wire.InsnapshotModel{}, err
	}
	m := wire.InsnapshotModel{InsnapID: new(insnapID(v.Snapshot)), Name: &v.Name, SizeInGB: new(int32(v.GiB())), Status: new(insnapStatus[v.Snapshot.State]), CreateMethod: new("MANUAL"),
		InstanceID: new("vm-" + v.Handle), InstanceName: &v.InstanceName, InstanceStatus: new("NOTEXIST"), CreateTime: new(stamp(v.Created)), CDSIDList: []string{}, SnapshotIDList: []string{}}
	if v.State != "" {
		m.InstanceStatus = new(v1State(v.State))
	}
	for _, disk := range v.Disks {
		m.CDSIDList = append(m.CDSIDList, "cds-"+disk.VolumeSlug)
		m.SnapshotIDList = append(m.SnapshotIDList, snapshotID(site, disk))
	}
	if v.ImageSlug != "" {
		m.CustomImageID = new("im-" + v.ImageSlug)
	}
	return m, nil
}

func (d *Door) listInsnapshots(ctx context.Context, c *dialect.Call) (*dialect.Answer, error) {
	f, err := insnapFilter(c.Param("keywordType"), c.Param("keyword"))
	if err != nil {
		return nil, err
	}
	p := page(c.Int("pageNo", 1), c.Int("pageSize", 0), 100)
	found, total, err := d.Compute.Snapshots(ctx, c.Caller, f, p)
	if err != nil {
		return nil, err
	}
	out := wire.InsnapshotListResponse{Result: []wire.InsnapshotModel{}, OrderBy: new("createTime"), Order: new("desc"), PageNo: new(int32(p.Number)), PageSize: new(int32(p.Size)),
		TotalCount: new(int32(total))}
	for _, v := range found {
		m, err := d.insnapshot(ctx, v)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, m)
	}
	return dialect.OK(out), nil
}

func insnapFilter(kind, keyword string) (f volume.SnapshotFilter, err error) {
	if keyword == "" {
		return f, nil
	}
	switch kind {
	case "INSNAP_ID":
		f.ID = bare("ins-", keyword)
	case "INSNAP_NAME":
		f.Name = keyword
	case "INSTANCE_ID":
		f.Instance = bare("vm-", keyword)
	case "SNAPSHOT_ID":
		f.Disk = bareRule(keyword)
	default:
		return f, fault.BadField("keywordType", "must be INSNAP_ID, INSNAP_NAME, INSTANCE_ID or SNAPSHOT_ID beside a keyword, not %q", kind)
	}
	return f, nil
}
