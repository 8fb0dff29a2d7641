package auth

import (
	"net/http"
	"strings"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature/sdkhmac"
)

// Verify proves the bearer token or the signature of a request whose body was read before, and gives the caller. Errors are faults with an identity.Reason.
func Verify(r *http.Request, body []byte, now time.Time, keys identity.Keys, tokens identity.Tokens) (*identity.Caller, error) {
	if sdkhmac.Offered(r.Header) {
		key, err := sdkhmac.Verify(r, body, now, keys)
		if err != nil {
			return nil, err
		}
		return key.Caller("cecstack"), nil
	}
	bearer, err := Bearer(r.Header)
	if err != nil {
		return nil, err
	}
	token, err := tokens.Token(r.Context(), bearer)
	if err != nil {
		return nil, err
	}
	if token.Scope == identity.Unscoped {
		return nil, identity.Refuse(identity.UnscopedToken, "The token is for no account.")
	}
	return token.Caller("cecstack"), nil
}

// Bearer reads the token of Authorization: Bearer (RFC 6750 section 2.1).
func Bearer(h http.Header) (string, error) {
	header := strings.TrimSpace(h.Get("Authorization"))
	if header == "" {
		return "", identity.Refuse(identity.MissingCredential, "The request has no Authorization header.")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", identity.Refuse(identity.UnsupportedScheme, "The Authorization header must be a bearer token or %s.", sdkhmac.Scheme)
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsAny(token, " \t,") {
		return "", identity.Refuse(identity.MalformedCredential, "The bearer token cannot be read.")
	}
	return token, nil
}
