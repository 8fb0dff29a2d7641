package auth

import "edgecloud/cloud/identity"

// Answer gives the error code for a refused credential (api/cecstack/conventions.md section 5); the HTTP status is always 400. ok is false for a reason that is none
// of this door's.
func Answer(reason identity.Reason) (code string, ok bool) {
	switch reason {
	case identity.SuspendedAccount, identity.ScopeDenied:
		return "ECS.OperationDenied.Identity", true
	case identity.WrongPassword, identity.TooManyLoginFailures:
		return "", false // logins are the admin API's
	}
	return "ECS.OperationDenied.AuthFail", reason != ""
}
