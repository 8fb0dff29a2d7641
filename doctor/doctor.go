package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Level says how bad a finding is.
type Level int

// The levels of findings.
const (
	OK   Level = iota
	Warn       // it works, but slower or less safely
	Fail       // it does not work
)

// String is the level's word.
func (l Level) String() string { return [...]string{"ok", "warn", "fail"}[l] }

// MarshalText is String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Finding is what one check found.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it; empty when it is well
}

// Config says what the machine shall carry.
type Config struct {
	Real   bool   // hosts with real engines, else the simulation only
	Dir    string // the data folder; it need not exist
	Listen string // address of the main listener
	Doors  int    // ports after it
	Uses   bool   // a cloud runs on the folder: its ports and daemons are its own
}

type check func(ctx context.Context, c Config) []Finding

// Examine makes all checks, each whatever the others found.
func Examine(ctx context.Context, c Config) []Finding {
	checks := []check{checkFolder, checkPorts, checkClock, checkFiles}
	if c.Real {
		checks = append(checks, checkRoot, checkPrograms, checkKVM, checkDatapath, checkDaemons, checkTun, checkMemory, checkCgroups, checkForwarding)
	}
	var all []Finding
	for _, look := range checks {
		all = append(all, look(ctx, c)...)
	}
	return all
}

// Worst is the highest level.
func Worst(all []Finding) Level {
	worst := OK
	for _, f := range all {
		worst = max(worst, f.Level)
	}
	return worst
}

// Print writes the findings for people: what to do stands below what it is about.
func Print(w io.Writer, all []Finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", strings.ToUpper(f.Level.String()), f.Check, f.Says)
		if f.Do != "" {
			fmt.Fprintf(t, "\t\t-> %s\n", f.Do)
		}
	}
	return t.Flush()
}

// PrintJSON writes the findings for programs.
func PrintJSON(w io.Writer, all []Finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

func ok(name, format string, args ...any) []Finding {
	return []Finding{{Check: name, Says: fmt.Sprintf(format, args...)}}
}

func bad(name string, level Level, do, format string, args ...any) []Finding {
	return []Finding{{Check: name, Level: level, Says: fmt.Sprintf(format, args...), Do: do}}
}
