package admin

import (
	"net/http"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/dialect"
	becauth "edgecloud/dialect/bec/auth"
	cecauth "edgecloud/dialect/cecstack/auth"
	"edgecloud/fault"
	"edgecloud/store"
)

// Form is the admin API's way of authentication, errors and headers.
type Form struct {
	DB       *store.DB
	Identity *identity.Identity
}

// Authenticate takes a bearer token, or a BCE v1 signature, so that curl and the SDKs at hand can call.
func (f *Form) Authenticate(r *http.Request, body []byte) (*identity.Caller, error) {
	if strings.HasPrefix(r.Header.Get("Authorization"), "bce-auth-v") {
		return becauth.Verify(r, body, f.DB.Now(), f.Identity)
	}
	return cecauth.Verify(r, body, f.DB.Now(), f.Identity, f.Identity)
}

// Finish sets the headers of every answer.
func (f *Form) Finish(h http.Header, requestID string) {
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Request-Id", requestID)
}

// Token gives the Idempotency-Key header.
func (f *Form) Token(c *dialect.Call) string { return c.Request.Header.Get("Idempotency-Key") }

// Mutates tells whether an operation changes something.
func (f *Form) Mutates(op *contract.Operation) bool { return op.Method != http.MethodGet }

var statuses = map[fault.Kind]int{
	fault.Internal: 500, fault.NotFound: 404, fault.Conflict: 409, fault.Exists: 409, fault.Quota: 409, fault.Capacity: 409, fault.Invalid: 400, fault.Denied: 403,
	fault.Unauthenticated: 401, fault.BadSignature: 401, fault.Expired: 401, fault.TokenMismatch: 409, fault.Throttled: 429, fault.NotImplemented: 501,
	fault.Unavailable: 503,
}

// failure is the body of an error, as every file of api/admin has it.
type failure struct {
	Error struct {
		Code      string `json:"code"`
		Message   string `json:"message"`
		Field     string `json:"field,omitempty"`
		RequestID string `json:"requestId"`
	} `json:"error"`
}

// Fault writes a fault with its kind as the code.
func (f *Form) Fault(_ *http.Request, _ *contract.Operation, x *fault.Fault, requestID string) *dialect.Answer {
	var body failure
	body.Error.Code = strings.ReplaceAll(x.Kind.String(), " ", "_")
	body.Error.Message, body.Error.Field, body.Error.RequestID = x.Sentence, x.Field, requestID
	return &dialect.Answer{Status: statuses[x.Kind], Body: body}
}
