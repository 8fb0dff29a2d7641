package dialect

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/fault"
)

// Call is one request that has found its operation.
type Call struct {
	*contract.Match
	Caller    *identity.Caller
	Request   *http.Request
	Body      []byte // JSON, whatever form it came in
	RequestID string
}

// Decode reads the body into a wire type. The contract has checked it before; what is left to fail are types that the wire type reads more strictly.
func (c *Call) Decode(into any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, into); err != nil {
		return fault.New(fault.Invalid, "The request body cannot be read: %v", err).Because(err)
	}
	return nil
}

// Path gives a path parameter.
func (c *Call) Path(name string) string { return c.PathParams[name] }

// Param gives a query parameter; empty if it is absent or has no value.
func (c *Call) Param(name string) string { return c.Query.Get(name) }

// Int gives a query parameter as a number, or otherwise if it is absent.
func (c *Call) Int(name string, otherwise int) int {
	n, err := strconv.Atoi(c.Query.Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

// Answer is what a handler gives back.
type Answer struct {
	Status int // 0 is 200
	Header http.Header
	Body   any // marshalled to JSON; nil is an empty body; json.RawMessage goes out as it is
}

// OK answers 200 with a body.
func OK(body any) *Answer { return &Answer{Body: body} }

// Empty answers 200 without a body.
func Empty() *Answer { return &Answer{} }

// Handler answers one operation.
type Handler func(ctx context.Context, c *Call) (*Answer, error)

// Handlers are bound to operations by the operation's key in the contract ("bec/v2/vpc.createVpc").
type Handlers map[string]Handler
