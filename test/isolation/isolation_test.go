package isolation

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/controlplane/controlplanetest"
	"edgecloud/onebox"
)

// world is one cloud with everybody who calls.
type world struct {
	*controlplanetest.Cloud
	t       *testing.T
	a, b    *tenant
	strange map[string]signer // who must not get in, by what is wrong
	reader  signer
}

// start starts a cloud. Of 1.0's operations this one alone describes its errors, without the members that all others' have (conventions, section 6): codeOf holds
// them to those instead.
func start(t *testing.T) *controlplanetest.Cloud {
	return controlplanetest.Start(t, func(cfg *onebox.Config) {
		check := cfg.Control.Answered
		cfg.Control.Answered = func(op *contract.Operation, status int, header http.Header, body []byte) {
			if op.Key != "bec/v1/node.listAvailableNodes" || status < 400 {
				check(op, status, header, body)
			}
		}
	})
}

func newWorld(t *testing.T) *world {
	c := start(t)
	w := &world{Cloud: c, t: t, a: newTenant(t, c, "alpha"), b: newTenant(t, c, "beta")}
	_, w.reader = w.a.addUser("reader", identity.Reader)
	_, disabled := w.a.addUser("disabled", identity.Member)
	require.NoError(t, c.Control.Identity.EnableKey(t.Context(), operator(c), disabled.id, false))
	suspended := newTenant(t, c, "suspended")
	require.NoError(t, c.Control.Identity.SuspendAccount(t.Context(), operator(c), suspended.caller.Account, true))
	good := w.a.signer
	unknown := rotate(good.id)
	w.strange = map[string]signer{"unsigned": {unsigned: true}, "wrong secret": {id: good.id, secret: w.b.secret}, "wrong signature": {id: good.id, secret: good.secret, spoil: true},
		"expired": {id: good.id, secret: good.secret, at: time.Now().Add(-2 * time.Hour)}, "unknown key": {id: unknown, secret: good.secret}, "disabled key": disabled,
		"suspended account": suspended.signer}
	return w
}

// built lists the bound operations, the admin API's last: they switch parts of the cloud off.
func (w *world) built() []*contract.Operation {
	keys := slices.Sorted(maps.Keys(w.Control.Bound()))
	slices.SortStableFunc(keys, func(a, b string) int {
		return strings.Compare(order(a), order(b))
	})
	var all []*contract.Operation
	for _, key := range keys {
		d, err := contract.Load(dialectOf(key))
		require.NoError(w.t, err)
		all = append(all, d.Operation(key))
	}
	return all
}

func order(key string) string {
	place := 0
	if dialectOf(key) == "admin" {
		place = 1
		if _, id, _ := strings.Cut(key, "."); !strings.HasPrefix(id, "get") && !strings.HasPrefix(id, "list") {
			place = 2
		}
	}
	return fmt.Sprint(place)
}

func dialectOf(key string) string {
	name, _, _ := strings.Cut(key, "/")
	return name
}

func mutates(op *contract.Operation) bool { return op.Method != "GET" && op.ID != "encryptCipher" }

func TestEveryBuiltOperationIsClosedToOthers(t *testing.T) {
	w := newWorld(t)
	for _, named := range []map[string]string{kinds, special} {
		for _, kind := range slices.Sorted(maps.Values(named)) {
			w.a.of(kind)
			w.b.of(kind)
		}
	}
	ops := w.built()
	require.NotEmpty(t, ops)
	for _, op := range ops {
		t.Run(op.Key, func(t *testing.T) { w.check(t, op) })
	}
	t.Logf("%d operations", len(ops))
}

// check runs all checks of one operation but the own call.
func (w *world) check(t *testing.T, op *contract.Operation) {
	if d := dialectOf(op.Key); d != "bec" && d != "admin" && d != "iec" {
		t.Fatalf("this test cannot sign for %s", d)
	}
	if op.NoAuth {
		require.True(t, open[op.Key], "the operation takes no credential, and no table says that it need not")
		return
	}
	all, err := requests(op)
	require.NoError(t, err)
	for k, r := range all {
		r.build(&filler{of: w.a.of, used: map[string]bool{}, password: password}) // what it names is there before
		before := w.dump(w.a)
		w.checkStrangers(t, r)
		if mutates(op) {
			w.checkReader(t, r)
		}
		w.checkForeign(t, r)
		require.Equal(t, before, w.dump(w.a), "request %d changed what is another account's", k)
	}
}

// call sends a request with the resources that of gives.
func (w *world) call(t *testing.T, r request, s signer, of func(string) string) (answer, *filler) {
	t.Helper()
	f := &filler{of: of, used: map[string]bool{}, password: password}
	if strings.HasPrefix(r.op.Key, "bec/v2/") && !s.unsigned {
		f.password = s.encrypted(password)
	}
	target, body := r.build(f)
	require.Empty(t, f.unknown, "the test knows no value of these arguments")
	a, err := s.send(dialectOf(r.op.Key), w.URL[dialectOf(r.op.Key)], r.op.Method, target, body)
	require.NoError(t, err)
	return a, f
}

// shut are the answers to a refused credential: BCE's common codes, and the admin API's.
var shut = map[string]map[string][]string{
	"bec": {"unsigned": {"AccessDenied"}, "wrong secret": {"SignatureDoesNotMatch"}, "wrong signature": {"SignatureDoesNotMatch"}, "expired": {"RequestExpired"},
		"unknown key": {"InvalidAccessKeyId"}, "disabled key": {"InvalidAccessKeyId"}, "suspended account": {"AccessDenied"}},
	"admin": {"unsigned": {"unauthenticated"}, "wrong secret": {"bad_signature"}, "wrong signature": {"bad_signature"}, "expired": {"expired"},
		"unknown key": {"unauthenticated"}, "disabled key": {"unauthenticated"}, "suspended account": {"denied"}},
	"iec": {"unsigned": {"IEC.000002"}, "wrong secret": {"APIGW.0301"}, "wrong signature": {"APIGW.0301"}, "expired": {"APIGW.0301"}, "unknown key": {"APIGW.0301"},
		"disabled key": {"APIGW.0301"}, "suspended account": {"IEC.000005"}},
}

func (w *world) checkStrangers(t *testing.T, r request) {
	for _, what := range slices.Sorted(maps.Keys(w.strange)) {
		a, _ := w.call(t, r, w.strange[what], w.a.of)
		require.Contains(t, []int{400, 401, 403}, a.status, "%s: %s", what, a.body)
		require.Contains(t, shut[dialectOf(r.op.Key)][what], codeOf(t, r.op, a), "%s: %s", what, a.body)
	}
}

func (w *world) checkReader(t *testing.T, r request) {
	a, _ := w.call(t, r, w.reader, w.a.of)
	require.Equal(t, 403, a.status, "a reader's call: %s", a.body)
	codeOf(t, r.op, a)
}

// checkForeign names one resource of the other account at a time, all others being the caller's own, and then one that nobody has.
func (w *world) checkForeign(t *testing.T, r request) {
	probe := &filler{of: w.b.of, used: map[string]bool{}, password: password}
	r.build(probe)
	if !mutates(r.op) {
		plain := r
		plain.plain = true
		a, _ := w.call(t, plain, w.b.signer, w.b.of)
		for kind, id := range w.a.ids {
			require.True(t, shared[kind] || !strings.Contains(a.body, id), "another's %s is in the answer: %s", kind, a.body)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(probe.used)) {
		if shared[kind] {
			w.checkShared(t, r)
			continue
		}
		foreign, absent := w.a.of(kind), rotate(w.a.of(kind))
		with := func(id string) (answer, answer) {
			a, _ := w.call(t, r, w.b.signer, func(k string) string {
				if k == kind {
					return id
				}
				return w.b.of(k)
			})
			return a, answer{a.status, normal(a.body, id)}
		}
		raw, found := with(foreign)
		_, missing := with(absent)
		require.Equal(t, missing, found, "another's %s does not look like one that nobody has", kind)
		if raw.status >= 400 {
			codeOf(t, r.op, raw)
			require.NotEqual(t, 400, raw.status, "another's %s was not looked up: %s", kind, raw.body)
			continue
		}
		isList := r.op.Method == "GET" && strings.HasPrefix(r.op.ID, "list") // a filter that matches nothing
		refusedEach := perItem[r.op.Key] && strings.Contains(raw.body, `"success":false`) && !strings.Contains(raw.body, `"success":true`)
		require.True(t, isList || refusedEach, "a call with another's %s went well: %s", kind, raw.body)
	}
}

// checkShared demands that a tenant cannot change through the admin API what belongs to all.
func (w *world) checkShared(t *testing.T, r request) {
	if dialectOf(r.op.Key) == "admin" && mutates(r.op) {
		a, _ := w.call(t, r, w.b.signer, w.b.of)
		require.Equal(t, 403, a.status, a.body)
	}
}

// codeOf reads the code of an error and demands its dialect's form.
func codeOf(t *testing.T, op *contract.Operation, a answer) string {
	t.Helper()
	if dialectOf(op.Key) == "admin" {
		var e struct {
			Error struct{ Code, Message, RequestID string }
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
		require.NotEmpty(t, e.Error.Message, a.body)
		require.NotEmpty(t, e.Error.RequestID, a.body)
		return e.Error.Code
	}
	if dialectOf(op.Key) == "iec" {
		var e struct {
			Code    string `json:"error_code"`
			Message string `json:"error_msg"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
		require.NotEmpty(t, e.Code, a.body)
		require.NotEmpty(t, e.Message, a.body)
		return e.Code
	}
	var e struct{ Code, Message, RequestID string }
	require.NoError(t, json.Unmarshal([]byte(a.body), &e), a.body)
	require.NotEmpty(t, e.Code, a.body)
	require.NotEmpty(t, e.Message, a.body)
	require.NotEmpty(t, e.RequestID, a.body)
	return e.Code
}

var requestID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// normal takes the named resource's and the request's ID out of an answer.
func normal(body, id string) string {
	body = strings.ReplaceAll(body, id, "ID")
	_, slug, _ := strings.Cut(id, "-")
	for slug != "" {
		body = strings.ReplaceAll(body, slug, "ID")
		_, slug, _ = strings.Cut(slug, "-")
	}
	return requestID.ReplaceAllString(body, "REQUEST")
}

// rotate makes an ID of the same form that nobody has: the last characters are others.
func rotate(id string) string {
	out := []byte(id)
	for k := max(0, len(out)-5); k < len(out); k++ {
		switch c := out[k]; {
		case c == '9':
			out[k] = '0'
		case c == 'f':
			out[k] = 'a'
		case c == 'z':
			out[k] = 'g'
		case c >= '0' && c < '9', c >= 'a' && c < 'z':
			out[k]++
		}
	}
	return string(out)
}

func TestTheOwnersCallIsTaken(t *testing.T) {
	w := &world{Cloud: start(t), t: t}
	for n, op := range w.built() {
		if op.NoAuth {
			continue
		}
		t.Run(op.Key, func(t *testing.T) {
			all, err := requests(op)
			require.NoError(t, err)
			for k, r := range all {
				own := newTenant(t, w.Cloud, fmt.Sprintf("own-%d-%d", n, k))
				s := own.signer
				if dialectOf(op.Key) == "admin" {
					s = signer{id: w.Admin.Key.ID, secret: w.Admin.Key.Secret}
				}
				a, _ := w.call(t, r, s, own.of)
				if code := never[op.Key]; code != "" {
					require.Equal(t, code, codeOf(t, op, a))
					continue
				}
				require.NotContains(t, a.body, `"success":false`)
				require.True(t, a.status < 300 || a.status == 409, "request %d with own resources: %d %s", k, a.status, a.body)
			}
		})
	}
}
