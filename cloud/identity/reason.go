package identity

import (
	"errors"

	"edgecloud/fault"
)

// Reason says exactly why a credential was refused, in the words of no dialect. A door maps it to its own documented code; a fault made by Refuse carries it
// as its cause, ReasonOf finds it again.
type Reason string

// The reasons for refusing a credential.
const (
	MissingCredential    Reason = "missing credential"      // neither a signature nor a token was sent
	MalformedCredential  Reason = "malformed credential"    // the credential or the request it should cover cannot be read
	UnsupportedScheme    Reason = "unsupported scheme"      // another version or algorithm, or one that this kind of request may not use
	MissingParameter     Reason = "missing parameter"       // a header or parameter that the scheme needs is absent
	MalformedKeyID       Reason = "malformed key ID"        // the access key ID cannot be one
	UnknownKey           Reason = "unknown key"             // no such access key
	DisabledKey          Reason = "disabled key"            // the access key or its user is switched off or over
	SuspendedAccount     Reason = "suspended account"       // the account is suspended
	WrongSignature       Reason = "wrong signature"         // the signature does not fit the request
	WrongScope           Reason = "wrong scope"             // the signature is for another date or service
	BodyMismatch         Reason = "body mismatch"           // the body is not the one that was signed
	BodyTooLarge         Reason = "body too large"          // longer than the scheme may cover
	SignatureExpired     Reason = "signature expired"       // signed too long ago
	SignatureFromFuture  Reason = "signature from future"   // signed too far ahead of our clock
	WrongSecurityToken   Reason = "wrong security token"    // the token of a temporary key is absent, wrong or sent with a lasting key
	InvalidToken         Reason = "invalid token"           // no such bearer token, or a revoked one
	ExpiredToken         Reason = "expired token"           // the bearer token is over
	UnscopedToken        Reason = "unscoped token"          // the bearer token does not reach the account's whole, which this door needs
	WrongPassword        Reason = "wrong password"          // unknown user or wrong password: the two look the same
	ScopeDenied          Reason = "scope denied"            // the login asks for an account or project that is not the user's
	TooManyLoginFailures Reason = "too many login failures" // wait before the next try
)

var reasonKinds = map[Reason]fault.Kind{
	MissingCredential: fault.Unauthenticated, MalformedCredential: fault.Unauthenticated, UnsupportedScheme: fault.Unauthenticated, MissingParameter: fault.Unauthenticated,
	MalformedKeyID: fault.Unauthenticated, UnknownKey: fault.Unauthenticated, DisabledKey: fault.Unauthenticated, SuspendedAccount: fault.Denied, WrongSignature: fault.BadSignature, WrongScope: fault.BadSignature,
	BodyMismatch: fault.BadSignature, BodyTooLarge: fault.Invalid, SignatureExpired: fault.Expired, SignatureFromFuture: fault.Expired, WrongSecurityToken: fault.Unauthenticated,
	InvalidToken: fault.Unauthenticated, ExpiredToken: fault.Expired, UnscopedToken: fault.Unauthenticated, WrongPassword: fault.Unauthenticated, ScopeDenied: fault.Denied, TooManyLoginFailures: fault.Throttled,
}

// Reasons lists every reason, so that a door's table can be tested to be exhaustive. The order is not fixed.
func Reasons() []Reason {
	all := make([]Reason, 0, len(reasonKinds))
	for r := range reasonKinds {
		all = append(all, r)
	}
	return all
}

// Error makes a reason an error, so that it can be the cause of a fault.
func (r Reason) Error() string { return string(r) }

// Kind gives the kind of fault that the reason is.
func (r Reason) Kind() fault.Kind { return reasonKinds[r] }

// Refuse makes the fault for a reason with a public sentence. The sentence must not tell more than the reason does: never a secret, a right signature or
// whether some other account exists.
func Refuse(reason Reason, format string, args ...any) *fault.Fault {
	return fault.New(reason.Kind(), format, args...).Because(reason)
}

// ReasonOf finds the reason in an error chain; empty if the error is not about a credential.
func ReasonOf(err error) Reason {
	var r Reason
	if errors.As(err, &r) {
		return r
	}
	return ""
}
