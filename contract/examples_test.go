package contract_test

import (
	"fmt"
	"net/http"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// Every example of every contract file fits its own schema. testdata/example_exceptions.txt lists those that do not, each with the reason; an entry that has
// become needless fails the test too.
func TestExamplesFitTheirSchemas(t *testing.T) {
	excused := readExceptions(t)
	var found []string
	for _, name := range contract.Dialects() {
		for _, o := range contract.MustLoad(name).Operations() {
			found = append(found, requestFaults(o)...)
			found = append(found, responseFaults(o)...)
		}
	}
	sort.Strings(found)
	for _, line := range found {
		head, _, _ := strings.Cut(line, ": ")
		if _, ok := excused[head]; ok {
			excused[head] = true
			continue
		}
		t.Error(line)
	}
	for head, used := range excused {
		require.True(t, used, "testdata/example_exceptions.txt: %s fits its schema now", head)
	}
}

func requestFaults(o *contract.Operation) []string {
	var found []string
	for i, e := range o.Examples().Requests {
		m, miss := contract.MustLoad(o.Dialect).Match(e.HTTP(), e.Body)
		if miss != nil || m.Operation != o {
			continue // the routing test speaks of it
		}
		for _, v := range m.Validate(e.Header, e.Body).Violations {
			found = append(found, fmt.Sprintf("%s request %d %s %s: %v", o.Key, i, v.In, v.Field, v))
		}
	}
	return found
}

func responseFaults(o *contract.Operation) []string {
	var found []string
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for i, e := range o.Examples().Responses {
		for _, v := range o.ValidateResponse(e.Status, header, e.Body) {
			found = append(found, fmt.Sprintf("%s response %d %s: %v", o.Key, i, v.Field, v))
		}
	}
	return found
}

func readExceptions(t *testing.T) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile("testdata/example_exceptions.txt")
	require.NoError(t, err)
	out := map[string]bool{}
	for _, line := range strings.Split(string(raw), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, reason, ok := strings.Cut(line, " | ")
		require.True(t, ok && reason != "", "no reason: %s", line)
		out[head] = false
	}
	return out
}
