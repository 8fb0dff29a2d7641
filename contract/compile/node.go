package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// get returns the value of a mapping's key, nil if absent.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return deref(n.Content[i+1])
		}
	}
	return nil
}

func deref(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// each calls fn for every member of a mapping, in order.
func each(n *yaml.Node, fn func(key string, value *yaml.Node) error) error {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := fn(n.Content[i].Value, deref(n.Content[i+1])); err != nil {
			return err
		}
	}
	return nil
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = deref(c)
	}
	return out
}

func text(n *yaml.Node, key string) string {
	if v := get(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

func truth(n *yaml.Node, key string) bool {
	v := get(n, key)
	return v != nil && v.Tag == "!!bool" && v.Value == "true"
}

func number(n *yaml.Node, key string) (*float64, error) {
	v := get(n, key)
	if v == nil {
		return nil, nil
	}
	f, err := strconv.ParseFloat(v.Value, 64)
	if err != nil {
		return nil, fmt.Errorf("line %d: %s: %w", v.Line, key, err)
	}
	return &f, nil
}

func count(n *yaml.Node, key string) (*int, error) {
	f, err := number(n, key)
	if f == nil || err != nil {
		return nil, err
	}
	i := int(*f)
	return &i, nil
}

// texts reads a list of scalars; an entry that is not a scalar is given as JSON.
func texts(n *yaml.Node) []string {
	if n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return []string{n.Value}
	}
	var out []string
	for _, v := range items(n) {
		if v.Kind == yaml.ScalarNode {
			out = append(out, v.Value)
			continue
		}
		out = append(out, string(toJSON(v)))
	}
	return out
}

func textMap(n *yaml.Node) map[string]string {
	out := map[string]string{}
	_ = each(n, func(k string, v *yaml.Node) error { out[k] = v.Value; return nil })
	if len(out) == 0 {
		return nil
	}
	return out
}

// toJSON keeps the order of members and the spelling of numbers.
func toJSON(n *yaml.Node) json.RawMessage {
	var b bytes.Buffer
	writeJSON(&b, n)
	return b.Bytes()
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) {
	n = deref(n)
	switch {
	case n == nil:
		b.WriteString("null")
	case n.Kind == yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			quote(b, n.Content[i].Value)
			b.WriteByte(':')
			writeJSON(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case n.Kind == yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, c)
		}
		b.WriteByte(']')
	default:
		writeScalar(b, n)
	}
}

func writeScalar(b *bytes.Buffer, n *yaml.Node) {
	switch n.Tag {
	case "!!null":
		b.WriteString("null")
	case "!!bool":
		b.WriteString(strings.ToLower(n.Value))
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			b.WriteString(n.Value)
			return
		}
		var v float64
		if err := n.Decode(&v); err == nil {
			b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
			return
		}
		quote(b, n.Value)
	default:
		quote(b, n.Value)
	}
}

func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)         // a string always encodes
	b.Truncate(b.Len() - 1) // the newline
}
