package wiregen_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// Every example answer survives its wire type: it decodes without an unknown member, encodes again to something that the contract accepts strictly,
// and every value of the example is there.
func TestAnswersSurviveTheirTypes(t *testing.T) {
	header := http.Header{"Content-Type": {"application/json"}}
	n := 0
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			for _, e := range o.Examples().Responses {
				build := registry[o.Key+" "+strconv.Itoa(e.Status)]
				if build == nil {
					continue
				}
				n++
				value := build()
				d := json.NewDecoder(bytes.NewReader(e.Body))
				d.DisallowUnknownFields()
				if err := d.Decode(value); err != nil {
					t.Errorf("%s: %v", o.Key, err)
					continue
				}
				raw, err := json.Marshal(value)
				require.NoError(t, err)
				if vs := o.ValidateResponse(e.Status, header, raw); len(vs) > 0 {
					t.Errorf("%s: encoded again: %v\n%s", o.Key, vs, raw)
				}
				if lost := missing("", parse(t, e.Body), parse(t, raw)); lost != "" {
					t.Errorf("%s: %s is lost or changed", o.Key, lost)
				}
			}
		}
	}
	require.Greater(t, n, 450)
}

// Every example request decodes into its wire type.
func TestRequestsFitTheirTypes(t *testing.T) {
	n := 0
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			for _, e := range o.Examples().Requests {
				build := registry[o.Key+" request"]
				if build == nil || e.Body == nil {
					continue
				}
				n++
				value := build()
				if err := json.Unmarshal(e.Body, value); err != nil {
					t.Errorf("%s: %v", o.Key, err)
					continue
				}
				raw, err := json.Marshal(value)
				require.NoError(t, err)
				in := contract.Input{Body: raw, Header: http.Header{}}
				for _, v := range o.Validate(in).Violations {
					if v.In == "body" {
						t.Errorf("%s: encoded again: %v\n%s", o.Key, v, raw)
					}
				}
			}
		}
	}
	require.Greater(t, n, 300)
}

func parse(t *testing.T, raw []byte) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(raw, &v))
	return v
}

// missing names the first value of want that have does not hold. null and absent are the same here: habits differ.
func missing(at string, want, have any) string {
	switch w := want.(type) {
	case nil:
		return ""
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return at
		}
		for k, v := range w {
			if lost := missing(at+"."+k, v, h[k]); lost != "" {
				return lost
			}
		}
		return ""
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return at
		}
		for i, v := range w {
			if lost := missing(at+"["+strconv.Itoa(i)+"]", v, h[i]); lost != "" {
				return lost
			}
		}
		return ""
	}
	if want != have {
		return at
	}
	return ""
}
