package contract

import "strings"

// router is a trie over path segments. Literals are tried before parameters, with a way back, so that /a/{x}/c is found although /a/b exists.
type router struct {
	root    node
	actions map[string]*Operation // Tencent: by Action
}

type node struct {
	literals map[string]*node
	param    *node
	methods  map[string][]*Operation // candidates at this path, in the order of the files
}

func (r *router) add(o *Operation) {
	if o.MergedWith != "" {
		return // a second page about the same request: the other operation answers it
	}
	if o.Action != "" {
		if r.actions == nil {
			r.actions = map[string]*Operation{}
		}
		r.actions[o.Action] = o
		return
	}
	for _, template := range append([]string{o.Path}, o.Aliases...) {
		n := r.root.at(template, o.FixedParams)
		for _, method := range append([]string{o.Method}, o.AltMethods...) {
			n.methods[method] = append(n.methods[method], o)
		}
	}
}

func (n *node) at(template string, fixed map[string]string) *node {
	for rest := strings.Trim(template, "/"); rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		if isParam(segment) {
			value, ok := fixed[segment[1:len(segment)-1]]
			if !ok {
				if n.param == nil {
					n.param = &node{}
				}
				n = n.param
				continue
			}
			segment = value
		}
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		next := n.literals[segment]
		if next == nil {
			next = &node{}
			n.literals[segment] = next
		}
		n = next
	}
	if n.methods == nil {
		n.methods = map[string][]*Operation{}
	}
	return n
}

// find walks the segments. It prefers a node that answers the method; known remembers any node that has the path with another method.
func (n *node) find(segments []string, method string, known **node) *node {
	if len(segments) == 0 {
		if n.methods == nil {
			return nil
		}
		if n.methods[method] != nil {
			return n
		}
		if *known == nil {
			*known = n
		}
		return nil
	}
	if next := n.literals[segments[0]]; next != nil {
		if found := next.find(segments[1:], method, known); found != nil {
			return found
		}
	}
	if n.param != nil && segments[0] != "" {
		return n.param.find(segments[1:], method, known)
	}
	return nil
}
