package contract_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/contract"
)

// Whatever the path parameters are, also when they look like literals' neighbours or need escaping, an operation gets them back as they were sent.
func TestPathParametersComeBack(t *testing.T) {
	var ops []*contract.Operation
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			if len(o.ParamNames()) > 0 && o.MergedWith == "" {
				ops = append(ops, o)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SampledFrom(ops).Draw(t, "operation")
		e := o.Examples().Requests[0]
		path, want := o.Path, map[string]string{}
		for _, p := range o.ParamNames() {
			value := "~" + rapid.StringN(1, 20, 60).Draw(t, p) // no literal starts so
			if fixed, ok := o.FixedParams[p]; ok {
				value = fixed
			}
			want[p] = value
			path = strings.Replace(path, "{"+p+"}", url.PathEscape(value), 1)
		}
		_, query, _ := strings.Cut(e.Target, "?")
		r, err := http.NewRequest(o.Method, "http://x"+path+"?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, miss := contract.MustLoad(o.Dialect).Match(r, e.Body)
		if miss != nil {
			t.Fatalf("%s: %v", r.URL, miss)
		}
		if !o.SharesPathWith(m.Operation) {
			t.Fatalf("%s went to %s", r.URL, m.Operation.Key)
		}
		for k, v := range want {
			if m.Operation == o && m.PathParams[k] != v {
				t.Fatalf("%s: %s is %q, not %q", r.URL, k, m.PathParams[k], v)
			}
		}
	})
}

// A required member taken out of any documented request body is missed by name.
func TestEveryRequiredMemberIsMissed(t *testing.T) {
	n := 0
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			if o.Body() == nil || o.Body().ContentType != "application/json" {
				continue
			}
			for _, e := range o.Examples().Requests {
				n += missEach(t, o, e)
			}
		}
	}
	require.Greater(t, n, 400)
}

func missEach(t *testing.T, o *contract.Operation, e contract.RequestExample) int {
	var whole map[string]json.RawMessage
	if json.Unmarshal(e.Body, &whole) != nil {
		return 0
	}
	n := 0
	for _, p := range o.Body().Schema.Resolve().Props {
		if _, there := whole[p.Name]; !there || !p.Required {
			continue
		}
		n++
		for _, instead := range []string{"", "[[]]"} {
			part := map[string]json.RawMessage{}
			for k, v := range whole {
				part[k] = v
			}
			delete(part, p.Name)
			if instead != "" && p.Schema.Resolve().Type != "" && len(p.Schema.Resolve().OneOf) == 0 {
				part[p.Name] = json.RawMessage(instead) // a list in a list is nothing that a member may be, or its entries are wrong
			}
			raw, err := json.Marshal(part)
			require.NoError(t, err)
			found := false
			for _, v := range o.Validate(contract.Input{Body: raw, Header: http.Header{}}).Violations {
				found = found || v.In == "body" && strings.HasPrefix(v.Field, p.Name)
			}
			if !found && !openList(p.Schema, instead) {
				t.Errorf("%s: %q instead of %s passes", o.Key, instead, p.Name)
			}
		}
	}
	return n
}

// openList is a list whose entries may be anything, lists too.
func openList(s *contract.Schema, instead string) bool {
	s = s.Resolve()
	if instead == "" {
		return false
	}
	return s.Type == "array" && (s.Items == nil || s.Items.Resolve().Type == "" || s.Items.Resolve().Type == "array")
}

// Validation never panics, whatever JSON comes.
func TestAnyJSONIsSafe(t *testing.T) {
	var ops []*contract.Operation
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			if o.Body() != nil {
				ops = append(ops, o)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SampledFrom(ops).Draw(t, "operation")
		raw, err := json.Marshal(draw(t, o.Body().Schema, 0))
		if err != nil {
			t.Fatal(err)
		}
		check := o.Validate(contract.Input{Body: raw, Header: http.Header{}})
		if len(check.Violations) > 50 {
			t.Fatalf("%d violations", len(check.Violations))
		}
		o.ValidateResponse(200, http.Header{}, raw)
	})
}

// draw makes a value that is often near the schema and sometimes not.
func draw(t *rapid.T, s *contract.Schema, depth int) any {
	s = s.Resolve()
	if depth > 4 || s == nil || rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]any{nil, true, -1, 1e300, math.MaxInt64, "", "x", []any{}, map[string]any{}, []any{nil}}).Draw(t, "any")
	}
	switch s.Type {
	case "object":
		out := map[string]any{}
		for _, p := range s.Props {
			if rapid.Bool().Draw(t, p.Name) {
				out[p.Name] = draw(t, p.Schema, depth+1)
			}
		}
		return out
	case "array":
		return []any{draw(t, s.Items, depth+1)}
	}
	return rapid.SampledFrom([]any{"1", 1, "true", "abc"}).Draw(t, "scalar")
}

func TestQueryHelpers(t *testing.T) {
	r := httptest.NewRequest("GET", "/v1/vpc?pageSize=5&pageNo=&keyword=a&x=1,2&x=+3&y=True", nil)
	m, miss := contract.MustLoad("bec").Match(r, nil)
	require.Nil(t, miss)
	require.Equal(t, 5, m.Int("pageSize", 100))
	require.Equal(t, 1, m.Int("pageNo", 1))
	require.Equal(t, []string{"1", "2", "3"}, m.List("x"))
	require.True(t, m.Bool("y"))
	require.False(t, m.Has("pageNo"))
	require.Equal(t, "a", m.Text("keyword"))
}
