package iec_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/huaweicloud/golangsdk/openstack/iec/v1/common"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/deployments"
	"github.com/huaweicloud/golangsdk/openstack/iec/v1/edgeclouds"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1/model"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/onebox"
)

// twoInShanghai are sites of which two are in one city.
var twoInShanghai = []string{"cn-hangzhou-cm", "cn-changchun-ix", "cn-shanghai-ct", "cn-shanghai-cm"}

func newShanghai(t *testing.T) (n *tenant, vpc string) {
	t.Helper()
	n = tenantOf(t, controlplanetest.Start(t, func(c *onebox.Config) { c.Sim.Sites = twoInShanghai }), "tenant")
	net, err := n.Control.Networks.CreateNetwork(t.Context(), n.caller, network.NewNetwork{Name: "system", CIDR: "10.4.0.0/16", Managed: true})
	require.NoError(t, err)
	return n, net.UID
}

// freely is a plan as the document allows it: golangsdk's own check demands an operator, which the document leaves to the caller.
type freely deployments.CreateOpts

// ToDeploymentCreateMap makes the request's body.
func (f freely) ToDeploymentCreateMap() (body map[string]any, err error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return body, json.Unmarshal(text, &body)
}

// plan is what a client plans: two instances a stack, each with two NICs and a public address.
func (n *tenant) plan(t *testing.T, name, vpc string, cover common.Coverage) deployments.CreateOpts {
	t.Helper()
	return deployments.CreateOpts{EdgeCloud: deployments.EdgeCloud{Name: name, Description: "what for", CoverageObj: cover, StackObj: deployments.StackDetail{Name: "stack-fo09",
		Resources: deployments.SliceResourceOptsField{{Name: "web", ImageRef: imageOf(t, n), FlavorRef: "c6.large.2", Count: 2, AdminPass: "Good!Pass1",
			NetConfig: common.NetConfig{VpcID: vpc, NicNum: 2}, BandWidth: &common.BandWidth{ShareType: "WHOLE"}, RootVolume: common.RootVolume{VolumeType: "SATA", Size: 40}}}}}}
}

func coverage(level, policy, place, operator string, count int) common.Coverage {
	return common.Coverage{CoverageLevel: level, CoveragePolicy: policy, CoverageSites: []common.CoverageSite{{Site: place, Demands: []common.Demand{{Operator: operator, Count: count}}}}}
}

func (n *tenant) cloudBecomes(t *testing.T, id, status string, onTheWay ...string) {
	t.Helper()
	controlplanetest.Eventually(t, "edge cloud is "+status, func() bool {
		c, err := n.v3.ShowEdgeCloud(&model.ShowEdgeCloudRequest{EdgecloudId: id})
		require.NoError(t, err)
		got := *c.Status
		if got != status {
			require.Contains(t, onTheWay, got)
		}
		return got == status
	})
}

// TestLifeOfAnEdgeCloud plans, deploys, reads back, expands and deletes one.
func TestLifeOfAnEdgeCloud(t *testing.T) {
	n, vpc := newShanghai(t)
	planned, err := deployments.Create(n.golang, freely(n.plan(t, "edge-1", vpc, coverage("city", "discrete", "shanghai", "", 2)))).ExtractCreateResult()
	require.NoError(t, err)
	open, closed := "open", "closed"
	listed, err := n.v3.ListDeployments(&model.ListDeploymentsRequest{Status: &open})
	require.NoError(t, err)
	require.EqualValues(t, 1, *listed.Count)
	one := (*listed.Deployments)[0]
	require.Len(t, *one.Distribution, 2, "one stack at each site of the city")
	for _, l := range *one.Distribution {
		require.Equal(t, []any{"shanghai", "east", int32(1), "SH"}, []any{*l.City, *l.Area, *l.StackCount, *l.CityShortName})
	}
	require.Equal(t, "edge-1", *one.Edgecloud.Name)
	require.Equal(t, "stack-fo09", one.Edgecloud.Stacks.Name)
	r := one.Edgecloud.Stacks.Resources[0]
	require.Equal(t, []any{"web", "c6.large.2", "******", vpc, int32(2), int32(2), int32(40)},
		[]any{r.Name, r.FlavorRef, *r.AdminPass, r.NetConfig.VpcId, r.NetConfig.NicNum, *r.Count, r.RootVolume.Size})
	require.Empty(t, n.list(t, model.ListInstancesRequest{}), "a plan makes nothing")

	made, err := deployments.Deploy(n.golang, planned.ID).ExtractDeployOrExpandResult()
	require.NoError(t, err)
	require.Equal(t, "creating", made.Status)
	_, err = n.v3.DeleteEdgeCloud(&model.DeleteEdgeCloudRequest{EdgecloudId: made.ID})
	refusedV3(t, err, http.StatusBadRequest, "IEC.010002")
	n.cloudBecomes(t, made.ID, "inService", "creating")
	refused(t, deployments.Deploy(n.golang, planned.ID).Err, http.StatusNotFound, "IEC.010100")
	listed, err = n.v3.ListDeployments(&model.ListDeploymentsRequest{Status: &closed, EdgecloudId: &made.ID})
	require.NoError(t, err)
	require.EqualValues(t, 1, *listed.Count)

	edge, err := edgeclouds.Get(n.golang, made.ID).Extract()
	require.NoError(t, err)
	require.Equal(t, "edge-1", edge.Name)
	v3, err := n.v3.ShowEdgeCloud(&model.ShowEdgeCloudRequest{EdgecloudId: made.ID})
	require.NoError(t, err)
	require.Equal(t, []any{int32(4), int32(0), int32(2), "上海市"}, []any{*v3.SuccessNum, *v3.FailedNum, *v3.EdgeRegions, *v3.Coverage.CoverageSites[0].I18nSite})
	require.Len(t, *v3.Stacks, 2)
	require.Equal(t, "stack-fo09-shan-001", (*v3.Stacks)[0].Name)
	servers := n.list(t, model.ListInstancesRequest{EdgecloudId: &made.ID})
	require.Len(t, servers, 4)
	names := map[string]bool{}
	for _, s := range servers {
		names[*s.Name] = true
		require.Equal(t, "edge-1", *s.EdgecloudName)
		require.Len(t, s.Addresses[vpc], 3, "two NICs and a public address")
	}
	require.Equal(t, map[string]bool{"IEC-SH01-web-0001": true, "IEC-SH01-web-0002": true, "IEC-SH02-web-0001": true, "IEC-SH02-web-0002": true}, names)

	more := model.CreateDeploymentRequestBody{Edgecloud: &model.EdgeCloudOption{Id: &made.ID, Stack: one.Edgecloud.Stacks, Coverage: one.Edgecloud.Coverage}}
	more.Edgecloud.Stack.Resources[0].AdminPass = nil
	expansion, err := n.v3.CreateDeployment(&model.CreateDeploymentRequest{Body: &more})
	require.NoError(t, err)
	refused(t, deployments.Deploy(n.golang, *expansion.Id).Err, http.StatusNotFound, "IEC.010100")
	grown, err := deployments.Expand(n.golang, *expansion.Id).ExtractDeployOrExpandResult()
	require.NoError(t, err)
	require.Equal(t, []string{made.ID, "updating"}, []string{grown.ID, grown.Status})
	n.cloudBecomes(t, made.ID, "inService", "updating")
	servers = n.list(t, model.ListInstancesRequest{EdgecloudId: &made.ID})
	require.Len(t, servers, 8)
	_, err = n.v3.DeleteEdgeCloud(&model.DeleteEdgeCloudRequest{EdgecloudId: made.ID})
	refusedV3(t, err, http.StatusConflict, "IEC.000010")
	var ids []string
	for _, s := range servers {
		ids = append(ids, *s.Id)
	}
	n.deleteServers(t, ids...)
	deleted, err := n.v3.DeleteEdgeCloud(&model.DeleteEdgeCloudRequest{EdgecloudId: made.ID})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, deleted.HttpStatusCode)
	controlplanetest.Eventually(t, "the edge cloud is gone", func() bool {
		_, err := edgeclouds.Get(n.golang, made.ID).Extract()
		code, _ := statusOf(err)
		return code == http.StatusNotFound
	})
}

func TestPlansAreScheduledByTheirCoverage(t *testing.T) {
	n, vpc := newShanghai(t)
	cases := []struct {
		name  string
		cover common.Coverage
		sites map[string]int32
	}{
		{"all at one site of an area", coverage("area", "centralize", "northeast", "", 3), map[string]int32{"cn-changchun-ix": 3}},
		{"an operator has lines at one site only", coverage("city", "centralize", "shanghai", "chinatelecom", 2), map[string]int32{"cn-shanghai-ct": 2}},
		{"spread over a province", coverage("prov", "discrete", "shanghai", "", 3), nil},
		{"a site by its ID", coverage("site", "centralize", n.site.UID, "", 1), map[string]int32{"cn-hangzhou-cm": 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			planned, err := deployments.Create(n.golang, freely(n.plan(t, "edge-1", vpc, c.cover))).ExtractCreateResult()
			require.NoError(t, err)
			got, total := map[string]int32{}, int32(0)
			for _, l := range planned.Locations {
				site, err := n.Control.Place.Site(t.Context(), l.SiteID)
				require.NoError(t, err)
				got[site.Name] += int32(l.Count)
				total += int32(l.Count)
			}
			if c.sites == nil {
				require.Len(t, got, 2)
				require.EqualValues(t, 3, total)
				return
			}
			require.Equal(t, c.sites, got)
		})
	}
}

func TestWrongPlansAreRefused(t *testing.T) {
	n, vpc := newShanghai(t)
	own, err := n.Control.Networks.CreateNetwork(t.Context(), n.caller, network.NewNetwork{Name: "customer", CIDR: "10.3.0.0/16"})
	require.NoError(t, err)
	none := "705da43d-fa20-11ea-9fb2-fa1640495574"
	cases := []struct {
		name   string
		spoil  func(o *deployments.EdgeCloud)
		status int
		code   string
	}{
		{"no name", func(o *deployments.EdgeCloud) { o.Name = "" }, 400, "IEC.010005"},
		{"name", func(o *deployments.EdgeCloud) { o.Name = "a b" }, 400, "IEC.010004"},
		{"place", func(o *deployments.EdgeCloud) { o.CoverageObj.CoverageSites[0].Site = "Shanghai" }, 404, "IEC.011010"},
		{"level", func(o *deployments.EdgeCloud) {
			o.CoverageObj.CoverageLevel = "site"
			o.CoverageObj.CoveragePolicy = "discrete"
		}, 400, "IEC.010800"},
		{"operator", func(o *deployments.EdgeCloud) { o.CoverageObj.CoverageSites[0].Demands[0].Operator = "nobody" }, 404, "IEC.011010"},
		{"operator elsewhere", func(o *deployments.EdgeCloud) { o.CoverageObj.CoverageSites[0].Demands[0].Operator = "chinaunicom" }, 404, "IEC.011010"},
		{"image", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].ImageRef = none }, 404, "IEC.030201"},
		{"flavor", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].FlavorRef = "c6.none.2" }, 400, "IEC.010603"},
		{"network", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].NetConfig.VpcID = none }, 404, "IEC.020104"},
		{"network of the customer's", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].NetConfig.VpcID = own.UID }, 400, "IEC.010303"},
		{"resource name", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].Name = "a/b" }, 400, "IEC.010401"},
		{"key pair", func(o *deployments.EdgeCloud) { o.StackObj.Resources[0].KeyName = "nobody's" }, 404, "IEC.010220"},
		{"too large", func(o *deployments.EdgeCloud) {
			o.StackObj.Resources[0].FlavorRef = "c6.4xlarge.2"
			o.StackObj.Resources[0].Count = 400
		}, 400, "IEC.010900"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opts := n.plan(t, "edge-1", vpc, coverage("city", "centralize", "shanghai", "", 1))
			c.spoil(&opts.EdgeCloud)
			refused(t, deployments.Create(n.golang, freely(opts)).Err, c.status, c.code)
		})
	}
	listed, err := n.v3.ListDeployments(&model.ListDeploymentsRequest{})
	require.NoError(t, err)
	require.Zero(t, *listed.Count)
	planned, err := deployments.Create(n.golang, freely(n.plan(t, "edge-1", vpc, coverage("city", "centralize", "shanghai", "", 1)))).ExtractCreateResult()
	require.NoError(t, err)
	require.NoError(t, deployments.Delete(n.golang, planned.ID).ExtractErr())
	refused(t, deployments.Delete(n.golang, planned.ID).ExtractErr(), http.StatusNotFound, "IEC.010100")
}
