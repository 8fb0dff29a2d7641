package dialect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"github.com/google/uuid"

	"edgecloud/cloud/audit"
	"edgecloud/cloud/identity"
	"edgecloud/contract"
	"edgecloud/fault"
	"edgecloud/store"
)

// Form is what differs between dialects.
type Form interface {
	// Authenticate learns who calls. An operation that the contract opens to everybody is not asked.
	Authenticate(r *http.Request, body []byte) (*identity.Caller, error)
	// Fault puts a fault into the dialect's error form. op is nil if the request found none.
	Fault(r *http.Request, op *contract.Operation, f *fault.Fault, requestID string) *Answer
	// Finish puts the dialect's common headers on an answer.
	Finish(header http.Header, requestID string)
	// Token gives the call's idempotency token; empty if it has none or the dialect knows none.
	Token(c *Call) string
	// Mutates tells whether an operation changes something.
	Mutates(op *contract.Operation) bool
}

// Door serves one dialect.
type Door struct {
	name     string
	contract *contract.Dialect
	form     Form
	handlers Handlers
	db       *store.DB
	log      *slog.Logger

	// Strict refuses members that the contract does not name, instead of ignoring them as the real clouds do.
	Strict bool
	// Answered is told every answer, for tests that hold answers against the contract. nil for none.
	Answered func(op *contract.Operation, status int, header http.Header, body []byte)
}

// maxBody is the longest body that is read: the largest of the four vendors' limits (Huawei's 12 MB).
const maxBody = 12 << 20

// New makes a door. It refuses handlers for operations that the contract does not have.
func New(name string, c *contract.Dialect, form Form, handlers Handlers, db *store.DB, log *slog.Logger) (*Door, error) {
	for key := range handlers {
		if c.Operation(key) == nil {
			return nil, fmt.Errorf("dialect %s: a handler is bound to %s, which the contract does not have", name, key)
		}
	}
	return &Door{name: name, contract: c, form: form, handlers: handlers, db: db, log: log}, nil
}

// Bound tells which operations have a handler.
func (d *Door) Bound() map[string]bool {
	bound := make(map[string]bool, len(d.handlers))
	for key := range d.handlers {
		bound[key] = true
	}
	return bound
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		d.refuse(w, r, nil, bodyFault(err), id)
		return
	}
	match, miss := d.contract.Match(r, body)
	if miss != nil {
		d.refuse(w, r, nil, mismatchFault(miss), id)
		return
	}
	call := &Call{Match: match, Request: r, RequestID: id}
	answer, err := d.serve(r.Context(), call, body)
	if err != nil {
		f := fault.From(err)
		d.note(r.Context(), call, f)
		d.refuse(w, r, match.Operation, f, id)
		return
	}
	d.write(w, r, match.Operation, answer, id)
}

func bodyFault(err error) *fault.Fault {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.Invalid, "The request body is longer than %d bytes.", tooLarge.Limit)
	}
	return fault.New(fault.Invalid, "The request body could not be read.").Because(err)
}

func mismatchFault(m *contract.Mismatch) *fault.Fault {
	kind := fault.NotFound
	if m.Reason == contract.MalformedPath || m.Reason == contract.Ambiguous || m.Reason == contract.NoneSelected {
		kind = fault.Invalid
	}
	return fault.New(kind, "The request names no operation: %s.", m.Error()).About("operation", m.Action)
}

// serve authenticates, checks and runs a call.
func (d *Door) serve(ctx context.Context, c *Call, body []byte) (*Answer, error) {
	if !c.Operation.NoAuth {
		caller, err := d.form.Authenticate(c.Request, body)
		if err != nil {
			return nil, err
		}
		c.Caller = caller
		d.introduce(c)
	}
	handler, built := d.handlers[c.Operation.Key]
	if !built {
		return nil, fault.New(fault.NotImplemented, "The operation %s is documented but not implemented yet.", c.Operation.ID)
	}
	c.Body = c.JSONBody(c.Request.Header, body)
	if err := d.check(c, body); err != nil {
		return nil, err
	}
	token := ""
	if d.form.Mutates(c.Operation) {
		token = d.form.Token(c)
	}
	if token == "" {
		return handler(ctx, c)
	}
	return d.once(ctx, c, handler, token)
}

func (d *Door) introduce(c *Call) {
	c.Caller.Dialect, c.Caller.Operation, c.Caller.RequestID = d.name, c.Operation.LocalID(), c.RequestID
	c.Caller.SourceIP = c.Request.RemoteAddr
	if host, _, err := net.SplitHostPort(c.Request.RemoteAddr); err == nil {
		c.Caller.SourceIP = host
	}
}

func (d *Door) check(c *Call, body []byte) error {
	check := c.Validate(c.Request.Header, body)
	violations := check.Violations
	if d.Strict {
		violations = check.Strict()
	}
	if len(violations) == 0 {
		return nil
	}
	f := fault.New(fault.Invalid, "%s", contract.Sentences(violations))
	return f.On(violations[0].Field)
}

// note records a mutating call that failed. A call without a caller leaves no record: anybody could fill the log.
func (d *Door) note(ctx context.Context, c *Call, f *fault.Fault) {
	if f.Kind == fault.Internal {
		d.log.Error("call failed", "dialect", d.name, "operation", c.Operation.LocalID(), "request", c.RequestID, "error", f.Error())
	}
	if c.Caller == nil || !d.form.Mutates(c.Operation) || f.Kind == fault.NotImplemented {
		return
	}
	if err := audit.Failed(context.WithoutCancel(ctx), d.db, c.Caller, f.Kind.String()); err != nil {
		d.log.Error("audit record lost", "request", c.RequestID, "error", err)
	}
}

func (d *Door) refuse(w http.ResponseWriter, r *http.Request, op *contract.Operation, f *fault.Fault, id string) {
	d.write(w, r, op, d.form.Fault(r, op, f, id), id)
}

func (d *Door) write(w http.ResponseWriter, r *http.Request, op *contract.Operation, a *Answer, id string) {
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	body, err := encode(a.Body)
	if err != nil {
		d.log.Error("answer cannot be encoded", "dialect", d.name, "request", id, "error", err)
		d.refuse(w, r, op, fault.From(err), id)
		return
	}
	header := w.Header()
	for name, values := range a.Header {
		header[name] = values
	}
	d.form.Finish(header, id)
	header.Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if status != http.StatusNoContent && r.Method != http.MethodHead {
		_, _ = w.Write(body) // the caller is gone: nothing is left to tell
	}
	if d.Answered != nil && op != nil {
		d.Answered(op, status, header, body)
	}
}

// encode marshals without escaping <, > and &, which clients compare literally.
func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return b, nil
	}
	var buffer bytes.Buffer
	e := json.NewEncoder(&buffer)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
