package isolation

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"edgecloud/contract"
)

// request is one way to call an operation, with its resources still open.
type request struct {
	op    *contract.Operation
	body  any
	query string // what the example has
	path  string
	plain bool // without the filters that may be left out
}

// requests are the operation's examples, or what stands for them.
func requests(op *contract.Operation) ([]request, error) {
	var all []request
	for _, e := range op.Examples().Requests {
		path, query, _ := strings.Cut(e.Target, "?")
		r := request{op: op, path: path, query: query}
		if e.Body != nil {
			if err := json.Unmarshal(e.Body, &r.body); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the contract shows no request")
	}
	if texts := bodies[op.Key]; texts != nil {
		first := all[0]
		all = nil
		for _, text := range texts {
			r := first
			if err := json.Unmarshal([]byte(text), &r.body); err != nil {
				return nil, err
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// filler gives the value of an argument.
type filler struct {
	op       string // the operation's key
	of       func(kind string) string
	password string
	used     map[string]bool // kinds that were asked for
	unknown  []string
}

func (f *filler) value(name string) (string, bool) {
	kind := kinds[name]
	if own := special[f.op+" "+name]; own != "" {
		kind = own
	}
	if kind != "" {
		f.used[kind] = true
		return f.of(kind), true
	}
	if v, ok := fixed[name]; ok {
		return v, true
	}
	if name == "adminPass" {
		return f.password, true
	}
	if strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "Ids") || strings.HasSuffix(name, "IdList") {
		f.unknown = append(f.unknown, name)
	}
	return "", false
}

// fill puts values into a JSON document. A list of texts becomes a list of one.
func (f *filler) fill(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, member := range slices.Sorted(maps.Keys(v)) {
			out[member] = f.fill(member, v[member])
		}
		return out
	case []any:
		if len(v) == 0 {
			return v
		}
		if _, text := v[0].(string); text {
			return []any{f.fill(name, v[0])}
		}
		out := make([]any, len(v))
		for k := range v {
			out[k] = f.fill(name, v[k])
		}
		return out
	case string:
		if kind, ok := strings.CutPrefix(v, "?"); ok && kind != "" { // the body says of which kind it is
			f.used[kind] = true
			return f.of(kind)
		}
		if name == "type" || name == "action" {
			return v // in a body they choose among its forms
		}
		if value, ok := f.value(name); ok {
			return value
		}
	}
	return v
}

// build makes the call's target and body.
func (r request) build(f *filler) (target string, body []byte) {
	f.op = r.op.Key
	parts := strings.Split(r.path, "/")
	for k, part := range strings.Split(r.op.Path, "/") {
		if !strings.HasPrefix(part, "{") {
			continue
		}
		name := strings.Trim(part, "{}")
		if _, set := r.op.FixedParams[name]; set {
			continue
		}
		if value, ok := f.value(name); ok {
			parts[k] = url.PathEscape(value)
		} else if !noResource[name] {
			f.unknown = append(f.unknown, name)
		}
	}
	target = strings.Join(parts, "/")
	if query := r.buildQuery(f); query != "" {
		target += "?" + query
	}
	if b := r.op.Body(); b != nil && b.ContentType == "application/octet-stream" {
		return target, []byte("a piece of a file")
	}
	if r.body == nil {
		return target, nil
	}
	root := ""
	if _, list := r.body.([]any); list {
		root = "idList" // the only bodies that are lists name services
	}
	body, _ = json.Marshal(f.fill(root, r.body)) // it was JSON before
	return target, body
}

// buildQuery fills the example's query, and adds every filter by a resource that the operation has.
func (r request) buildQuery(f *filler) string {
	var out []string
	for _, pair := range strings.Split(r.query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if name == "regionId" || r.op.Key == nodeQuery && fixed[name] != "" { // the examples' nodes are not here
			pair = name + "=" + fixed[name]
		}
		if queryPorts[r.op.Key+" "+name] != "" {
			continue
		}
		if name == "" || name == r.op.Flag || kinds[name] == "" {
			out = append(out, pair)
		}
	}
	for _, p := range r.op.Docs().Params {
		if p.In == "query" && kinds[p.Name] != "" && (p.Required || !r.plain) {
			value, _ := f.value(p.Name)
			out = append(out, p.Name+"="+url.QueryEscape(value))
		}
		if value := queryPorts[r.op.Key+" "+p.Name]; p.In == "query" && value != "" {
			out = append(out, p.Name+"="+value)
		}
	}
	return strings.Trim(strings.Join(out, "&"), "&")
}
