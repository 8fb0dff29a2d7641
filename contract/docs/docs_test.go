package docs_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
	"edgecloud/contract/docs"
)

const built = "bec/v2/vm-instance.createVmInstance"

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	docs.Handler("/docs", func(key string) bool { return key == built }).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// Every page is made, and every link on it leads somewhere.
func TestEveryPageAndLink(t *testing.T) {
	link := regexp.MustCompile(`href="([^"]*)"`)
	seen := map[string]string{}
	pending := []string{"/docs/"}
	for len(pending) > 0 {
		path := pending[0]
		pending = pending[1:]
		if _, done := seen[path]; done {
			continue
		}
		w := get(t, path)
		require.Equal(t, http.StatusOK, w.Code, path)
		body := w.Body.String()
		seen[path] = body
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		require.NotContains(t, body, "ZgotmplZ", path)
		require.NotContains(t, body, "<script", path)
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if target == "" {
				require.Contains(t, body, `id="`+anchor+`"`, "%s#%s", path, anchor)
				continue
			}
			require.True(t, strings.HasPrefix(target, "/docs/"), "%s links to %s", path, target)
			pending = append(pending, target)
		}
	}
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			page := seen["/docs/"+name+"/"+o.FileName()]
			require.Contains(t, page, `id="`+o.ID+`"`, o.Key)
		}
	}
}

func TestBuiltIsShown(t *testing.T) {
	require.Contains(t, get(t, "/docs/bec/").Body.String(), "1 of 16 built")
	require.Contains(t, get(t, "/docs").Body.String(), "operations, 1 built")
}

func TestWhatIsNotThere(t *testing.T) {
	for _, path := range []string{"/docs/nope/", "/docs/bec/v9/none", "/docs/bec/../../go.mod.yaml", "/docs/bec/NOTES.yaml"} {
		require.Equal(t, http.StatusNotFound, get(t, path).Code, path)
	}
	w := httptest.NewRecorder()
	docs.Handler("/docs", nil).ServeHTTP(w, httptest.NewRequest("POST", "/docs/", nil))
	require.Equal(t, http.StatusMethodNotAllowed, w.Code)
	require.Contains(t, get(t, "/docs/bec/v1/acl.yaml").Body.String(), "openapi: 3.0.3")
}
