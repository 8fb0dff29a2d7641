package iec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/global"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/config"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/impl"
	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/iec"
	"edgecloud/store"
	"edgecloud/store/storetest"
)

const password = "correct horse battery"

// cloud is a real identity behind a real listener, with two tenants.
type cloud struct {
	url    string
	clock  *storetest.Clock
	id     *identity.Identity
	first  *identity.FirstAdmin
	acme   tenant
	globex tenant
}

type tenant struct {
	account *identity.Account
	user    *identity.User
	project *identity.Project
	key     string
	secret  string
}

func start(t *testing.T) *cloud {
	t.Helper()
	ctx := context.Background()
	clock := storetest.NewClock()
	clock.Advance(time.Since(clock.Now())) // the vendor's SDK signs by the real clock
	db := storetest.OpenSQLite(t, store.Config{Migrations: []store.MigrationSet{identity.Migrations()}, Now: clock.Now})
	ring, err := store.NewKeyring()
	require.NoError(t, err)
	c := &cloud{clock: clock, id: identity.New(db, ring, identity.WithRegion("cn-test-1"))}
	c.first, err = c.id.EnsureAdmin(ctx)
	require.NoError(t, err)
	c.acme, c.globex = c.tenant(t, "acme"), c.tenant(t, "globex")
	server := httptest.NewServer(iec.NewIAM(c.id, func(r *http.Request) []iec.Service {
		return []iec.Service{{ID: "1", Name: "iecs", Type: "iec", Endpoints: []iec.Endpoint{{ID: "2", Region: "*", URL: "http://" + r.Host + "/v1"}}}}
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *cloud) tenant(t *testing.T, name string) tenant {
	t.Helper()
	ctx, root := context.Background(), c.first.Key.Caller("admin")
	a, err := c.id.CreateAccount(ctx, root, name)
	require.NoError(t, err)
	u, err := c.id.CreateUser(ctx, root, identity.NewUser{Account: a.UID, Name: name + "-user", Role: identity.Member, Password: password})
	require.NoError(t, err)
	k, secret, err := c.id.CreateKey(ctx, root, u.UID)
	require.NoError(t, err)
	p, err := c.id.Projects(ctx, root, a.UID, "cn-test-1")
	require.NoError(t, err)
	return tenant{account: a, user: u, project: p[0], key: k.ID, secret: secret}
}

// call sends a request as golangsdk does and decodes the answer.
func (c *cloud) call(t *testing.T, method, path, token, subject, body string) (*http.Response, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range map[string]string{"X-Auth-Token": token, "X-Subject-Token": subject, "Content-Type": "application/json"} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.NotEmpty(t, answer.Header.Get("X-Request-Id"))
	out := map[string]any{}
	if len(text) > 0 {
		require.Contains(t, answer.Header.Get("Content-Type"), "application/json")
		require.NoError(t, json.NewDecoder(bytes.NewReader(text)).Decode(&out), "%s", text)
	}
	return answer, out
}

func dig(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

const documented = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"acme-user","password":"` + password + `","domain":{"name":"acme"}}}},"scope":{"domain":{"name":"acme"}}}}` + "\n"

func TestTheDocumentedLogin(t *testing.T) {
	c := start(t)
	answer, body := c.call(t, "POST", "/v3/auth/tokens", "", "", documented)
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	token := answer.Header.Get("X-Subject-Token")
	require.NotEmpty(t, token)
	require.Equal(t, c.acme.user.UID, dig(body, "token", "user", "id"))
	require.Equal(t, "acme", dig(body, "token", "user", "domain", "name"))
	require.Equal(t, c.acme.account.UID, dig(body, "token", "domain", "id"))
	require.Nil(t, dig(body, "token", "project"))
	require.Equal(t, []any{"password"}, dig(body, "token", "methods"))
	expires, err := time.Parse(time.RFC3339, dig(body, "token", "expires_at").(string))
	require.NoError(t, err)
	require.WithinDuration(t, c.id.Now().Add(24*time.Hour), expires, 0)
	entry := dig(body, "token", "catalog").([]any)[0]
	require.Equal(t, "iec", dig(entry, "type"))
	endpoint := dig(entry, "endpoints").([]any)[0]
	require.Equal(t, c.url+"/v1", dig(endpoint, "url"))
	require.Equal(t, "public", dig(endpoint, "interface"))
	require.NotEmpty(t, dig(body, "token", "roles"))

	proven, err := c.id.Token(context.Background(), token)
	require.NoError(t, err)
	require.Equal(t, c.acme.account.UID, proven.Account)
}

func TestScopesAndMethods(t *testing.T) {
	c := start(t)
	by := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"` + c.acme.user.UID + `","password":"` + password + `"}}}`
	_, body := c.call(t, "POST", "/v3/auth/tokens", "", "", by+`,"scope":{"project":{"name":"cn-test-1","domain":{"id":"`+c.acme.account.UID+`"}}}}}`)
	require.Equal(t, c.acme.project.UID, dig(body, "token", "project", "id"))
	require.Equal(t, c.acme.account.UID, dig(body, "token", "project", "domain", "id"))
	_, body = c.call(t, "POST", "/v3/auth/tokens?nocatalog", "", "", by+`,"scope":{"project":{"id":"`+c.acme.project.UID+`"}}}}`)
	require.Equal(t, "cn-test-1", dig(body, "token", "project", "name"))
	require.Empty(t, dig(body, "token", "catalog"))
	answer, body := c.call(t, "POST", "/v3/auth/tokens", "", "", by+`}}`)
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Nil(t, dig(body, "token", "domain"))
	require.Empty(t, dig(body, "token", "catalog"))

	unscoped := answer.Header.Get("X-Subject-Token")
	answer, body = c.call(t, "POST", "/v3/auth/tokens", "", "", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+unscoped+`"}},"scope":{"domain":{"id":"`+c.acme.account.UID+`"}}}}`)
	require.Equal(t, http.StatusCreated, answer.StatusCode)
	require.Equal(t, []any{"token"}, dig(body, "token", "methods"))
	require.Equal(t, "acme", dig(body, "token", "domain", "name"))
}

func TestRefusedLogins(t *testing.T) {
	c := start(t)
	replace := func(old, fresh string) string {
		require.Contains(t, documented, old)
		return strings.Replace(documented, old, fresh, 1)
	}
	cases := map[string]struct {
		body   string
		status int
		code   string
		says   string
	}{
		"wrong password":  {replace(password, "guess"), 401, "IAM.0001", "wrong"},
		"unknown user":    {replace("acme-user", "nobody"), 401, "IAM.0001", "wrong"},
		"foreign scope":   {replace(`"scope":{"domain":{"name":"acme"`, `"scope":{"domain":{"name":"globex"`), 403, "IAM.0003", "scope"},
		"empty scope":     {replace(`"scope":{"domain":{"name":"acme"}}`, `"scope":{"domain":{}}`), 400, "IAM.0007", "auth.scope.domain"},
		"both scopes":     {replace(`"scope":{`, `"scope":{"project":{"name":"x"},`), 400, "IAM.0007", "auth.scope"},
		"no method":       {replace(`["password"]`, `[]`), 400, "IAM.0007", "methods"},
		"unknown method":  {replace(`["password"]`, `["totp"]`), 400, "IAM.0007", "methods"},
		"agency":          {replace(`["password"]`, `["assume_role"]`), 400, "IAM.0007", "assume_role"},
		"no user":         {replace(`"password":{"user"`, `"password":{"usr"`), 400, "IAM.0007", "password.user"},
		"no domain":       {replace(`,"domain":{"name":"acme"}}}}`, `}}}`), 400, "IAM.0007", "domain"},
		"no token":        {`{"auth":{"identity":{"methods":["token"]}}}`, 400, "IAM.0007", "token.id"},
		"a guessed token": {`{"auth":{"identity":{"methods":["token"],"token":{"id":"guess"}}}}`, 401, "IAM.0001", "token"},
		"no JSON":         {"{", 400, "IAM.0007", "JSON"},
		"empty":           {"", 400, "IAM.0007", "JSON"},
		"too long":        {`{"auth":"` + strings.Repeat("x", 70<<10) + `"}`, 400, "IAM.0007", "JSON"},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			answer, body := c.call(t, "POST", "/v3/auth/tokens", "", "", k.body)
			require.Equal(t, k.status, answer.StatusCode, "%v", body)
			require.Equal(t, k.code, body["error_code"])
			require.Contains(t, body["error_msg"], k.says)
			require.Empty(t, answer.Header.Get("X-Subject-Token"))
		})
	}
}

func TestValidateAndRevoke(t *testing.T) {
	c := start(t)
	login := func(name string) string {
		answer, _ := c.call(t, "POST", "/v3/auth/tokens", "", "", strings.ReplaceAll(documented, "acme", name))
		require.Equal(t, http.StatusCreated, answer.StatusCode)
		return answer.Header.Get("X-Subject-Token")
	}
	mine, also, foreign := login("acme"), login("acme"), login("globex")
	for _, subject := range []string{mine, also} {
		answer, body := c.call(t, "GET", "/v3/auth/tokens", mine, subject, "")
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, subject, answer.Header.Get("X-Subject-Token"))
		require.Equal(t, c.acme.user.UID, dig(body, "token", "user", "id"))
	}
	answer, theirs := c.call(t, "GET", "/v3/auth/tokens", mine, foreign, "")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	answer, absent := c.call(t, "GET", "/v3/auth/tokens", mine, "guess", "")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	require.Equal(t, absent, theirs, "foreign and absent look the same")
	answer, _ = c.call(t, "DELETE", "/v3/auth/tokens", mine, foreign, "")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	answer, _ = c.call(t, "GET", "/v3/auth/tokens", mine, "", "")
	require.Equal(t, http.StatusBadRequest, answer.StatusCode)
	answer, _ = c.call(t, "GET", "/v3/auth/tokens", "", mine, "")
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	answer, _ = c.call(t, "DELETE", "/v3/auth/tokens", mine, also, "")
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	answer, body := c.call(t, "GET", "/v3/auth/domains", also, "", "")
	require.Equal(t, http.StatusUnauthorized, answer.StatusCode)
	require.Equal(t, "IAM.0001", body["error_code"])
	answer, _ = c.call(t, "GET", "/v3/auth/tokens", foreign, foreign, "")
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

func TestLists(t *testing.T) {
	c := start(t)
	answer, _ := c.call(t, "POST", "/v3/auth/tokens", "", "", documented)
	token := answer.Header.Get("X-Subject-Token")
	ids := func(path, key string) []string {
		answer, body := c.call(t, "GET", path, token, "", "")
		require.Equal(t, http.StatusOK, answer.StatusCode, path)
		out := []string{}
		for _, e := range body[key].([]any) {
			out = append(out, dig(e, "id").(string))
		}
		return out
	}
	require.Equal(t, []string{c.acme.account.UID}, ids("/v3/auth/domains", "domains"))
	require.Equal(t, []string{c.acme.project.UID}, ids("/v3/auth/projects", "projects"))
	require.Equal(t, []string{c.acme.project.UID}, ids("/v3/projects?name=cn-test-1&domain_id="+c.acme.account.UID, "projects"))
	require.Empty(t, ids("/v3/projects?name=none", "projects"))
	require.Empty(t, ids("/v3/projects?domain_id="+c.globex.account.UID, "projects"))
	require.Equal(t, []string{c.acme.user.UID}, ids("/v3/users?name=acme-user", "users"))
	require.Empty(t, ids("/v3/users?domain_id="+c.globex.account.UID, "users"))
	answer, _ = c.call(t, "GET", "/v3/projects/"+c.acme.project.UID, token, "", "")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	answer, _ = c.call(t, "GET", "/v3/projects/"+c.globex.project.UID, token, "", "")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	answer, body := c.call(t, "GET", "/v3/auth/catalog", token, "", "")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Len(t, body["catalog"], 1)
	answer, _ = c.call(t, "GET", "/v3/nothing", token, "", "")
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
}

func TestVersionDiscovery(t *testing.T) {
	c := start(t)
	answer, body := c.call(t, "GET", "/", "", "", "")
	require.Equal(t, http.StatusMultipleChoices, answer.StatusCode)
	value := dig(body, "versions", "values").([]any)[0]
	require.Equal(t, c.url+"/v3/", dig(dig(value, "links").([]any)[0], "href"))
	require.Equal(t, "stable", dig(value, "status"))
	for _, path := range []string{"/v3", "/v3/"} {
		answer, body = c.call(t, "GET", path, "", "", "")
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, "v3.6", dig(body, "version", "id"))
	}
}

// TestOfficialSDKLooksUpAccountAndProject lets the vendor's SDK do what it does before its first call with AK and SK.
func TestOfficialSDKLooksUpAccountAndProject(t *testing.T) {
	c := start(t)
	client := impl.NewDefaultHttpClient(config.DefaultHttpConfig())
	lookUp := func(cred auth.ICredential) (auth.ICredential, error) {
		return cred.ProcessAuthParams(client, "cn-test-1")
	}
	account, err := global.NewCredentialsBuilder().WithAk(c.acme.key).WithSk(c.acme.secret).WithIamEndpointOverride(c.url).SafeBuild()
	require.NoError(t, err)
	found, err := lookUp(account)
	require.NoError(t, err)
	require.Equal(t, c.acme.account.UID, found.(*global.Credentials).DomainId)

	project, err := basic.NewCredentialsBuilder().WithAk(c.acme.key).WithSk(c.acme.secret).WithIamEndpointOverride(c.url).SafeBuild()
	require.NoError(t, err)
	found, err = lookUp(project)
	require.NoError(t, err)
	require.Equal(t, c.acme.project.UID, found.(*basic.Credentials).ProjectId)

	wrong, err := global.NewCredentialsBuilder().WithAk(c.globex.key).WithSk("guess").WithIamEndpointOverride(c.url).SafeBuild()
	require.NoError(t, err)
	_, err = lookUp(wrong)
	require.ErrorContains(t, err, "APIGW.0301")
}
