package compile

import (
	"fmt"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"edgecloud/contract"
)

const schemaPrefix = "#/components/schemas/"

func (f *file) schema(n *yaml.Node) (*contract.Schema, error) {
	if n == nil {
		return nil, nil
	}
	if ref := text(n, "$ref"); ref != "" {
		name, ok := strings.CutPrefix(ref, schemaPrefix)
		if !ok || get(get(get(f.doc, "components"), "schemas"), name) == nil {
			return nil, fmt.Errorf("line %d: %s is not in this file", n.Line, ref)
		}
		return &contract.Schema{Ref: name}, nil
	}
	if all := items(get(n, "allOf")); len(all) > 0 {
		return f.allOf(n, all)
	}
	s := &contract.Schema{Type: text(n, "type"), Format: text(n, "format"), Pattern: text(n, "pattern"), Nullable: truth(n, "nullable"), Enum: texts(get(n, "enum"))}
	f.annotate(s, n)
	if err := f.limits(s, n); err != nil {
		return nil, err
	}
	return s, f.children(s, n)
}

func (f *file) annotate(s *contract.Schema, n *yaml.Node) {
	s.Desc, s.Added = text(n, "description"), truth(n, "x-undocumented")
	if v := get(n, "default"); v != nil {
		s.Default = toJSON(v)
	}
	if v := get(n, "example"); v != nil {
		s.Example = toJSON(v)
	}
	s.Values = append(texts(get(n, "x-known-values")), texts(get(n, "x-values"))...)
}

func (f *file) limits(s *contract.Schema, n *yaml.Node) error {
	if s.Pattern != "" {
		if _, err := regexp.Compile(s.Pattern); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, err)
		}
	}
	var err error
	take := func(e error) {
		if err == nil {
			err = e
		}
	}
	var e error
	s.Min, e = number(n, "minimum")
	take(e)
	s.Max, e = number(n, "maximum")
	take(e)
	s.MinLen, e = count(n, "minLength")
	take(e)
	s.MaxLen, e = count(n, "maxLength")
	take(e)
	s.MinItems, e = count(n, "minItems")
	take(e)
	s.MaxItems, e = count(n, "maxItems")
	take(e)
	return err
}

func (f *file) children(s *contract.Schema, n *yaml.Node) error {
	required := map[string]bool{}
	for _, name := range texts(get(n, "required")) {
		required[name] = true
	}
	err := each(get(n, "properties"), func(name string, v *yaml.Node) error {
		sub, err := f.schema(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		passwordPolicy(f.path, name, sub)
		s.Props = append(s.Props, &contract.Prop{Name: name, Required: required[name], Schema: sub})
		delete(required, name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range texts(get(n, "required")) {
		if required[name] {
			s.Need = append(s.Need, name) // a branch of anyOf that only says what is required
		}
	}
	if len(s.Props) > 0 && s.Type == "" {
		s.Type = "object"
	}
	if s.Items, err = f.schema(get(n, "items")); err != nil {
		return err
	}
	if s.OneOf, err = f.schemas(get(n, "oneOf")); err != nil {
		return err
	}
	if s.AnyOf, err = f.schemas(get(n, "anyOf")); err != nil {
		return err
	}
	return f.additional(s, get(n, "additionalProperties"))
}

func (f *file) schemas(n *yaml.Node) ([]*contract.Schema, error) {
	var out []*contract.Schema
	for _, v := range items(n) {
		s, err := f.schema(v)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// additional reads additionalProperties. These files mean an object with properties to be closed, and one without any to be open, unless they say otherwise.
func (f *file) additional(s *contract.Schema, n *yaml.Node) error {
	switch {
	case n == nil:
		s.Open = s.Type == "object" && len(s.Props) == 0
	case n.Kind == yaml.ScalarNode:
		s.Open = n.Value == "true"
	default:
		s.Open = true
		if len(n.Content) > 0 {
			sub, err := f.schema(n)
			s.Extra = sub
			return err
		}
	}
	return nil
}

// allOf merges. With one entry it is how the files put a description or nullable beside a reference; with more, a reference and what it additionally requires.
func (f *file) allOf(n *yaml.Node, all []*yaml.Node) (*contract.Schema, error) {
	first, err := f.schema(all[0])
	if err != nil {
		return nil, err
	}
	if len(all) == 1 {
		first.Nullable = first.Nullable || truth(n, "nullable")
		f.annotate(first, n)
		return first, nil
	}
	base := first.Ref
	merged, err := f.schema(get(get(get(f.doc, "components"), "schemas"), base))
	if base == "" || err != nil {
		return nil, fmt.Errorf("line %d: the first entry of this allOf is not a reference: %w", n.Line, err)
	}
	merged.Base = base
	for _, more := range all[1:] {
		if get(more, "properties") != nil {
			return nil, fmt.Errorf("line %d: allOf adds properties, which the compiler does not merge", more.Line)
		}
		for _, name := range texts(get(more, "required")) {
			p := merged.Member(name)
			if p == nil {
				return nil, fmt.Errorf("line %d: allOf requires %s, which %s does not have", more.Line, name, base)
			}
			p.Required = true
		}
	}
	f.annotate(merged, n)
	return merged, nil
}
