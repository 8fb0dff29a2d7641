package adminclient

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Client signs with an access key of an operator.
type Client struct {
	URL       string // of the admin API, such as https://127.0.0.1:8449
	AccessKey string
	SecretKey string
	HTTP      *http.Client // nil: http.DefaultClient
	Now       func() time.Time
}

// Trusting gives an HTTP client that also trusts the authorities in a PEM file.
func Trusting(path string) (*http.Client, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}}, nil
}

// Error is an answer that says no.
type Error struct {
	Status  int
	Code    string
	Message string
	Field   string
}

// Error is the sentence.
func (e *Error) Error() string { return e.Message }

// Call sends a JSON body, if there is one, and reads the answer into out, if it is not nil.
func (c *Client) Call(ctx context.Context, method, path string, query url.Values, body, out any) error {
	if body == nil {
		return c.send(ctx, method, path, query, "", nil, out)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.send(ctx, method, path, query, "application/json", text, out)
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, media string, body []byte, out any) error {
	target := strings.TrimSuffix(c.URL, "/") + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	c.sign(r)
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return failure(answer.StatusCode, text)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, out)
}

func failure(status int, text []byte) error {
	var body struct {
		Error struct{ Code, Message, Field string }
	}
	if json.Unmarshal(text, &body) != nil || body.Error.Message == "" {
		return &Error{Status: status, Message: fmt.Sprintf("the server answers %d: %s", status, bytes.TrimSpace(text[:min(len(text), 200)]))}
	}
	return &Error{Status: status, Code: body.Error.Code, Message: body.Error.Message, Field: body.Error.Field}
}

// sign puts a BCE v1 signature of the host header on a request (api/bec/conventions.md, section 3).
func (c *Client) sign(r *http.Request) {
	prefix := "bce-auth-v1/" + c.AccessKey + "/" + c.Now().UTC().Format("2006-01-02T15:04:05Z") + "/1800"
	path := strings.ReplaceAll(escape(r.URL.Path), "%2F", "/")
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	text := strings.Join([]string{r.Method, path, query, "host:" + escape(r.URL.Host)}, "\n")
	r.Header.Set("Authorization", prefix+"/host/"+mac(mac(c.SecretKey, prefix), text))
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}
