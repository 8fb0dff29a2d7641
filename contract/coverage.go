package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"text/tabwriter"
)

// Coverage is how much of a dialect is built. BEC 1.0 and 2.0 count together; local IDs ("v2/createVmInstance") keep them apart.
type Coverage struct {
	Total   int      `json:"total"`
	Built   int      `json:"built"`
	Missing []string `json:"missing"`
	Files   []FileCoverage
}

// FileCoverage is one row of the table: a resource.
type FileCoverage struct {
	File         string
	Total, Built int
}

// MarshalJSON leaves out the rows: the report's JSON form is fixed.
func (c Coverage) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Total   int      `json:"total"`
		Built   int      `json:"built"`
		Missing []string `json:"missing"`
	}{c.Total, c.Built, c.Missing})
}

// Report computes the coverage of every dialect from the keys of the operations that are really bound ("bec/v2/vm-instance.createVmInstance"). A key that
// names no operation is an error: a handler bound to nothing is a mistake.
func Report(bound map[string]bool) (map[string]Coverage, error) {
	report, used := map[string]Coverage{}, 0
	for _, name := range Dialects() {
		d, err := Load(name)
		if err != nil {
			return nil, err
		}
		c, n := d.coverage(bound)
		report[name], used = c, used+n
	}
	given := 0
	for key, on := range bound {
		if on {
			given++
			if !isOperation(key) {
				return nil, fmt.Errorf("contract: a handler is bound to %q, which is no operation", key)
			}
		}
	}
	if given != used {
		return nil, fmt.Errorf("contract: %d handlers are bound, %d operations were counted", given, used)
	}
	return report, nil
}

func isOperation(key string) bool {
	for _, name := range Dialects() {
		if d, err := Load(name); err == nil && d.byKey[key] != nil {
			return true
		}
	}
	return false
}

func (d *Dialect) coverage(bound map[string]bool) (Coverage, int) {
	c, used := Coverage{Missing: []string{}}, 0
	rows := map[string]*FileCoverage{}
	for _, o := range d.ops {
		row := rows[o.FileName()]
		if row == nil {
			row = &FileCoverage{File: o.FileName()}
			rows[o.FileName()] = row
		}
		c.Total++
		row.Total++
		if bound[o.Key] {
			used++
		}
		if bound[o.Key] || o.MergedWith != "" && bound[d.Name+"/"+o.FileName()+"."+o.MergedWith] {
			c.Built++
			row.Built++
			continue
		}
		c.Missing = append(c.Missing, o.LocalID())
	}
	sort.Strings(c.Missing)
	for _, name := range d.names {
		c.Files = append(c.Files, *rows[name])
	}
	return c, used
}

// WriteTable prints the report, a row per resource.
func WriteTable(w io.Writer, report map[string]Coverage) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "DIALECT\tRESOURCE\tBUILT\tTOTAL")
	for _, name := range Dialects() {
		c := report[name]
		for _, f := range c.Files {
			fmt.Fprintf(t, "%s\t%s\t%d\t%d\n", name, f.File, f.Built, f.Total)
		}
		fmt.Fprintf(t, "%s\tall\t%d\t%d\n", name, c.Built, c.Total)
	}
	return t.Flush()
}

// WriteJSON prints {"dialect": {"total": n, "built": n, "missing": [...]}}.
func WriteJSON(w io.Writer, report map[string]Coverage) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(report)
}
