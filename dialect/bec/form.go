package bec

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/dialect"
	"edgecloud/dialect/bec/auth"
	"edgecloud/fault"
	"edgecloud/store"
)

// ConsoleURL issues a one-time token for an instance's screen and gives the page's address. request tells under which name the caller reached us.
type ConsoleURL func(ctx context.Context, caller *identity.Caller, instance string, request *http.Request) (string, error)

// Form is BEC's way of authentication, errors and headers.
type Form struct {
	DB       *store.DB
	Identity *identity.Identity
}

// Authenticate verifies the BCE v1 signature.
func (f *Form) Authenticate(r *http.Request, body []byte) (*identity.Caller, error) {
	return auth.Verify(r, body, f.DB.Now(), f.Identity)
}

// Finish sets the headers of every answer (conventions, section 3).
func (f *Form) Finish(h http.Header, requestID string) {
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("X-Bce-Request-Id", requestID)
	h.Set("Server", "BWS")
}

// Token gives the clientToken, which every mutating operation takes (NOTES, item 12).
func (f *Form) Token(c *dialect.Call) string { return c.Param("clientToken") }

// Mutates tells whether an operation changes something.
func (f *Form) Mutates(op *contract.Operation) bool {
	return op.Method != http.MethodGet && op.ID != "encryptCipher"
}

// answer is one row of the error table.
type answer struct {
	status int
	v1     string // code in API 1.0 (conventions, section 6)
	v2     string // code in API 2.0 (conventions-v2, section 5)
}

// answers maps every kind of fault. Where a version's table has no fitting code, BCE's common codes stand in. The signature's kinds are refined by
// auth.Answer.
var answers = map[fault.Kind]answer{
	fault.Internal:        {http.StatusInternalServerError, "Bec internal exception", "ServiceInternalError"},
	fault.NotFound:        {http.StatusNotFound, "Resource Not Found", "NoSuchObject"},
	fault.Conflict:        {http.StatusConflict, "OperationDenied", "OperationDenied"},
	fault.Exists:          {http.StatusConflict, "OperationDenied", "OperationDenied"},
	fault.Quota:           {http.StatusRequestEntityTooLarge, "LimitExceeded", "LimitExceeded"},
	fault.Capacity:        {http.StatusInternalServerError, "Failed to generate BEC resource", "ServiceInternalError"},
	fault.Invalid:         {http.StatusBadRequest, "Illegal parameters", "BadRequest"},
	fault.Denied:          {http.StatusForbidden, "AccessDenied", "AccessDenied"},
	fault.Unauthenticated: {http.StatusForbidden, "AccessDenied", "AccessDenied"},
	fault.BadSignature:    {http.StatusBadRequest, "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
	fault.Expired:         {http.StatusBadRequest, "RequestExpired", "RequestExpired"},
	fault.TokenMismatch:   {http.StatusForbidden, "IdempotentParameterMismatch", "IdempotentParameterMismatch"},
	fault.Throttled:       {http.StatusTooManyRequests, "RequestLimitExceeded", "RequestLimitExceeded"},
	fault.NotImplemented:  {http.StatusNotImplemented, "NotImplemented", "NotImplemented"},
	fault.Unavailable:     {http.StatusServiceUnavailable, "ServiceUnavailable", "ServiceUnavailable"},
}

// failure is the body of an error: the members of both versions, since the SDKs of either need message and requestId, and the document shows msg and data for
// 1.0 (conventions, section 6).
type failure struct {
	Code      string  `json:"code"`
	Msg       *string `json:"msg,omitempty"`
	Message   string  `json:"message"`
	RequestID string  `json:"requestId"`
	Data      any     `json:"data,omitzero"`
}

// Fault writes a fault in the form of the version that was called.
func (f *Form) Fault(r *http.Request, _ *contract.Operation, x *fault.Fault, requestID string) *dialect.Answer {
	row := answers[x.Kind]
	status, code := row.status, row.v2
	first := strings.HasPrefix(r.URL.Path, "/v1")
	if first {
		code = row.v1
	}
	if s, c, ok := auth.Answer(identity.ReasonOf(x)); ok {
		status, code = s, c
	}
	body := failure{Code: code, Message: x.Sentence, RequestID: requestID}
	if first {
		body.Msg = &x.Sentence
	}
	h := http.Header{"X-Bce-Error-Code": {code}, "X-Bce-Error-Message": {headerText(x.Sentence)}}
	if x.Kind == fault.NotFound && x.Resource == "operation" {
		h.Set("X-Bce-Exception-Point", "Gateway")
		h.Set("X-Bce-Error-Code", "ResourceNotFound")
		body.Code = "ResourceNotFound"
	}
	return &dialect.Answer{Status: status, Header: h, Body: body}
}

// headerText keeps a sentence fit for a header: no line breaks, ASCII only.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return '?'
		}
		return r
	}, fmt.Sprintf("%.300s", s))
}
