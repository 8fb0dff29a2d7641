package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// findSources gives apt's source entries of the suite, as the text of one-line and deb822 files: others of the machine do not belong into a guest.
func findSources(files []string) (map[string]string, error) {
	if files == nil {
		files = []string{"/etc/apt/sources.list"}
		for _, pattern := range []string{"*.list", "*.sources"} {
			more, _ := filepath.Glob(filepath.Join("/etc/apt/sources.list.d", pattern)) // the pattern is a good one
			files = append(files, more...)
		}
	}
	found := map[string]string{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("debian: %w", err)
		}
		kept := pick(string(text), strings.HasSuffix(path, ".sources"))
		if kept != "" {
			found[fmt.Sprintf("%d%s", len(found), filepath.Ext(path))] = kept
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("debian: this machine's apt has no source of the suite %s: add one below /etc/apt/sources.list.d", Suite)
	}
	return found, nil
}

// pick keeps the entries of the suite and of its updates.
func pick(text string, deb822 bool) string {
	var kept []string
	if !deb822 {
		for line := range strings.Lines(text) {
			if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "deb" && slices.ContainsFunc(fields, ofSuite) {
				kept = append(kept, strings.TrimSpace(line))
			}
		}
		return join(kept, "\n")
	}
	for stanza := range strings.SplitSeq(text, "\n\n") {
		if binary, suites := describe(stanza); binary && slices.ContainsFunc(suites, ofSuite) {
			kept = append(kept, strings.Trim(stanza, "\n"))
		}
	}
	return join(kept, "\n\n")
}

func join(parts []string, by string) string {
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, by) + "\n"
}

func ofSuite(word string) bool { return word == Suite || strings.HasPrefix(word, Suite+"-") }

// describe tells whether a stanza has packages, is in use, and of which suites.
func describe(stanza string) (binary bool, suites []string) {
	for line := range strings.Lines(stanza) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "types":
			binary = slices.Contains(strings.Fields(value), "deb")
		case "suites":
			suites = strings.Fields(value)
		case "enabled":
			if strings.EqualFold(strings.TrimSpace(value), "no") {
				return false, nil
			}
		}
	}
	return binary, suites
}
