package contract

import (
	"strconv"
	"strings"
)

// describe says in English what a schema expects.
func (s *Schema) describe() string {
	s = s.Resolve()
	switch s.Type {
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "boolean":
		return "true or false"
	case "integer", "number":
		return s.describeNumber()
	case "string":
		if len(s.Enum) > 0 {
			return "one of " + strings.Join(s.Enum, ", ")
		}
		return "text"
	}
	return "any value"
}

func (s *Schema) describeNumber() string {
	what := "an integer"
	if s.Type == "number" {
		what = "a number"
	}
	switch {
	case len(s.Enum) > 0:
		return "one of " + strings.Join(s.Enum, ", ")
	case s.Min != nil && s.Max != nil:
		return what + " from " + short(*s.Min) + " to " + short(*s.Max)
	case s.Min != nil:
		return what + " of at least " + short(*s.Min)
	case s.Max != nil:
		return what + " of at most " + short(*s.Max)
	case s.Format == "int32":
		return what + " of 32 bits"
	}
	return what
}

func short(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (s *Schema) describeLength() string {
	switch {
	case s.MinLen != nil && s.MaxLen != nil:
		return "text of " + strconv.Itoa(*s.MinLen) + " to " + strconv.Itoa(*s.MaxLen) + " characters"
	case s.MinLen != nil:
		return "text of at least " + strconv.Itoa(*s.MinLen) + " characters"
	}
	return "text of at most " + strconv.Itoa(*s.MaxLen) + " characters"
}

func describeBranches(branches []*Schema) string {
	var parts []string
	for _, b := range branches {
		b = b.Resolve()
		if len(b.Need) > 0 {
			parts = append(parts, strings.Join(b.Need, " and ")+" given")
			continue
		}
		parts = append(parts, b.describe())
	}
	return strings.Join(parts, ", or ")
}
