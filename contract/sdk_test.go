package contract_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/baidubce/bce-sdk-go/services/bec"
	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// Every call of the official Go SDK finds an operation. The arguments are made up by reflection: what is tested is where the request goes.
func TestEveryCallOfTheOfficialSDKHasARoute(t *testing.T) {
	d := contract.MustLoad("bec")
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m, miss := d.Match(r, body)
		if miss != nil {
			seen = append(seen, r.Method+" "+r.URL.String()+" "+string(body)+": "+miss.Error())
		} else {
			seen = append(seen, m.Operation.Key)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()

	client, err := bec.NewClient("ak", "sk", server.URL)
	require.NoError(t, err)
	value, typ := reflect.ValueOf(client), reflect.TypeOf(client)
	calls := 0
	for i := range typ.NumMethod() {
		method := typ.Method(i)
		if inherited(method.Name) {
			continue
		}
		for _, text := range []string{"start", "stop", "bind", "a"} { // some calls check their arguments before they send
			seen = nil
			call(value.Method(i), text)
			if len(seen) > 0 {
				break
			}
		}
		if len(seen) == 0 {
			t.Errorf("%s sent nothing", method.Name)
			continue
		}
		calls++
		if d.Operation(seen[0]) == nil {
			t.Errorf("%s: %s", method.Name, seen[0])
		}
	}
	require.Greater(t, calls, 90)
}

// inherited are the methods of the SDK's generic client.
func inherited(name string) bool {
	_, own := reflect.TypeOf(&bec.Client{}).Elem().FieldByName("BceClient")
	if !own {
		return false
	}
	field, _ := reflect.TypeOf(bec.Client{}).FieldByName("BceClient")
	_, found := field.Type.MethodByName(name)
	return found
}

func call(f reflect.Value, text string) {
	var args []reflect.Value
	for i := range f.Type().NumIn() {
		args = append(args, fill(f.Type().In(i), text, 0))
	}
	defer func() { _ = recover() }() // the SDK dereferences what an empty answer does not hold
	if f.Type().IsVariadic() {
		f.CallSlice(args)
		return
	}
	f.Call(args)
}

func fill(t reflect.Type, text string, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(1)
	case reflect.Float64, reflect.Float32:
		v.SetFloat(1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		if depth < 5 {
			v.Set(reflect.New(t.Elem()))
			v.Elem().Set(fill(t.Elem(), text, depth+1))
		}
	case reflect.Slice:
		if depth < 5 {
			v.Set(reflect.Append(v, fill(t.Elem(), text, depth+1)))
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				v.Field(i).Set(fill(t.Field(i).Type, text, depth+1))
			}
		}
	}
	return v
}
