package sdkhmac

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
	"edgecloud/fault"
)

const (
	// Window is how far X-Sdk-Date may be from our clock, either way.
	Window = 15 * time.Minute
	// MaxBody is the longest body that may be signed (api/iec/conventions.md 2.2); larger ones need a token.
	MaxBody = 12 << 20

	dateForm        = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// Offered tells whether the request carries a signature of this scheme, right or wrong.
func Offered(h http.Header) bool {
	return strings.HasPrefix(strings.TrimSpace(h.Get("Authorization")), Scheme)
}

// Verify proves the signature of a request whose body was read before, and gives the key that made it. Errors are faults with an identity.Reason.
func Verify(r *http.Request, body []byte, now time.Time, keys identity.Keys) (identity.Key, error) {
	cred, err := parse(r.Header.Get("Authorization"))
	if err != nil {
		return identity.Key{}, err
	}
	date := r.Header.Get("X-Sdk-Date")
	if err := checkDate(date, now); err != nil {
		return identity.Key{}, err
	}
	if err := cred.checkScope(date); err != nil {
		return identity.Key{}, err
	}
	digest, err := bodyDigest(r.Header, body)
	if err != nil {
		return identity.Key{}, err
	}
	canonical, err := cred.canonical(r, body, digest)
	if err != nil {
		return identity.Key{}, malformed(err.Error())
	}
	key, err := keys.Key(r.Context(), cred.keyID)
	if fault.Is(err, fault.NotFound) {
		return identity.Key{}, identity.Refuse(identity.UnknownKey, "The access key does not exist.")
	}
	if err != nil {
		return identity.Key{}, err
	}
	if !signature.Equal(cred.sign(key.Secret, date, canonical), cred.signature) {
		return identity.Key{}, identity.Refuse(identity.WrongSignature, "The request signature does not match.")
	}
	if err := key.CheckSecurityToken(r.Header.Get("X-Security-Token")); err != nil {
		return identity.Key{}, err
	}
	return key, key.Usable(now)
}

func checkDate(date string, now time.Time) error {
	if date == "" {
		return identity.Refuse(identity.MissingParameter, "The header X-Sdk-Date is missing.")
	}
	at, err := time.Parse(dateForm, date)
	if err != nil {
		return identity.Refuse(identity.MalformedCredential, "The header X-Sdk-Date must look like 20201229T034626Z.")
	}
	if now.Sub(at) > Window {
		return identity.Refuse(identity.SignatureExpired, "The request signature has expired.")
	}
	if at.Sub(now) > Window {
		return identity.Refuse(identity.SignatureFromFuture, "The header X-Sdk-Date is in the future.")
	}
	return nil
}

// bodyDigest gives what the signature covers in place of the body, after checking it against the body.
func bodyDigest(h http.Header, body []byte) (string, error) {
	if len(body) > MaxBody {
		return "", identity.Refuse(identity.BodyTooLarge, "The body of a signed request may have at most 12 MB.")
	}
	sent := h.Get("X-Sdk-Content-Sha256")
	if sent == unsignedPayload {
		if len(body) > 0 && looksLikeJSON(h.Get("Content-Type")) {
			return "", identity.Refuse(identity.BodyMismatch, "A JSON body must be signed.")
		}
		return sent, nil
	}
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	if sent != "" && !signature.Equal(strings.ToLower(sent), actual) {
		return "", identity.Refuse(identity.BodyMismatch, "The body does not fit the header X-Sdk-Content-Sha256.")
	}
	return cmp.Or(sent, actual), nil
}

// looksLikeJSON follows the SDK, which leaves bodies unsigned only when a content type is given and is neither JSON nor BSON.
func looksLikeJSON(contentType string) bool {
	lower := strings.ToLower(contentType)
	return lower == "" || strings.Contains(lower, "json") || strings.Contains(lower, "application/bson")
}

// sign signs with the secret, or with the key derived from it if the credential has a scope.
func (c credential) sign(secret, date string, canonical []byte) string {
	digest := sha256.Sum256(canonical)
	text := hex.EncodeToString(digest[:])
	if c.scope == "" {
		return hex.EncodeToString(hmacOf([]byte(secret), Scheme+"\n"+date+"\n"+text))
	}
	return hex.EncodeToString(hmacOf(derivedKey(secret, c.scope), Scheme+"\n"+date+"\n"+c.scope+"\n"+text))
}

func hmacOf(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// canonical gives the canonical request as the kind of client that signed it makes it.
func (c credential) canonical(r *http.Request, body []byte, digest string) ([]byte, error) {
	if c.scope == "" {
		return canonicalRequest(r, c, digest)
	}
	return derivedRequest(r, c, body, digest)
}

// canonicalRequest is METHOD LF path/ LF query LF headers LF LF signedHeaders LF digest.
func canonicalRequest(r *http.Request, cred credential, digest string) ([]byte, error) {
	out := make([]byte, 0, 512)
	out = append(append(out, r.Method...), '\n')
	out, err := signature.AppendPath(out, r.URL.EscapedPath())
	if err != nil {
		return nil, err
	}
	if out[len(out)-1] != '/' {
		out = append(out, '/')
	}
	out = append(out, '\n')
	if out, err = appendQuery(out, r.URL.RawQuery); err != nil {
		return nil, err
	}
	out = append(out, '\n')
	out = appendHeaders(out, r, cred.signedHeaders)
	out = append(out, '\n')
	out = append(append(out, cred.headerList...), '\n')
	return append(out, digest...), nil
}

func appendQuery(out []byte, raw string) ([]byte, error) {
	pairs, err := signature.Pairs(raw)
	if err != nil {
		return nil, err
	}
	// By name first, then by value, both before encoding: sorting "k=v" would put "a-b" before "a".
	slices.SortFunc(pairs, func(a, b signature.Pair) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Value, b.Value))
	})
	return appendPairs(out, pairs), nil
}

func appendPairs(out []byte, pairs []signature.Pair) []byte {
	for i, p := range pairs {
		if i > 0 {
			out = append(out, '&')
		}
		out = signature.AppendEscaped(out, p.Name)
		out = signature.AppendEscaped(append(out, '='), p.Value)
	}
	return out
}

func appendHeaders(out []byte, r *http.Request, names []string) []byte {
	start := len(out)
	for _, name := range names {
		values := slices.Clone(signature.Values(r, name))
		slices.Sort(values)
		for _, v := range values {
			out = append(append(out, name...), ':')
			out = append(append(out, strings.TrimSpace(v)...), '\n')
		}
	}
	if len(out) == start {
		return append(out, '\n') // the SDK ends even an empty block with a line feed
	}
	return out
}
