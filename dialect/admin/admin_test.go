package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/controlplane/controlplanetest"
	"edgecloud/store"
)

// client calls the admin API with a bearer token.
type client struct {
	t     *testing.T
	url   string
	token string
}

type object = map[string]any

// call sends a request, expects a status, and gives the answer.
func (c client) call(status int, method, path string, body any) object {
	c.t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(c.t, err)
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/admin/v1"+path, payload)
	require.NoError(c.t, err)
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.answer(status, r)
}

// answer sends a request, expects a status, and gives what is answered.
func (c client) answer(status int, r *http.Request) (out object) {
	c.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, status, answer.StatusCode, "%s %s: %s", r.Method, r.URL, text)
	if len(text) > 0 {
		require.NoError(c.t, json.Unmarshal(text, &out))
	}
	return out
}

func login(t *testing.T, cloud *controlplanetest.Cloud, account, user, password string) client {
	c := client{t: t, url: cloud.URL["admin"]}
	c.token = c.call(201, "POST", "/tokens", object{"account": account, "user": user, "password": password})["token"].(string)
	return c
}

func operator(t *testing.T) (client, *controlplanetest.Cloud) {
	cloud := controlplanetest.Start(t, nil)
	return login(t, cloud, cloud.Admin.Account.Name, cloud.Admin.User.Name, cloud.Admin.Password), cloud
}

func TestAccountsUsersAndKeys(t *testing.T) {
	op, cloud := operator(t)
	made := op.call(201, "POST", "/accounts", object{"name": "acme", "user": object{"name": "ops", "role": "member", "password": "Str0ng-pass!"}})
	account, user := made["account"].(object)["id"].(string), made["user"].(object)["id"].(string)
	op.call(409, "POST", "/accounts", object{"name": "acme"})
	require.Len(t, op.call(200, "GET", "/accounts", nil)["accounts"], 2)
	first := op.call(200, "GET", "/accounts?limit=1", nil)
	second := op.call(200, "GET", "/accounts?limit=1&marker="+first["next"].(string), nil)
	require.Equal(t, account, second["accounts"].([]any)[0].(object)["id"])
	require.NotContains(t, second, "next")

	key := op.call(201, "POST", "/users/"+user+"/access-keys", nil)
	id := key["id"].(string)
	require.NotEmpty(t, key["secret"])
	require.NotContains(t, op.call(200, "GET", "/users/"+user+"/access-keys", nil)["accessKeys"].([]any)[0], "secret")
	require.Equal(t, false, op.call(200, "PATCH", "/access-keys/"+id, object{"enabled": false})["enabled"])

	tenant := login(t, cloud, "acme", "ops", "Str0ng-pass!")
	require.Len(t, tenant.call(200, "GET", "/accounts", nil)["accounts"], 1)
	tenant.call(404, "GET", "/accounts/"+cloud.Admin.Account.UID, nil)
	tenant.call(403, "POST", "/accounts", object{"name": "other"})
	tenant.call(403, "GET", "/hosts", nil)
	tenant.call(403, "GET", "/sites", nil)

	op.call(204, "DELETE", "/access-keys/"+id, nil)
	op.call(404, "DELETE", "/access-keys/"+id, nil)
	require.Equal(t, true, op.call(200, "PATCH", "/users/"+user, object{"disabled": true})["disabled"])
	tenant.call(401, "GET", "/accounts", nil)
	require.Equal(t, true, op.call(200, "PATCH", "/accounts/"+account, object{"suspended": true})["suspended"])
	client{t: t, url: op.url}.call(401, "POST", "/tokens", object{"account": "acme", "user": "ops", "password": "wrong"})
	client{t: t, url: op.url}.call(401, "GET", "/accounts", nil)
}

func TestEveryChangeIsNotedOnce(t *testing.T) {
	op, _ := operator(t)
	op.call(201, "POST", "/accounts", object{"name": "acme"})
	op.call(409, "POST", "/accounts", object{"name": "acme"})
	var got []string
	for _, e := range op.call(200, "GET", "/events", nil)["events"].([]any) {
		if e.(object)["dialect"] == "admin" {
			got = append(got, e.(object)["operation"].(string)+" "+e.(object)["result"].(string))
		}
	}
	require.Equal(t, []string{"createAccount exists", "createAccount ok"}, got)
	require.Len(t, op.call(200, "GET", "/events?limit=1", nil)["events"], 1)
}

func TestPlaces(t *testing.T) {
	op, _ := operator(t)
	line := object{"carrier": "CHINA_TELECOM", "physicalNetwork": "provider", "prefix": "198.51.100.0/24", "gateway": "198.51.100.1", "first": "198.51.100.10", "last": "198.51.100.99", "snat": true}
	site := op.call(201, "POST", "/sites", object{"name": "cn-test-ct", "city": "TEST", "carrier": "CHINA_TELECOM", "lines": []any{line}})
	require.Equal(t, "198.51.100.99", site["lines"].([]any)[0].(object)["last"])
	require.Equal(t, true, site["lines"].([]any)[0].(object)["snat"])
	op.call(409, "POST", "/sites", object{"name": "cn-test-ct", "carrier": "CHINA_TELECOM"})
	op.call(409, "PATCH", "/sites/cn-test-ct", object{"lines": []any{line}})
	require.Equal(t, false, op.call(200, "PATCH", "/sites/cn-test-ct", object{"enabled": false})["enabled"])
	require.Equal(t, false, op.call(200, "GET", "/sites/cn-test-ct", nil)["enabled"])
	refused := op.call(409, "POST", "/sites/cn-test-ct/join-tokens", object{})["error"].(object)
	require.Contains(t, refused["message"], "edgecloud control", "a cloud in one process")

	hosts := op.call(200, "GET", "/hosts?site=cn-hangzhou-cm", nil)["hosts"].([]any)
	require.Len(t, hosts, 2)
	name := hosts[0].(object)["name"].(string)
	require.Equal(t, false, op.call(200, "PATCH", "/hosts/"+name, object{"enabled": false})["enabled"])
	op.call(204, "DELETE", "/hosts/"+name, nil)
	op.call(404, "GET", "/hosts/"+name, nil)
}

func TestFurtherNamesOfAnImage(t *testing.T) {
	op, _ := operator(t)
	image := op.call(200, "GET", "/images", nil)["images"].([]any)[0].(object)
	other := op.call(200, "GET", "/images", nil)["images"].([]any)[1].(object)
	names := "/images/" + image["id"].(string) + "/names"
	require.Equal(t, []any{"First 1", "Second 2"}, op.call(200, "PUT", names, object{"names": []any{"First 1", "Second 2"}})["names"])
	require.Equal(t, image["sha256"], op.call(200, "GET", "/images/First%201", nil)["sha256"])
	kept := op.call(200, "GET", "/images/Second%202", nil)["id"]
	require.Equal(t, []any{"Second 2", "Third 3"}, op.call(200, "PUT", names, object{"names": []any{"Third 3", "Second 2"}})["names"])
	require.Equal(t, kept, op.call(200, "GET", "/images/Second%202", nil)["id"], "a name that stays is the same image")
	op.call(404, "GET", "/images/First%201", nil)
	for status, bad := range map[int][]any{409: {other["name"]}, 400: {"twice", "twice"}} {
		require.Equal(t, "names", op.call(status, "PUT", names, object{"names": bad})["error"].(object)["field"])
	}
	op.call(404, "PUT", "/images/none/names", object{"names": []any{"x"}})
	require.Empty(t, op.call(200, "PUT", names, object{"names": []any{}})["names"])
}

func TestFaultsOfTheSimulatedWorld(t *testing.T) {
	op, _ := operator(t)
	require.Empty(t, op.call(200, "GET", "/sim/faults", nil)["faults"])
	made := op.call(201, "POST", "/sim/faults", object{"op": "hypervisor.start", "effect": "failLate", "host": "cn-hangzhou-cm-1", "count": 2, "probability": 0.5})
	require.Equal(t, object{"id": made["id"], "op": "hypervisor.start", "effect": "failLate", "host": "cn-hangzhou-cm-1", "count": 2.0, "probability": 0.5}, made)
	second := op.call(201, "POST", "/sim/faults", object{"effect": "full"})
	require.Equal(t, []any{made, second}, op.call(200, "GET", "/sim/faults", nil)["faults"])
	op.call(204, "DELETE", "/sim/faults/"+made["id"].(string), nil)
	op.call(404, "DELETE", "/sim/faults/"+made["id"].(string), nil)
	for field, body := range map[string]object{"op": {"op": "hypervisor.fly", "effect": "fail"}, "host": {"host": "nowhere", "effect": "fail"}, "effect": {"effect": "melt"}} {
		require.Equal(t, field, op.call(400, "POST", "/sim/faults", body)["error"].(object)["field"])
	}
	op.call(204, "DELETE", "/sim/faults", nil)
	require.Empty(t, op.call(200, "GET", "/sim/faults", nil)["faults"])
}

func TestConsistency(t *testing.T) {
	op, cloud := operator(t)
	report := op.call(200, "GET", "/check?settled=true", nil)
	require.Empty(t, report["findings"])
	all := report["rules"].(float64)
	require.Less(t, op.call(200, "GET", "/check", nil)["rules"].(float64), all)
	host := op.call(200, "GET", "/hosts", nil)["hosts"].([]any)[0].(object)["id"]
	require.NoError(t, cloud.Control.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.NewRaw("UPDATE hosts SET instances = 1 WHERE uid = ?", host).Exec(ctx)
		return err
	}))
	found := op.call(200, "GET", "/check", nil)["findings"].([]any)
	require.Len(t, found, 1)
	require.Equal(t, host, found[0].(object)["uid"])
}

func TestFlavorsImagesAndQuotas(t *testing.T) {
	op, cloud := operator(t)
	flavor := op.call(201, "POST", "/flavors", object{"name": "own.c1m1", "family": "own", "vcpus": 1, "memoryMiB": 1024})
	op.call(409, "POST", "/flavors", object{"name": "own.c1m1", "vcpus": 1, "memoryMiB": 1024})
	op.call(400, "POST", "/flavors", object{"name": "own.c0m1", "vcpus": 0, "memoryMiB": 1024})
	require.Equal(t, false, op.call(200, "PATCH", "/flavors/"+flavor["id"].(string), object{"enabled": false})["enabled"])
	op.call(404, "PATCH", "/flavors/none", object{"enabled": false})

	images := op.call(200, "GET", "/images", nil)["images"].([]any)
	require.NotEmpty(t, images)
	id := images[0].(object)["id"].(string)
	require.Equal(t, id, op.call(200, "GET", "/images/"+id, nil)["id"])
	op.call(204, "DELETE", "/images/"+id, nil)
	require.Len(t, op.call(200, "GET", "/images", nil)["images"], len(images)-1)

	account := cloud.Admin.Account.UID
	require.EqualValues(t, 7, op.call(200, "PUT", "/accounts/"+account+"/quotas/instances", object{"limit": 7})["limit"])
	op.call(400, "PUT", "/accounts/"+account+"/quotas/nothing", object{"limit": 7})
	require.NotEmpty(t, op.call(200, "GET", "/accounts/"+account+"/quotas", nil)["quotas"])
}

func TestHealthNeedsNobody(t *testing.T) {
	op, _ := operator(t)
	op.token = ""
	require.Equal(t, "ok", op.call(200, "GET", "/health", nil)["status"])
	require.Equal(t, "ready", op.call(200, "GET", "/ready", nil)["status"])
}
