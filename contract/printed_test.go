package contract_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"edgecloud/contract"
)

// Every request line that the vendors print (x-request-example) finds its operation, as printed, misprints included.
func TestPrintedRequestsFindTheirOperation(t *testing.T) {
	n := 0
	for _, name := range contract.Dialects() {
		d := contract.MustLoad(name)
		for _, o := range d.Operations() {
			method, rest, ok := strings.Cut(o.Docs().RequestExample, " ")
			if !ok {
				continue
			}
			target, _, _ := strings.Cut(rest, " ")
			r, err := http.NewRequest(method, "http://x"+target, nil)
			require.NoError(t, err, o.Key)
			var body []byte
			if requests := o.Examples().Requests; len(requests) > 0 {
				body = requests[0].Body
			}
			n++
			m, miss := d.Match(r, body)
			if miss != nil || m.Operation != o {
				t.Errorf("%s: %s %s: %v", o.Key, method, target, miss)
			}
		}
	}
	require.Greater(t, n, 60)
}
