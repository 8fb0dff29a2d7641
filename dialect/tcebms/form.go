package tcebms

import (
	"net/http"
	"strings"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/dialect"
	"edgecloud/dialect/tcebms/auth"
	"edgecloud/fault"
	"edgecloud/store"
)

// service is the name that a v3 signature is made for.
const service = "bms"

// Form is TCE's way of authentication, errors and headers (api/tcebms/conventions.md).
type Form struct {
	DB       *store.DB
	Identity *identity.Identity
}

// Authenticate checks a signature v1 or v3.
func (f *Form) Authenticate(r *http.Request, body []byte) (*identity.Caller, error) {
	return auth.Verify(r, body, f.DB.Now(), f.Identity, service)
}

// Finish sets the headers of every answer.
func (f *Form) Finish(h http.Header, requestID string) {
	h.Set("Content-Type", "application/json")
	h.Set("X-Tc-Requestid", requestID)
}

// Token is empty: the BMS actions have no idempotency token.
func (f *Form) Token(*dialect.Call) string { return "" }

// Mutates tells whether an action changes something.
func (f *Form) Mutates(op *contract.Operation) bool { return !strings.HasPrefix(op.Action, "Describe") }

// codes maps every kind of fault (section 5). The status of all is 200: clients do not read the body of another.
var codes = map[fault.Kind]string{
	fault.Internal:        "InternalError",
	fault.NotFound:        "ResourceNotFound",
	fault.Conflict:        "UnsupportedOperation",
	fault.Exists:          "ResourceInUse",
	fault.Quota:           "LimitExceeded",
	fault.Capacity:        "ResourceInsufficient",
	fault.Invalid:         "InvalidParameterValue",
	fault.Denied:          "UnauthorizedOperation",
	fault.Unauthenticated: "AuthFailure.SignatureFailure",
	fault.BadSignature:    "AuthFailure.SignatureFailure",
	fault.Expired:         "AuthFailure.SignatureExpire",
	fault.TokenMismatch:   "InvalidParameter",
	fault.Throttled:       "RequestLimitExceeded",
	fault.NotImplemented:  "UnsupportedOperation.NotImplemented",
	fault.Unavailable:     "ResourceUnavailable",
}

type failure struct {
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

type envelope struct {
	Response struct {
		Error     failure `json:"Error"`
		RequestID string  `json:"RequestId"`
	} `json:"Response"`
}

// Fault writes a fault as {"Response": {"Error": ...}}.
func (f *Form) Fault(_ *http.Request, _ *contract.Operation, x *fault.Fault, requestID string) *dialect.Answer {
	code := codes[x.Kind]
	if refined, ok := auth.Answer(identity.ReasonOf(x)); ok {
		code = refined
	}
	if x.Resource == "operation" {
		code = "InvalidAction"
	}
	var body envelope
	body.Response.Error = failure{code, x.Sentence}
	body.Response.RequestID = requestID
	return &dialect.Answer{Body: body}
}
