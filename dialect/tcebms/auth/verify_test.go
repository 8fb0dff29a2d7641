package auth

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
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

	"github.com/stretchr/testify/require"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tchttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/identity/identitytest"
	"edgecloud/fault"
)

// The document's own key pair, which is not a real one.
const (
	docID     = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
	docSecret = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
)

var (
	now     = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	docKeys = identitytest.Keys{docID: {ID: docID, Secret: docSecret, Enabled: true}}
)

// TestV1Vectors replays the worked examples of conventions section 3.
func TestV1Vectors(t *testing.T) {
	const tail = "&InstanceIds.0=ins-09dx96dg&Limit=20&Nonce=11886&Offset=0"
	cases := map[string]struct{ method, host, params, signature string }{
		"document's text":      {"GET", "cvm.finance.cloud.tencent.com", "Action=DescribeInstances" + tail + "&Region=shjr&Version=2017-03-12", "8UAj5grJNx3uGNuyi0M6Gd1f5gY="},
		"document's signature": {"GET", "cvm.tencentcloudapi.com", "Action=DescribeInstances" + tail + "&Region=ap-guangzhou&Version=2017-03-12", "EliP9YW3pW28FpsEdkXt/+WcGeI="},
		"sha256":               {"GET", "cvm.finance.cloud.tencent.com", "Action=DescribeInstances" + tail + "&Region=shjr&Version=2017-03-12&SignatureMethod=HmacSHA256", "MGfMm/UGQbN0x/r8bybCLVeNhEI6gW9y4dZ8g9dBc9U="},
		"post": {"POST", "bms.api3.finance.cloud.tencent.com", "Action=DescribeInstances&InstanceIds.0=bms-831dd691&Limit=20&Nonce=11886&Offset=0&Region=shjr&SignatureMethod=HmacSHA256&Version=2018-08-13",
			"kj0NFxMU2JzcASvCw63jw1GLlR//cSg+uDG7QoPhjTk="},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			params := c.params + "&Timestamp=1465185768&SecretId=" + docID + "&Signature=" + url.QueryEscape(c.signature)
			r, body := httptest.NewRequest(c.method, "https://"+c.host+"/", nil), ""
			if c.method == "GET" {
				r.URL.RawQuery = params
			} else {
				body = params
				r.Header.Set("Content-Type", typeForm+"; charset=utf-8")
			}
			_, err := Verify(r, []byte(body), time.Unix(1465185768, 0).Add(Window), docKeys, "bms")
			require.NoError(t, err)
		})
	}
}

// TestV3Vectors replays the worked examples of conventions section 4.
func TestV3Vectors(t *testing.T) {
	const post = `{"InstanceIds":["bms-831dd691"]}`
	cases := map[string]struct{ method, host, service, query, body, digest, signature string }{
		"document's text": {"GET", "cvm.finance.cloud.tencent.com", "cvm", "Limit=10&Offset=0", "", "404c983ca91e7a42db052e715f6b87872972d90b3e9bbaccc892fd145db57a51",
			"e58ba76f0ad56875e1ef9f67e4930f28ba11e300c6f055aace641b06f433ff1b"},
		"document's signature": {"GET", "cvm.tencentcloudapi.com", "cvm", "Limit=10&Offset=0", "", "91c9c192c14460df6c1ffc69e34e6c5e90708de2a6d282cccf957dbf1aa7f3a7",
			"5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474"},
		"bms post": {"POST", "bms.api3.finance.cloud.tencent.com", "bms", "", post, "2b756173a16b422d11a145dada203e17926e9a34977939f7f6acea99c629faf5",
			"829b114754b4ea78418a0cc9de4be893ebd0653e3c370ee5f8b396e6ed278138"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "https://"+c.host+"/?"+c.query, nil)
			r.Header.Set("Content-Type", map[string]string{"GET": typeForm, "POST": "application/json"}[c.method])
			r.Header.Set("X-TC-Timestamp", "1539084154")
			r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+docID+"/2018-10-09/"+c.service+"/tc3_request, SignedHeaders=content-type;host, Signature="+c.signature)
			cred, err := parseV3(r.Header.Get("Authorization"))
			require.NoError(t, err)
			sum := sha256.Sum256(v3Canonical(r, []byte(c.body), cred, true))
			require.Equal(t, c.digest, hex.EncodeToString(sum[:]))
			_, err = Verify(r, []byte(c.body), time.Unix(1539084154, 0).Add(-Window), docKeys, c.service)
			require.NoError(t, err)
		})
	}
	require.Equal(t, "a62872599aecbb9736b23cc8a5a7408b2a3d6c8126c1ab1e38479bf8a1e7bed7", hex.EncodeToString(v3Key(docSecret, "2018-10-09", "bms")))
}

// form makes a signature v1 by hand.
func form(method, keyID, secret string, change func(url.Values)) (*http.Request, []byte) {
	v := url.Values{"Action": {"DescribeInstances"}, "Version": {"2018-08-13"}, "Region": {"shjr"}, "Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Nonce": {"7"}, "SecretId": {keyID},
		"InstanceIds.12": {"b"}, "InstanceIds.2": {"a b+c&d=é"}, "Empty": {""}}
	if change != nil {
		change(v)
	}
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	items := make([]string, 0, len(names))
	for _, name := range names {
		items = append(items, name+"="+v.Get(name))
	}
	algorithm := sha1.New
	if v.Get("SignatureMethod") == "HmacSHA256" {
		algorithm = sha256.New
	}
	v.Set("Signature", v1Sign(algorithm, secret, method+"bms.example.com:8443/?"+strings.Join(items, "&")))
	r := httptest.NewRequest(method, "https://bms.example.com:8443/", nil)
	if method == "GET" {
		r.URL.RawQuery = v.Encode()
		return r, nil
	}
	r.Header.Set("Content-Type", typeForm)
	return r, []byte(v.Encode())
}

func TestV1Refusals(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	del := func(name string) func(url.Values) { return func(v url.Values) { v.Del(name) } }
	stamp := func(offset time.Duration) func(url.Values) {
		return set("Timestamp", strconv.FormatInt(now.Add(offset).Unix(), 10))
	}
	replace := func(old, fresh string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, fresh, 1) }
	}
	cases := map[string]struct {
		key, secret string
		before      func(url.Values)
		after       func(*http.Request)
		reason      identity.Reason
		kind        fault.Kind
	}{
		"nothing":        {after: func(r *http.Request) { r.URL.RawQuery = "Action=DescribeInstances" }, reason: identity.MissingCredential, kind: fault.Unauthenticated},
		"no timestamp":   {before: del("Timestamp"), reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"no nonce":       {before: del("Nonce"), reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"zero nonce":     {before: set("Nonce", "0"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"bad timestamp":  {before: set("Timestamp", "2026-03-04"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"no key":         {after: replace("SecretId="+identitytest.GoodKey, ""), reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"blank key":      {key: " " + identitytest.GoodKey, reason: identity.MalformedKeyID, kind: fault.Unauthenticated},
		"unknown key":    {key: "EC404", reason: identity.UnknownKey, kind: fault.Unauthenticated},
		"disabled key":   {key: identitytest.DisabledKey, reason: identity.DisabledKey, kind: fault.Unauthenticated},
		"suspended":      {key: identitytest.SuspendedKey, reason: identity.SuspendedAccount, kind: fault.Denied},
		"session":        {key: identitytest.SessionKey, reason: identity.WrongSecurityToken, kind: fault.Unauthenticated},
		"wrong secret":   {secret: "guess", reason: identity.WrongSignature, kind: fault.BadSignature},
		"token":          {before: set("Token", "x"), reason: identity.WrongSecurityToken, kind: fault.Unauthenticated},
		"expired":        {before: stamp(-Window - time.Second), reason: identity.SignatureExpired, kind: fault.Expired},
		"future":         {before: stamp(Window + time.Second), reason: identity.SignatureFromFuture, kind: fault.Expired},
		"value":          {after: replace("InstanceIds.12=b", "InstanceIds.12=c"), reason: identity.WrongSignature, kind: fault.BadSignature},
		"added":          {after: func(r *http.Request) { r.URL.RawQuery += "&DryRun=true" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"twice":          {after: func(r *http.Request) { r.URL.RawQuery += "&Action=TerminateInstances" }, reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"signature away": {after: replace("Signature=", "S="), reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"broken query":   {after: func(r *http.Request) { r.URL.RawQuery += "&x=%zz" }, reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"host":           {after: func(r *http.Request) { r.Host = "bms.example.com" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"path":           {after: func(r *http.Request) { r.URL.Path = "/x" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"method":         {after: func(r *http.Request) { r.Method = "PUT" }, reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"multipart":      {after: func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"json post": {after: func(r *http.Request) { r.Method = "POST"; r.Header.Set("Content-Type", "application/json") }, reason: identity.MissingCredential,
			kind: fault.Unauthenticated},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, secret := identitytest.GoodKey, identitytest.Secret
			if c.key != "" {
				key = c.key
			}
			if c.secret != "" {
				secret = c.secret
			}
			r, body := form("GET", key, secret, c.before)
			if c.after != nil {
				c.after(r)
			}
			caller, err := Verify(r, body, now, identitytest.Set(), "bms")
			require.Nil(t, caller)
			require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
			require.True(t, fault.Is(err, c.kind), "%v", err)
		})
	}
}

func TestV1FormCoversTheQueryToo(t *testing.T) {
	r, body := form("POST", identitytest.GoodKey, identitytest.Secret, nil)
	_, err := Verify(r, body, now, identitytest.Set(), "bms")
	require.NoError(t, err)
	r.URL.RawQuery = "DryRun=true"
	_, err = Verify(r, body, now, identitytest.Set(), "bms")
	require.Equal(t, identity.WrongSignature, identity.ReasonOf(err))
}

// describe is a request of the shape that the vendor's generated clients have.
type describe struct {
	*tchttp.BaseRequest
	InstanceIds []*string `json:"InstanceIds,omitempty" name:"InstanceIds"`
	Alias       *string   `json:"Alias,omitempty" name:"Alias"`
	Limit       *int64    `json:"Limit,omitempty" name:"Limit"`
	DryRun      *bool     `json:"DryRun,omitempty" name:"DryRun"`
}

// TestOfficialSDK sends requests with the vendor's own client through a real listener, in every way that it can sign.
func TestOfficialSDK(t *testing.T) {
	var failure error
	var seen *identity.Caller
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		seen, failure = Verify(r, body, time.Now(), identitytest.Set(), "bms")
		_, _ = w.Write([]byte(`{"Response":{"RequestId":"r"}}`))
	}))
	t.Cleanup(server.Close)
	send := func(cred common.CredentialIface, method, sign string, unsigned bool, host string) {
		p := profile.NewClientProfile()
		p.SignMethod, p.UnsignedPayload, p.DisableRegionBreaker = sign, unsigned, true
		p.HttpProfile.ReqMethod, p.HttpProfile.Endpoint, p.HttpProfile.Scheme = method, strings.TrimPrefix(server.URL, "http://"), "http"
		client := (&common.Client{}).Init("shjr").WithCredential(cred).WithProfile(p)
		req := &describe{BaseRequest: (&tchttp.BaseRequest{}).Init().WithApiInfo("bms", "2018-08-13", "DescribeInstances"), InstanceIds: common.StringPtrs([]string{"bms-831dd691", "bms-2"}),
			Alias: common.StringPtr("a b+c&d=é/%41~"), Limit: common.Int64Ptr(20), DryRun: common.BoolPtr(true)}
		if host != "" {
			req.SetHeader(map[string]string{"Host": host})
		}
		seen, failure = nil, nil
		require.NoError(t, client.Send(req, &tchttp.BaseResponse{}))
	}
	good := common.NewCredential(identitytest.GoodKey, identitytest.Secret)
	for _, method := range []string{"GET", "POST"} {
		for _, sign := range []string{"HmacSHA1", "HmacSHA256", "TC3-HMAC-SHA256"} {
			t.Run(method+" "+sign, func(t *testing.T) {
				send(good, method, sign, false, "")
				require.NoError(t, failure)
				require.Equal(t, identitytest.GoodKey, seen.KeyID)
				require.Equal(t, int64(1000001), seen.AccountNumber)
				send(good, method, sign, false, "BMS.Region1.Example.com:8443")
				require.NoError(t, failure)
				send(common.NewTokenCredential(identitytest.SessionKey, identitytest.Secret, identitytest.SessionToken), method, sign, false, "")
				require.NoError(t, failure)
				send(common.NewCredential(identitytest.GoodKey, "guess"), method, sign, false, "")
				require.Equal(t, identity.WrongSignature, identity.ReasonOf(failure))
				send(common.NewCredential("EC404", identitytest.Secret), method, sign, false, "")
				require.Equal(t, identity.UnknownKey, identity.ReasonOf(failure))
			})
		}
	}
	send(good, "POST", "TC3-HMAC-SHA256", true, "")
	require.NoError(t, failure)
}

// v3 makes a signature v3 by hand.
func v3(keyID, secret, method, query, body string, at time.Time, list string, change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, "https://bms.example.com:8443/?"+query, nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("X-TC-Action", "DescribeInstances")
	if change != nil {
		change(r)
	}
	var lines strings.Builder
	for name := range strings.SplitSeq(list, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		lines.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(value)) + "\n")
	}
	digest := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	if r.Header.Get("X-TC-Content-SHA256") != "" {
		body = r.Header.Get("X-TC-Content-SHA256")
	}
	canonical := strings.Join([]string{method, "/", query, lines.String(), list, digest(body)}, "\n")
	scope := at.UTC().Format("2006-01-02") + "/bms/tc3_request"
	text := strings.Join([]string{"TC3-HMAC-SHA256", strconv.FormatInt(at.Unix(), 10), scope, digest(canonical)}, "\n")
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+keyID+"/"+scope+", SignedHeaders="+list+", Signature="+hex.EncodeToString(hmacSHA256(v3Key(secret, at.UTC().Format("2006-01-02"), "bms"), text)))
	return r
}

func TestV3SignedHeaders(t *testing.T) {
	for _, list := range []string{"content-type;host", "content-type;host;x-tc-action", "content-type;host;x-tc-action;x-tc-timestamp"} {
		_, err := Verify(v3(identitytest.GoodKey, identitytest.Secret, "POST", "", "{}", now, list, nil), []byte("{}"), now, identitytest.Set(), "bms")
		require.NoError(t, err, list)
	}
	for _, list := range []string{"host", "content-type", "x-tc-action"} {
		_, err := Verify(v3(identitytest.GoodKey, identitytest.Secret, "POST", "", "{}", now, list, nil), []byte("{}"), now, identitytest.Set(), "bms")
		require.Equal(t, identity.MalformedCredential, identity.ReasonOf(err), list)
	}
}

func TestV3Refusals(t *testing.T) {
	rewrite := func(old, fresh string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, fresh, 1))
		}
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	cases := map[string]struct {
		key, secret string
		at          time.Time
		before      func(*http.Request)
		after       func(*http.Request)
		body        string
		reason      identity.Reason
		kind        fault.Kind
	}{
		"another algorithm": {after: rewrite("TC3", "TC4"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"skip":              {after: header("Authorization", "SKIP"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"twice":             {after: rewrite(", SignedHeaders", ", SignedHeaders=host, SignedHeaders"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"scope":             {after: rewrite("tc3_request", "tc4_request"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"service":           {after: rewrite("/bms/", "/cvm/"), reason: identity.WrongScope, kind: fault.BadSignature},
		"date":              {after: rewrite("2026-03-04", "2026-03-05"), reason: identity.WrongScope, kind: fault.BadSignature},
		"no timestamp":      {after: func(r *http.Request) { r.Header.Del("X-TC-Timestamp") }, reason: identity.MissingParameter, kind: fault.Unauthenticated},
		"bad timestamp":     {after: header("X-TC-Timestamp", "-1"), reason: identity.MalformedCredential, kind: fault.Unauthenticated},
		"another timestamp": {after: header("X-TC-Timestamp", strconv.FormatInt(now.Unix()+1, 10)), reason: identity.WrongSignature, kind: fault.BadSignature},
		"expired":           {at: now.Add(-Window - time.Second), reason: identity.SignatureExpired, kind: fault.Expired},
		"future":            {at: now.Add(Window + time.Second), reason: identity.SignatureFromFuture, kind: fault.Expired},
		"empty key":         {after: rewrite(identitytest.GoodKey, ""), reason: identity.MalformedKeyID, kind: fault.Unauthenticated},
		"unknown key":       {key: "EC404", reason: identity.UnknownKey, kind: fault.Unauthenticated},
		"disabled key":      {key: identitytest.DisabledKey, reason: identity.DisabledKey, kind: fault.Unauthenticated},
		"suspended":         {key: identitytest.SuspendedKey, reason: identity.SuspendedAccount, kind: fault.Denied},
		"wrong secret":      {secret: "guess", reason: identity.WrongSignature, kind: fault.BadSignature},
		"token":             {before: header("X-TC-Token", "x"), reason: identity.WrongSecurityToken, kind: fault.Unauthenticated},
		"body":              {body: `{"Limit":2}`, reason: identity.WrongSignature, kind: fault.BadSignature},
		"unsigned later":    {after: header("X-TC-Content-SHA256", unsignedPayload), reason: identity.WrongSignature, kind: fault.BadSignature},
		"content type":      {after: header("Content-Type", "text/plain"), reason: identity.WrongSignature, kind: fault.BadSignature},
		"form":              {after: header("Content-Type", typeForm), reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"multipart":         {after: header("Content-Type", "multipart/form-data; boundary=x"), reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"host":              {after: func(r *http.Request) { r.Host = "bms.example.com" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"method":            {after: func(r *http.Request) { r.Method = "DELETE" }, reason: identity.UnsupportedScheme, kind: fault.Unauthenticated},
		"get":               {after: func(r *http.Request) { r.Method = "GET" }, reason: identity.WrongSignature, kind: fault.BadSignature},
		"signed action":     {after: header("X-TC-Action", "TerminateInstances"), reason: identity.WrongSignature, kind: fault.BadSignature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, secret, at := identitytest.GoodKey, identitytest.Secret, now
			if c.key != "" {
				key = c.key
			}
			if c.secret != "" {
				secret = c.secret
			}
			if !c.at.IsZero() {
				at = c.at
			}
			r := v3(key, secret, "POST", "", "{}", at, "content-type;host;x-tc-action", c.before)
			if c.after != nil {
				c.after(r)
			}
			body := "{}"
			if c.body != "" {
				body = c.body
			}
			caller, err := Verify(r, []byte(body), now, identitytest.Set(), "bms")
			require.Nil(t, caller)
			require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
			require.True(t, fault.Is(err, c.kind), "%v", err)
		})
	}
	r := v3(identitytest.GoodKey, identitytest.Secret, "GET", "Limit=2", "", now, "content-type;host", header("Content-Type", typeForm))
	_, err := Verify(r, nil, now, identitytest.Set(), "bms")
	require.NoError(t, err)
	r.URL.RawQuery = "Limit=3"
	_, err = Verify(r, nil, now, identitytest.Set(), "bms")
	require.Equal(t, identity.WrongSignature, identity.ReasonOf(err))
}

func TestEveryReasonOfTheDoorHasACode(t *testing.T) {
	foreign := []identity.Reason{identity.InvalidToken, identity.ExpiredToken, identity.UnscopedToken, identity.WrongPassword, identity.TooManyLoginFailures}
	for _, reason := range identity.Reasons() {
		code, ok := Answer(reason)
		require.Equal(t, !slices.Contains(foreign, reason), ok, reason)
		require.Equal(t, ok, code != "", reason)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("GET", "Action=A&SecretId="+docID+"&Signature=x&Timestamp=1772600767&Nonce=1", "", "", "", []byte(nil))
	f.Add("POST", "", "application/json", "TC3-HMAC-SHA256 Credential="+docID+"/2026-03-04/bms/tc3_request, SignedHeaders=content-type;host, Signature="+strings.Repeat("0", 64), "1772600767", []byte("{}"))
	f.Add("POST", "", typeForm, "", "", []byte("SecretId=a&Signature=%"))
	f.Fuzz(func(t *testing.T, method, query, contentType, authorization, stamp string, body []byte) {
		r := &http.Request{Method: method, Host: "h", URL: &url.URL{Path: "/", RawQuery: query}, Body: io.NopCloser(bytes.NewReader(body)),
			Header: http.Header{"Authorization": {authorization}, "X-Tc-Timestamp": {stamp}, "Content-Type": {contentType}}}
		caller, err := Verify(r, body, now, docKeys, "bms")
		if err == nil || caller != nil {
			t.Fatalf("a signature was guessed: %q", authorization)
		}
		if identity.ReasonOf(err) == "" {
			t.Fatalf("no reason: %v", err)
		}
	})
}
