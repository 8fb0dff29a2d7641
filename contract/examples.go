package contract

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// ExampleSet is what the contract shows of one operation: for replay and for the reference pages.
type ExampleSet struct {
	Requests  []RequestExample
	Responses []ResponseExample
}

// RequestExample is a request that the operation documents.
type RequestExample struct {
	Name   string
	Method string
	Target string // path with query
	Header http.Header
	Body   []byte // nil if none
}

// ResponseExample is an answer that the operation documents.
type ResponseExample struct {
	Name   string
	Status int
	Body   []byte
}

// Examples builds the operation's requests (parameters from their examples, one per body example; one without a body if none is shown) and its answers.
func (o *Operation) Examples() ExampleSet {
	d := o.Docs()
	var set ExampleSet
	bodies := []Example{{}}
	if d.Body != nil && len(d.Body.Examples) > 0 {
		bodies = d.Body.Examples
	}
	for _, b := range bodies {
		if strings.HasPrefix(b.Summary, "fragment") {
			continue // the document shows only the members it talks about
		}
		set.Requests = append(set.Requests, o.requestExample(d, b))
	}
	var statuses []string
	for status := range d.Responses {
		statuses = append(statuses, status)
	}
	sort.Strings(statuses)
	for _, status := range statuses {
		code, err := strconv.Atoi(status)
		if err != nil {
			continue // "default"
		}
		for _, e := range d.Responses[status].Examples {
			set.Responses = append(set.Responses, ResponseExample{Name: e.Name, Status: code, Body: e.Value})
		}
	}
	return set
}

func (o *Operation) requestExample(d *Detail, b Example) RequestExample {
	r := RequestExample{Name: b.Name, Method: o.Method, Header: http.Header{}, Body: b.Value}
	path, query := o.Path, url.Values{}
	flag := ""
	for _, p := range d.Params {
		value := p.sample()
		switch {
		case p.In == "path":
			if fixed, ok := o.FixedParams[p.Name]; ok {
				value = fixed
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && o.Flag != "" && p.Name == o.Flag:
			flag = p.Name
		case p.In == "query" && (p.Required || len(p.Example) > 0):
			query.Set(p.Name, value)
		case p.In == "header" && (p.Required || len(p.Example) > 0):
			r.Header.Set(p.Name, value)
		}
	}
	if o.Flag != "" {
		flag = o.Flag
	}
	for k, v := range o.QueryMatch {
		query.Set(k, v)
	}
	if o.Action != "" {
		r.Header.Set("X-TC-Action", o.Action)
	}
	if b.Value != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Target = path
	if raw := strings.Trim(flag+"&"+query.Encode(), "&"); raw != "" {
		r.Target += "?" + raw
	}
	return r
}

// HTTP makes a server-side request of the example.
func (r RequestExample) HTTP() *http.Request {
	req, err := http.NewRequest(r.Method, "http://contract.invalid"+r.Target, bytes.NewReader(r.Body))
	if err != nil {
		panic(err) // the target was built by url.Values and PathEscape
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	return req
}

// sample is the parameter's example, or a value that its schema allows.
func (p *Param) sample() string {
	if len(p.Example) > 0 {
		return plain(p.Example)
	}
	s := p.Schema.Resolve()
	switch {
	case s == nil:
	case len(s.Example) > 0:
		return plain(s.Example)
	case len(s.Enum) > 0:
		return s.Enum[0]
	case len(s.Default) > 0:
		return plain(s.Default)
	case s.Type == "boolean":
		return "true"
	case s.Type == "integer", s.Type == "number":
		if s.Min != nil {
			return short(*s.Min)
		}
		return "1"
	}
	if s != nil && s.MinLen != nil && *s.MinLen == 36 {
		return "27101e92-49a7-11eb-8a8a-fa1640495574" // IEC's IDs are UUIDs
	}
	return "x-" + strings.ToLower(p.Name)
}

// plain is a JSON scalar as text; a list is joined by commas.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		var parts []string
		for _, item := range list {
			parts = append(parts, plain(item))
		}
		return strings.Join(parts, ",")
	}
	return string(raw)
}
