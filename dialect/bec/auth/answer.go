package auth

import (
	"net/http"

	"edgecloud/cloud/identity"
)

// Answer gives the HTTP status and the code for a refused credential: BCE's common error codes (cloud.baidu.com/doc/Reference, "公共错误码"), which the BEC
// document does not repeat. ok is false for a reason that is none of this door's.
func Answer(reason identity.Reason) (status int, code string, ok bool) {
	switch reason {
	case identity.MissingCredential, identity.SuspendedAccount, identity.WrongSecurityToken, identity.ScopeDenied:
		return http.StatusForbidden, "AccessDenied", true
	case identity.MalformedCredential, identity.UnsupportedScheme, identity.MissingParameter, identity.WrongScope:
		return http.StatusBadRequest, "InvalidHTTPAuthHeader", true
	case identity.MalformedKeyID, identity.UnknownKey, identity.DisabledKey:
		return http.StatusForbidden, "InvalidAccessKeyId", true
	case identity.WrongSignature:
		return http.StatusBadRequest, "SignatureDoesNotMatch", true
	case identity.BodyMismatch:
		return http.StatusBadRequest, "BadDigest", true
	case identity.BodyTooLarge:
		return http.StatusBadRequest, "EntityTooLarge", true
	case identity.SignatureExpired, identity.SignatureFromFuture:
		return http.StatusBadRequest, "RequestExpired", true
	}
	return 0, "", false
}
