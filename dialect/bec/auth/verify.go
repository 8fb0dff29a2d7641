package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
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
	// maxValidity bounds the replay window however long a client says its signature is good. Printed examples use 1800 and 3600 s.
	maxValidity = 24 * time.Hour
	// maxAhead is how far a client's clock may be ahead of ours.
	maxAhead = 15 * time.Minute

	securityTokenHeader = "X-Bce-Security-Token"
)

// Verify proves the signature of a request whose body was read before, and gives the caller. Errors are faults with an identity.Reason.
func Verify(r *http.Request, body []byte, now time.Time, keys identity.Keys) (*identity.Caller, error) {
	cred, err := parse(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if err := cred.checkTime(now); err != nil {
		return nil, err
	}
	canonical, err := canonicalRequest(r, cred.signedHeaders)
	if err != nil {
		return nil, malformed(err.Error())
	}
	key, err := keys.Key(r.Context(), cred.keyID)
	if fault.Is(err, fault.NotFound) {
		return nil, identity.Refuse(identity.UnknownKey, "The access key ID does not exist.")
	}
	if err != nil {
		return nil, err
	}
	if !signature.Equal(sign(key.Secret, cred.prefix, canonical), cred.signature) {
		return nil, identity.Refuse(identity.WrongSignature, "The request signature does not match.")
	}
	if err := key.CheckSecurityToken(r.Header.Get(securityTokenHeader)); err != nil {
		return nil, err
	}
	if err := checkBody(r.Header, body); err != nil {
		return nil, err
	}
	if err := key.Usable(now); err != nil {
		return nil, err
	}
	return key.Caller("bec"), nil
}

func (c credential) checkTime(now time.Time) error {
	if c.signedAt.After(now.Add(maxAhead)) {
		return identity.Refuse(identity.SignatureFromFuture, "The timestamp of the signature is in the future.")
	}
	if now.After(c.signedAt.Add(min(c.validFor, maxValidity))) {
		return identity.Refuse(identity.SignatureExpired, "The request signature has expired.")
	}
	return nil
}

// sign follows the SDKs: the signing key is used as hex text, not as bytes.
func sign(secret, prefix string, canonical []byte) string {
	return hmacHex([]byte(hmacHex([]byte(secret), []byte(prefix))), canonical)
}

func hmacHex(key, text []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// canonicalRequest is METHOD LF path LF query LF headers.
func canonicalRequest(r *http.Request, signedHeaders []string) ([]byte, error) {
	out := make([]byte, 0, 512)
	out = append(append(out, r.Method...), '\n')
	out, err := signature.AppendPath(out, r.URL.EscapedPath())
	if err != nil {
		return nil, err
	}
	out = append(out, '\n')
	if out, err = appendQuery(out, r.URL.RawQuery); err != nil {
		return nil, err
	}
	out = append(out, '\n')
	return appendHeaders(out, r, signedHeaders), nil
}

func appendQuery(out []byte, raw string) ([]byte, error) {
	pairs, err := signature.Pairs(raw)
	if err != nil {
		return nil, err
	}
	items := make([]string, 0, len(pairs))
	for _, p := range pairs {
		if strings.EqualFold(p.Name, "authorization") {
			continue
		}
		item := signature.AppendEscaped(make([]byte, 0, len(p.Name)+len(p.Value)+16), p.Name)
		items = append(items, string(signature.AppendEscaped(append(item, '='), p.Value)))
	}
	return appendSorted(out, items, '&'), nil
}

func appendHeaders(out []byte, r *http.Request, names []string) []byte {
	if len(names) == 0 {
		names = defaultHeaders(r)
	}
	lines := make([]string, 0, len(names))
	for _, name := range names {
		value := strings.TrimSpace(strings.Join(signature.Values(r, name), ","))
		if value == "" || name == "authorization" {
			continue
		}
		line := signature.AppendEscaped(make([]byte, 0, len(name)+2*len(value)+1), name)
		lines = append(lines, string(signature.AppendEscaped(append(line, ':'), value)))
	}
	return appendSorted(out, lines, '\n')
}

// defaultHeaders is what an empty list stands for (bce-sdk-python sends one).
func defaultHeaders(r *http.Request) []string {
	names := []string{"host", "content-length", "content-type", "content-md5"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-bce-") {
			names = append(names, lower)
		}
	}
	return names
}

func appendSorted(out []byte, items []string, separator byte) []byte {
	slices.Sort(items)
	for i, item := range items {
		if i > 0 {
			out = append(out, separator)
		}
		out = append(out, item...)
	}
	return out
}

// checkBody compares the body with the digests that came with it.
func checkBody(h http.Header, body []byte) error {
	if sent := h.Get("Content-Md5"); sent != "" {
		sum := md5.Sum(body)
		if !signature.Equal(sent, base64.StdEncoding.EncodeToString(sum[:])) {
			return identity.Refuse(identity.BodyMismatch, "The body does not fit the header Content-MD5.")
		}
	}
	if sent := h.Get("X-Bce-Content-Sha256"); sent != "" {
		sum := sha256.Sum256(body)
		if !signature.Equal(strings.ToLower(sent), hex.EncodeToString(sum[:])) {
			return identity.Refuse(identity.BodyMismatch, "The body does not fit the header x-bce-content-sha256.")
		}
	}
	return nil
}
