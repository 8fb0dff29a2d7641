package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"edgecloud/contract"
)

func indent(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// typeName is a schema's type for people: "list of Tag".
func typeName(s *contract.Schema) string {
	if s == nil {
		return ""
	}
	switch {
	case s.Ref != "":
		return s.Ref
	case s.Base != "":
		return s.Base
	case len(s.OneOf) > 0:
		return alternatives(s.OneOf)
	case len(s.AnyOf) > 0 && s.Type != "object":
		return alternatives(s.AnyOf)
	case s.Type == "array":
		return "list of " + typeName(s.Items)
	case s.Type == "object" && s.Extra != nil:
		return "map of " + typeName(s.Extra)
	case s.Type == "":
		return "any"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

func alternatives(all []*contract.Schema) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, typeName(s))
	}
	return strings.Join(parts, " or ")
}

// limits says what a value may be: enum, range, length, default.
func limits(s *contract.Schema) string {
	if s == nil {
		return ""
	}
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 {
		add("one of %s", strings.Join(s.Enum, ", "))
	}
	if len(s.Values) > 0 {
		add("seen: %s", strings.Join(s.Values, ", "))
	}
	between(add, "value", number(s.Min), number(s.Max))
	between(add, "length", count(s.MinLen), count(s.MaxLen))
	between(add, "entries", count(s.MinItems), count(s.MaxItems))
	if s.Pattern != "" {
		add("form %s", s.Pattern)
	}
	if len(s.Default) > 0 {
		add("default %s", s.Default)
	}
	if s.Nullable {
		add("may be null")
	}
	return strings.Join(parts, "; ")
}

func between(add func(string, ...any), what, low, high string) {
	switch {
	case low != "" && high != "":
		add("%s %s to %s", what, low, high)
	case low != "":
		add("%s at least %s", what, low)
	case high != "":
		add("%s at most %s", what, high)
	}
}

func number(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'f', -1, 64)
}

func count(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// row is one line of a schema's table; inline objects are indented below their member.
type row struct {
	Depth    int
	Name     string
	Required bool
	Schema   *contract.Schema
	Link     string // anchor of the schema it refers to
}

const deepest = 6

func rows(s *contract.Schema) []row {
	return collect(s, 0)
}

func collect(s *contract.Schema, depth int) []row {
	if s == nil || s.Ref != "" || depth > deepest {
		return nil
	}
	if s.Type == "array" {
		return collect(s.Items, depth)
	}
	var out []row
	for _, p := range s.Props {
		out = append(out, row{Depth: depth, Name: p.Name, Required: p.Required, Schema: p.Schema, Link: reference(p.Schema)})
		out = append(out, collect(p.Schema, depth+1)...)
	}
	return out
}

func reference(s *contract.Schema) string {
	for s != nil {
		if s.Ref != "" {
			return s.Ref
		}
		if s.Base != "" {
			return s.Base
		}
		if s.Type == "array" {
			s = s.Items
			continue
		}
		return ""
	}
	return ""
}
