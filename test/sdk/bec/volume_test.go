package bec_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/quota"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v2volume"
	"edgecloud/store"
)

func (v *v2) makeVolumes(t *testing.T, name string, count int) []string {
	t.Helper()
	var out v2volume.CreateVolumesResponse
	v.must(t, "POST", "/v2/volume", values{"billing": "Postpaid", "cdsSizeInGB": 52, "deployInstances": []values{{"purchaseCount": count, "regionId": v2Site}}, "description": "desc",
		"name": name, "snapShotId": "", "storageType": "ssd", "tags": []values{{"tagKey": "k", "tagValue": "w"}}}, &out)
	require.Len(t, out.VolumeIDs, count)
	return out.VolumeIDs
}

func (v *v2) volume(t *testing.T, id string) (out v2volume.VolumeModel) {
	t.Helper()
	v.must(t, "GET", "/v2/volume/"+id, nil, &out)
	return out
}

func (v *v2) awaitVolume(t *testing.T, id, status string) v2volume.VolumeModel {
	t.Helper()
	controlplanetest.Eventually(t, id+" is "+status, func() bool { return *v.volume(t, id).Status == status })
	return v.volume(t, id)
}

func (v *v2) volumeUID(t *testing.T, id string) string {
	t.Helper()
	var uid string
	require.NoError(t, v.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT uid FROM volumes WHERE slug = ?", strings.TrimPrefix(id, "cds-")).Scan(ctx, &uid)
	}))
	return uid
}

// twins are two instances on one host: a volume goes from one to the other.
func (v *v2) twins(t *testing.T) (one, two string) {
	t.Helper()
	hosts := map[string]string{}
	for range 8 {
		_, ids := v.create(t, nil)
		v.await(t, "RUNNING", ids...)
		detail, err := v.Control.Compute.Get(t.Context(), v.caller, strings.TrimPrefix(ids[0], "vm-"))
		require.NoError(t, err)
		if other := hosts[detail.Host]; other != "" {
			return other, ids[0]
		}
		hosts[detail.Host] = ids[0]
	}
	t.Fatal("no two of eight instances are on one host")
	return "", ""
}

// TestAVolumeGoesFromOneInstanceToAnother follows a disk from its making over two instances, on and off, to its end (volume.md, test ideas 2 and 4).
func TestAVolumeGoesFromOneInstanceToAnother(t *testing.T) {
	v := newV2(t)
	one, two := v.twins(t)
	id := v.makeVolumes(t, "data0", 1)[0]
	shown := v.volume(t, id)
	require.Equal(t, []string{id, "data0", v2Site, "Cds", "ssd", "Available", "Postpaid"}, []string{*shown.ID, *shown.Name, *shown.RegionID, *shown.Type, *shown.StorageType, *shown.Status, *shown.PaymentTiming})
	require.Nil(t, shown.Attachments)
	uid := v.volumeUID(t, id)

	v.must(t, "PUT", "/v2/volume/"+id+"?attach", values{"instanceId": one}, nil)
	shown = v.awaitVolume(t, id, "InUse")
	require.Equal(t, []v2volume.VolumeAttachmentModel{{InstanceID: &one, VolumeID: &id}}, shown.Attachments)
	v.await(t, "RUNNING", one)
	require.Contains(t, v.guest(t, one).Volumes, uid, "without a restart")
	v.refused(t, 409, "OperationDenied", "detach it first", "DELETE", "/v2/volume/"+id, nil)
	v.refused(t, 409, "OperationDenied", "detach it first", "PUT", "/v2/volume/"+id+"?attach", values{"instanceId": two})
	v.refused(t, 409, "OperationDenied", "not attached", "PUT", "/v2/volume/"+id+"?detach", values{"instanceId": two})

	v.must(t, "PUT", "/v2/volume/"+id+"?resize", values{"newCdsSizeInGB": 60}, nil)
	require.EqualValues(t, 60, *v.volume(t, id).DiskSizeInGB)
	v.refused(t, 400, "BadRequest", "more than", "PUT", "/v2/volume/"+id+"?resize", values{"newCdsSizeInGB": 60})
	controlplanetest.Eventually(t, "the host has made it larger", func() bool { return v.volumeSettled(t, uid) })

	v.must(t, "PUT", "/v2/volume/"+id+"?detach", values{"instanceId": one}, nil)
	require.Nil(t, v.awaitVolume(t, id, "Available").Attachments)
	v.await(t, "RUNNING", one)
	require.NotContains(t, v.guest(t, one).Volumes, uid)

	v.must(t, "PUT", "/v2/volume/"+id+"?attach", values{"instanceId": two}, nil)
	v.must(t, "PUT", "/v2/vm/instance/"+two+"?stop", nil, nil) // what runs can be stopped, whatever is on its way to it
	v.await(t, "STOPPED", two)
	v.awaitVolume(t, id, "InUse")
	v.await(t, "STOPPED", two)
	v.must(t, "PUT", "/v2/vm/instance/"+two+"?start", nil, nil)
	v.await(t, "RUNNING", two)
	require.Contains(t, v.guest(t, two).Volumes, uid)

	// The disk outlives its instance (volume.md, test idea 7).
	v.must(t, "DELETE", "/v2/vm/instance/"+two, nil, nil)
	v.awaitVolume(t, id, "Available")
	v.must(t, "DELETE", "/v2/volume/"+id, nil, nil)
	v.refused(t, 404, "NoSuchObject", "does not exist", "GET", "/v2/volume/"+id, nil)
	controlplanetest.Eventually(t, "its host has forgotten it", func() bool { return !v.rowOf(t, uid) })
}

func (v *v2) rowOf(t *testing.T, uid string) (there bool) {
	t.Helper()
	require.NoError(t, v.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT EXISTS (SELECT 1 FROM volumes WHERE uid = ?)", uid).Scan(ctx, &there)
	}))
	return there
}

func (v *v2) volumeSettled(t *testing.T, uid string) (settled bool) {
	t.Helper()
	require.NoError(t, v.Control.DB.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.NewRaw("SELECT seen >= wanted FROM volumes WHERE uid = ?", uid).Scan(ctx, &settled)
	}))
	return settled
}

// TestDisksOfInstances: those on the machine's own disks go with their instance, cloud disks can be taken off (volume.md, test idea 6).
func TestDisksOfInstances(t *testing.T) {
	v := newV2(t)
	_, ids := v.create(t, values{"createCdsList": []values{{"name": "cloud", "storageType": "ssd", "cdsSizeInGB": 50}}, "ephemeralDisks": []values{{"name": "local", "storageType": "NVME", "sizeInGB": 50}}})
	v.await(t, "RUNNING", ids...)
	var list v2volume.ListVolumesResponse
	v.must(t, "GET", "/v2/volume?instanceId="+ids[0], nil, &list)
	byName := map[string]v2volume.VolumeModel{}
	for _, one := range list.Volumes {
		byName[*one.Name] = one
		require.Equal(t, "InUse", *one.Status)
		require.Equal(t, ids[0], *one.Attachments[0].InstanceID)
	}
	require.Len(t, list.Volumes, 3)
	v.refused(t, 409, "OperationDenied", "Only cloud disks", "PUT", "/v2/volume/"+*byName["local"].ID+"?detach", values{"instanceId": ids[0]})
	v.refused(t, 409, "OperationDenied", "Only cloud disks", "PUT", "/v2/volume/"+*byName["local"].ID+"?resize", values{"newCdsSizeInGB": 60})
	id := *byName["cloud"].ID
	v.must(t, "PUT", "/v2/volume/"+id+"?detach", values{"instanceId": ids[0]}, nil)
	v.awaitVolume(t, id, "Available")
	v.await(t, "RUNNING", ids[0])
	v.must(t, "DELETE", "/v2/vm/instance/"+ids[0], nil, nil)
	controlplanetest.Eventually(t, "the others are gone", func() bool {
		var left v2volume.ListVolumesResponse
		v.must(t, "GET", "/v2/volume", nil, &left)
		return len(left.Volumes) == 1 && *left.Volumes[0].ID == id
	})
}

// TestVolumesAreListedAndRefuseWrongInput: what is refused makes nothing.
func TestVolumesAreListedAndRefuseWrongInput(t *testing.T) {
	v := newV2(t)
	body := values{"cdsSizeInGB": 50, "deployInstances": []values{{"purchaseCount": 1, "regionId": v2Site}}, "name": "n", "storageType": "hdd"}
	for says, change := range map[string]values{
		"cdsSizeInGB": {"cdsSizeInGB": 49}, "name": {"name": strings.Repeat("x", 66)}, "purchaseCount": {"deployInstances": []values{{"purchaseCount": 0, "regionId": v2Site}}},
		"billing": {"billing": "Prepaid"}, "deployInstances": {"deployInstances": []values{}}, "storageType": {"storageType": "tape"},
	} {
		v.refused(t, 400, "BadRequest", says, "POST", "/v2/volume", merge(merge(values{}, body), change))
	}
	made := append(v.makeVolumes(t, "many", 2), v.makeVolumes(t, "one", 1)...)
	var page, rest v2volume.ListVolumesResponse
	v.must(t, "GET", "/v2/volume?maxKeys=2&regionId="+v2Site, nil, &page)
	require.True(t, *page.IsTruncated)
	v.must(t, "GET", "/v2/volume?maxKeys=2&marker="+*page.NextMarker, nil, &rest)
	require.False(t, *rest.IsTruncated)
	var seen []string
	for _, one := range append(page.Volumes, rest.Volumes...) {
		seen = append(seen, *one.ID)
	}
	require.ElementsMatch(t, made, seen)
	v.must(t, "PUT", "/v2/volume/"+made[2]+"?rename", values{"name": "newname"}, nil)
	v.must(t, "GET", "/v2/volume?name=newn", nil, &page)
	require.Len(t, page.Volumes, 1)
	v.must(t, "GET", "/v2/volume?regionId="+v2Sites, nil, &page)
	require.Empty(t, page.Volumes)

	_, elsewhere := v.create(t, values{"deployInstances": []values{{"regionId": v2Sites, "purchaseCount": 1}}})
	v.await(t, "RUNNING", elsewhere...)
	v.refused(t, 409, "OperationDenied", "another node", "PUT", "/v2/volume/"+made[0]+"?attach", values{"instanceId": elsewhere[0]})
	v.refused(t, 400, "BadRequest", "newCdsSizeInGB", "PUT", "/v2/volume/"+made[0]+"?resize", values{"newCdsSizeInGB": 40})
	for _, id := range made {
		v.must(t, "DELETE", "/v2/volume/"+id, nil, nil)
	}
	require.NoError(t, quota.Set(t.Context(), v.Control.DB, operatorOf(v.Cloud), v.caller.Account, quota.Volumes, 1))
	v.refused(t, 413, "LimitExceeded", "", "POST", "/v2/volume", body)
}
