package wiregen

import (
	"fmt"
	"strings"

	"edgecloud/contract"
)

type kind int

const (
	plain  kind = iota // text, number, boolean
	object             // a struct
	list
	other // a map or anything
)

func kindOf(s *contract.Schema) kind {
	s = s.Resolve()
	if len(s.OneOf) > 0 || len(s.AnyOf) > 0 && s.Type != "object" {
		return kindOfBranches(s)
	}
	switch s.Type {
	case "object":
		if len(s.Props) > 0 {
			return object
		}
		return other
	case "array":
		return list
	case "":
		return other
	}
	return plain
}

// branches of a oneOf or anyOf that is not merely about required members.
func branches(s *contract.Schema) []*contract.Schema {
	if len(s.OneOf) > 0 {
		return s.OneOf
	}
	if s.Type == "object" {
		return nil
	}
	return s.AnyOf
}

func kindOfBranches(s *contract.Schema) kind {
	types := map[string]bool{}
	for _, b := range branches(s) {
		types[b.Resolve().Type] = true
	}
	switch {
	case len(types) == 2 && types["string"] && types["array"]:
		return list
	case types["array"] || types["object"] || types[""]:
		return other
	}
	return plain
}

// declare writes a named type.
func (g *gen) declare(name string, s *contract.Schema, side side, comment string) {
	fmt.Fprintf(&g.out, "\n// %s %s.\n", name, comment)
	if s.Ref == "" && kindOf(s) == object {
		fmt.Fprintf(&g.out, "type %s %s\n", name, g.structOf(s, side, name))
		return
	}
	typ := g.typeOf(s, side, name)
	if k := kindOf(s); s.Ref == "" && (k == list || k == other) && side == answer && !s.Nullable {
		typ = g.neverNull(s, typ)
		fmt.Fprintf(&g.out, "type %s = %s\n", name, typ) // an alias keeps MarshalJSON
		return
	}
	if typ == "string" && len(s.Enum) > 0 {
		g.enum(name, s)
		return
	}
	fmt.Fprintf(&g.out, "type %s = %s\n", name, typ)
}

// enum writes a text type with its values.
func (g *gen) enum(name string, s *contract.Schema) {
	fmt.Fprintf(&g.out, "type %s = string\n\n// Values of %s.\nconst (\n", name, name)
	for _, v := range s.Enum {
		fmt.Fprintf(&g.out, "\t%s = %q\n", g.taken.take(name+goName(v)), v)
	}
	g.out.WriteString(")\n")
}

func (g *gen) structOf(s *contract.Schema, side side, context string) string {
	text, taken := "struct {\n", names{}
	for _, p := range s.Props {
		typ, tag := g.field(p, side, context+goName(p.Name))
		text += fmt.Sprintf("\t%s %s `json:%q`\n", taken.take(goName(p.Name)), typ, tag)
	}
	return text + "}"
}

// typeOf is the Go type of a schema, without the pointer that says optional.
func (g *gen) typeOf(s *contract.Schema, side side, context string) string {
	if name := s.Ref; name != "" {
		return g.ref(name, side)
	}
	if s.Base != "" {
		return g.ref(s.Base, side)
	}
	if b := branches(s); len(b) > 0 {
		return g.branchType(s, b, side, context)
	}
	switch s.Type {
	case "object":
		if len(s.Props) > 0 {
			return g.structOf(s, side, context)
		}
		if s.Extra != nil {
			return "map[string]" + g.typeOf(s.Extra, side, context)
		}
		return "map[string]any"
	case "array":
		if s.Items == nil {
			return "[]any"
		}
		return "[]" + g.typeOf(s.Items, side, context)
	case "string":
		return "string"
	case "boolean":
		return g.scalar(side, "Bool", "bool")
	case "number":
		return g.scalar(side, "Float", "float64")
	case "integer":
		if s.Format == "int32" {
			return g.scalar(side, "Int", "int32")
		}
		return g.scalar(side, "Int", "int64")
	}
	return "any"
}

func (g *gen) ref(name string, side side) string {
	if u := g.used[name]; side == request && u[answer] {
		return g.goNames[name] + "Input"
	}
	return g.goNames[name]
}

func (g *gen) scalar(side side, tolerant, exact string) string {
	if side == answer {
		return exact
	}
	g.imports["edgecloud/contract/scalar"] = true
	return "scalar." + tolerant
}

// branchType chooses one type for alternatives: the number or boolean that also comes as text, the list that also comes as one text, else anything.
func (g *gen) branchType(s *contract.Schema, all []*contract.Schema, side side, context string) string {
	switch kindOfBranches(s) {
	case list:
		if side == answer {
			return "[]string"
		}
		g.imports["edgecloud/contract/scalar"] = true
		return "scalar.Strings"
	case plain:
		if side == answer && freeText(all) {
			return "any" // a number or any text: only the handler knows which
		}
		for _, b := range all {
			if t := b.Resolve().Type; t != "string" {
				return g.typeOf(b, side, context)
			}
		}
		return "string"
	}
	return "any"
}

// freeText tells whether alternatives of several types have one that is any text, not the same value in quotes.
func freeText(all []*contract.Schema) bool {
	free, others := false, false
	for _, b := range all {
		b = b.Resolve()
		others = others || b.Type != "string"
		free = free || b.Type == "string" && len(b.Enum) == 0 && b.Pattern == ""
	}
	return free && others
}

// neverNull replaces a slice or a map by the type that prints [] or {} for nothing.
func (g *gen) neverNull(s *contract.Schema, base string) string {
	if s.Ref != "" {
		return base // a named list is one already
	}
	if item, ok := strings.CutPrefix(base, "[]"); ok {
		g.imports["edgecloud/contract/scalar"] = true
		return "scalar.List[" + item + "]"
	}
	if item, ok := strings.CutPrefix(base, "map[string]"); ok {
		g.imports["edgecloud/contract/scalar"] = true
		return "scalar.Map[" + item + "]"
	}
	return base
}
