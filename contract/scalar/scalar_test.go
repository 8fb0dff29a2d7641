package scalar_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"edgecloud/contract/scalar"
)

type request struct {
	N *scalar.Int     `json:"n"`
	F *scalar.Float   `json:"f"`
	B *scalar.Bool    `json:"b"`
	S *scalar.Strings `json:"s"`
}

func TestWhatSDKsSendIsAccepted(t *testing.T) {
	var r request
	require.NoError(t, json.Unmarshal([]byte(`{"n":"80","f":"0.5","b":"True","s":"a"}`), &r))
	require.Equal(t, scalar.Int(80), *r.N)
	require.Equal(t, scalar.Float(0.5), *r.F)
	require.True(t, bool(*r.B))
	require.Equal(t, scalar.Strings{"a"}, *r.S)

	r = request{}
	require.NoError(t, json.Unmarshal([]byte(`{"n":80.0,"b":false,"s":["a","b"]}`), &r))
	require.Equal(t, scalar.Int(80), *r.N)
	require.Nil(t, r.F)
	require.Len(t, *r.S, 2)

	r = request{}
	require.NoError(t, json.Unmarshal([]byte(`{"n":null,"b":null}`), &r))
	require.Nil(t, r.N)
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	for _, body := range []string{`{"n":"x"}`, `{"n":1.5}`, `{"n":[]}`, `{"n":true}`, `{"n":1e300}`, `{"b":"yes"}`, `{"b":1}`, `{"f":"NaN"}`, `{"f":{}}`, `{"s":1}`} {
		require.Error(t, json.Unmarshal([]byte(body), &request{}), body)
	}
}

func TestIntegersKeepTheirValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		for _, form := range []string{"%d", `"%d"`} {
			var i scalar.Int
			if err := json.Unmarshal([]byte(fmt.Sprintf(form, n)), &i); err != nil || int64(i) != n {
				t.Fatalf("%d became %d: %v", n, i, err)
			}
		}
	})
}

func TestListIsNeverNull(t *testing.T) {
	raw, err := json.Marshal(struct {
		L scalar.List[int] `json:"l"`
	}{})
	require.NoError(t, err)
	require.Equal(t, `{"l":[]}`, string(raw))
	raw, _ = json.Marshal(scalar.List[int]{1})
	require.Equal(t, `[1]`, string(raw))
}

func TestMapIsNeverNull(t *testing.T) {
	raw, err := json.Marshal(scalar.Map[int](nil))
	require.NoError(t, err)
	require.Equal(t, `{}`, string(raw))
	raw, _ = json.Marshal(scalar.Map[int]{"a": 1})
	require.Equal(t, `{"a":1}`, string(raw))
}

func TestOptional(t *testing.T) {
	require.Equal(t, 3, scalar.Or(nil, 3))
	require.Equal(t, "", scalar.Value[string](nil))
	require.Equal(t, 4, scalar.Or(new(4), 3))
}
