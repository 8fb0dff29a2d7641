package auth

import (
	"net/http"
	"net/http/httptest"
	"reflect"
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

func tokens() identitytest.Tokens {
	who := identitytest.Set()[identitytest.GoodKey].Principal
	return identitytest.Tokens{Now: now, Issued: map[string]identity.Token{
		"account": {ID: "1", Scope: identity.AccountScope, ExpiresAt: now.Add(time.Hour), Principal: who},
		"plain":   {ID: "2", ExpiresAt: now.Add(time.Hour), Principal: who},
		"project": {ID: "4", Scope: identity.ProjectScope, ExpiresAt: now.Add(time.Hour), Principal: who},
		"over":    {ID: "3", Scope: identity.AccountScope, ExpiresAt: now, Principal: who},
	}}
}

func signed(t *testing.T, headers map[string]string) *http.Request {
	t.Helper()
	builder := request.NewHttpRequestBuilder().WithMethod("GET").WithEndpoint("https://iec.example.com").WithPath("/v1/sites").AddQueryParam("limit", reflect.ValueOf(1)).
		AddHeaderParam("X-Sdk-Date", now.Format("20060102T150405Z"))
	req := builder.Build()
	added, err := signer.Sign(req, identitytest.GoodKey, identitytest.Secret)
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "https://iec.example.com/v1/sites?limit=1", nil)
	for _, set := range []map[string]string{req.GetHeaderParams(), added, headers} {
		for k, v := range set {
			r.Header.Set(k, v)
		}
	}
	return r
}

func TestSignature(t *testing.T) {
	caller, err := Verify(signed(t, nil), nil, now, identitytest.Set(), tokens())
	require.NoError(t, err)
	require.Equal(t, "iec", caller.Dialect)
	require.Equal(t, identitytest.GoodKey, caller.KeyID)
	account := caller.Account
	_, err = Verify(signed(t, map[string]string{"X-Domain-Id": account, TokenHeader: "over"}), nil, now, identitytest.Set(), tokens())
	require.NoError(t, err)
	_, err = Verify(signed(t, map[string]string{"X-Domain-Id": "another"}), nil, now, identitytest.Set(), tokens())
	require.Equal(t, identity.ScopeDenied, identity.ReasonOf(err))
	_, err = Verify(signed(t, nil), []byte("body"), now, identitytest.Set(), tokens())
	require.Equal(t, identity.WrongSignature, identity.ReasonOf(err))
}

func TestToken(t *testing.T) {
	for bearer, reason := range map[string]identity.Reason{"account": "", "plain": identity.UnscopedToken, "project": identity.UnscopedToken, "over": identity.ExpiredToken, "guess": identity.InvalidToken, "": identity.MissingCredential} {
		r := httptest.NewRequest("GET", "https://iec.example.com/v1/sites", nil)
		if bearer != "" {
			r.Header.Set(TokenHeader, bearer)
		}
		caller, err := Verify(r, nil, now, identitytest.Set(), tokens())
		require.Equal(t, reason, identity.ReasonOf(err), bearer)
		require.Equal(t, err == nil, caller != nil)
	}
}

func TestEveryReasonOfTheDoorHasAnAnswer(t *testing.T) {
	foreign := []identity.Reason{identity.WrongPassword, identity.TooManyLoginFailures}
	for _, reason := range identity.Reasons() {
		status, code, ok := Answer(reason)
		require.Equal(t, !slices.Contains(foreign, reason), ok, reason)
		require.Equal(t, ok, status >= 400 && code != "", reason)
	}
}
