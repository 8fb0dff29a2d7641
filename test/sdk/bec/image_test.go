package bec_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/check"
	"edgecloud/cloud/identity"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/onebox"
)

// oneVM makes an instance of an image and gives its ID.
func oneVM(t *testing.T, client *sdk.Client, image string) string {
	t.Helper()
	args := v1Args(1, "cn-hangzhou-cm")
	args.ImageId = image
	if image != v1Image {
		args.ImageType = "bec"
	}
	before := v1List(t, client, api.ListRequest{})
	_, err := client.CreateVmService(args)
	require.NoError(t, err)
	var vm string
	for _, id := range v1List(t, client, api.ListRequest{}) {
		if !slices.Contains(before, id) {
			vm = id
		}
	}
	v1Status(t, client, vm, "RUNNING")
	return vm
}

func stop(t *testing.T, client *sdk.Client, vm string) {
	t.Helper()
	_, err := client.OperateVmDeployment(vm, "stop")
	require.NoError(t, err)
	v1Status(t, client, vm, "STOPPED")
}

// custom lists the caller's own images.
func custom(t *testing.T, c *sdk.Client) []api.VmImageVo {
	t.Helper()
	list, err := c.ListVmImage(&api.ListVmImageArgs{})
	require.NoError(t, err)
	return list.Result
}

// made waits until an image is there, and gives it.
func made(t *testing.T, c *sdk.Client, id string) (found api.VmImageVo) {
	t.Helper()
	controlplanetest.Eventually(t, "the image is made", func() bool {
		for _, i := range custom(t, c) {
			if i.ImageId == id {
				found = i
			}
		}
		return found.Status == "SUCCEEDED"
	})
	return found
}

func TestACustomImageIsMadeUsedAndDeleted(t *testing.T) {
	cloud := controlplanetest.Start(t, nil)
	client := cloud.BEC(t)
	vm := oneVM(t, client, v1Image)
	_, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "mine"})
	refused(t, err, 409)
	require.Empty(t, custom(t, client), "a running instance is refused")
	stop(t, client, vm)
	for _, bad := range []*api.CreateVmImageArgs{{VmId: vm}, {Name: "x"}, {VmId: vm, Name: strings.Repeat("x", 66)}} {
		_, err = client.CreateVmImage(bad)
		refused(t, err, 400)
	}
	_, err = client.CreateVmImage(&api.CreateVmImageArgs{VmId: "vm-nothing", Name: "x"})
	refused(t, err, 404)

	out, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "自定义镜像"})
	require.NoError(t, err)
	require.True(t, out.Success)
	require.Regexp(t, `^im-[0-9a-z]{8}$`, out.Result)
	i := made(t, client, out.Result)
	require.Equal(t, "becCustom", i.ImageType)
	require.Equal(t, "自定义镜像", i.Name)
	require.Equal(t, "Ubuntu", i.OsName)
	require.Equal(t, 40, i.SystemDisk)
	v1Status(t, client, vm, "STOPPED")

	renamed, err := client.UpdateVmImage(out.Result, &api.UpdateVmImageArgs{Name: "second"})
	require.NoError(t, err)
	require.True(t, renamed.Result)
	require.Equal(t, "second", custom(t, client)[0].Name)
	_, f, err := cloud.Control.Images.Find(t.Context(), operatorOf(cloud), strings.TrimPrefix(out.Result, "im-"))
	require.NoError(t, err)
	file := f.SHA256
	require.FileExists(t, filepath.Join(cloud.FilesDir(), file))
	other := oneVM(t, client, out.Result)
	v1Status(t, client, other, "RUNNING")

	_, err = client.DeleteVmImage([]string{out.Result})
	refused(t, err, 409)
	require.Len(t, custom(t, client), 1, "an instance was made from it")
	require.NoError(t, raw(client, http.MethodDelete, "/v1/vm/image?force=true&imageIdList="+out.Result, nil, nil))
	require.Empty(t, custom(t, client))
	refused(t, raw(client, http.MethodDelete, "/v2/vm/image/"+out.Result, nil, nil), 404)
	found, err := check.Rows(t.Context(), cloud.Control.DB)
	require.NoError(t, err)
	require.Empty(t, found)

	for _, id := range []string{vm, other} {
		_, err = client.DeleteVmInstance(id)
		require.NoError(t, err)
	}
	controlplanetest.Eventually(t, "the instances and the image's file are gone", func() bool {
		left, err := filepath.Glob(filepath.Join(cloud.FilesDir(), file))
		return err == nil && len(left) == 0 && len(v1List(t, client, api.ListRequest{})) == 0
	})
}

func TestImagesOfOthersAreNotThere(t *testing.T) {
	cloud := controlplanetest.Start(t, nil)
	client := cloud.BEC(t)
	vm := oneVM(t, client, v1Image)
	stop(t, client, vm)
	out, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "mine"})
	require.NoError(t, err)
	made(t, client, out.Result)
	stranger := v1Stranger(t, cloud)
	_, err = stranger.UpdateVmImage(out.Result, &api.UpdateVmImageArgs{Name: "theirs"})
	refused(t, err, 404)
	_, err = stranger.DeleteVmImage([]string{out.Result})
	refused(t, err, 404)
	_, err = stranger.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "theirs"})
	refused(t, err, 404)
	require.Empty(t, custom(t, stranger))
	public, err := client.ListVmImage(&api.ListVmImageArgs{Type: "becCommon"})
	require.NoError(t, err)
	_, err = client.DeleteVmImage([]string{out.Result, public.Result[0].ImageId})
	refused(t, err, 409)
	require.Len(t, custom(t, client), 1, "all or none")
}

func TestTheImageQuota(t *testing.T) {
	cloud := controlplanetest.Start(t, nil)
	client := cloud.BEC(t)
	vm := oneVM(t, client, v1Image)
	stop(t, client, vm)
	var last string
	for n := range 20 {
		out, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: fmt.Sprint("image-", n)})
		require.NoError(t, err)
		made(t, client, out.Result)
		v1Status(t, client, vm, "STOPPED")
		last = out.Result
	}
	_, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "one too many"})
	refused(t, err, 413)
	v1Status(t, client, vm, "STOPPED")
	_, err = client.DeleteVmImage([]string{last})
	require.NoError(t, err)
	out, err := client.CreateVmImage(&api.CreateVmImageArgs{VmId: vm, Name: "fits again"})
	require.NoError(t, err)
	made(t, client, out.Result)
}

func TestATenantImportsFromItsObjectStorage(t *testing.T) {
	_, content, err := sim.BlankImage("", "bos", 1<<30)
	require.NoError(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }))
	defer srv.Close()
	cloud := controlplanetest.Start(t, func(c *onebox.Config) { c.Control.ImageSources = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	client := cloud.BEC(t)
	out, err := client.ImportImage(&api.ImportImageArgs{OsType: "linux", OsArch: 64, OsName: "CentOS", OsVersion: "7.5", BosUrl: srv.URL + "/centos.qcow2", Name: "my-centos"})
	require.NoError(t, err)
	require.Equal(t, "CentOS", made(t, client, out.Result).OsName)
	_, err = client.ImportImage(&api.ImportImageArgs{BosUrl: "file:///etc/shadow", Name: "spy"})
	refused(t, err, 400)
	closed := controlplanetest.Start(t, nil)
	out, err = closed.BEC(t).ImportImage(&api.ImportImageArgs{BosUrl: srv.URL, Name: "inside"})
	require.NoError(t, err)
	controlplanetest.Eventually(t, "the import has failed", func() bool {
		i, _, err := closed.Control.Images.Find(t.Context(), operatorOf(closed), strings.TrimPrefix(out.Result, "im-"))
		return err == nil && i.Status == "failed"
	})
	controlplanetest.Eventually(t, "nothing of it is left", func() bool {
		entries, err := os.ReadDir(filepath.Join(closed.FilesDir(), "incoming"))
		return err == nil && len(entries) == 0
	})
}

func operatorOf(c *controlplanetest.Cloud) *identity.Caller {
	return &identity.Caller{Account: c.Admin.Account.UID, Operator: true}
}
