package sdkhmac

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/identity/identitytest"
	"edgecloud/fault"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// TestVendorVectors replays the expectations of the vendor's own signer tests (huaweicloud-sdk-go-v3 core/auth/signer/signer_test.go).
func TestVendorVectors(t *testing.T) {
	keys := identitytest.Keys{"AccessKey": {ID: "AccessKey", Secret: "SecretKey", Enabled: true}}
	cases := map[string]struct{ method, target, body, signature string }{
		"get":  {"GET", "https://example.huaweicloud.com/path?limit=1", "", "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"},
		"post": {"POST", "https://example.huaweicloud.com/path?key=value", "{\"Name\":\"test\",\"Id\":1}\n", "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.target, nil)
			r.Header.Set("X-Sdk-Date", "20060102T150405Z")
			r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature="+c.signature)
			_, err := Verify(r, []byte(c.body), time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC), keys)
			require.NoError(t, err)
		})
	}
}

// outgoing is one request before the vendor signs it.
type outgoing struct {
	key, secret, method, path, body string
	query                           map[string]any
	headers                         map[string]string
	at                              time.Time
}

func plain() outgoing {
	return outgoing{key: identitytest.GoodKey, secret: identitytest.Secret, method: "POST", path: "/v1/cloudservers/a-1", body: "{\"name\":\"x\"}", query: map[string]any{"limit": 5},
		headers: map[string]string{"Content-Type": "application/json", "User-Agent": "a  b"}, at: now}
}

// signed lets the vendor's module sign and build the request, and gives it as our server reads it off the wire.
func signed(t *testing.T, o outgoing) (*http.Request, []byte) {
	t.Helper()
	builder := request.NewHttpRequestBuilder().WithMethod(o.method).WithEndpoint("https://iec.example.com:8443").WithPath(o.path)
	if o.body != "" {
		builder.WithBody("body", o.body)
	}
	for k, v := range o.query {
		builder.AddQueryParam(k, reflect.ValueOf(v))
	}
	for k, v := range o.headers {
		builder.AddHeaderParam(k, v)
	}
	builder.AddHeaderParam("X-Sdk-Date", o.at.Format(dateForm))
	req := builder.Build()
	added, err := signer.Sign(req, o.key, o.secret)
	require.NoError(t, err)
	for k, v := range added {
		req.AddHeaderParam(k, v)
	}
	out, err := req.ConvertRequest()
	require.NoError(t, err)
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, err = io.ReadAll(r.Body)
	}))
	defer server.Close()
	out.Host = out.URL.Host
	out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
	answer, sendErr := http.DefaultTransport.RoundTrip(out)
	require.NoError(t, sendErr)
	require.NoError(t, answer.Body.Close())
	require.NoError(t, err)
	return got, body
}

func TestVendorSigner(t *testing.T) {
	cases := map[string]func(o *outgoing){
		"plain":    func(*outgoing) {},
		"no body":  func(o *outgoing) { o.method, o.body = "GET", "" },
		"no query": func(o *outgoing) { o.query = nil },
		"odd query": func(o *outgoing) {
			o.query = map[string]any{"a-b": "x", "a": "1+ 2&=?/é", "fixed_ips": "ip_address=10.0.0.1", "a.": ""}
		},
		"lists":          func(o *outgoing) { o.query = map[string]any{"id": []string{"b", "a", "b c"}, "m": []int{10, 9}} },
		"odd path":       func(o *outgoing) { o.path = "/v1/os-keypairs/a b+c:d%2F你" },
		"trailing slash": func(o *outgoing) { o.path = "/v1/vpcs/" },
		"host":           func(o *outgoing) { o.headers["host"] = "iec.example.com:8443" },
		"inner spaces":   func(o *outgoing) { o.headers["X-Project-Id"] = "  a   b  " },
		"form body":      func(o *outgoing) { o.headers["Content-Type"] = "application/x-www-form-urlencoded" },
		"empty body":     func(o *outgoing) { o.body = "" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			o := plain()
			change(&o)
			r, body := signed(t, o)
			key, err := Verify(r, body, now, identitytest.Set())
			require.NoError(t, err)
			require.Equal(t, identitytest.GoodKey, key.ID)
		})
	}
}

func TestRefusals(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	rewrite := func(old, fresh string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, fresh, 1))
		}
	}
	keyed := func(key, secret string) func(*outgoing) { return func(o *outgoing) { o.key, o.secret = key, secret } }
	dated := func(offset time.Duration) func(*outgoing) { return func(o *outgoing) { o.at = now.Add(offset) } }
	cases := map[string]struct {
		before func(*outgoing)
		after  func(*http.Request)
		body   string
		reason identity.Reason
		kind   fault.Kind
	}{
		"no header":         {after: func(r *http.Request) { r.Header.Del("Authorization") }, reason: identity.MissingCredential, kind: fault.Unauthenticated},
		"another algorithm": {after: rewrite("SHA256", "SM3"), reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"no parameters":     {after: header("Authorization", Scheme), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"unknown parameter": {after: rewrite("Access=", "Access=1, Extra="), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"parameter twice":   {after: rewrite("Access=", "Access=1, Access="), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"short signature":   {after: rewrite("Signature=", "Signature=0"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"no date":           {after: func(r *http.Request) { r.Header.Del("X-Sdk-Date") }, reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"bad date":          {after: header("X-Sdk-Date", "2026-03-04T05:06:07Z"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"another date":      {after: header("X-Sdk-Date", "20260304T050608Z"), reason: identity.WrongSignature, kind: fault.BadSignature},
		"expired":           {before: dated(-15*time.Minute - time.Second), reason: identity.SignatureExpired, kind: fault.Expired},
		"future":            {before: dated(15*time.Minute + time.Second), reason: identity.SignatureFromFuture, kind: fault.Expired},
		"unknown key":       {before: keyed("EC404", identitytest.Secret), reason: identity.UnknownKey, kind: fault.Unauthenticated},
		"wrong secret":      {before: keyed(identitytest.GoodKey, "guess"), reason: identity.WrongSignature, kind: fault.BadSignature},
		"disabled":          {before: keyed(identitytest.DisabledKey, identitytest.Secret), reason: identity.DisabledKey, kind: fault.Unauthenticated},
		"suspended":         {before: keyed(identitytest.SuspendedKey, identitytest.Secret), reason: identity.SuspendedAccount, kind: fault.Denied},
		"session, no token": {before: keyed(identitytest.SessionKey, identitytest.Secret), reason: identity.WrongSecurityToken, kind: fault.Unauthenticated},
		"body":              {body: "{\"name\":\"y\"}", reason: identity.WrongSignature, kind: fault.BadSignature},
		"body unsigned":     {after: header("X-Sdk-Content-Sha256", unsignedPayload), reason: identity.BodyMismatch, kind: fault.BadSignature},
		"body digest":       {after: header("X-Sdk-Content-Sha256", strings.Repeat("0", 64)), reason: identity.BodyMismatch, kind: fault.BadSignature},
		"body too large":    {body: strings.Repeat("x", MaxBody+1), reason: identity.BodyTooLarge, kind: fault.Invalid},
		"method":            {after: func(r *http.Request) { r.Method = "PUT" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"path":              {after: func(r *http.Request) { r.URL.Path += "x" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"query":             {after: func(r *http.Request) { r.URL.RawQuery = "limit=6" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"query broken":      {after: func(r *http.Request) { r.URL.RawQuery = "%zz" }, reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"signed header":     {after: header("User-Agent", "other"), reason: identity.WrongSignature, kind: fault.BadSignature},
		"repeated header":   {after: func(r *http.Request) { r.Header.Add("User-Agent", "other") }, reason: identity.WrongSignature, kind: fault.BadSignature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := plain()
			if c.before != nil {
				c.before(&o)
			}
			r, body := signed(t, o)
			if c.after != nil {
				c.after(r)
			}
			if c.body != "" {
				body = []byte(c.body)
			}
			_, err := Verify(r, body, now, identitytest.Set())
			require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
			require.True(t, fault.Is(err, c.kind), "%v", err)
		})
	}
}

func TestWindowEdges(t *testing.T) {
	for _, offset := range []time.Duration{-Window, Window} {
		o := plain()
		o.at = now.Add(offset)
		r, body := signed(t, o)
		_, err := Verify(r, body, now, identitytest.Set())
		require.NoError(t, err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("GET", "/v1/x", "a=b&c", "SDK-HMAC-SHA256 Access="+identitytest.GoodKey+", SignedHeaders=host;x-sdk-date, Signature="+strings.Repeat("0", 64), "20260304T050607Z", []byte("{}"))
	f.Add("POST", "/v1/x", "a=b&A=c", "SDK-HMAC-SHA256 Credential="+identitytest.GoodKey+"/20260304///sdk_request, SignedHeaders=host;x-sdk-date, Signature="+strings.Repeat("0", 64), "20260304T050607Z", []byte(nil))
	f.Add("PUT", "/%zz", "%", "SDK-HMAC-SHA256 ,=,", "x", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, query, authorization, date string, body []byte) {
		r := &http.Request{Method: method, Host: "h", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Authorization": {authorization}, "X-Sdk-Date": {date}}, Body: io.NopCloser(bytes.NewReader(body))}
		_, err := Verify(r, body, now, identitytest.Set())
		if err == nil {
			t.Fatalf("a signature was guessed: %q", authorization)
		}
		if identity.ReasonOf(err) == "" {
			t.Fatalf("no reason: %v", err)
		}
	})
}
