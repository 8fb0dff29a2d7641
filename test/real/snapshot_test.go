package real_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// insnap is what is read of a snapshot.
type insnap struct {
	Status  string
	Disks   []string `json:"snapshotIdList"`
	Size    int      `json:"sizeInGB"`
	Machine string   `json:"instanceStatus"`
}

// A snapshot of a guest that runs and writes brings back what both of its disks held, in the guest itself and in a disk that is made of it.
func TestASnapshotBringsARealGuestBack(t *testing.T) {
	s := newSite(t, 1, nil)
	u := s.tenant()
	h := u.settle("snapshot", "192.168.0.0/16", "192.168.8.0/24")
	id := u.create(h, 1, map[string]any{"networkCapacityInMbps": 50, "rootDiskStorageType": "CDS_SSD", "createCdsList": []any{map[string]any{"name": "data", "storageType": "CDS_SSD", "cdsSizeInGB": 50}}})[0]
	g := u.await("RUNNING", id)
	put := func(word string) {
		u.run(g, password, "echo "+word+" >/root/word; sync; printf "+word+" | dd of=/dev/vdb conv=fsync 2>/dev/null")
	}
	const look = "cat /root/word; dd if=/dev/vdb bs=3 count=1 2>/dev/null"
	put("old")
	boot := u.run(g, password, "cat /proc/sys/kernel/random/boot_id")
	// A counter that never stops writing to both disks.
	u.run(g, password, "(n=0; while :; do n=$((n+1)); echo $n >/root/count; printf %08d $n | dd of=/dev/vdb bs=8 seek=1000 conv=notrunc,fsync 2>/dev/null; done) >/dev/null 2>&1 &")

	var made struct{ InsnapID string }
	began := time.Now()
	u.call(http.MethodPost, "/v1/snapshot/insnapshot/create", map[string]any{"instanceId": id, "name": "before"}, &made)
	shown := u.snapshotBecomes(made.InsnapID, "created")
	t.Logf("a snapshot of two disks of a running guest after %s", since(began))
	require.Len(t, shown.Disks, 2)
	require.Equal(t, 90, shown.Size)
	u.await("RUNNING", id)
	require.Equal(t, boot, u.run(g, password, "cat /proc/sys/kernel/random/boot_id"), "it was not restarted")
	put("new")
	refusal := u.try(http.MethodPost, "/v1/snapshot/insnapshot/rollback", map[string]any{"insnapId": made.InsnapID}, nil)
	require.ErrorContains(t, refusal, "stopped")

	var copies struct{ VolumeIDs []string }
	began = time.Now()
	u.call(http.MethodPost, "/v2/volume", map[string]any{"name": "copy", "storageType": "ssd", "snapShotId": shown.Disks[1],
		"deployInstances": []any{map[string]any{"regionId": siteName, "purchaseCount": 1}}}, &copies)
	path := "/v2/volume/" + copies.VolumeIDs[0]
	u.volumeBecomes(path, "Available")
	t.Logf("a disk of the snapshot after %s, while the guest writes", since(began))
	u.call(http.MethodPut, path+"?attach", map[string]any{"instanceId": id}, nil)
	u.volumeBecomes(path, "InUse")
	require.Equal(t, "old", u.run(g, password, "dd if=/dev/vdc bs=3 count=1 2>/dev/null"))
	u.await("RUNNING", id)

	u.call(http.MethodPut, "/v2/vm/instance/"+id+"?stop", nil, nil)
	u.await("STOPPED", id)
	began = time.Now()
	u.call(http.MethodPost, "/v1/snapshot/insnapshot/rollback", map[string]any{"insnapId": made.InsnapID}, nil)
	u.snapshotBecomes(made.InsnapID, "created")
	u.await("STOPPED", id)
	t.Logf("rolled back after %s", since(began))
	u.call(http.MethodPut, "/v2/vm/instance/"+id+"?start", nil, nil)
	g = u.await("RUNNING", id)
	require.Equal(t, "old\nold", u.run(g, password, look))

	u.call(http.MethodPost, "/v1/snapshot/insnapshot/batch/delete", map[string]any{"insnapIdList": []string{made.InsnapID}}, nil)
	u.eventually("the snapshot is gone", func() error {
		if err := u.try(http.MethodGet, "/v1/snapshot/insnapshot/"+made.InsnapID, nil, nil); err == nil {
			return fmt.Errorf("it is still there")
		}
		return nil
	})
	require.Equal(t, "old\nold", u.run(g, password, look), "while the guest runs on")
	u.call(http.MethodDelete, "/v2/vm/instance/"+id, nil, nil)
	u.volumeBecomes(path, "Available")
	u.call(http.MethodDelete, path, nil, nil)
	s.nothingLeft()
	u.leave(h)
}

func (u *tenant) snapshotBecomes(id, status string) (got insnap) {
	u.t.Helper()
	u.eventually(id+" is "+status, func() error {
		got = insnap{}
		if err := u.try(http.MethodGet, "/v1/snapshot/insnapshot/"+id, nil, &got); err != nil {
			return err
		}
		if got.Status != status {
			return fmt.Errorf("it is %s", got.Status)
		}
		return nil
	})
	return got
}
