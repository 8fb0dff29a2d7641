package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
)

const (
	v3Scheme        = "TC3-HMAC-SHA256"
	v3Terminator    = "tc3_request"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	maxAuthSize     = 8 << 10
)

// v3Credential is a parsed Authorization header.
type v3Credential struct {
	keyID, date, service string
	headerList           string // as sent: it is signed literally
	signedHeaders        []string
	signature            string
}

// readV3 reads a signature v3, conventions section 4.
func readV3(r *http.Request, body []byte, kind, service string) (proof, error) {
	cred, err := parseV3(r.Header.Get("Authorization"))
	if err != nil {
		return proof{}, err
	}
	if r.Method == http.MethodPost && kind == typeForm {
		return proof{}, identity.Refuse(identity.UnsupportedScheme, "A form body needs signature v1.")
	}
	stamp := r.Header.Get("X-TC-Timestamp")
	at, err := readTimestamp("X-TC-Timestamp", stamp)
	if err != nil {
		return proof{}, err
	}
	if cred.date != at.Format("2006-01-02") || cred.service != service {
		return proof{}, identity.Refuse(identity.WrongScope, "The credential scope must be the UTC date of X-TC-Timestamp and the service %s.", service)
	}
	scope := cred.date + "/" + cred.service + "/" + v3Terminator
	texts := make([]string, 0, 2)
	for _, lower := range []bool{true, false} {
		digest := sha256.Sum256(v3Canonical(r, body, cred, lower))
		texts = append(texts, v3Scheme+"\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(digest[:]))
	}
	return proof{keyID: cred.keyID, token: r.Header.Get("X-TC-Token"), timestamp: at, fits: func(secret string) bool {
		key := v3Key(secret, cred.date, cred.service)
		asDocumented := signature.Equal(hex.EncodeToString(hmacSHA256(key, texts[0])), cred.signature)
		asSDK := signature.Equal(hex.EncodeToString(hmacSHA256(key, texts[1])), cred.signature)
		return asDocumented || asSDK
	}}, nil
}

// parseV3 reads TC3-HMAC-SHA256 Credential={SecretId}/{Date}/{service}/tc3_request, SignedHeaders={list}, Signature={64 hex}.
func parseV3(header string) (v3Credential, error) {
	var c v3Credential
	word, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if word != v3Scheme || len(header) > maxAuthSize {
		return c, malformed("the Authorization header must start with " + v3Scheme)
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := fields[name]; twice {
			return c, malformed("the Authorization header has a part twice")
		}
		fields[name] = value
	}
	parts := strings.Split(fields["Credential"], "/")
	if len(fields) != 3 || len(parts) != 4 || parts[3] != v3Terminator {
		return c, malformed("the Authorization header needs Credential={SecretId}/{Date}/{service}/tc3_request, SignedHeaders and Signature")
	}
	c = v3Credential{keyID: parts[0], date: parts[1], service: parts[2], headerList: fields["SignedHeaders"], signature: fields["Signature"]}
	var err error
	if c.signedHeaders, err = signature.SignedHeaders(c.headerList); err != nil || len(c.signature) != 64 {
		return c, malformed("SignedHeaders must be lower-case header names and Signature 64 hex digits")
	}
	if !slices.Contains(c.signedHeaders, "content-type") || !slices.Contains(c.signedHeaders, "host") {
		return c, malformed("content-type and host must be signed")
	}
	return c, nil
}

// v3Canonical builds the canonical request. The document lower-cases header values; the vendor's Go SDK does not: lower says which.
func v3Canonical(r *http.Request, body []byte, cred v3Credential, lower bool) []byte {
	out := make([]byte, 0, 512)
	out = append(out, r.Method...)
	out = append(out, "\n/\n"...)
	if r.Method == http.MethodGet {
		out = append(out, r.URL.RawQuery...)
	}
	out = append(out, '\n')
	for _, name := range cred.signedHeaders {
		value := strings.TrimSpace(strings.Join(signature.Values(r, name), ","))
		if lower {
			value = strings.ToLower(value)
		}
		out = append(append(append(append(out, name...), ':'), value...), '\n')
	}
	out = append(out, '\n')
	out = append(append(out, cred.headerList...), '\n')
	payload := body
	if r.Header.Get("X-TC-Content-SHA256") == unsignedPayload {
		payload = []byte(unsignedPayload)
	}
	sum := sha256.Sum256(payload)
	return hex.AppendEncode(out, sum[:])
}

func v3Key(secret, date, service string) []byte {
	return hmacSHA256(hmacSHA256(hmacSHA256([]byte("TC3"+secret), date), service), v3Terminator)
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
