package auth

import (
	"net/http"
	"time"

	"edgecloud/cloud/identity"
	"edgecloud/dialect/signature/sdkhmac"
)

// TokenHeader carries the token of a login.
const TokenHeader = "X-Auth-Token"

// Verify proves the token or the signature of a request whose body was read before, and gives the caller. A request with both is taken by its signature.
// Errors are faults with an identity.Reason.
func Verify(r *http.Request, body []byte, now time.Time, keys identity.Keys, tokens identity.Tokens) (*identity.Caller, error) {
	if r.Header.Get("Authorization") != "" {
		key, err := sdkhmac.Verify(r, body, now, keys)
		if err != nil {
			return nil, err
		}
		return scoped(r, key.Caller("iec"))
	}
	token, err := Token(r, tokens)
	if err != nil {
		return nil, err
	}
	if token.Scope != identity.AccountScope { // IEC is a global service: a project's token is refused as well (IEC.000009)
		return nil, identity.Refuse(identity.UnscopedToken, "domain_id is not found in user token!")
	}
	return token.Caller("iec"), nil
}

// Token proves the token in X-Auth-Token, whatever its scope.
func Token(r *http.Request, tokens identity.Tokens) (identity.Token, error) {
	bearer := r.Header.Get(TokenHeader)
	if bearer == "" {
		return identity.Token{}, identity.Refuse(identity.MissingCredential, "X-Auth-Token not found in request head.")
	}
	return tokens.Token(r.Context(), bearer)
}

// scoped refuses a signed request that names another account: X-Domain-Id comes with account-wide calls and is not signed by the vendor's client, so it can only
// confirm, never choose.
func scoped(r *http.Request, c *identity.Caller) (*identity.Caller, error) {
	if domain := r.Header.Get("X-Domain-Id"); domain != "" && domain != c.Account {
		return nil, identity.Refuse(identity.ScopeDenied, "X-Domain-Id is not the account of the access key.")
	}
	return c, nil
}
