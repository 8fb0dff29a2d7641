package dialect

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"edgecloud/fault"
	"edgecloud/store"
)

// maxToken is the longest idempotency token (BEC conventions, section 5).
const maxToken = 64

// stored is an answer as it is kept for a repeated request.
type stored struct {
	Status int             `json:"s"`
	Header http.Header     `json:"h,omitempty"`
	Body   json.RawMessage `json:"b,omitempty"`
}

// once runs a call under an idempotency token: the call's changes, the token and the answer commit together, and the same request gets the same answer again.
func (d *Door) once(ctx context.Context, c *Call, handler Handler, token string) (*Answer, error) {
	if len(token) > maxToken || !ascii(token) {
		return nil, fault.BadField("clientToken", "must have at most %d ASCII characters", maxToken)
	}
	var kept []byte
	err := d.db.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		kept, err = store.Idempotent(ctx, tx, d.name+"/"+c.Caller.Account, token, fingerprint(c), func() ([]byte, error) {
			answer, err := handler(store.Join(ctx, tx), c)
			if err != nil {
				return nil, err
			}
			body, err := encode(answer.Body)
			if err != nil {
				return nil, err
			}
			return json.Marshal(stored{answer.Status, answer.Header, body})
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var s stored
	if err := json.Unmarshal(kept, &s); err != nil {
		return nil, fmt.Errorf("read the stored answer: %w", err)
	}
	answer := &Answer{Status: s.Status, Header: s.Header}
	if len(s.Body) > 0 {
		answer.Body = s.Body
	}
	return answer, nil
}

// fingerprint tells requests apart: path, query and body, but not the token itself.
func fingerprint(c *Call) []byte {
	query := url.Values{}
	for name, values := range c.Query {
		if name != "clientToken" {
			query[name] = values
		}
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", c.Request.Method, c.Request.URL.Path, query.Encode())
	h.Write(c.Body)
	return h.Sum(nil)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
