package sdkhmac

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/golangsdk"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/cloud/identity/identitytest"
)

// derived lets the older client sign a request, and gives it as our server reads it.
func derived(t *testing.T, secret, method, target, body string, headers map[string]string) (*http.Request, []byte) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = bytes.NewReader([]byte(body))
	}
	r, err := http.NewRequest(method, target, reader)
	require.NoError(t, err)
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	golangsdk.Sign(r, golangsdk.SignOptions{AccessKey: identitytest.GoodKey, SecretKey: secret, RegionName: headers["Region"]})
	r.Header.Del("Host") // the wire has it once, as the request's own
	return r, []byte(body)
}

func TestDerivedKeySigner(t *testing.T) {
	const base = "https://iecs.example.com:443"
	cases := map[string]struct {
		method, target, body string
		headers              map[string]string
	}{
		"get":               {"GET", base + "/v1/vpcs", "", nil},
		"query":             {"GET", base + "/v1/ports?network_id=a&fixed_ips=ip_address%3D10.0.0.1&Limit=5", "", nil},
		"body":              {"POST", base + "/v1/vpcs", `{"vpc":{"name":"你"}}`, map[string]string{"Content-Type": "application/json"}},
		"post without body": {"POST", base + "/v1/x?a=b%20c&A=2", "", nil},
		"odd path":          {"GET", base + "/v1/os-keypairs/a%20b+c:d", "", nil},
		"blanks":            {"DELETE", base + "/v1/vpcs/1/", "", map[string]string{"User-Agent": "a   b"}},
		"region":            {"GET", base + "/v3/projects?name=region-1", "", map[string]string{"Region": "region-1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, body := derived(t, identitytest.Secret, c.method, c.target, c.body, c.headers)
			key, err := Verify(r, body, time.Now(), identitytest.Set())
			require.NoError(t, err)
			require.Equal(t, identitytest.GoodKey, key.ID)
		})
	}
}

func TestDerivedKeyRefusals(t *testing.T) {
	rewrite := func(old, fresh string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, fresh, 1))
		}
	}
	cases := map[string]struct {
		secret string
		change func(*http.Request)
		reason identity.Reason
	}{
		"wrong secret":     {secret: "guess", reason: identity.WrongSignature},
		"another value":    {change: func(r *http.Request) { r.URL.RawQuery += "&a=3" }, reason: identity.WrongSignature},
		"another header":   {change: func(r *http.Request) { r.Header.Add("User-Agent", "x") }, reason: identity.WrongSignature},
		"another path":     {change: func(r *http.Request) { r.URL.Path += "x" }, reason: identity.WrongSignature},
		"another region":   {change: rewrite("///sdk_request", "/r//sdk_request"), reason: identity.WrongSignature},
		"another end":      {change: rewrite("sdk_request", "aws4_request"), reason: identity.MalformedCredential},
		"no scope":         {change: rewrite("///sdk_request", ""), reason: identity.MalformedCredential},
		"beside an access": {change: rewrite("Credential=", "Access=x, Credential="), reason: identity.MalformedCredential},
		"another day":      {change: rewrite("/"+time.Now().UTC().Format("20060102"), "/20200101"), reason: identity.MalformedCredential},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			secret := identitytest.Secret
			if c.secret != "" {
				secret = c.secret
			}
			r, body := derived(t, secret, "GET", "https://iecs.example.com/v1/x?a=1", "", map[string]string{"User-Agent": "sdk"})
			if c.change != nil {
				c.change(r)
			}
			_, err := Verify(r, body, time.Now(), identitytest.Set())
			require.Equal(t, c.reason, identity.ReasonOf(err), "%v", err)
		})
	}
}
