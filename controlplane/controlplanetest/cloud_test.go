package controlplanetest_test

import (
	"testing"

	"github.com/baidubce/bce-sdk-go/bce"
	"github.com/baidubce/bce-sdk-go/http"
	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
)

func TestACloudAnswersASignedCall(t *testing.T) {
	c := controlplanetest.Start(t, nil)
	client := c.BEC(t)
	var out struct {
		VPCs []struct {
			VPCID string `json:"vpcId"`
		} `json:"vpcs"`
		MaxKeys int `json:"maxKeys"`
	}
	err := bce.NewRequestBuilder(client).WithMethod(http.GET).WithURL("/v2/vpc").WithResult(&out).Do()
	require.NoError(t, err)
	require.Equal(t, 1000, out.MaxKeys)
	require.Empty(t, out.VPCs)

	var made struct {
		VPCID string `json:"vpcId"`
	}
	err = bce.NewRequestBuilder(client).WithMethod(http.POST).WithURL("/v2/vpc").WithQueryParam("clientToken", "t1").
		WithBody(map[string]any{"name": "n", "cidr": "10.0.0.0/8", "regionId": "cn-hangzhou-cm"}).WithResult(&made).Do()
	require.NoError(t, err)
	require.Regexp(t, "^vpc-[a-z0-9]{8}$", made.VPCID)
}
