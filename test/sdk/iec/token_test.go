package iec_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
)

// TestLoginAtEveryAddress logs in at the identity service and at IEC's own address, and calls IEC with either token.
func TestLoginAtEveryAddress(t *testing.T) {
	n := newTenant(t)
	operator := &identity.Caller{Account: n.Admin.Account.UID, User: n.Admin.User.UID, Role: identity.Admin, Operator: true}
	_, err := n.Control.Identity.CreateUser(t.Context(), operator, identity.NewUser{Account: n.caller.Account, Name: "console", Role: identity.Member, Password: "Str0ng-pass!"})
	require.NoError(t, err)
	login := func(door, password string) *http.Response {
		body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"console","password":"` + password + `","domain":{"name":"tenant"}}}},"scope":{"domain":{"name":"tenant"}}}}`
		r, err := http.Post(n.URL[door]+"/v3/auth/tokens", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		t.Cleanup(func() { r.Body.Close() })
		return r
	}
	for _, door := range []string{"iam", "iec"} {
		r := login(door, "Str0ng-pass!")
		require.Equal(t, http.StatusCreated, r.StatusCode)
		token := r.Header.Get("X-Subject-Token")
		require.NotEmpty(t, token)
		var said struct {
			Token struct {
				User struct{ Name string }
			}
		}
		require.NoError(t, json.NewDecoder(r.Body).Decode(&said))
		require.Equal(t, "console", said.Token.User.Name)
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.URL["iec"]+"/v1/sites", nil)
		require.NoError(t, err)
		q.Header.Set("X-Auth-Token", token)
		listed, err := http.DefaultClient.Do(q)
		require.NoError(t, err)
		listed.Body.Close()
		require.Equal(t, http.StatusOK, listed.StatusCode)

		r = login(door, "wrong")
		require.Equal(t, http.StatusUnauthorized, r.StatusCode)
		var refused struct {
			Code string `json:"error_code"`
		}
		require.NoError(t, json.NewDecoder(r.Body).Decode(&refused))
		require.Equal(t, "IAM.0001", refused.Code)
	}
}
