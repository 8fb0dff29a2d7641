package contract

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value checks one value against a schema. field is its path for the message.
func (v *validator) value(field string, s *Schema, x any) {
	nullable := false
	for s != nil && s.target != nil {
		nullable = nullable || s.Nullable
		s = s.target
	}
	if s == nil {
		return
	}
	if x == nil {
		if v.strict && !nullable && !s.Nullable && s.Type != "" {
			v.fail(v.in, field, "type", "%s, not null", s.describe())
		}
		return
	}
	if len(s.OneOf) > 0 && !v.alternatives(field, s, s.OneOf, x) {
		return
	}
	if len(s.AnyOf) > 0 && !v.alternatives(field, s, s.AnyOf, x) {
		return
	}
	switch s.Type {
	case "object":
		v.object(field, s, x)
	case "array":
		v.array(field, s, x)
	case "string":
		v.text(field, s, x)
	case "integer", "number":
		v.number(field, s, x)
	case "boolean":
		v.boolean(field, s, x)
	}
}

// alternatives passes if any branch fits.
func (v *validator) alternatives(field string, s *Schema, branches []*Schema, x any) bool {
	for _, b := range branches {
		trial := &validator{in: v.in, fold: v.fold, strict: v.strict}
		trial.value(field, b, x)
		trial.need(b, x)
		if len(trial.found) == 0 {
			v.unknown = append(v.unknown, trial.unknown...)
			return true
		}
	}
	v.fail(v.in, field, "alternative", "%s", describeBranches(branches))
	return false
}

// need checks an anyOf branch that only lists required members.
func (v *validator) need(b *Schema, x any) {
	object, _ := x.(map[string]any)
	for _, name := range b.Resolve().Need {
		if object[name] == nil {
			v.fail(v.in, name, "required", "required")
		}
	}
}

func (v *validator) object(field string, s *Schema, x any) {
	object, ok := x.(map[string]any)
	if !ok {
		v.fail(v.in, field, "type", "an object")
		return
	}
	for _, p := range s.Props {
		member, there := object[p.Name]
		if p.Required && (!there || member == nil && !v.strict && !p.Schema.nullable()) {
			v.fail(v.in, join(field, p.Name), "required", "required")
			continue
		}
		if !there || v.unset(p, member) {
			continue
		}
		v.value(join(field, p.Name), p.Schema, member)
	}
	for name, member := range object {
		if s.Member(name) != nil {
			continue
		}
		switch {
		case s.Extra != nil:
			v.value(join(field, name), s.Extra, member)
		case s.Open:
		case v.strict:
			v.fail(v.in, join(field, name), "unknown", "no such member in the contract")
		case len(v.unknown) < maxFound:
			v.unknown = append(v.unknown, join(field, name))
		}
	}
}

// unset tells whether a member of a request means absent: null, or an optional string that an SDK sends empty.
func (v *validator) unset(p *Prop, member any) bool {
	if v.strict {
		return false
	}
	text, isText := member.(string)
	return member == nil || isText && text == "" && !p.Required
}

func (s *Schema) nullable() bool {
	for ; s != nil; s = s.target {
		if s.Nullable {
			return true
		}
	}
	return false
}

func (v *validator) array(field string, s *Schema, x any) {
	list, ok := x.([]any)
	if !ok {
		v.fail(v.in, field, "type", "a list")
		return
	}
	if s.MinItems != nil && len(list) < *s.MinItems {
		v.fail(v.in, field, "items", "at least %d entries", *s.MinItems)
	}
	if s.MaxItems != nil && len(list) > *s.MaxItems {
		v.fail(v.in, field, "items", "at most %d entries", *s.MaxItems)
		return
	}
	if s.Items == nil {
		return
	}
	for i, item := range list {
		if len(v.found) >= maxFound {
			return
		}
		v.value(field+"["+strconv.Itoa(i)+"]", s.Items, item)
	}
}

func (v *validator) text(field string, s *Schema, x any) {
	value, ok := x.(string)
	if !ok {
		v.fail(v.in, field, "type", "%s", s.describe())
		return
	}
	v.enum(field, s, value)
	if s.MinLen != nil || s.MaxLen != nil {
		n := utf8.RuneCountInString(value)
		if s.MinLen != nil && n < *s.MinLen || s.MaxLen != nil && n > *s.MaxLen {
			v.fail(v.in, field, "length", "%s", s.describeLength())
		}
	}
	if s.Pattern != "" {
		s.prepare()
		if !s.pattern.MatchString(value) {
			v.fail(v.in, field, "pattern", "text of the form %s", s.Pattern)
		}
	}
}

func (v *validator) enum(field string, s *Schema, value string) {
	if len(s.Enum) == 0 {
		return
	}
	for _, e := range s.Enum {
		if e == value || v.fold && !v.strict && strings.EqualFold(e, value) {
			return
		}
	}
	v.fail(v.in, field, "enum", "one of %s", strings.Join(s.Enum, ", "))
}

func (v *validator) number(field string, s *Schema, x any) {
	var spelling string
	switch n := x.(type) {
	case json.Number:
		spelling = n.String()
	case string:
		if v.strict {
			v.fail(v.in, field, "type", "%s, not text", s.describe())
			return
		}
		spelling = strings.TrimSpace(n)
	}
	f, err := strconv.ParseFloat(spelling, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		v.fail(v.in, field, "type", "%s", s.describe())
		return
	}
	if s.Type == "integer" && !v.integer(field, s, spelling, f) {
		return
	}
	if s.Min != nil && f < *s.Min || s.Max != nil && f > *s.Max {
		v.fail(v.in, field, "range", "%s", s.describe())
		return
	}
	if len(s.Enum) > 0 {
		v.enum(field, s, strconv.FormatFloat(f, 'f', -1, 64))
	}
}

func (v *validator) integer(field string, s *Schema, spelling string, f float64) bool {
	if f != math.Trunc(f) {
		v.fail(v.in, field, "type", "%s", s.describe())
		return false
	}
	if v.strict && strings.ContainsAny(spelling, ".eE") {
		v.fail(v.in, field, "type", "%s without a fraction: official SDKs decode it as an integer", s.describe())
		return false
	}
	if s.Format == "int32" && (f < math.MinInt32 || f > math.MaxInt32) || math.Abs(f) > 1<<63 {
		v.fail(v.in, field, "range", "%s", s.describe())
		return false
	}
	return true
}

func (v *validator) boolean(field string, s *Schema, x any) {
	switch b := x.(type) {
	case bool:
		return
	case string:
		if !v.strict && (strings.EqualFold(b, "true") || strings.EqualFold(b, "false")) {
			return
		}
	}
	v.fail(v.in, field, "type", "true or false")
}

func join(field, name string) string {
	if field == "" {
		return name
	}
	return field + "." + name
}
