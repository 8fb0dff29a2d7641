package auth

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bceauth "github.com/baidubce/bce-sdk-go/auth"
	"github.com/baidubce/bce-sdk-go/bce"
	bcehttp "github.com/baidubce/bce-sdk-go/http"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/identity/identitytest"
	"edgecloud/fault"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// signed makes a request with a signature made by hand, independent of the code under test but for the percent-encoding that url.QueryEscape gives.
func signed(keyID, secret, method, target, body, at, expiry, list string, headers map[string]string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	if body != "" {
		r.Header.Set("Content-Length", strconv.Itoa(len(body))) // as a server sees it
	}
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	var query, lines []string
	for k, vs := range r.URL.Query() {
		for _, v := range vs {
			query = append(query, escape(k)+"="+escape(v))
		}
	}
	names := strings.Split(list, ";")
	if list == "" {
		names = []string{"host", "content-length", "content-type", "content-md5"}
		for k := range r.Header {
			if strings.HasPrefix(k, "X-Bce-") {
				names = append(names, strings.ToLower(k))
			}
		}
	}
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		if value != "" {
			lines = append(lines, escape(name)+":"+escape(strings.TrimSpace(value)))
		}
	}
	slices.Sort(query)
	slices.Sort(lines)
	path := strings.ReplaceAll(escape(r.URL.Path), "%2F", "/")
	prefix := "bce-auth-v1/" + keyID + "/" + at + "/" + expiry
	text := strings.Join([]string{method, path, strings.Join(query, "&"), strings.Join(lines, "\n")}, "\n")
	r.Header.Set("Authorization", prefix+"/"+list+"/"+hmacHex([]byte(hmacHex([]byte(secret), []byte(prefix))), []byte(text)))
	return r
}

func verify(r *http.Request) (*identity.Caller, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return Verify(r, body, now, identitytest.Set())
}

const at = "2026-03-04T05:06:07Z"

func TestEveryListOfSignedHeadersIsTaken(t *testing.T) {
	headers := map[string]string{"Content-Type": "application/json; charset=utf-8", "X-Bce-Date": at, "X-Bce-Note": "a  b; c/d=é", "Other": "x y"}
	for _, list := range []string{"host", "", "host;x-bce-date", "content-type;host;x-bce-date;x-bce-note", "x-bce-date", "host;other", "host;x-bce-absent"} {
		t.Run(list, func(t *testing.T) {
			r := signed(identitytest.GoodKey, identitytest.Secret, "POST", "http://bec.example.com:8443/v2/vm/instance/a%20b~%E4%BD%A0?b=2&a=1+x&a=0&stop&e=", "{}", at, "1800", list, headers)
			caller, err := verify(r)
			require.NoError(t, err)
			require.Equal(t, identitytest.GoodKey, caller.KeyID)
			require.Equal(t, "bec", caller.Dialect)
			require.Equal(t, "0a1b2c3d4e5f60718293a4b5c6d7e8f9", caller.Account)
			require.False(t, caller.Operator)
			require.False(t, caller.ReadOnly)
		})
	}
}

func TestBodyDigests(t *testing.T) {
	body := `{"name":"x"}`
	sum, sha := md5.Sum([]byte(body)), sha256.Sum256([]byte(body))
	for name, header := range map[string]map[string]string{
		"md5": {"Content-Md5": base64.StdEncoding.EncodeToString(sum[:])}, "sha256": {"X-Bce-Content-Sha256": hex.EncodeToString(sha[:])},
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(identitytest.GoodKey, identitytest.Secret, "POST", "http://h/v1/x", body, at, "1800", "", header)
			_, err := Verify(r, []byte(body), now, identitytest.Set())
			require.NoError(t, err)
			_, err = Verify(r, []byte(`{"name":"y"}`), now, identitytest.Set())
			require.Equal(t, identity.BodyMismatch, identity.ReasonOf(err))
		})
	}
}

func TestRefusals(t *testing.T) {
	const target = "http://bec.example.com/v2/vm/instance/vm-1?stop&clientToken=t"
	headers := map[string]string{"X-Bce-Date": at, "Content-Type": "application/json"}
	good := func() *http.Request {
		return signed(identitytest.GoodKey, identitytest.Secret, "PUT", target, "", at, "1800", "content-type;host;x-bce-date", headers)
	}
	dated := func(when time.Time, expiry string) *http.Request {
		return signed(identitytest.GoodKey, identitytest.Secret, "PUT", target, "", when.Format(timeForm), expiry, "host", headers)
	}
	as := func(key, secret string) *http.Request {
		return signed(key, secret, "PUT", target, "", at, "1800", "host", headers)
	}
	changed := func(change func(r *http.Request)) *http.Request {
		r := good()
		change(r)
		return r
	}
	rewrite := func(old, fresh string) *http.Request {
		return changed(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, fresh, 1))
		})
	}
	_, err := verify(good())
	require.NoError(t, err)
	cases := map[string]struct {
		r      *http.Request
		reason identity.Reason
		kind   fault.Kind
	}{
		"no header":          {changed(func(r *http.Request) { r.Header.Del("Authorization") }), identity.MissingCredential, fault.Unauthenticated},
		"another word":       {changed(func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }), identity.MalformedCredential, fault.Unauthenticated},
		"version 2":          {rewrite("bce-auth-v1", "bce-auth-v2"), identity.UnsupportedScheme, fault.Unauthenticated},
		"too few parts":      {rewrite("/1800", ""), identity.MalformedCredential, fault.Unauthenticated},
		"bad time":           {rewrite("2026-03-04T05:06:07Z", "2026-03-04"), identity.MalformedCredential, fault.Unauthenticated},
		"negative expiry":    {rewrite("/1800/", "/-1/"), identity.MalformedCredential, fault.Unauthenticated},
		"zero expiry":        {rewrite("/1800/", "/0/"), identity.MalformedCredential, fault.Unauthenticated},
		"huge expiry":        {rewrite("/1800/", "/99999999999999999999/"), identity.MalformedCredential, fault.Unauthenticated},
		"longer expiry":      {rewrite("/1800/", "/3600/"), identity.WrongSignature, fault.BadSignature},
		"header list upper":  {rewrite("host", "Host"), identity.MalformedCredential, fault.Unauthenticated},
		"header list twice":  {rewrite("host", "host;host"), identity.MalformedCredential, fault.Unauthenticated},
		"header list less":   {rewrite(";x-bce-date", ""), identity.WrongSignature, fault.BadSignature},
		"unknown key":        {as("EC99", identitytest.Secret), identity.UnknownKey, fault.Unauthenticated},
		"wrong secret":       {as(identitytest.GoodKey, "guess"), identity.WrongSignature, fault.BadSignature},
		"another's key":      {rewrite(identitytest.GoodKey, identitytest.ReaderKey), identity.WrongSignature, fault.BadSignature},
		"disabled key":       {as(identitytest.DisabledKey, identitytest.Secret), identity.DisabledKey, fault.Unauthenticated},
		"disabled, guessed":  {as(identitytest.DisabledKey, "guess"), identity.WrongSignature, fault.BadSignature},
		"over key":           {as(identitytest.OverKey, identitytest.Secret), identity.DisabledKey, fault.Unauthenticated},
		"suspended account":  {as(identitytest.SuspendedKey, identitytest.Secret), identity.SuspendedAccount, fault.Denied},
		"session, no token":  {as(identitytest.SessionKey, identitytest.Secret), identity.WrongSecurityToken, fault.Unauthenticated},
		"token, lasting key": {changed(func(r *http.Request) { r.Header.Set("X-Bce-Security-Token", "x") }), identity.WrongSecurityToken, fault.Unauthenticated},
		"expired":            {dated(now.Add(-1801*time.Second), "1800"), identity.SignatureExpired, fault.Expired},
		"expired by cap":     {dated(now.Add(-25*time.Hour), "999999999"), identity.SignatureExpired, fault.Expired},
		"future":             {dated(now.Add(16*time.Minute), "1800"), identity.SignatureFromFuture, fault.Expired},
		"method":             {changed(func(r *http.Request) { r.Method = "DELETE" }), identity.WrongSignature, fault.BadSignature},
		"path":               {changed(func(r *http.Request) { r.URL.Path = "/v2/vm/instance/vm-2" }), identity.WrongSignature, fault.BadSignature},
		"query":              {changed(func(r *http.Request) { r.URL.RawQuery = "start&clientToken=t" }), identity.WrongSignature, fault.BadSignature},
		"query added":        {changed(func(r *http.Request) { r.URL.RawQuery += "&x=1" }), identity.WrongSignature, fault.BadSignature},
		"query broken":       {changed(func(r *http.Request) { r.URL.RawQuery += "&x=%zz" }), identity.MalformedCredential, fault.Unauthenticated},
		"host":               {changed(func(r *http.Request) { r.Host = "iec.example.com" }), identity.WrongSignature, fault.BadSignature},
		"signed header":      {changed(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }), identity.WrongSignature, fault.BadSignature},
		"repeated header":    {changed(func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }), identity.WrongSignature, fault.BadSignature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			caller, err := verify(c.r)
			require.Nil(t, caller)
			require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
			require.True(t, fault.Is(err, c.kind), "%v", err)
			require.NotContains(t, fault.From(err).Sentence, identitytest.Secret)
		})
	}
}

func TestWindowEdges(t *testing.T) {
	for name, c := range map[string]struct {
		offset time.Duration
		ok     bool
	}{"just in time": {-1800 * time.Second, true}, "a second late": {-1801 * time.Second, false}, "ahead": {15 * time.Minute, true}, "far ahead": {15*time.Minute + time.Second, false}} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(signed(identitytest.GoodKey, identitytest.Secret, "GET", "http://h/v1/x", "", now.Add(c.offset).Format(timeForm), "1800", "host", nil))
			require.Equal(t, c.ok, err == nil, "%v", err)
		})
	}
}

func TestReaderAndSession(t *testing.T) {
	caller, err := verify(signed(identitytest.ReaderKey, identitytest.Secret, "GET", "http://h/v1/x", "", at, "1800", "host", nil))
	require.NoError(t, err)
	require.True(t, caller.ReadOnly)
	caller, err = verify(signed(identitytest.SessionKey, identitytest.Secret, "GET", "http://h/v1/x", "", at, "1800", "", map[string]string{"X-Bce-Security-Token": identitytest.SessionToken}))
	require.NoError(t, err)
	require.Equal(t, identitytest.SessionKey, caller.KeyID)
}

// TestOfficialSDK sends requests with the vendor's own client through a real listener.
func TestOfficialSDK(t *testing.T) {
	var failure error
	var seen *identity.Caller
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		seen, failure = Verify(r, body, time.Now(), identitytest.Set())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}))
	t.Cleanup(server.Close)
	client := func(key, secret, session string) *bce.BceClient {
		cred, err := bceauth.NewBceCredentials(key, secret)
		require.NoError(t, err)
		cred.SessionToken = session
		return bce.NewBceClient(&bce.BceClientConfiguration{
			Endpoint: server.URL, UserAgent: "test", Credentials: cred, Retry: bce.NewNoRetryPolicy(), ConnectionTimeoutInMillis: 5000,
			SignOption: &bceauth.SignOptions{HeadersToSign: bceauth.DEFAULT_HEADERS_TO_SIGN, ExpireSeconds: bceauth.DEFAULT_EXPIRE_SECONDS},
		}, &bceauth.BceV1Signer{})
	}
	send := func(c *bce.BceClient, method, uri string, params map[string]string, body string) {
		req := &bce.BceRequest{}
		req.SetMethod(method)
		req.SetUri(uri)
		req.SetParams(params)
		if body != "" {
			b, err := bce.NewBodyFromString(body)
			require.NoError(t, err)
			req.SetBody(b)
		}
		seen, failure = nil, nil
		require.NoError(t, c.SendRequest(req, &bce.BceResponse{}))
	}
	good := client(identitytest.GoodKey, identitytest.Secret, "")
	cases := map[string]struct {
		method, uri string
		params      map[string]string
		body        string
	}{
		"get":          {bcehttp.GET, "/v2/vm/instance", map[string]string{"maxKeys": "10", "marker": ""}, ""},
		"odd query":    {bcehttp.GET, "/v1/vm/instance", map[string]string{"keyword": "a b+c/d=e&f;g~é%41", "name": "你好"}, ""},
		"flag":         {bcehttp.PUT, "/v2/vm/instance/vm-1", map[string]string{"stop": "", "clientToken": "be31b98c-5e41"}, ""},
		"post":         {bcehttp.POST, "/v2/vm/instance", map[string]string{"clientToken": "x"}, `{"name":"vm","n":1}`},
		"odd path":     {bcehttp.GET, "/v1/configmap/a b+c=d%2Fe/你好:@!$&'()*,;", nil, ""},
		"delete":       {bcehttp.DELETE, "/v2/vm/instance/vm-1", nil, ""},
		"double slash": {bcehttp.GET, "/v1//x/", nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			send(good, c.method, c.uri, c.params, c.body)
			require.NoError(t, failure)
			require.Equal(t, identitytest.GoodKey, seen.KeyID)
		})
	}
	send(client(identitytest.SessionKey, identitytest.Secret, identitytest.SessionToken), bcehttp.GET, "/v1/x", nil, "")
	require.NoError(t, failure)
	send(client(identitytest.GoodKey, "guess", ""), bcehttp.GET, "/v1/x", nil, "")
	require.Equal(t, identity.WrongSignature, identity.ReasonOf(failure))
	send(client("EC404", identitytest.Secret, ""), bcehttp.GET, "/v1/x", nil, "")
	require.Equal(t, identity.UnknownKey, identity.ReasonOf(failure))
}

func TestEveryReasonOfTheDoorHasAnAnswer(t *testing.T) {
	foreign := []identity.Reason{identity.InvalidToken, identity.ExpiredToken, identity.UnscopedToken, identity.WrongPassword, identity.TooManyLoginFailures}
	for _, reason := range identity.Reasons() {
		status, code, ok := Answer(reason)
		require.Equal(t, !slices.Contains(foreign, reason), ok, reason)
		require.Equal(t, ok, status >= 400 && code != "", reason)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("GET", "/v1/x", "a=b&c", "bce-auth-v1/EC00000000000000000000000000GOOD/2026-03-04T05:06:07Z/1800/host/"+strings.Repeat("0", 64), []byte("{}"))
	f.Add("PUT", "/%zz", "%", "bce-auth-v1/////", []byte(nil))
	f.Fuzz(func(t *testing.T, method, path, query, authorization string, body []byte) {
		r := &http.Request{Method: method, Host: "h", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{"Authorization": {authorization}}, Body: io.NopCloser(bytes.NewReader(body))}
		caller, err := Verify(r, body, now, identitytest.Set())
		if err == nil || caller != nil {
			t.Fatalf("a signature was guessed: %q", authorization)
		}
		if identity.ReasonOf(err) == "" {
			t.Fatalf("no reason: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	keys := identitytest.Set()
	r := signed(identitytest.GoodKey, identitytest.Secret, "POST", "http://bec.example.com/v2/vm/instance?clientToken=be31b98c-5e41-4838-9830-9be700de5a20", "{}", at, "1800",
		"content-length;content-type;host;x-bce-date", map[string]string{"Content-Type": "application/json;charset=utf-8", "X-Bce-Date": at, "Content-Length": "2"})
	body := []byte("{}")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(r, body, now, keys); err != nil {
			b.Fatal(err)
		}
	}
}
