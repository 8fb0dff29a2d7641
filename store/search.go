package store

import "strings"

// Contains makes the pattern of `column LIKE ? ESCAPE '!'` that finds a text anywhere in the column, whatever characters it has.
func Contains(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text) + "%"
}
