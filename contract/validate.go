package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Input is a request as validation sees it.
type Input struct {
	Path   map[string]string
	Query  url.Values
	Header http.Header
	Body   []byte
}

// Validate checks a matched request.
func (m *Match) Validate(header http.Header, body []byte) Check {
	return m.Operation.Validate(Input{Path: m.PathParams, Query: m.Query, Header: header, Body: body})
}

// Validate checks parameters and body against the contract, tolerantly: numbers and booleans may be strings, null and an empty query value mean absent,
// unknown members are only listed.
func (o *Operation) Validate(in Input) Check {
	d := o.detail()
	v := &validator{fold: o.Dialect != "tcebms"}
	known := make(map[string]bool, len(d.Params))
	for _, p := range d.Params {
		known[p.Name] = true
		v.param(o, p, in)
	}
	if o.Action != "" {
		v.in = "body"
		v.action(o, d, in)
		return Check{Violations: v.found, Unknown: v.unknown}
	}
	for name := range in.Query {
		if !known[name] && !strings.EqualFold(name, o.Flag) && !common[name] {
			v.unknown = append(v.unknown, name)
		}
	}
	if token := in.Query.Get("clientToken"); o.Dialect == "bec" && len(token) > 64 { // api/bec/NOTES.md, 12: accepted everywhere
		v.fail("query", "clientToken", "length", "at most 64 ASCII characters")
	}
	v.in = "body"
	v.body(d.Body, in.Body)
	return Check{Violations: v.found, Unknown: v.unknown}
}

// common are query parameters that any operation may carry: an idempotency token and what browsers add.
var common = map[string]bool{"clientToken": true, "locale": true, "_": true}

// doorHeaders are checked where signatures and envelopes are, not here.
var doorHeaders = map[string]bool{"Authorization": true, "X-Auth-Token": true, "Host": true, "Content-Type": true, "Content-Length": true, "X-Bce-Date": true,
	"X-Sdk-Date": true, "X-Project-Id": true, "X-Tc-Action": true, "X-Tc-Version": true, "X-Tc-Region": true, "X-Tc-Timestamp": true, "X-Tc-Token": true}

type validator struct {
	in      string
	fold    bool // enums regardless of case
	strict  bool // answers
	found   []Violation
	unknown []string
}

// maxFound ends the search: nobody reads more, and a hostile body must not fill memory.
const maxFound = 20

func (v *validator) fail(in, field, rule, format string, args ...any) {
	if len(v.found) >= maxFound {
		return
	}
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	v.found = append(v.found, Violation{In: in, Field: field, Rule: rule, Expected: format})
}

func (v *validator) param(o *Operation, p *Param, in Input) {
	if p.In == "query" && o.Flag != "" && p.Name == o.Flag {
		return
	}
	v.in = p.In
	var values []string
	switch p.In {
	case "path":
		if value, ok := in.Path[p.Name]; ok {
			values = []string{value}
		} else if value, ok := o.FixedParams[p.Name]; ok {
			values = []string{value}
		}
	case "query":
		values = in.Query[p.Name]
	case "header":
		name := http.CanonicalHeaderKey(p.Name)
		if doorHeaders[name] {
			return
		}
		values = in.Header[name]
	}
	if len(values) == 0 || values[0] == "" {
		if p.Required && !(p.AllowEmpty && len(values) > 0) {
			v.fail(p.In, p.Name, "required", "required")
		}
		return
	}
	s := p.Schema.Resolve()
	if s == nil {
		return
	}
	if s.Type != "array" {
		v.value(p.Name, s, values[0])
		return
	}
	list := make([]any, 0, len(values))
	for _, value := range values { // "a,b" and a=..&a=.. are both met
		for _, item := range strings.Split(value, ",") {
			list = append(list, item)
		}
	}
	v.value(p.Name, s, list)
}

func (v *validator) body(b *Body, raw []byte) {
	if b == nil || b.Schema == nil {
		return
	}
	if b.ContentType != "" && b.ContentType != "application/json" {
		return // an upload: its handler reads the stream
	}
	value, ok, err := decode(raw)
	if err != nil {
		v.fail("body", "", "type", "valid JSON in UTF-8: %v", err)
		return
	}
	if !ok || value == nil {
		if b.Required && needsMembers(b.Schema) {
			v.missing(b.Schema)
		}
		return
	}
	v.value("", b.Schema, value)
}

// missing names what an absent body should have held.
func (v *validator) missing(s *Schema) {
	s = s.Resolve()
	for _, p := range s.Props {
		if p.Required {
			v.fail("body", p.Name, "required", "required")
		}
	}
	if len(v.found) == 0 {
		v.fail("body", "", "required", "a request body is required")
	}
}

// needsMembers tells whether an empty body must be refused; where every member is optional, some SDKs send none at all.
func needsMembers(s *Schema) bool {
	s = s.Resolve()
	if s == nil || s.Type == "" {
		return false
	}
	if s.Type != "object" {
		return true
	}
	for _, p := range s.Props {
		if p.Required {
			return true
		}
	}
	return len(s.AnyOf) > 0 || len(s.OneOf) > 0
}
