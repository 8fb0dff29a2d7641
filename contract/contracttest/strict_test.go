package contracttest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
	"edgecloud/contract/contracttest"
)

// recorder collects what Strict complains about.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func ask(t *testing.T, status int, body string) (*httptest.ResponseRecorder, []string) {
	rec := &recorder{TB: t}
	h := contracttest.Strict(rec, "bec", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/v2/vm/instance/vm-1", nil))
	return w, rec.errors
}

func TestStrict(t *testing.T) {
	good := string(contract.MustLoad("bec").Operation("v2/getVmInstance").Examples().Responses[0].Body)
	w, errors := ask(t, 200, good)
	require.Empty(t, errors)
	require.Equal(t, good, w.Body.String())

	_, errors = ask(t, 200, `{"instance":{"cpuCount":"1"}}`)
	require.Len(t, errors, 1)
	require.Contains(t, errors[0], "instance.cpuCount")

	_, errors = ask(t, 201, good)
	require.NotEmpty(t, errors)

	_, errors = ask(t, 501, "not built")
	require.Empty(t, errors)
}
