package iec_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/images"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/image"
	"edgecloud/cloud/operation"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/engine/sim"
	"edgecloud/onebox"
)

// edgeImages lists images as Terraform's data source does.
func (n *tenant) edgeImages(t *testing.T, opts images.ListOpts) []common.EdgeImageInfo {
	t.Helper()
	pages, err := images.List(n.golang, opts).AllPages()
	require.NoError(t, err)
	found, err := images.ExtractImages(pages)
	require.NoError(t, err)
	return found.Images
}

func (n *tenant) imageBecomes(t *testing.T, id, status string) {
	t.Helper()
	controlplanetest.Eventually(t, "image is "+status, func() bool {
		i, _, err := n.Control.Images.Find(t.Context(), n.caller, id)
		require.NoError(t, err)
		return map[image.Status]string{image.Active: "active", image.Imaging: "saving", image.Importing: "saving", image.Broken: "killed"}[i.Status] == status
	})
}

func TestPublicImagesAreFoundByEveryFilter(t *testing.T) {
	n := newTenant(t)
	all := n.edgeImages(t, images.ListOpts{Status: "active", SortKey: "name"})
	require.NotEmpty(t, all)
	for k, i := range all {
		require.Equal(t, []any{"public", "gold", true, "active"}, []any{i.Visibility, i.ImageType, i.Protected, i.Status})
		require.True(t, k == 0 || all[k-1].Name >= i.Name, "downwards")
	}
	one := all[0]
	for _, opts := range []images.ListOpts{{ID: one.ID}, {Name: one.Name}, {ID: one.ID, ImageType: "gold", Visibility: "public", OsType: one.OsType}} {
		found := n.edgeImages(t, opts)
		require.Len(t, found, 1, "%+v", opts)
		require.Equal(t, one.ID, found[0].ID)
	}
	for _, opts := range []images.ListOpts{{Visibility: "private"}, {Status: "killed"}, {Name: "none"}} {
		require.Empty(t, n.edgeImages(t, opts), "%+v", opts)
	}
	central, err := n.v3.ListCloudImages(&model.ListCloudImagesRequest{RegionId: n.Control.Identity.Region()})
	require.NoError(t, err)
	require.Len(t, *central.Images, len(all))
	elsewhere, err := n.v3.ListCloudImages(&model.ListCloudImagesRequest{RegionId: "cn-nowhere-1"})
	require.NoError(t, err)
	require.Empty(t, *elsewhere.Images)
	_, err = n.v3.DeleteImage(&model.DeleteImageRequest{ImageId: one.ID})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
}

// TestLifeOfAnImage makes one of a server that is off, makes a server of it, and deletes it.
func TestLifeOfAnImage(t *testing.T) {
	g := newGround(t)
	id := g.create(t, g.options("mould"))[0]
	g.becomes(t, id, "ACTIVE", "BUILD")
	create := func() (*model.CreateImageResponse, error) {
		return g.v3.CreateImage(&model.CreateImageRequest{Body: &model.CreateImageRequestBody{Name: "cast", InstanceId: id}})
	}
	_, err := create()
	refusedV3(t, err, http.StatusBadRequest, "IEC.010406")
	_, err = g.v3.BatchStopInstance(&model.BatchStopInstanceRequest{Body: &model.BatchStopInstanceRequestBody{OsStop: &model.BatchStop{Type: ptr("HARD"), Servers: []model.BaseId{{Id: id}}}}})
	require.NoError(t, err)
	g.becomes(t, id, "SHUTOFF", "ACTIVE")
	made, err := create()
	require.NoError(t, err)
	g.imageBecomes(t, *made.ImageId, "active")
	own := g.edgeImages(t, images.ListOpts{ImageType: "private"})
	require.Len(t, own, 1)
	require.Equal(t, []string{"cast", "private"}, []string{own[0].Name, own[0].Visibility})
	shown, err := g.v3.ShowImage(&model.ShowImageRequest{ImageId: *made.ImageId})
	require.NoError(t, err)
	require.Equal(t, "instance:"+id, *shown.DataSource)
	require.Equal(t, g.site.Name, *shown.OriginRegionInfo.RegionId)
	require.Equal(t, g.site.Name, *(*shown.EdgeRegionInfo)[0].RegionId, "the host that made it has it")
	_, err = g.v3.RebuildImage(&model.RebuildImageRequest{DomainId: g.caller.Account, JobId: made.JobId, Body: &model.RebuildImageRequestBody{Action: "retry"}})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")

	opts := g.options("cast-server")
	opts.ImageRef = *made.ImageId
	second := g.create(t, opts)[0]
	g.becomes(t, second, "ACTIVE", "BUILD")
	require.Equal(t, "cast", g.server(t, second).Metadata.ImageName)
	other := tenantOf(t, g.Cloud, "other")
	_, err = other.v3.ShowImage(&model.ShowImageRequest{ImageId: *made.ImageId})
	refusedV3(t, err, http.StatusNotFound, "IEC.030201")
	require.Empty(t, other.edgeImages(t, images.ListOpts{ImageType: "private"}))

	_, err = g.v3.DeleteImage(&model.DeleteImageRequest{ImageId: *made.ImageId})
	require.NoError(t, err)
	_, err = g.v3.ShowImage(&model.ShowImageRequest{ImageId: *made.ImageId})
	refusedV3(t, err, http.StatusNotFound, "IEC.030201")
	require.Equal(t, "ACTIVE", g.server(t, second).Status, "it keeps its disk")
}

// TestAnImportThatFailedIsRetriedAndRegistered imports a private image from where there is none at first.
func TestAnImportThatFailedIsRetriedAndRegistered(t *testing.T) {
	_, content, err := sim.BlankImage("", "private", 1<<30)
	require.NoError(t, err)
	var there atomic.Bool
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !there.Load() {
			http.Error(w, "not yet", http.StatusNotFound)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(source.Close)
	n := tenantOf(t, controlplanetest.Start(t, func(c *onebox.Config) { c.Control.ImageSources = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }), "tenant")
	imported, err := n.Control.Images.ImportOwn(t.Context(), n.caller, image.NewImage{Name: "mine", OSType: "linux", OSName: "CentOS", OSVersion: "7.4"}, source.URL+"/mine.qcow2")
	require.NoError(t, err)
	n.imageBecomes(t, imported.UID, "killed")
	region := n.Control.Identity.Region()
	register := func(image, region string) (*model.RegisterImageResponse, error) {
		return n.v3.RegisterImage(&model.RegisterImageRequest{Body: &model.RegisterImageRequestBody{ImageId: &image, RegionId: &region}})
	}
	_, err = register(imported.UID, region)
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
	failed, err := operation.Last(t.Context(), n.Control.DB, n.caller, imported.UID)
	require.NoError(t, err)
	job := strings.ReplaceAll(failed.UID, "-", "")
	retry := func(n *tenant, account, job string) error {
		_, err := n.v3.RebuildImage(&model.RebuildImageRequest{DomainId: account, JobId: job, Body: &model.RebuildImageRequestBody{Action: "retry"}})
		return err
	}
	other := tenantOf(t, n.Cloud, "other")
	refusedV3(t, retry(other, other.caller.Account, job), http.StatusNotFound, "IEC.000022")
	refusedV3(t, retry(other, n.caller.Account, job), http.StatusNotFound, "IEC.000022")
	there.Store(true)
	require.NoError(t, retry(n, n.caller.Account, job))
	n.imageBecomes(t, imported.UID, "active")

	_, err = register(imported.UID, "cn-nowhere-1")
	refusedV3(t, err, http.StatusBadRequest, "IEC.000007")
	_, err = register(n.caller.Account, region)
	refusedV3(t, err, http.StatusNotFound, "IEC.030201")
	made, err := register(imported.UID, region)
	require.NoError(t, err)
	n.imageBecomes(t, *made.ImageId, "active")
	shown, err := n.v3.ShowImage(&model.ShowImageRequest{ImageId: *made.ImageId})
	require.NoError(t, err)
	require.Equal(t, "ims:"+imported.UID+":", *shown.DataSource)
	require.Len(t, n.edgeImages(t, images.ListOpts{ImageType: "private"}), 2)
	central, err := n.v3.ListCloudImages(&model.ListCloudImagesRequest{RegionId: region, Imagetype: ptr("private")})
	require.NoError(t, err)
	require.Len(t, *central.Images, 1, "the edge image is none of the centre")
	require.Equal(t, imported.UID, (*central.Images)[0].Id)
	_, err = n.v3.DeleteImage(&model.DeleteImageRequest{ImageId: imported.UID})
	require.NoError(t, err)
	n.imageBecomes(t, *made.ImageId, "active")
}
