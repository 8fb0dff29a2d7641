package sdkhmac

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
)

// The older client of this vendor (golangsdk, which the Terraform provider uses; its signer_helper.go) signs with a key that it derives from the secret, the
// date, a region and a service, both of which are mostly empty, and makes its canonical request a little differently.

const scopeEnd = "sdk_request"

// cutCredential parts <AK>/<date>/<region>/<service>/sdk_request into the key's ID and the scope.
func cutCredential(text, access string) (keyID, scope string, err error) {
	keyID, scope, _ = strings.Cut(text, "/")
	if parts := strings.Split(scope, "/"); access != "" || keyID == "" || len(parts) != 4 || parts[3] != scopeEnd {
		return "", "", malformed("Credential must be AK/date/region/service/" + scopeEnd + ", and no Access beside it")
	}
	return keyID, scope, nil
}

// checkScope holds the scope's date against X-Sdk-Date, so that a derived key is good for its day only.
func (c credential) checkScope(date string) error {
	day, _, _ := strings.Cut(c.scope, "/")
	if c.scope != "" && !strings.HasPrefix(date, day+"T") {
		return identity.Refuse(identity.MalformedCredential, "The date of the Authorization header's Credential is not that of X-Sdk-Date.")
	}
	return nil
}

func derivedKey(secret, scope string) []byte {
	key := []byte("SDK" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacOf(key, part)
	}
	return key
}

// derivedRequest is canonicalRequest as the older client makes it: a POST without a body signs its query in the body's place, names are sorted without regard to
// case, and runs of blanks in header values are one.
func derivedRequest(r *http.Request, cred credential, body []byte, digest string) ([]byte, error) {
	out := append([]byte(r.Method), '\n')
	path := r.URL.Path
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	out, err := signature.AppendPath(out, (&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, err
	}
	out = append(out, '\n')
	pairs, err := foldedPairs(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost && len(body) == 0 {
		sum := sha256.Sum256([]byte(r.URL.Query().Encode()))
		digest = hex.EncodeToString(sum[:])
	} else {
		out = appendPairs(out, pairs)
	}
	out = append(out, '\n')
	out = appendFolded(out, r, cred.signedHeaders)
	out = append(out, '\n')
	out = append(append(out, cred.headerList...), '\n')
	return append(out, digest...), nil
}

// foldedPairs gives the pairs in the order of the encoded names without regard to case. That client signs only the first value of a name; here all are covered, so
// that nobody on the way can add one.
func foldedPairs(raw string) ([]signature.Pair, error) {
	pairs, err := signature.Pairs(raw)
	if err != nil {
		return nil, err
	}
	folded := func(p signature.Pair) string { return strings.ToLower(string(signature.AppendEscaped(nil, p.Name))) }
	slices.SortStableFunc(pairs, func(a, b signature.Pair) int { return cmp.Compare(folded(a), folded(b)) })
	return pairs, nil
}

var blanks = regexp.MustCompile(`\s+`)

func appendFolded(out []byte, r *http.Request, names []string) []byte {
	for _, name := range names {
		out = append(append(out, name...), ':')
		out = append(append(out, blanks.ReplaceAllString(strings.Join(signature.Values(r, name), ","), " ")...), '\n')
	}
	return out
}
