package wiregen

import "edgecloud/contract"

// habit is how a dialect prints what an answer does not have.
type habit int

const (
	leaveOut habit = iota // optional fields are absent; nullable ones are null (BEC, TCE, ours)
	printAll              // every key is there: "" 0 false [] (CECSTACK conventions, 4; IEC conventions, 4)
)

func habitOf(dialect string) habit {
	if dialect == "cecstack" || dialect == "iec" {
		return printAll
	}
	return leaveOut
}

// field decides type and tag of one member.
func (g *gen) field(p *contract.Prop, side side, context string) (typ, tag string) {
	s := p.Schema
	nullable := isNullable(s)
	base := g.typeOf(s, side, context)
	kind := kindOf(s)
	tag = p.Name
	if side == request {
		if p.Required && !nullable || kind == list || kind == other {
			return base, tag + omit(!p.Required)
		}
		return "*" + base, tag + omit(!p.Required)
	}
	return g.answerField(p, base, tag, kind, nullable)
}

func (g *gen) answerField(p *contract.Prop, base, tag string, kind kind, nullable bool) (string, string) {
	exact := p.Required || g.habit == printAll && kind != object && zeroAllowed(p.Schema)
	switch {
	case nullable && (kind == list || kind == other):
		return base, tag // nil prints null
	case nullable:
		return "*" + base, tag // null where there is none
	case exact && kind == list:
		return g.neverNull(p.Schema, base), tag
	case exact && kind == other:
		return g.neverNull(p.Schema, base), tag
	case exact:
		return base, tag
	case kind == list || kind == other:
		return base, tag + ",omitzero" // nil is left out, an empty one printed
	}
	return "*" + base, tag + ",omitempty"
}

// zeroAllowed tells whether the zero value may be printed for what is not there.
func zeroAllowed(s *contract.Schema) bool {
	s = s.Resolve()
	if s.MinLen != nil && *s.MinLen > 0 || s.Min != nil && *s.Min > 0 || s.MinItems != nil && *s.MinItems > 0 || s.Pattern != "" {
		return false
	}
	if len(s.Enum) == 0 || s.Type == "boolean" {
		return true
	}
	for _, v := range s.Enum {
		if v == "" && s.Type == "string" || v == "0" && s.Type != "string" {
			return true
		}
	}
	return false
}

func omit(yes bool) string {
	if yes {
		return ",omitempty"
	}
	return ""
}

func isNullable(s *contract.Schema) bool {
	for ; s != nil; s = target(s) {
		if s.Nullable {
			return true
		}
	}
	return false
}

// target is the next schema of a chain of references; nil at its end.
func target(s *contract.Schema) *contract.Schema {
	if s.Ref == "" {
		return nil
	}
	return s.Resolve()
}
