package iec_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/huaweicloud/golangsdk"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/global"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	v3 "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/iec/v1"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/place"
	"edgecloud/controlplane/controlplanetest"
)

// tenant is a cloud as one account sees it through the two official clients.
type tenant struct {
	*controlplanetest.Cloud
	golang *golangsdk.ServiceClient // the one in Terraform
	v3     *v3.IecClient
	caller *identity.Caller
	site   *place.Site // one with a single line
	triple *place.Site // one with three
	bec    *bec.Client // the same account in the other dialect
}

// newTenant starts a cloud with a tenant that is no operator.
func newTenant(t *testing.T) *tenant {
	t.Helper()
	return tenantOf(t, controlplanetest.Start(t, nil), "tenant")
}

// tenantOf makes a further tenant of a cloud.
func tenantOf(t *testing.T, c *controlplanetest.Cloud, name string) *tenant {
	t.Helper()
	return tenantAs(t, c, name, identity.Member)
}

func tenantAs(t *testing.T, c *controlplanetest.Cloud, name string, role identity.Role) *tenant {
	t.Helper()
	ctx := t.Context()
	operator := &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin, Operator: true}
	account, err := c.Control.Identity.CreateAccount(ctx, operator, name)
	require.NoError(t, err)
	user, err := c.Control.Identity.CreateUser(ctx, operator, identity.NewUser{Account: account.UID, Name: name, Role: role, Password: password})
	require.NoError(t, err)
	key, secret, err := c.Control.Identity.CreateKey(ctx, operator, user.UID)
	require.NoError(t, err)
	n := &tenant{Cloud: c, caller: &identity.Caller{Account: account.UID, User: user.UID, Role: role, ReadOnly: role == identity.Reader}}
	n.bec, err = bec.NewClient(key.ID, secret, c.URL["bec"])
	require.NoError(t, err)
	n.golang = &golangsdk.ServiceClient{Endpoint: c.URL["iec"] + "/v1/", ProviderClient: &golangsdk.ProviderClient{TokenID: n.login(t, name)}}
	credentials, err := global.NewCredentialsBuilder().WithAk(key.ID).WithSk(secret).WithDomainId(account.UID).SafeBuild()
	require.NoError(t, err)
	client, err := v3.IecClientBuilder().WithEndpoints([]string{c.URL["iec"]}).WithCredential(credentials).WithHttpConfig(config.DefaultHttpConfig()).SafeBuild()
	require.NoError(t, err)
	n.v3 = v3.NewIecClient(client)
	n.site, err = c.Control.Place.SiteByName(ctx, controlplanetest.Sites[0])
	require.NoError(t, err)
	n.triple, err = c.Control.Place.SiteByName(ctx, controlplanetest.Sites[1])
	require.NoError(t, err)
	return n
}

const password = "correct horse battery 1A"

// login gets a token for the account, as conventions, section 2.1 say. (This release of golangsdk signs by an older scheme, so it is given a token; the other
// SDK signs.)
func (n *tenant) login(t *testing.T, name string) string {
	t.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%[1]q,"password":%[2]q,"domain":{"name":%[1]q}}}},"scope":{"domain":{"name":%[1]q}}}}`,
		name, password)
	answer, err := http.Post(n.URL["iam"]+"/v3/auth/tokens", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	return answer.Header.Get("X-Subject-Token")
}

// refused is what a call of golangsdk must be answered with.
func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	got, text := statusOf(err)
	require.Equal(t, status, got, "%v", err)
	require.Contains(t, text, `"`+code+`"`)
}

// statusOf reads status and body of golangsdk's errors.
func statusOf(err error) (status int, body string) {
	var d400 golangsdk.ErrDefault400
	var d403 golangsdk.ErrDefault403
	var d404 golangsdk.ErrDefault404
	var d500 golangsdk.ErrDefault500
	var other golangsdk.ErrUnexpectedResponseCode
	switch {
	case errors.As(err, &d400):
		return http.StatusBadRequest, string(d400.Body)
	case errors.As(err, &d403):
		return http.StatusForbidden, string(d403.Body)
	case errors.As(err, &d404):
		return http.StatusNotFound, string(d404.Body)
	case errors.As(err, &d500):
		return http.StatusInternalServerError, string(d500.Body)
	case errors.As(err, &other):
		return other.Actual, string(other.Body)
	}
	return 0, ""
}

// refusedV3 is what a call of the other SDK must be answered with.
func refusedV3(t *testing.T, err error, status int, code string) {
	t.Helper()
	var service *sdkerr.ServiceResponseError
	require.True(t, errors.As(err, &service), "%v", err)
	require.Equal(t, status, service.StatusCode, service.ErrorMessage)
	require.Equal(t, code, service.ErrorCode, service.ErrorMessage)
	require.NotEmpty(t, service.RequestId)
}
