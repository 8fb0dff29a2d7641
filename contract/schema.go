package contract

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sync"
)

// Schema is a JSON schema of a contract file in compact form. allOf is merged by the compiler, so it does not appear.
type Schema struct {
	Ref      string          `json:"ref,omitempty"`  // component of the same file that this one stands for
	Base     string          `json:"base,omitempty"` // component whose members these are, with more of them required
	Type     string          `json:"t,omitempty"`    // object, array, string, integer, number, boolean; empty: anything
	Format   string          `json:"f,omitempty"`    // int32, int64, float, double, date-time, byte, binary
	Props    []*Prop         `json:"p,omitempty"`    // members of an object, in the order of the file
	Items    *Schema         `json:"i,omitempty"`
	Extra    *Schema         `json:"x,omitempty"`    // schema of the members that Props does not name
	Open     bool            `json:"open,omitempty"` // other members are allowed: additionalProperties, or an object without any properties
	Enum     []string        `json:"e,omitempty"`    // texts of the values; numbers in decimal
	Min      *float64        `json:"min,omitempty"`
	Max      *float64        `json:"max,omitempty"`
	MinLen   *int            `json:"minLen,omitempty"` // in characters
	MaxLen   *int            `json:"maxLen,omitempty"`
	MinItems *int            `json:"minItems,omitempty"`
	MaxItems *int            `json:"maxItems,omitempty"`
	Pattern  string          `json:"re,omitempty"`
	Nullable bool            `json:"null,omitempty"`
	OneOf    []*Schema       `json:"oneOf,omitempty"`
	AnyOf    []*Schema       `json:"anyOf,omitempty"`
	Need     []string        `json:"need,omitempty"` // required members of an anyOf branch
	Desc     string          `json:"desc,omitempty"`
	Default  json.RawMessage `json:"default,omitempty"`
	Example  json.RawMessage `json:"example,omitempty"`
	Values   []string        `json:"values,omitempty"` // x-known-values, x-values: seen, but not a closed list
	Added    bool            `json:"added,omitempty"`  // x-undocumented

	target  *Schema
	members map[string]*Prop
	pattern *regexp.Regexp
	once    sync.Once
}

// Prop is a member of an object.
type Prop struct {
	Name     string  `json:"n"`
	Required bool    `json:"r,omitempty"`
	Schema   *Schema `json:"s"`
}

// Resolve follows a reference.
func (s *Schema) Resolve() *Schema {
	for s != nil && s.target != nil {
		s = s.target
	}
	return s
}

// Member finds a member of an object by its wire name; nil if the schema does not name it.
func (s *Schema) Member(name string) *Prop {
	if len(s.Props) <= 8 {
		for _, p := range s.Props {
			if p.Name == name {
				return p
			}
		}
		return nil
	}
	s.prepare()
	return s.members[name]
}

func (s *Schema) prepare() {
	s.once.Do(func() {
		s.members = make(map[string]*Prop, len(s.Props))
		for _, p := range s.Props {
			s.members[p.Name] = p
		}
		if s.Pattern != "" {
			s.pattern = regexp.MustCompile(s.Pattern) // the compiler has tried it
		}
	})
}

// Link points every reference at its component.
func (f *File) Link() error {
	var walk func(s *Schema) error
	walk = func(s *Schema) error {
		if s == nil {
			return nil
		}
		if s.Ref != "" {
			target := f.Schemas[s.Ref]
			if target == nil {
				return fmt.Errorf("contract: %s refers to the absent schema %q", f.Name, s.Ref)
			}
			s.target = target
			return nil
		}
		for _, p := range s.Props {
			if err := walk(p.Schema); err != nil {
				return err
			}
		}
		for _, sub := range append(append([]*Schema{s.Items, s.Extra}, s.OneOf...), s.AnyOf...) {
			if err := walk(sub); err != nil {
				return err
			}
		}
		return nil
	}
	for _, s := range f.Schemas {
		if err := walk(s); err != nil {
			return err
		}
	}
	for _, d := range f.Ops {
		for _, s := range d.schemas() {
			if err := walk(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Detail) schemas() []*Schema {
	var all []*Schema
	for _, p := range d.Params {
		all = append(all, p.Schema)
	}
	if d.Body != nil {
		all = append(all, d.Body.Schema)
	}
	for _, r := range d.Responses {
		all = append(all, r.Schema)
	}
	return all
}
