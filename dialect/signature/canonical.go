package signature

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxSignedHeaders bounds what one request can make us compute; SDKs sign fewer than 20.
const maxSignedHeaders = 100

const upperHex = "0123456789ABCDEF"

// AppendEscaped percent-encodes all but A-Z a-z 0-9 - _ . ~ with upper-case hex, as the BCE and the Huawei SDKs do.
func AppendEscaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if unreserved(c) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~'
}

// AppendPath normalizes a path in its escaped form: every segment is decoded and encoded again, the slashes stay. An escaped slash stays escaped, so that
// /a%2Fb and /a/b never share a signature.
func AppendPath(dst []byte, escaped string) ([]byte, error) {
	if escaped == "" {
		return append(dst, '/'), nil
	}
	for i, segment := range strings.Split(escaped, "/") {
		if i > 0 {
			dst = append(dst, '/')
		}
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, fmt.Errorf("path: %w", err)
		}
		dst = AppendEscaped(dst, plain)
	}
	return dst, nil
}

// Pair is one decoded parameter.
type Pair struct{ Name, Value string }

// Pairs decodes a query string or a form in its order. Unlike url.ParseQuery it keeps the order, refuses what it cannot decode instead of leaving it out, and does
// not treat a semicolon as anything special.
func Pairs(raw string) ([]Pair, error) {
	if raw == "" {
		return nil, nil
	}
	pairs := make([]Pair, 0, 1+strings.Count(raw, "&"))
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		n, err := url.QueryUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		pairs = append(pairs, Pair{Name: n, Value: v})
	}
	return pairs, nil
}

// SignedHeaders splits a list of header names (a;b;c). Names are lower-case tokens and none comes twice; an empty list is empty.
func SignedHeaders(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	if strings.Count(list, ";") >= maxSignedHeaders {
		return nil, fmt.Errorf("more than %d signed headers", maxSignedHeaders)
	}
	names := strings.Split(list, ";")
	for i, name := range names {
		if !headerName(name) {
			return nil, fmt.Errorf("%q is no lower-case header name", name)
		}
		for _, before := range names[:i] {
			if before == name {
				return nil, fmt.Errorf("header %q is listed twice", name)
			}
		}
	}
	return names, nil
}

func headerName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!#$%&'*+^`|~", c) >= 0 {
			continue
		}
		return false
	}
	return true
}

// Values gives the values of a header by its lower-case name as they came over the wire. Host is the request's host with its port if it was sent; net/http keeps
// it, and for some requests Content-Length, out of the header map.
func Values(r *http.Request, lowerName string) []string {
	if lowerName == "host" {
		return []string{r.Host}
	}
	values := r.Header[textproto.CanonicalMIMEHeaderKey(lowerName)]
	if len(values) == 0 && lowerName == "content-length" && r.ContentLength > 0 {
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return values
}

// Equal compares in constant time.
func Equal(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
