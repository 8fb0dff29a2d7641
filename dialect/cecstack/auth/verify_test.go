package auth

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/identity/identitytest"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestBearerAndSignature(t *testing.T) {
	who := identitytest.Set()[identitytest.GoodKey].Principal
	who.Role = identity.Admin
	tokens := identitytest.Tokens{Now: now, Issued: map[string]identity.Token{
		"t0ken": {ID: "1", Scope: identity.AccountScope, ExpiresAt: now.Add(time.Hour), Principal: who}, "over": {ID: "2", ExpiresAt: now, Principal: who}, "plain": {ID: "3", ExpiresAt: now.Add(time.Hour), Principal: who},
	}}
	for header, reason := range map[string]identity.Reason{
		"Bearer t0ken": "", "bearer  t0ken ": "", "Bearer over": identity.ExpiredToken, "Bearer plain": identity.UnscopedToken, "Bearer guess": identity.InvalidToken, "": identity.MissingCredential,
		"Basic eDp5": identity.UnsupportedScheme, "Bearer": identity.MalformedCredential, "Bearer a b": identity.MalformedCredential, "SDK-HMAC-SHA256 x": identity.MalformedCredential,
	} {
		r := httptest.NewRequest("GET", "https://ecs-service.region0.example.com/api/ecs/v1/flavors", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		caller, err := Verify(r, nil, now, identitytest.Set(), tokens)
		require.Equal(t, reason, identity.ReasonOf(err), header)
		require.Equal(t, err == nil, caller != nil && caller.Operator && caller.Dialect == "cecstack")
	}
	req := request.NewHttpRequestBuilder().WithMethod("GET").WithEndpoint("https://h").WithPath("/api/ecs/v1/flavors").AddHeaderParam("X-Sdk-Date", now.Format("20060102T150405Z")).
		AddHeaderParam("x-regionid", "region0").Build()
	added, err := signer.Sign(req, identitytest.GoodKey, identitytest.Secret)
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "https://h/api/ecs/v1/flavors", nil)
	for _, set := range []map[string]string{req.GetHeaderParams(), added} {
		for k, v := range set {
			r.Header.Set(k, v)
		}
	}
	caller, err := Verify(r, nil, now, identitytest.Set(), tokens)
	require.NoError(t, err)
	require.Equal(t, identitytest.GoodKey, caller.KeyID)
	r.Header.Set("X-Regionid", "region1")
	_, err = Verify(r, nil, now, identitytest.Set(), tokens)
	require.Equal(t, identity.WrongSignature, identity.ReasonOf(err))
}

func TestEveryReasonOfTheDoorHasACode(t *testing.T) {
	foreign := []identity.Reason{identity.WrongPassword, identity.TooManyLoginFailures}
	for _, reason := range identity.Reasons() {
		code, ok := Answer(reason)
		require.Equal(t, !slices.Contains(foreign, reason), ok, reason)
		require.Equal(t, ok, code != "", reason)
	}
}
