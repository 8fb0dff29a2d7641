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
	exact := p.Required || g.habit == printAll && kind != object
	switch {
	case kind == list && (nullable || !exact):
		if nullable {
			return base, tag // a nil slice prints null
		}
		return base, tag + ",omitzero" // a nil slice is left out, an empty one prints []
	case kind == list:
		return g.listOf(p.Schema, base), tag
	case kind == other:
		if exact || nullable {
			return base, tag
		}
		return base, tag + ",omitzero"
	case nullable:
		return "*" + base, tag // null where there is none
	case exact:
		return base, tag
	}
	return "*" + base, tag + ",omitempty"
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
