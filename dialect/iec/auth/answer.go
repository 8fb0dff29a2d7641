package auth

import (
	"net/http"

	"edgecloud/cloud/identity"
)

// Answer gives the HTTP status and the error_code for a refused credential: IEC's own codes for tokens (api/iec/conventions.md section 7), the API gateway's for
// signatures (support.huaweicloud.com, APIG "error codes": APIGW.0301 is a wrong IAM credential, APIGW.0201 a request too large). ok is false for a reason that is
// none of this door's.
func Answer(reason identity.Reason) (status int, code string, ok bool) {
	switch reason {
	case identity.MissingCredential:
		return http.StatusUnauthorized, "IEC.000002", true
	case identity.InvalidToken:
		return http.StatusUnauthorized, "IEC.000003", true
	case identity.ExpiredToken:
		return http.StatusUnauthorized, "IEC.000004", true
	case identity.UnscopedToken:
		return http.StatusUnauthorized, "IEC.000009", true
	case identity.SuspendedAccount, identity.ScopeDenied:
		return http.StatusForbidden, "IEC.000005", true
	case identity.BodyTooLarge:
		return http.StatusRequestEntityTooLarge, "APIGW.0201", true
	case identity.MalformedCredential, identity.UnsupportedScheme, identity.MissingParameter, identity.MalformedKeyID, identity.UnknownKey, identity.DisabledKey,
		identity.WrongSignature, identity.WrongScope, identity.BodyMismatch, identity.SignatureExpired, identity.SignatureFromFuture, identity.WrongSecurityToken:
		return http.StatusUnauthorized, "APIGW.0301", true
	}
	return 0, "", false
}
