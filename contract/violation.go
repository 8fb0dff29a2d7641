package contract

import "strings"

// Violation is one thing that is wrong with a request or an answer, with the field it is about.
type Violation struct {
	In       string // path, query, header, body; in answers also status
	Field    string // "regionId", "deployInstances[0].regionId"; empty for the body as a whole
	Rule     string // required, type, enum, range, length, pattern, items, unknown, alternative, status
	Expected string // English: "an integer from 1 to 100"
}

// Error names the field and what was expected of it.
func (v Violation) Error() string {
	field := v.Field
	if field == "" {
		field = v.In
	}
	return field + ": " + v.Expected
}

// Sentences joins the violations for an error message, at most three of them.
func Sentences(vs []Violation) string {
	var parts []string
	for i, v := range vs {
		if i == 3 {
			parts = append(parts, "and more")
			break
		}
		parts = append(parts, v.Error())
	}
	return strings.Join(parts, "; ")
}

// Check is the outcome of looking at a request.
type Check struct {
	Violations []Violation
	Unknown    []string // members and parameters that the contract does not name; ignored, as the real clouds do
}

// Strict turns the unknown members into violations.
func (c Check) Strict() []Violation {
	out := append([]Violation(nil), c.Violations...)
	for _, name := range c.Unknown {
		out = append(out, Violation{In: "body", Field: name, Rule: "unknown", Expected: "no such member in the contract"})
	}
	return out
}

// OK tells whether the request may go on.
func (c Check) OK() bool { return len(c.Violations) == 0 }
