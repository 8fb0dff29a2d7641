package contract

import (
	"strconv"
	"strings"
)

// Has tells whether a query parameter is there with a value.
func (m *Match) Has(name string) bool { return m.Query.Get(name) != "" }

// Text is a query parameter; empty if absent.
func (m *Match) Text(name string) string { return m.Query.Get(name) }

// Int is a query parameter that validation has found to be an integer; other if it is absent, empty or unreadable.
func (m *Match) Int(name string, other int) int {
	n, err := strconv.Atoi(strings.TrimSpace(m.Query.Get(name)))
	if err != nil {
		return other
	}
	return n
}

// Bool is a query parameter that validation has found to be a boolean; false if absent.
func (m *Match) Bool(name string) bool { return strings.EqualFold(m.Query.Get(name), "true") }

// List is a query parameter of several values, joined by commas or repeated; blanks and empty entries are dropped.
func (m *Match) List(name string) []string {
	var out []string
	for _, value := range m.Query[name] {
		for _, item := range strings.Split(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				out = append(out, item)
			}
		}
	}
	return out
}
