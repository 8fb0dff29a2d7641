package bec_test

import (
	"encoding/hex"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/baidubce/bce-sdk-go/bce"
	sdk "github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/image"
	"edgecloud/cloud/network"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/dialect/bec/wire/v2vminstance"
	"edgecloud/engine/sim"
)

const (
	v2Site  = "cn-hangzhou-cm"
	v2Sites = "cn-changchun-ix"
	v2Pass  = "Passw0rd!"
)

// v2 is a cloud as one account of API 2.0 sees it.
type v2 struct {
	*controlplanetest.Cloud
	client      *sdk.Client
	key, secret string
	caller      *identity.Caller
	image       string
}

// newV2 starts a cloud with a tenant that is no operator.
func newV2(t *testing.T) *v2 {
	t.Helper()
	c := controlplanetest.Start(t, nil)
	return v2Tenant(t, c, "tenant")
}

func v2Tenant(t *testing.T, c *controlplanetest.Cloud, name string) *v2 {
	t.Helper()
	ctx := t.Context()
	operator := &identity.Caller{Account: c.Admin.Account.UID, User: c.Admin.User.UID, Role: identity.Admin, Operator: true}
	account, err := c.Control.Identity.CreateAccount(ctx, operator, name)
	require.NoError(t, err)
	user, err := c.Control.Identity.CreateUser(ctx, operator, identity.NewUser{Account: account.UID, Name: name, Role: identity.Member})
	require.NoError(t, err)
	key, secret, err := c.Control.Identity.CreateKey(ctx, operator, user.UID)
	require.NoError(t, err)
	client, err := sdk.NewClient(key.ID, secret, c.URL["bec"])
	require.NoError(t, err)
	client.Config.Retry = bce.NewNoRetryPolicy()
	public := true
	images, err := c.Control.Images.List(ctx, operator, image.Filter{Public: &public, Keyword: "Ubuntu 22"})
	require.NoError(t, err)
	return &v2{Cloud: c, client: client, key: key.ID, secret: secret, image: "m-" + images[0].Slug,
		caller: &identity.Caller{Account: account.UID, User: user.UID, Role: identity.Member}}
}

type values map[string]any

// call sends one request; target is the path with its query.
func (v *v2) call(method, target string, body, out any, headers ...string) error {
	path, query, _ := strings.Cut(target, "?")
	b := bce.NewRequestBuilder(v.client).WithMethod(method).WithURL(path)
	parsed, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name := range parsed {
		b.WithQueryParam(name, parsed.Get(name))
	}
	for k := 0; k+1 < len(headers); k += 2 {
		b.WithHeader(headers[k], headers[k+1])
	}
	if body != nil {
		b.WithBody(body)
	}
	if out != nil {
		b.WithResult(out)
	}
	return b.Do()
}

func (v *v2) must(t *testing.T, method, target string, body, out any, headers ...string) {
	t.Helper()
	require.NoError(t, v.call(method, target, body, out, headers...), "%s %s", method, target)
}

// refused is what a call must be answered with.
func (v *v2) refused(t *testing.T, status int, code, says, method, target string, body any, headers ...string) {
	t.Helper()
	err := v.call(method, target, body, nil, headers...)
	var service *bce.BceServiceError
	require.True(t, errors.As(err, &service), "%s %s: %v", method, target, err)
	require.Equal(t, status, service.StatusCode, service.Message)
	require.Equal(t, code, service.Code, service.Message)
	require.Contains(t, service.Message, says)
	require.NotEmpty(t, service.RequestId)
}

func (v *v2) encrypted(t *testing.T, plain string) string {
	t.Helper()
	var out struct{ AccessKeyId, CipherHex string }
	v.must(t, "POST", "/v2/ciphers/encrypt", values{"rawHex": hex.EncodeToString([]byte(plain))}, &out)
	require.Equal(t, v.key, out.AccessKeyId)
	return out.CipherHex
}

// request is a create's body that works; change overrides members, nil removes one.
func (v *v2) request(t *testing.T, change values) values {
	body := values{"adminPass": v.encrypted(t, v2Pass), "spec": "bec.g4.c1m4", "imageId": v.image, "imageType": "bec",
		"deployInstances": []values{{"regionId": v2Site, "purchaseCount": 1}}, "billing": values{"paymentTiming": "Postpaid"}}
	for name, value := range change {
		body[name] = value
		if value == nil {
			delete(body, name)
		}
	}
	return body
}

func (v *v2) create(t *testing.T, change values) (service string, ids []string) {
	t.Helper()
	var out v2vminstance.CreateBecVMInstanceResponse
	v.must(t, "POST", "/v2/vm/instance", v.request(t, change), &out, "X-Bce-Accesskey", v.key)
	for _, i := range out.Instances {
		ids = append(ids, *i.InstanceID)
	}
	return *out.ServiceID, ids
}

func (v *v2) get(t *testing.T, id string) v2vminstance.BecVMInstanceModel {
	t.Helper()
	var out v2vminstance.GetVMInstanceResponse
	v.must(t, "GET", "/v2/vm/instance/"+id, nil, &out)
	return *out.Instance
}

func (v *v2) await(t *testing.T, state string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		controlplanetest.Eventually(t, id+" is "+state, func() bool { return *v.get(t, id).Status == state })
	}
}

func (v *v2) list(t *testing.T, query string) (ids []string, out v2vminstance.ListVMInstanceResponse) {
	t.Helper()
	v.must(t, "GET", "/v2/vm/instance?"+query, nil, &out)
	for _, i := range out.Instances {
		ids = append(ids, *i.ID)
	}
	return ids, out
}

// guest looks inside the simulated machine.
func (v *v2) guest(t *testing.T, id string) (found sim.Guest) {
	t.Helper()
	detail, err := v.Control.Compute.Get(t.Context(), v.caller, strings.TrimPrefix(id, "vm-"))
	require.NoError(t, err)
	for _, site := range v.World.Sites() {
		for _, host := range site.Hosts() {
			if g, ok := host.Guest(detail.UID); ok {
				return g
			}
		}
	}
	t.Fatalf("no host has the machine of %s", id)
	return found
}

type listener = net.Listener

func newGroup(name string) network.NewGroup { return network.NewGroup{Name: name} }
