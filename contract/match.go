package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// Match is a request that found its operation.
type Match struct {
	Operation  *Operation
	PathParams map[string]string // unescaped
	Query      url.Values        // decoded; with the misprinted URLs of the documents read as they are meant; for Tencent's form requests also the form
}

// Reason says why a request found no operation.
type Reason int

// The reasons.
const (
	UnknownPath   Reason = iota // no operation has this path, or this Action
	WrongMethod                 // the path exists with other methods
	NoneSelected                // path and method exist, but no flag, body member or Action selects one of the operations
	Ambiguous                   // two operations are selected at once
	MalformedPath               // the path cannot be unescaped
)

// Mismatch is a request without an operation.
type Mismatch struct {
	Reason  Reason
	Allowed []string // WrongMethod: the methods of this path; NoneSelected: what would select (flags, members, "X-TC-Action")
	Action  string   // UnknownPath in an Action dialect: the unknown action
}

// Error is an English sentence for logs and for dialects without a text of their own.
func (m *Mismatch) Error() string {
	switch m.Reason {
	case WrongMethod:
		return "method not allowed here; allowed: " + strings.Join(m.Allowed, ", ")
	case NoneSelected:
		return "nothing in the request selects an operation; expected one of: " + strings.Join(m.Allowed, ", ")
	case Ambiguous:
		return "the request selects several operations at once: " + strings.Join(m.Allowed, ", ")
	case MalformedPath:
		return "the path is not a valid URL path"
	}
	if m.Action != "" {
		return fmt.Sprintf("the action %q does not exist", m.Action)
	}
	return "no such path"
}

const maxSegments = 32

// Match finds the operation of a request. body is the whole request body: some operations are told apart by it. The request is not changed.
func (d *Dialect) Match(r *http.Request, body []byte) (*Match, *Mismatch) {
	path, query, err := target(r.URL)
	if err != nil {
		return nil, &Mismatch{Reason: MalformedPath}
	}
	if query.Has("maker") && !query.Has("marker") {
		query["marker"] = query["maker"] // bce-sdk-go misspells it (x-sdk-notes of api/bec/v2/appblb.yaml)
	}
	if d.router.actions != nil {
		return d.matchAction(r, query, body)
	}
	var buffer [maxSegments]string
	segments, ok := split(path, buffer[:0])
	if !ok {
		return nil, &Mismatch{Reason: UnknownPath}
	}
	var known *node
	n := d.router.root.find(segments, r.Method, &known)
	if n == nil && known == nil {
		return nil, &Mismatch{Reason: UnknownPath}
	}
	if n == nil {
		return nil, &Mismatch{Reason: WrongMethod, Allowed: known.allowed()}
	}
	o, miss := choose(n.methods[r.Method], r.Method, query, body)
	if miss != nil {
		return nil, miss
	}
	o.foldQuery(query)
	return &Match{Operation: o, PathParams: o.pathParams(segments), Query: query}, nil
}

// foldQuery gives query parameters the contract's spelling where a client's differs in case only (bce-sdk-go lists images with PageNo and Type).
func (o *Operation) foldQuery(query url.Values) {
	for _, p := range o.detail().Params {
		if p.In != "query" || query.Has(p.Name) {
			continue
		}
		for name, values := range query {
			if strings.EqualFold(name, p.Name) && !o.takes(name) {
				query[p.Name] = values
				delete(query, name)
				break
			}
		}
	}
}

// takes tells whether a query parameter of exactly this name is documented.
func (o *Operation) takes(name string) bool {
	return slices.ContainsFunc(o.detail().Params, func(p *Param) bool { return p.In == "query" && p.Name == name })
}

func (n *node) allowed() []string {
	var out []string
	for m := range n.methods {
		out = append(out, m)
	}
	sort.Strings(out)
	return out
}

// target reads path and query, and repairs what the documents misprint: "/updateRelation&clientToken=x" and "?modifyAttribute?clientToken=x".
func target(u *url.URL) (string, url.Values, error) {
	path, raw := u.EscapedPath(), u.RawQuery
	if before, after, found := strings.Cut(path, "&clientToken="); found {
		path, raw = before, "clientToken="+after+"&"+raw
	}
	raw = strings.Replace(raw, "?clientToken=", "&clientToken=", 1)
	query, err := url.ParseQuery(raw)
	if err != nil && query == nil {
		return "", nil, err
	}
	return path, query, nil // pairs that cannot be read are left out, as net/http does
}

// split cuts a path into unescaped segments; one slash at the end is tolerated.
func split(path string, into []string) ([]string, bool) {
	path = strings.TrimPrefix(path, "/")
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return into, true
	}
	for {
		segment, rest, more := strings.Cut(path, "/")
		if strings.IndexByte(segment, '%') >= 0 {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				return nil, false
			}
			segment = plain
		}
		if len(into) == maxSegments {
			return nil, false
		}
		into = append(into, segment)
		if !more {
			return into, true
		}
		path = rest
	}
}

// pathParams names the segments by the template with as many of them (an alias may have other literals at the same places).
func (o *Operation) pathParams(segments []string) map[string]string {
	var params map[string]string
	for _, template := range append([]string{o.Path}, o.Aliases...) {
		params = map[string]string{}
		rest, fits := strings.Trim(template, "/"), true
		for _, value := range segments {
			if rest == "" {
				fits = false
				break
			}
			var segment string
			segment, rest, _ = strings.Cut(rest, "/")
			if isParam(segment) {
				params[segment[1:len(segment)-1]] = value
			} else if segment != value {
				fits = false
				break
			}
		}
		if fits && rest == "" {
			return params
		}
	}
	return params
}
