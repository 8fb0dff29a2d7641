package adminclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes an answer for people: a list as a table, one thing as a line for each member.
func (o *Operation) Print(w io.Writer, answer json.RawMessage) error {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil
	}
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("the control plane's answer is not JSON: %w", err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	list := o.list()
	if list == "" {
		o.printOne(t, v)
		return t.Flush()
	}
	rows, _ := v[list].([]any)
	columns := o.listColumns(list)
	for i, name := range columns {
		fmt.Fprint(t, separator(i), strings.ToUpper(kebab(name)))
	}
	fmt.Fprintln(t)
	for _, r := range rows {
		row, _ := r.(map[string]any)
		for i, name := range columns {
			fmt.Fprint(t, separator(i), cell(row[name]))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func separator(column int) string {
	if column == 0 {
		return ""
	}
	return "\t"
}

// printOne writes the members in the contract's order; those of an object inside follow it.
func (o *Operation) printOne(w io.Writer, v map[string]any) {
	if s := o.answer(); s != nil {
		for _, p := range s.Props {
			if one, there := v[p.Name]; there {
				fmt.Fprintf(w, "%s\t%s\n", kebab(p.Name), cell(one))
			}
		}
	}
}

// listColumns are those of the command, or all plain members of an entry.
func (o *Operation) listColumns(list string) []string {
	if len(o.columns) > 0 {
		return o.columns
	}
	var names []string
	for _, p := range o.answer().Member(list).Schema.Resolve().Items.Resolve().Props {
		if t := p.Schema.Resolve().Type; t != "array" && t != "object" {
			names = append(names, p.Name)
		}
	}
	return names
}

// cell is a value in a table.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case string:
		if v == "" {
			return "-"
		}
		return v
	case []any:
		texts := make([]string, len(v))
		for i, one := range v {
			texts[i] = cell(one)
		}
		if len(texts) == 0 {
			return "-"
		}
		return strings.Join(texts, ", ")
	case map[string]any:
		text, _ := json.Marshal(v) // it was JSON
		return string(text)
	}
	return fmt.Sprint(v)
}
