package cecstack

import (
	"net/http"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/dialect"
	"edgecloud/dialect/cecstack/auth"
	"edgecloud/fault"
	"edgecloud/store"
)

// Form is CECSTACK's way of authentication, errors and headers (api/cecstack/conventions.md).
type Form struct {
	DB       *store.DB
	Identity *identity.Identity
}

// Authenticate checks a bearer token of the admin API or an SDK-HMAC-SHA256 signature; the vendor's own paper on it is not public.
func (f *Form) Authenticate(r *http.Request, body []byte) (*identity.Caller, error) {
	return auth.Verify(r, body, f.DB.Now(), f.Identity, f.Identity)
}

// Finish sets the headers of every answer.
func (f *Form) Finish(h http.Header, _ string) {
	h.Set("Content-Type", "application/json; charset=utf-8")
}

// Token is empty: no idempotency token is documented.
func (f *Form) Token(*dialect.Call) string { return "" }

// Mutates tells whether an operation changes something; some reads are POST, which the audit log then holds too.
func (f *Form) Mutates(op *contract.Operation) bool { return op.Method != http.MethodGet }

// codes maps every kind of fault (section 5 and ecs-error-codes.yaml). The status of all is 400: the document lists no other.
var codes = map[fault.Kind]string{
	fault.Internal:        "ECS.DBGet.Fail",
	fault.NotFound:        "ECS.DBGet.NoData",
	fault.Conflict:        "ECS.InvalidParameter",
	fault.Exists:          "ECS.OperationDenied.Repeat",
	fault.Quota:           "ECS.OperationDenied.VolumeNumOverLimit",
	fault.Capacity:        "ECS.OperationFailed.GetClusterCapacity",
	fault.Invalid:         "ECS.InvalidParameter",
	fault.Denied:          "ECS.OperationDenied.Identity",
	fault.Unauthenticated: "ECS.OperationDenied.AuthFail",
	fault.BadSignature:    "ECS.OperationDenied.AuthFail",
	fault.Expired:         "ECS.OperationDenied.AuthFail",
	fault.TokenMismatch:   "ECS.InvalidParameter",
	fault.Throttled:       "ECS.OperationDenied.Disconnection",
	fault.NotImplemented:  "ECS.OperationDenied.NotImplemented",
	fault.Unavailable:     "ECS.OperationDenied.Disconnection",
}

type envelope struct {
	RequestID string `json:"requestId"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Data      any    `json:"data"`
}

// Fault writes a fault in the envelope of every answer.
func (f *Form) Fault(_ *http.Request, _ *contract.Operation, x *fault.Fault, requestID string) *dialect.Answer {
	code := codes[x.Kind]
	if refined, ok := auth.Answer(identity.ReasonOf(x)); ok {
		code = refined
	}
	status := http.StatusBadRequest
	if x.Resource == "operation" {
		status = http.StatusNotFound
	}
	if x.Kind == fault.NotImplemented {
		status = http.StatusNotImplemented
	}
	return &dialect.Answer{Status: status, Body: envelope{RequestID: requestID, Code: code, Message: x.Sentence}}
}
