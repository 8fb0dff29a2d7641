package fault

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about a fault.
type Kind int

// The kinds. Unauthenticated and its kin are made by the doors' signature checks; the rest by the cloud.
const (
	Internal        Kind = iota // ours: retry later or call the operator
	NotFound                    // absent, or not the caller's: the two look the same
	Conflict                    // the resource's state or another resource forbids it
	Exists                      // the name or address is taken
	Quota                       // a limit of the account is reached
	Capacity                    // no host or address is left for it
	Invalid                     // a field is missing, unreadable or out of range
	Denied                      // the caller is known and may not
	Unauthenticated             // no, an unknown or a disabled credential
	BadSignature                // the signature does not fit the request
	Expired                     // the signature or token is outside its window
	TokenMismatch               // an idempotency token was used before with another request
	Throttled                   // too many requests
	NotImplemented              // documented, but not built yet
	Unavailable                 // a site, host or engine does not answer now
	kinds                       // number of kinds
)

var kindNames = [kinds]string{"internal", "not found", "conflict", "exists", "quota", "capacity", "invalid", "denied", "unauthenticated", "bad signature", "expired",
	"token mismatch", "throttled", "not implemented", "unavailable"}

// String gives the kind's name for logs.
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// Kinds lists every kind, so that a dialect's table can be tested to be exhaustive.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Retryable tells whether the same request may succeed later without any change by the caller.
func (k Kind) Retryable() bool {
	return k == Internal || k == Throttled || k == Unavailable || k == Capacity
}

// Fault is a domain error.
type Fault struct {
	Kind     Kind
	Sentence string // public: shown to the caller as it is
	Field    string // the request field it is about, in the words of the domain ("subnet", "size_gib"); empty if none
	Resource string // the kind of resource it is about ("instance"); empty if none
	ID       string // what the caller named it; empty if none
	cause    error  // internal
}

// New makes a fault of a kind with a public sentence.
func New(kind Kind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Sentence: fmt.Sprintf(format, args...)}
}

// Missing says that a resource is absent or not the caller's.
func Missing(resource, id string) *Fault {
	return &Fault{Kind: NotFound, Sentence: fmt.Sprintf("The %s %q does not exist.", resource, id), Resource: resource, ID: id}
}

// BadField says what was expected of a field.
func BadField(field, format string, args ...any) *Fault {
	return &Fault{Kind: Invalid, Field: field, Sentence: field + ": " + fmt.Sprintf(format, args...)}
}

// Conflicting says why a resource's state, or what uses it, forbids a change.
func Conflicting(resource, id, format string, args ...any) *Fault {
	return &Fault{Kind: Conflict, Resource: resource, ID: id, Sentence: fmt.Sprintf(format, args...)}
}

// OverQuota says which limit is reached: name is the quota's name, limit its value.
func OverQuota(name string, used, wanted, limit int64) *Fault {
	return &Fault{Kind: Quota, Resource: name, Sentence: fmt.Sprintf("The quota of %s is exceeded: %d in use, %d more wanted, %d allowed.", name, used, wanted, limit)}
}

// On returns a copy that names the request field.
func (f *Fault) On(field string) *Fault {
	c := *f
	c.Field = field
	return &c
}

// Because returns a copy with an internal cause.
func (f *Fault) Because(cause error) *Fault {
	c := *f
	c.cause = cause
	return &c
}

// About returns a copy that names the resource.
func (f *Fault) About(resource, id string) *Fault {
	c := *f
	c.Resource, c.ID = resource, id
	return &c
}

// Error is for logs: it includes the cause. Never send it to a caller; send Sentence.
func (f *Fault) Error() string {
	if f.cause == nil {
		return f.Kind.String() + ": " + f.Sentence
	}
	return f.Kind.String() + ": " + f.Sentence + ": " + f.cause.Error()
}

// Unwrap gives the internal cause.
func (f *Fault) Unwrap() error { return f.cause }

// From finds the fault in an error chain; an error without one becomes an Internal fault with a fixed sentence and the error as its cause. nil stays nil.
func From(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Kind: Internal, Sentence: "An internal error occurred.", cause: err}
}

// Is tells whether the error chain holds a fault of this kind.
func Is(err error, kind Kind) bool {
	var f *Fault
	return errors.As(err, &f) && f.Kind == kind
}
