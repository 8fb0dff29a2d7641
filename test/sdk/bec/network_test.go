package bec_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/http"
	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/baidubce/bce-sdk-go/services/bec/api"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
)

const hangzhou = "cn-hangzhou-cm"

// raw makes a call that the typed client does not have.
func raw(client *sdk.Client, method, target string, body any, result any) error {
	path, query, _ := strings.Cut(target, "?")
	b := bce.NewRequestBuilder(client).WithMethod(method).WithURL(path)
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name := range values {
		b = b.WithQueryParam(name, values.Get(name))
	}
	if body != nil {
		b = b.WithBody(body)
	}
	if result != nil {
		b = b.WithResult(result)
	}
	return b.Do()
}

func refused(t *testing.T, err error, status int) {
	t.Helper()
	var refusal *bce.BceServiceError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, status, refusal.StatusCode, refusal.Error())
}

func TestNetworksOfOneThroughTheTypedClient(t *testing.T) {
	client := controlplanetest.Start(t, nil).BEC(t)
	made, err := client.CreateVpc(&api.CreateVpcRequest{Name: "one", RegionId: hangzhou, Cidr: "192.168.0.0/16"})
	require.NoError(t, err)
	vpc := made.Details["vpcId"].(string)
	require.Equal(t, "create", made.Action)

	_, err = client.CreateVpc(&api.CreateVpcRequest{Name: "default", RegionId: hangzhou, Cidr: "192.168.0.0/16"})
	refused(t, err, 400)
	_, err = client.CreateVpc(&api.CreateVpcRequest{Name: "x", RegionId: "cn-nowhere-cm", Cidr: "192.168.0.0/16"})
	refused(t, err, 404)

	list, err := client.GetVpcList(&api.ListRequest{KeywordType: "vpcId", Keyword: vpc, RegionId: hangzhou})
	require.NoError(t, err)
	require.Equal(t, 1, list.TotalCount)
	require.Equal(t, vpc, list.Result[0].VpcId)
	none, err := client.GetVpcList(&api.ListRequest{KeywordType: "vpcName", Keyword: "absent"})
	require.NoError(t, err)
	require.Zero(t, none.TotalCount)

	_, err = client.UpdateVpc(vpc, &api.UpdateVpcRequest{Name: "renamed"})
	require.NoError(t, err)
	detail, err := client.GetVpcDetail(vpc)
	require.NoError(t, err)
	require.Equal(t, "renamed", detail.Vpc.Name)

	subnet, err := client.CreateSubnet(&api.CreateSubnetRequest{Name: "sub", VpcId: vpc, Cidr: "192.168.1.0/24"})
	require.NoError(t, err)
	id := subnet.Details["subnetId"].(string)
	_, err = client.CreateSubnet(&api.CreateSubnetRequest{Name: "overlap", VpcId: vpc, Cidr: "192.168.1.128/25"})
	refused(t, err, 409)
	_, err = client.CreateSubnet(&api.CreateSubnetRequest{Name: "outside", VpcId: vpc, Cidr: "10.0.0.0/24"})
	refused(t, err, 400)
	one, err := client.GetSubnetDetail(id)
	require.NoError(t, err)
	require.Equal(t, 253, one.Subnet.AvailableIp)
	require.Equal(t, vpc, one.Subnet.VpcId)
	subnets, err := client.GetSubnetList(&api.ListRequest{VpcId: vpc})
	require.NoError(t, err)
	require.Len(t, subnets.Result, 1)
	require.NoError(t, client.UpdateSubnet(id, &api.UpdateSubnetRequest{Name: "sub2"}))
	require.NoError(t, client.DeleteSubnet(id))
	_, err = client.GetSubnetDetail(id)
	refused(t, err, 404)

	gone, err := client.DeleteVpc(vpc)
	require.NoError(t, err)
	require.Equal(t, "deleting", gone.Action)
	_, err = client.GetVpcDetail(vpc)
	refused(t, err, 404)
}

func TestSubnetsOfTwoArePagedByMarker(t *testing.T) {
	client := controlplanetest.Start(t, nil).BEC(t)
	var vpc struct{ VPCID string }
	require.NoError(t, raw(client, http.POST, "/v2/vpc", map[string]any{"name": "n", "cidr": "10.0.0.0/8", "regionId": hangzhou}, &vpc))
	ids := map[string]bool{}
	for _, cidr := range []string{"10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"} {
		var made struct{ SubnetID string }
		require.NoError(t, raw(client, http.POST, "/v2/vpc/subnet", map[string]any{"name": "s", "cidr": cidr, "vpcId": vpc.VPCID}, &made))
		ids[made.SubnetID] = true
	}
	marker := ""
	for range 3 {
		var page struct {
			IsTruncated bool
			NextMarker  string
			Subnets     []struct{ SubnetID string }
		}
		require.NoError(t, raw(client, http.GET, "/v2/vpc/subnet?maxKeys=1&marker="+marker, nil, &page))
		require.Len(t, page.Subnets, 1)
		require.True(t, ids[page.Subnets[0].SubnetID])
		delete(ids, page.Subnets[0].SubnetID)
		require.Equal(t, len(ids) > 0, page.IsTruncated)
		marker = page.NextMarker
	}
	require.Empty(t, ids)
}

type rule struct {
	SecurityGroupRuleID, Direction, Protocol, PortRange, SourceIP, DestIP string
}

func TestSecurityGroups(t *testing.T) {
	client := controlplanetest.Start(t, nil).BEC(t)
	var made struct {
		Details struct{ SecurityGroupID string }
	}
	require.NoError(t, raw(client, http.POST, "/v1/securityGroup", map[string]any{"name": "web"}, &made))
	id := made.Details.SecurityGroupID
	var list struct {
		Result []struct {
			ID    string
			Rules []rule
		}
	}
	read := func() []rule {
		require.NoError(t, raw(client, http.GET, "/v1/securityGroup?keywordType=sgId&keyword="+id, nil, &list))
		require.Len(t, list.Result, 1)
		return list.Result[0].Rules
	}
	open := read()
	require.Len(t, open, 1)
	require.Equal(t, rule{open[0].SecurityGroupRuleID, "egress", "all", "1-65535", "", "0.0.0.0/0"}, open[0])

	ssh := map[string]any{"direction": "ingress", "protocol": "tcp", "portRange": "22", "sourceIp": ""}
	batch := map[string]any{"rules": []any{ssh}}
	require.NoError(t, raw(client, http.POST, "/v1/securityGroup/"+id+"/rule/batch/add", batch, nil))
	refused(t, raw(client, http.POST, "/v1/securityGroup/"+id+"/rule/batch/add", batch, nil), 409)
	refused(t, raw(client, http.PUT, "/v2/securityGroup/"+id+"?authorizeRule", map[string]any{"rule": ssh}, nil), 409)
	added := read()[1]
	require.Equal(t, rule{added.SecurityGroupRuleID, "ingress", "tcp", "22", "0.0.0.0/0", ""}, added)

	update := map[string]any{"securityGroupRuleId": added.SecurityGroupRuleID, "portRange": "80-90", "sourceIp": "10.1.2.3"}
	require.NoError(t, raw(client, http.PUT, "/v2/securityGroup/rule/update", update, nil))
	require.Equal(t, rule{added.SecurityGroupRuleID, "ingress", "tcp", "80-90", "10.1.2.3/32", ""}, read()[1])
	refused(t, raw(client, http.PUT, "/v2/securityGroup/rule/update", map[string]any{"securityGroupRuleId": added.SecurityGroupRuleID, "protocol": "icmp"}, nil), 400)
	refused(t, raw(client, http.PUT, "/v2/securityGroup/rule/update", map[string]any{"securityGroupRuleId": added.SecurityGroupRuleID, "portRange": "9-x"}, nil), 400)

	var other struct{ SecurityGroupID string }
	require.NoError(t, raw(client, http.POST, "/v2/securityGroup", map[string]any{"name": "other", "desc": ""}, &other))
	remove := map[string]any{"securityGroupRuleIds": []string{added.SecurityGroupRuleID}}
	refused(t, raw(client, http.POST, "/v1/securityGroup/"+other.SecurityGroupID+"/rule/batch/delete", remove, nil), 404)
	require.NoError(t, raw(client, http.POST, "/v1/securityGroup/"+id+"/rule/batch/delete", remove, nil))
	require.Len(t, read(), 1)
	require.NoError(t, raw(client, http.DELETE, "/v2/securityGroup/"+id, nil, nil))
	refused(t, raw(client, http.DELETE, "/v1/securityGroup/"+id, nil, nil), 404)
}

func TestPlacesPackagesAndImages(t *testing.T) {
	client := controlplanetest.Start(t, nil).BEC(t)
	nodes, err := client.GetBecAvailableNodeInfoVo("vm")
	require.NoError(t, err)
	require.Equal(t, len(controlplanetest.Sites), nodes.NodeSum)
	bare, err := client.GetBecAvailableNodeInfoVo("bm")
	require.NoError(t, err)
	require.Zero(t, bare.NodeSum)
	var abroad struct{ RegionList []any }
	require.NoError(t, raw(client, http.GET, "/v2/node/type/vpc?country=SINGAPORE", nil, &abroad))
	require.Empty(t, abroad.RegionList)

	var packages struct{ Result []struct{ Spec string } }
	require.NoError(t, raw(client, http.GET, "/v2/resource/package/vm", nil, &packages))
	require.NotEmpty(t, packages.Result)

	images := func(args api.ListVmImageArgs) []api.VmImageVo {
		list, err := client.ListVmImage(&args)
		require.NoError(t, err)
		return list.Result
	}
	public := images(api.ListVmImageArgs{Type: "becCommon"})
	require.NotEmpty(t, public)
	first := public[0]
	require.Equal(t, []api.VmImageVo{first}, images(api.ListVmImageArgs{Type: "becCommon", KeywordType: "imageId", Keyword: first.ImageId}))
	require.Equal(t, public[1:2], images(api.ListVmImageArgs{Type: "becCommon", PageSize: 1, PageNo: 2}))
	require.Empty(t, images(api.ListVmImageArgs{Type: "becCommon", PageSize: 1, PageNo: 1000}))
	ascending := images(api.ListVmImageArgs{Type: "becCommon", Order: "ASC", OrderBy: "createTime"})
	require.Equal(t, first, ascending[len(ascending)-1])
	require.Empty(t, images(api.ListVmImageArgs{}), "without type, custom images")
	var one struct{ Image struct{ ImageName string } }
	require.NoError(t, raw(client, http.GET, "/v2/vm/image/"+first.ImageId, nil, &one))
	require.Equal(t, first.Name, one.Image.ImageName)
}
