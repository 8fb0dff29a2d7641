package auth

import "edgecloud/cloud/identity"

// Answer gives the error code for a refused credential (api/tcebms/conventions.md section 5); the HTTP status is always 200. ok is false for a reason that is none
// of this door's.
func Answer(reason identity.Reason) (code string, ok bool) {
	switch reason {
	case identity.MalformedKeyID:
		return "AuthFailure.InvalidSecretId", true
	case identity.UnknownKey, identity.DisabledKey:
		return "AuthFailure.SecretIdNotFound", true
	case identity.SignatureExpired, identity.SignatureFromFuture:
		return "AuthFailure.SignatureExpire", true
	case identity.MissingCredential, identity.MalformedCredential, identity.WrongSignature, identity.WrongScope, identity.BodyMismatch:
		return "AuthFailure.SignatureFailure", true
	case identity.WrongSecurityToken:
		return "AuthFailure.TokenFailure", true
	case identity.SuspendedAccount, identity.ScopeDenied:
		return "AuthFailure.UnauthorizedOperation", true
	case identity.MissingParameter:
		return "MissingParameter", true
	case identity.UnsupportedScheme:
		return "UnsupportedProtocol", true
	case identity.BodyTooLarge:
		return "InvalidParameter", true
	}
	return "", false
}
