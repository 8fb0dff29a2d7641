package contracttest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"edgecloud/contract"
)

// Strict wraps a dialect's handler: every answer to a request that the contract knows is validated strictly, and what is wrong fails the test. Answers of
// operations that are not built (501) are left alone, and so are those of requests that match no operation. Not for upgrades and streams.
func Strict(t testing.TB, dialect string, next http.Handler) http.Handler {
	t.Helper()
	d := contract.MustLoad(dialect)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m, miss := d.Match(r, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if miss != nil || m.Operation.WebSocket {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		if answer.Code != http.StatusNotImplemented {
			for _, v := range m.Operation.ValidateResponse(answer.Code, answer.Header(), answer.Body.Bytes()) {
				t.Errorf("%s answers %d against the contract: %v\n%s", m.Operation.Key, answer.Code, v, clip(answer.Body.String()))
			}
		}
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func clip(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "..."
	}
	return s
}
