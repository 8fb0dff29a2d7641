package iec_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/cloudvolumes"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/flavors"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/sites"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
)

func listSites(t *testing.T, n *tenant, opts sites.ListSiteOpts) sites.Sites {
	t.Helper()
	pages, err := sites.List(n.golang, opts).AllPages()
	require.NoError(t, err)
	found, err := sites.ExtractSites(pages)
	require.NoError(t, err)
	return found
}

func TestSitesHaveTheirPlaceAndLines(t *testing.T) {
	n := newTenant(t)
	all := listSites(t, n, sites.ListSiteOpts{})
	require.Len(t, all.Sites, len(controlplanetest.Sites))
	east := listSites(t, n, sites.ListSiteOpts{Area: "EAST,south"})
	require.Len(t, east.Sites, 1)
	s := east.Sites[0]
	require.Equal(t, n.site.UID, s.ID)
	require.Equal(t, []string{"east", "华东地区", "zhejiang", "浙江", "hangzhou", "杭州市", "China", "中国", "HZ", "Normal"},
		[]string{s.Area, s.I18nArea, s.Province, s.I18nProvince, s.City, s.I18nCity, s.Country, s.I18nCountry, s.CityShortName, s.Status})
	require.Len(t, s.EipPools, 1)
	line := s.EipPools[0]
	require.Equal(t, []string{s.ID, "5_mobile_cn-hangzhou-cm", "4", "3", "chinamobile", "CMCC"}, []string{line.SiteID, line.PoolID, line.IPVersion, line.OperatorID.ID, line.OperatorID.Name, line.OperatorID.Sa})
	for _, opts := range []sites.ListSiteOpts{{ID: n.triple.UID}, {City: "ChangChun"}, {Province: "jilin"}, {Operator: "CUCC"}, {Operator: "chinaunicom"}, {Limit: "1", Area: "northeast"}} {
		found := listSites(t, n, opts)
		require.Len(t, found.Sites, 1, "%+v", opts)
		require.Equal(t, n.triple.UID, found.Sites[0].ID)
		require.Len(t, found.Sites[0].EipPools, 3)
	}
	_, err := sites.List(n.golang, sites.ListSiteOpts{City: "atlantis"}).AllPages()
	refused(t, err, http.StatusNotFound, "IEC.011010")
	_, err = sites.List(n.golang, sites.ListSiteOpts{Offset: "-1"}).AllPages()
	refused(t, err, http.StatusBadRequest, "IEC.020916")
	flavor, kinds := "c6.large.2", model.GetListSitesRequestVolumeTypeEnum().SATA
	v3, err := n.v3.ListSites(&model.ListSitesRequest{Flavor: &flavor, VolumeType: &kinds})
	require.NoError(t, err)
	require.Len(t, *v3.Sites, len(controlplanetest.Sites))
	require.Equal(t, []string{"share"}, *(*(*v3.Sites)[0].Pools)[0].AllowShareBandwidthTypes)
	flavor = "c6.none.2"
	v3, err = n.v3.ListSites(&model.ListSitesRequest{Flavor: &flavor})
	require.NoError(t, err)
	require.Empty(t, *v3.Sites)
}

func TestFlavorsOfAPlaceAreThoseThatFitAHostThere(t *testing.T) {
	n := newTenant(t)
	list := func(opts flavors.ListOpts) (*flavors.Flavors, error) { return flavors.List(n.golang, opts).Extract() }
	all, err := list(flavors.ListOpts{})
	require.NoError(t, err)
	require.Equal(t, len(all.Flavors), all.Count)
	named, err := list(flavors.ListOpts{Name: "c6.large.2", SiteIDS: n.site.UID + "," + n.triple.UID, Area: "east"})
	require.NoError(t, err)
	require.Len(t, named.Flavors, 1)
	f := named.Flavors[0]
	require.Equal(t, "c6.large.2", f.ID)
	require.Equal(t, "2", f.Vcpus)
	require.EqualValues(t, 4096, f.Ram)
	none, err := list(flavors.ListOpts{SiteIDS: "705da43d-fa20-11ea-9fb2-fa1640495574"})
	require.NoError(t, err)
	require.Empty(t, none.Flavors)
	require.Zero(t, none.Count)
	second, err := list(flavors.ListOpts{Limit: "2", Offset: "2"})
	require.NoError(t, err)
	require.Equal(t, all.Flavors[2:4], second.Flavors, "offset is a page")
	zero, err := list(flavors.ListOpts{Limit: "2", Offset: "0"})
	require.NoError(t, err)
	require.Equal(t, all.Flavors[:2], zero.Flavors)
	_, err = list(flavors.ListOpts{Operator: "nobody"})
	refused(t, err, http.StatusNotFound, "IEC.011010")
	limit := int32(1001)
	_, err = n.v3.ListFlavors(&model.ListFlavorsRequest{Limit: &limit})
	refusedV3(t, err, http.StatusBadRequest, "IEC.000006")
}

func TestVolumeTypesAreNormalWhileASiteTakesThem(t *testing.T) {
	n := newTenant(t)
	r := cloudvolumes.ListVolumeType(n.golang)
	types, err := r.ExtractVolumeType()
	require.NoError(t, err)
	var statuses struct {
		Types []struct{ Name, Status string } `json:"volume_types"`
	}
	require.NoError(t, r.ExtractInto(&statuses))
	require.Len(t, types.VolumeTypes, 4)
	for k, want := range []string{"SAS", "SATA", "GPSSD", "SSD"} {
		require.Equal(t, want, types.VolumeTypes[k].Name)
		require.Equal(t, "normal", statuses.Types[k].Status)
		_, err := uuid.Parse(types.VolumeTypes[k].ID)
		require.NoError(t, err)
	}
}

func TestQuotasCountWhatIsThere(t *testing.T) {
	n := newTenant(t)
	used := func() map[string]int32 {
		var answer struct {
			Quotas struct {
				Resources []struct {
					Type                  string
					Min, Max, Quota, Used int32
				}
			}
		}
		_, err := n.golang.Get(n.golang.ServiceURL("edgeclouds", "quotas"), &answer, nil)
		require.NoError(t, err)
		require.Len(t, answer.Quotas.Resources, 15)
		all := map[string]int32{}
		for _, r := range answer.Quotas.Resources {
			all[r.Type] = r.Used
			require.LessOrEqual(t, r.Used, r.Quota)
			require.LessOrEqual(t, r.Quota, r.Max)
			require.Zero(t, r.Min)
		}
		return all
	}
	for name, count := range used() {
		require.Zero(t, count, name)
	}
	_, err := n.Control.Networks.CreateGroup(t.Context(), n.caller, groupNamed("web"))
	require.NoError(t, err)
	require.EqualValues(t, 1, used()["securityGroup"])
}
