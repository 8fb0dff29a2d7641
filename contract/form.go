package contract

import (
	"encoding/json"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// action checks the parameters of a Tencent action, which come as a JSON body or flattened in the query or a form.
func (v *validator) action(o *Operation, d *Detail, in Input) {
	m := Match{Operation: o, Query: in.Query}
	v.body(d.Body, m.JSONBody(in.Header, in.Body))
}

// formCommon are the common parameters of signature v1, which are not the action's own.
var formCommon = map[string]bool{"Action": true, "Region": true, "Timestamp": true, "Nonce": true, "SecretId": true, "Signature": true, "Version": true,
	"SignatureMethod": true, "Token": true, "RequestClient": true, "Language": true}

// FormBody turns flattened parameters (Filters.0.Name=zone&Filters.0.Values.0=z1) into the JSON body that the action's schema describes. Lists count from 0
// or from 1 and may have gaps; the order of the numbers is kept. Scalars become strings, which wire types of requests accept.
func (o *Operation) FormBody(query url.Values) []byte {
	root := &formNode{}
	for name, values := range query {
		if formCommon[name] || len(values) == 0 {
			continue
		}
		root.set(strings.Split(name, "."), values[0])
	}
	var s *Schema
	if b := o.detail().Body; b != nil {
		s = b.Schema
	}
	raw, err := json.Marshal(root.build(s))
	if err != nil {
		return []byte("{}") // strings, lists and maps always marshal
	}
	return raw
}

type formNode struct {
	value    string
	children map[string]*formNode
}

func (n *formNode) set(path []string, value string) {
	for _, step := range path {
		if n.children == nil {
			n.children = map[string]*formNode{}
		}
		next := n.children[step]
		if next == nil {
			next = &formNode{}
			n.children[step] = next
		}
		n = next
	}
	n.value = value
}

func (n *formNode) build(s *Schema) any {
	s = s.Resolve()
	if n.children == nil {
		if s == nil || s.Type != "object" || n.value != "" {
			return n.value
		}
		return map[string]any{}
	}
	if s != nil && s.Type == "array" {
		return n.list(s.Items)
	}
	object := map[string]any{}
	for name, child := range n.children {
		var sub *Schema
		if s != nil {
			if p := s.Member(name); p != nil {
				sub = p.Schema
			}
		}
		object[name] = child.build(sub)
	}
	return object
}

func (n *formNode) list(items *Schema) []any {
	type entry struct {
		at   int
		node *formNode
	}
	var entries []entry
	for name, child := range n.children {
		at, err := strconv.Atoi(name)
		if err != nil {
			at = 1 << 30 // not a position: keep the value, so that validation sees it
		}
		entries = append(entries, entry{at, child})
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].at < entries[j].at })
	list := make([]any, 0, len(entries))
	for _, e := range entries {
		list = append(list, e.node.build(items))
	}
	return list
}
