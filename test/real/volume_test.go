package real_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/stretchr/testify/require"
)

// cloudDisk gives a running guest a disk, takes it off and gives it back: it comes and goes without a restart, grows while it is in use, and keeps what was written.
func (u *tenant) cloudDisk(g vm) {
	var made struct{ VolumeIDs []string }
	u.call(http.MethodPost, "/v2/volume", map[string]any{"name": "disk", "cdsSizeInGB": 50, "storageType": "ssd", "deployInstances": []any{map[string]any{"regionId": siteName, "purchaseCount": 1}}}, &made)
	require.Len(u.t, made.VolumeIDs, 1)
	path, on := "/v2/volume/"+made.VolumeIDs[0], map[string]any{"instanceId": g.ID}
	boot := u.run(g, password, "cat /proc/sys/kernel/random/boot_id")

	u.timed("attach", func() { u.call(http.MethodPut, path+"?attach", on, nil); u.volumeBecomes(path, "InUse") })
	u.seesDisk(g, 50)
	require.Equal(u.t, "written", u.run(g, password, "printf written | dd of=/dev/vdb conv=fsync 2>/dev/null; dd if=/dev/vdb bs=7 count=1 2>/dev/null"))
	u.timed("detach", func() { u.call(http.MethodPut, path+"?detach", on, nil); u.volumeBecomes(path, "Available") })
	require.Equal(u.t, "gone", u.run(g, password, "ls /sys/block/vdb >/dev/null 2>&1 || echo gone"), "the answer came when the guest had let go")

	u.await("RUNNING", g.ID)
	u.call(http.MethodPut, path+"?attach", on, nil)
	u.volumeBecomes(path, "InUse")
	require.Equal(u.t, "written", u.run(g, password, "dd if=/dev/vdb bs=7 count=1 2>/dev/null"))
	u.call(http.MethodPut, path+"?resize", map[string]any{"newCdsSizeInGB": 60}, nil)
	u.seesDisk(g, 60)
	u.await("RUNNING", g.ID)
	u.call(http.MethodPut, path+"?detach", on, nil)
	u.volumeBecomes(path, "Available")
	u.call(http.MethodDelete, path, nil, nil)
	require.Equal(u.t, boot, u.run(g, password, "cat /proc/sys/kernel/random/boot_id"), "all of it without a restart")
	u.await("RUNNING", g.ID)
}

func (u *tenant) volumeBecomes(path, status string) {
	u.t.Helper()
	u.eventually(path+" is "+status, func() error {
		var got struct{ Status string }
		if err := u.try(http.MethodGet, path, nil, &got); err != nil {
			return err
		}
		if got.Status != status {
			return fmt.Errorf("it is %s", got.Status)
		}
		return nil
	})
}

// seesDisk waits until the guest sees its second disk with a size in GiB.
func (u *tenant) seesDisk(g vm, gib int) {
	u.t.Helper()
	u.eventually(fmt.Sprintf("a disk of %d GiB", gib), func() error {
		out, err := u.shell(u.t.Context(), g.Public, password, "cat /sys/block/vdb/size")
		if err == nil && strings.TrimSpace(out) != fmt.Sprint(gib<<21) {
			err = fmt.Errorf("%s sectors", out)
		}
		return err
	})
}
