package auth

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature"
)

// readV1 reads a signature v1: Base64(HMAC(secret, METHOD host path ? sorted raw parameters)), conventions section 3.
func readV1(r *http.Request, body []byte) (proof, error) {
	params, err := v1Params(r, body)
	if err != nil {
		return proof{}, err
	}
	if params["SecretId"] == "" && params["Signature"] == "" {
		return proof{}, identity.Refuse(identity.MissingCredential, "The request has neither an Authorization header nor a Signature.")
	}
	for _, name := range []string{"SecretId", "Signature", "Timestamp", "Nonce"} {
		if params[name] == "" {
			return proof{}, missing(name)
		}
	}
	if nonce, err := strconv.ParseUint(params["Nonce"], 10, 64); err != nil || nonce == 0 {
		return proof{}, identity.Refuse(identity.MalformedCredential, "Nonce must be a positive integer.")
	}
	at, err := readTimestamp("Timestamp", params["Timestamp"])
	if err != nil {
		return proof{}, err
	}
	text := v1Text(r, params)
	algorithm, sent := sha1.New, params["Signature"]
	if params["SignatureMethod"] == "HmacSHA256" {
		algorithm = sha256.New
	}
	return proof{keyID: params["SecretId"], token: params["Token"], timestamp: at, fits: func(secret string) bool {
		return signature.Equal(v1Sign(algorithm, secret, text), sent)
	}}, nil
}

// v1Params decodes the parameters. One that comes twice is refused: which of the two is meant, the signature does not say.
func v1Params(r *http.Request, body []byte) (map[string]string, error) {
	pairs, err := signature.Pairs(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("the query string cannot be decoded")
	}
	if r.Method == http.MethodPost {
		form, err := signature.Pairs(string(body))
		if err != nil {
			return nil, malformed("the form cannot be decoded")
		}
		pairs = append(pairs, form...)
	}
	if len(pairs) > maxV1Params {
		return nil, malformed("it has too many parameters")
	}
	params := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if _, twice := params[p.Name]; twice {
			return nil, malformed("a parameter comes twice")
		}
		params[p.Name] = p.Value
	}
	return params, nil
}

func v1Text(r *http.Request, params map[string]string) string {
	names := make([]string, 0, len(params))
	for name := range params {
		if name != "Signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	var text strings.Builder
	text.WriteString(r.Method + r.Host + path)
	for i, name := range names {
		text.WriteByte("?&"[min(i, 1)])
		text.WriteString(name + "=" + params[name])
	}
	return text.String()
}

func v1Sign(algorithm func() hash.Hash, secret, text string) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func malformed(why string) error {
	return identity.Refuse(identity.MalformedCredential, "The request cannot be authenticated: %s.", why)
}
