package iec

import (
	"net/http"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/dialect"
	"edgecloud/dialect/iec/auth"
	wire "edgecloud/dialect/iec/wire/auth"
	"edgecloud/fault"
	"edgecloud/store"
)

// Form is IEC's way of authentication, errors and headers (api/iec/conventions.md).
type Form struct {
	DB       *store.DB
	Identity *identity.Identity
}

// Authenticate checks the X-Auth-Token or the AK/SK signature.
func (f *Form) Authenticate(r *http.Request, body []byte) (*identity.Caller, error) {
	return auth.Verify(r, body, f.DB.Now(), f.Identity, f.Identity)
}

// Finish sets the headers of every answer: clients do not parse a list without this content type.
func (f *Form) Finish(h http.Header, requestID string) {
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("X-Request-Id", requestID)
}

// Token is empty: IEC has no idempotency token.
func (f *Form) Token(*dialect.Call) string { return "" }

// Mutates tells whether an operation changes something.
func (f *Form) Mutates(op *contract.Operation) bool { return op.Method != http.MethodGet }

type answer struct {
	status int
	code   string
}

// answers maps every kind of fault to the general codes of section 7; resources refine it with their own.
var answers = map[fault.Kind]answer{
	fault.Internal:        {http.StatusInternalServerError, "IEC.000001"},
	fault.NotFound:        {http.StatusNotFound, "IEC.000022"},
	fault.Conflict:        {http.StatusConflict, "IEC.000010"},
	fault.Exists:          {http.StatusConflict, "IEC.000010"},
	fault.Quota:           {http.StatusBadRequest, "IEC.000000"},
	fault.Capacity:        {http.StatusBadRequest, "IEC.000007"},
	fault.Invalid:         {http.StatusBadRequest, "IEC.000007"},
	fault.Denied:          {http.StatusForbidden, "IEC.000005"},
	fault.Unauthenticated: {http.StatusUnauthorized, "IEC.000002"},
	fault.BadSignature:    {http.StatusUnauthorized, "APIGW.0301"},
	fault.Expired:         {http.StatusUnauthorized, "IEC.000004"},
	fault.TokenMismatch:   {http.StatusConflict, "IEC.000010"},
	fault.Throttled:       {http.StatusTooManyRequests, "APIGW.0308"},
	fault.NotImplemented:  {http.StatusNotImplemented, "APIGW.0106"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "IEC.000001"},
}

type failure struct {
	Message string `json:"error_msg"`
	Code    string `json:"error_code"`
}

// Fault writes a fault as {"error_msg","error_code"}, with the code that the resource's table has for it.
func (f *Form) Fault(_ *http.Request, op *contract.Operation, x *fault.Fault, _ string) *dialect.Answer {
	if op != nil && op.Key == wire.OpCreateToken { // the identity service has codes of its own
		status, code := iamCode(x)
		return &dialect.Answer{Status: status, Body: failure{x.Sentence, code}}
	}
	row := refine(op, x)
	if status, code, ok := auth.Answer(identity.ReasonOf(x)); ok {
		row = answer{status, code}
	}
	return &dialect.Answer{Status: row.status, Body: failure{x.Sentence, row.code}}
}
