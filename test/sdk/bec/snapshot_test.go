package bec_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/quota"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v1snapshot"
	"edgecloud/dialect/bec/wire/v1vmimage2"
	"edgecloud/dialect/bec/wire/v2volume"
	"edgecloud/engine/sim"
	"edgecloud/store"
)

// diskHost is the simulated host that an instance is on.
func (v *v2) diskHost(t *testing.T, instance string) *sim.Host {
	t.Helper()
	uid := v.systemDisk(t, instance)
	for _, site := range v.World.Sites() {
		for _, h := range site.Hosts() {
			if _, err := h.Disk().Get(t.Context(), uid); err == nil {
				return h
			}
		}
	}
	require.Fail(t, "no host has the disk of "+instance)
	return nil
}

func (v *v2) systemDisk(t *testing.T, instance string) string {
	t.Helper()
	detail, err := v.Control.Compute.Get(t.Context(), v.caller, strings.TrimPrefix(instance, "vm-"))
	require.NoError(t, err)
	return detail.Volumes[0].UID
}

// used tells how much data a disk holds: all of its content that the simulation keeps.
func (v *v2) used(t *testing.T, instance, disk string) int64 {
	t.Helper()
	d, err := v.diskHost(t, instance).Disk().Get(t.Context(), disk)
	require.NoError(t, err)
	return d.UsedBytes
}

func (v *v2) onClouds(t *testing.T) string {
	t.Helper()
	_, ids := v.create(t, values{"rootDiskStorageType": "CDS_SSD", "createCdsList": []values{{"name": "cloud", "storageType": "CDS_SSD", "cdsSizeInGB": 50}}})
	v.await(t, "RUNNING", ids...)
	return ids[0]
}

func (v *v2) snap(t *testing.T, instance, name string) string {
	t.Helper()
	var out v1snapshot.CreateInsnapshotResponse
	v.must(t, "POST", "/v1/snapshot/insnapshot/create", values{"instanceId": instance, "name": name}, &out)
	require.Regexp(t, `^ins-[a-z0-9]+$`, *out.InsnapID)
	return *out.InsnapID
}

func (v *v2) insnap(t *testing.T, id string) (out v1snapshot.InsnapshotModel) {
	t.Helper()
	v.must(t, "GET", "/v1/snapshot/insnapshot/"+id, nil, &out)
	return out
}

func (v *v2) awaitInsnap(t *testing.T, id, status string) v1snapshot.InsnapshotModel {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool { return *v.insnap(t, id).Status == status })
	return v.insnap(t, id)
}

func (v *v2) stop(t *testing.T, id string) {
	t.Helper()
	v.must(t, "PUT", "/v2/vm/instance/"+id+"?stop", nil, nil)
	v.await(t, "STOPPED", id)
}

// TestASnapshotBringsBackWhatDisksHeld follows a snapshot of a running instance through all that can be done with it.
func TestASnapshotBringsBackWhatDisksHeld(t *testing.T) {
	v := newV2(t)
	vm := v.onClouds(t)
	system := v.systemDisk(t, vm)
	host := v.diskHost(t, vm)
	before := v.used(t, vm, system)
	ins := v.snap(t, vm, "before.1")
	shown := v.awaitInsnap(t, ins, "created")
	v.await(t, "RUNNING", vm)
	require.Equal(t, []string{ins, "before.1", "MANUAL", vm}, []string{*shown.InsnapID, *shown.Name, *shown.CreateMethod, *shown.InstanceID})
	require.EqualValues(t, 90, *shown.SizeInGB)
	require.Len(t, shown.CDSIDList, 2)
	require.Len(t, shown.SnapshotIDList, 2)
	require.Contains(t, shown.SnapshotIDList[0], "snp-"+v2Site+"-")
	require.NoError(t, host.GuestWrites(system, 1<<20))

	v.refused(t, 409, "OperationDenied", "must be stopped", "POST", "/v1/snapshot/insnapshot/rollback", values{"insnapId": []string{ins}})
	v.refused(t, 409, "OperationDenied", "must be stopped", "POST", "/v1/snapshot/rollback", values{"snapshotId": shown.SnapshotIDList[0]})
	v.stop(t, vm)
	for _, path := range []string{"insnapshot", "insnaphost"} { // the document has both spellings
		require.NotEqual(t, before, v.used(t, vm, system))
		v.must(t, "POST", "/v1/snapshot/"+path+"/rollback", values{"insnapId": []string{ins}}, nil)
		v.awaitInsnap(t, ins, "created")
		v.await(t, "STOPPED", vm)
		require.Equal(t, before, v.used(t, vm, system))
		require.NoError(t, host.GuestWrites(system, 1<<20))
	}
	v.must(t, "POST", "/v1/snapshot/rollback", values{"snapshotId": []string{shown.SnapshotIDList[0]}}, nil)
	v.await(t, "STOPPED", vm)
	require.Equal(t, before, v.used(t, vm, system))
	v.must(t, "PUT", "/v2/vm/instance/"+vm+"?start", nil, nil)
	v.await(t, "RUNNING", vm)
	require.Equal(t, before, v.used(t, vm, system), "it is not done again")

	v.must(t, "POST", "/v1/snapshot/insnapshot/batch/delete", values{"insnapIdList": []string{ins}}, nil)
	controlplanetest.Eventually(t, "the snapshot is gone", func() bool {
		var list v1snapshot.InsnapshotListResponse
		v.must(t, "GET", "/v1/snapshot/insnapshot/list", nil, &list)
		return *list.TotalCount == 0
	})
	v.refused(t, 404, "Resource Not Found", "does not exist", "GET", "/v1/snapshot/insnapshot/"+ins, nil)
	found, err := host.Disk().Snapshots(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

// TestVolumesAndImagesOfSnapshots: both outlive the snapshot.
func TestVolumesAndImagesOfSnapshots(t *testing.T) {
	v := newV2(t)
	vm := v.onClouds(t)
	ins := v.snap(t, vm, "快照")
	shown := v.awaitInsnap(t, ins, "created")
	system, data := shown.SnapshotIDList[0], shown.SnapshotIDList[1]

	body := values{"name": "copy", "deployInstances": []values{{"purchaseCount": 2, "regionId": v2Site}}, "storageType": "ssd", "snapShotId": data}
	var made v2volume.CreateVolumesResponse
	v.must(t, "POST", "/v2/volume", body, &made)
	require.Len(t, made.VolumeIDs, 2)
	copied := v.awaitVolume(t, made.VolumeIDs[0], "Available")
	require.EqualValues(t, 50, *copied.DiskSizeInGB)
	v.awaitVolume(t, made.VolumeIDs[1], "Available")
	v.must(t, "PUT", "/v2/volume/"+made.VolumeIDs[0]+"?attach", values{"instanceId": vm}, nil)
	v.awaitVolume(t, made.VolumeIDs[0], "InUse")
	v.await(t, "RUNNING", vm)
	body["snapShotId"] = "snp-" + v2Site + "-nobody00"
	v.refused(t, 404, "NoSuchObject", "does not exist", "POST", "/v2/volume", body)

	var image v1vmimage2.CreateVMImageResponse
	v.refused(t, 409, "OperationDenied", "data disk", "POST", "/v1/vm/image", values{"snapshotId": data, "name": "of data"})
	v.must(t, "POST", "/v1/vm/image", values{"snapshotId": system, "vmId": "", "name": "of a snapshot"}, &image)
	v.refused(t, 409, "OperationDenied", "already", "POST", "/v1/vm/image", values{"snapshotId": system, "name": "twice"})
	v.await(t, "RUNNING", vm)
	controlplanetest.Eventually(t, "the image is shown", func() bool { i := v.insnap(t, ins).CustomImageID; return i != nil && *i == *image.Result })
	controlplanetest.Eventually(t, "the snapshot can go when the image is done", func() bool {
		return v.call("POST", "/v1/snapshot/insnapshot/batch/delete", values{"insnapIdList": []string{ins}}, nil) == nil
	})
	controlplanetest.Eventually(t, "the snapshot is gone", func() bool { return v.call("GET", "/v1/snapshot/insnapshot/"+ins, nil, nil) != nil })
	_, ids := v.create(t, values{"imageId": *image.Result})
	v.await(t, "RUNNING", ids...)
	v.must(t, "DELETE", "/v2/volume/"+made.VolumeIDs[1], nil, nil)
}

// TestSnapshotsGoWithTheirDisks: a reinstall takes the system disk's part (features/volume.md, test idea 5), the end of the instance what went with it.
func TestSnapshotsGoWithTheirDisks(t *testing.T) {
	v := newV2(t)
	vm := v.onClouds(t)
	ins := v.snap(t, vm, "x")
	shown := v.awaitInsnap(t, ins, "created")
	v.await(t, "RUNNING", vm)
	v.must(t, "PUT", "/v2/vm/instance/"+vm+"?rebuild", values{"imageId": v.image, "imageType": "bec", "adminPass": v.encrypted(t, v2Pass)}, nil)
	v.await(t, "RUNNING", vm)
	left := v.insnap(t, ins)
	require.Equal(t, shown.SnapshotIDList[1:], left.SnapshotIDList)
	v.stop(t, vm)
	v.refused(t, 409, "OperationDenied", "reinstalled", "POST", "/v1/snapshot/insnapshot/rollback", values{"insnapId": ins})
	v.must(t, "POST", "/v1/snapshot/rollback", values{"snapshotId": left.SnapshotIDList[0]}, nil)
	v.await(t, "STOPPED", vm)
	disk := left.CDSIDList[0]
	v.must(t, "PUT", "/v2/volume/"+disk+"?detach", values{"instanceId": vm}, nil)
	v.awaitVolume(t, disk, "Available")
	v.must(t, "DELETE", "/v2/vm/instance/"+vm, nil, nil)
	controlplanetest.Eventually(t, "the instance is gone", func() bool { return *v.insnap(t, ins).InstanceStatus == "NOTEXIST" })
	v.must(t, "POST", "/v1/snapshot/rollback", values{"snapshotId": left.SnapshotIDList[0]}, nil)
	v.awaitVolume(t, disk, "Available")
	v.awaitInsnap(t, ins, "created")
	v.must(t, "DELETE", "/v2/volume/"+disk, nil, nil)
	controlplanetest.Eventually(t, "the snapshot went with its last disk", func() bool { return v.call("GET", "/v1/snapshot/insnapshot/"+ins, nil, nil) != nil })
	require.Zero(t, v.quotaUse(t, quota.Snapshots))
}

func (v *v2) quotaUse(t *testing.T, name quota.Name) (used int64) {
	t.Helper()
	require.NoError(t, v.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT COALESCE(SUM(used), 0) FROM quota_use WHERE account = ? AND name = ?", v.caller.Account, name).Scan(ctx, &used)
	}))
	return used
}

// TestSnapshotsAreFound by each of the list's keywords.
func TestSnapshotsAreFound(t *testing.T) {
	v := newV2(t)
	vm, other := v.onClouds(t), v.onClouds(t)
	one := v.awaitInsnap(t, v.snap(t, vm, "alpha"), "created")
	two := v.awaitInsnap(t, v.snap(t, other, "beta"), "created")
	cases := map[string]struct {
		query string
		want  []string
	}{
		"all":       {"", []string{*two.InsnapID, *one.InsnapID}},
		"second":    {"?pageNo=2&pageSize=1", []string{*one.InsnapID}},
		"id":        {"?keywordType=INSNAP_ID&keyword=" + *one.InsnapID, []string{*one.InsnapID}},
		"name":      {"?keywordType=INSNAP_NAME&keyword=bet", []string{*two.InsnapID}},
		"instance":  {"?keywordType=INSTANCE_ID&keyword=" + vm, []string{*one.InsnapID}},
		"snapshot":  {"?keywordType=SNAPSHOT_ID&keyword=" + two.SnapshotIDList[1], []string{*two.InsnapID}},
		"no such":   {"?keywordType=SNAPSHOT_ID&keyword=snp-x", nil},
		"not found": {"?keywordType=INSNAP_NAME&keyword=gamma", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var list v1snapshot.InsnapshotListResponse
			v.must(t, "GET", "/v1/snapshot/insnapshot/list"+c.query, nil, &list)
			var found []string
			for _, s := range list.Result {
				found = append(found, *s.InsnapID)
			}
			require.Equal(t, c.want, found)
			require.Equal(t, "createTime desc", *list.OrderBy+" "+*list.Order)
		})
	}
	v.refused(t, 400, "Illegal parameters", "keywordType", "GET", "/v1/snapshot/insnapshot/list?keyword=x", nil)
}

// TestSnapshotsThatAreRefused change nothing.
func TestSnapshotsThatAreRefused(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, nil)
	v.await(t, "RUNNING", ids...)
	create := func(id, name string) values { return values{"instanceId": id, "name": name} }
	v.refused(t, 409, "OperationDenied", "cloud disks", "POST", "/v1/snapshot/insnapshot/create", create(ids[0], "local"))
	vm := v.onClouds(t)
	v.refused(t, 400, "Illegal parameters", "name", "POST", "/v1/snapshot/insnapshot/create", create(vm, "1st"))
	v.refused(t, 400, "Illegal parameters", "name", "POST", "/v1/snapshot/insnapshot/create", create(vm, "a!"))
	v.refused(t, 404, "Resource Not Found", "does not exist", "POST", "/v1/snapshot/insnapshot/create", create("vm-nobody", "x"))
	v.refused(t, 404, "Resource Not Found", "does not exist", "POST", "/v1/snapshot/insnapshot/batch/delete", values{"insnapIdList": []string{"ins-nobody"}})
	v.refused(t, 400, "Illegal parameters", "insnapIdList", "POST", "/v1/snapshot/insnapshot/batch/delete", values{"insnapIdList": []string{}})
	v.refused(t, 400, "Illegal parameters", "insnapId", "POST", "/v1/snapshot/insnapshot/rollback", values{"insnapId": []string{"a", "b"}})
	v.refused(t, 404, "Resource Not Found", "does not exist", "POST", "/v1/snapshot/rollback", values{"snapshotId": "snp-nobody"})

	heal := v.World.AddRule(sim.Rule{Op: sim.OpSnapshot, Effect: sim.Fail})
	ins := v.snap(t, vm, "slow")
	v.await(t, "SNAPSHOTPROCESSING", vm)
	v.must(t, "GET", "/v1/vm/instance/"+vm, nil, nil)
	require.Equal(t, "SNAPSHOTING", *v.insnap(t, ins).InstanceStatus)
	v.refused(t, 400, "Illegal parameters", "creating", "POST", "/v1/snapshot/insnapshot/batch/delete", values{"insnapIdList": []string{ins}})
	v.refused(t, 409, "OperationDenied", "snapshotting", "POST", "/v1/snapshot/insnapshot/create", create(vm, "second"))
	v.refused(t, 409, "OperationDenied", "snapshotting", "PUT", "/v2/vm/instance/"+vm+"?stop", nil)
	v.refused(t, 409, "OperationDenied", "creating", "POST", "/v1/snapshot/insnapshot/rollback", values{"insnapId": ins})
	require.Equal(t, "SnapshotProcessing", *v.volume(t, v.insnap(t, ins).CDSIDList[0]).Status)
	heal()
	v.awaitInsnap(t, ins, "created")
	v.await(t, "RUNNING", vm)

	require.NoError(t, quota.Set(t.Context(), v.Control.DB, operatorOf(v.Cloud), v.caller.Account, quota.Snapshots, 1))
	v.refused(t, 413, "LimitExceeded", "snapshots", "POST", "/v1/snapshot/insnapshot/create", create(vm, "more"))
	require.EqualValues(t, 1, v.quotaUse(t, quota.Snapshots))
}
