package adminclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"edgecloud/contract"
)

// Operation is one operation of the admin API as a command.
type Operation struct {
	Words []string // noun and verb
	Args  []string // what follows them: path parameters
	Flags []Flag

	command
	op *contract.Operation
}

// Flag is a query parameter or a member of the body.
type Flag struct {
	Name     string // memory-mib
	Help     string
	Required bool
	Many     bool // a list of texts: the flag is given again for each
	Switch   bool // true or false

	query  bool
	always bool     // a list that the operation needs: without the flag it is empty
	path   []string // of the member in the body, or the parameter
	kind   *contract.Schema
}

// Operations are all commands, in the order in which they are shown.
func Operations() ([]*Operation, error) {
	d, err := contract.Load("admin")
	if err != nil {
		return nil, err
	}
	var all []*Operation
	for _, c := range commands {
		op := d.Operation(c.operation)
		if op == nil {
			return nil, fmt.Errorf("adminclient: the contract has no operation %s", c.operation)
		}
		o := &Operation{Words: strings.Fields(c.words), Args: op.ParamNames(), command: c, op: op}
		if err := o.addFlags(); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// ID names the operation in the contract.
func (o *Operation) ID() string { return o.operation }

// Short is what the operation does, in a line.
func (o *Operation) Short() string {
	if o.fixed != nil {
		return strings.ToUpper(o.Words[1][:1]) + o.Words[1][1:] + " a " + o.Words[0]
	}
	if o.wrap != "" {
		return "Add a line to a site"
	}
	return o.op.Summary
}

// Long adds what a schema cannot say.
func (o *Operation) Long() string {
	lines := append([]string{o.Short()}, o.op.Docs().Behavior...)
	return strings.Join(lines, "\n\n")
}

func (o *Operation) addFlags() error {
	docs := o.op.Docs()
	for _, p := range docs.Params {
		if p.In == "query" {
			o.Flags = append(o.Flags, Flag{Name: kebab(p.Name), Help: p.Description, Required: p.Required, query: true, path: []string{p.Name}, kind: p.Schema.Resolve(),
				Switch: p.Schema.Resolve().Type == "boolean"})
		}
	}
	if docs.Body == nil || o.fixed != nil { // the verb says it all
		return nil
	}
	body := docs.Body.Schema.Resolve()
	if o.wrap != "" {
		member := body.Member(o.wrap)
		if member == nil || member.Schema.Resolve().Items == nil {
			return fmt.Errorf("adminclient: %s has no list %s", o.operation, o.wrap)
		}
		body = member.Schema.Resolve().Items.Resolve()
	}
	o.addMembers(body, nil, true)
	return nil
}

// addMembers makes a flag of each member; those of an object inside are flags of their own.
func (o *Operation) addMembers(s *contract.Schema, above []string, required bool) {
	for _, p := range s.Props {
		path := append(slices.Clone(above), p.Name)
		kind := p.Schema.Resolve()
		if kind.Type == "object" && len(kind.Props) > 0 {
			o.addMembers(kind, path, false)
			continue
		}
		many := kind.Type == "array" && kind.Items.Resolve().Type == "string"
		o.Flags = append(o.Flags, Flag{Name: kebab(strings.Join(path, "-")), Help: describe(p.Schema, kind, many), Required: required && p.Required && !many, Many: many,
			Switch: kind.Type == "boolean", always: required && p.Required && many, path: path, kind: kind})
	}
}

// describe is the contract's words on a member, and what it may be.
func describe(as, kind *contract.Schema, many bool) string {
	text := strings.TrimSuffix(as.Desc, ".")
	if text == "" {
		text = strings.TrimSuffix(kind.Desc, ".")
	}
	add := ""
	switch {
	case len(kind.Enum) > 0:
		add = "one of " + strings.Join(kind.Enum, ", ")
	case many:
		add = "again for each"
	case kind.Type == "array" || kind.Type == "object":
		add = "JSON, or @FILE"
	}
	if text != "" && add != "" {
		return text + " (" + add + ")"
	}
	return text + add
}

// kebab makes memory-mib of memoryMiB.
func kebab(name string) string {
	name = strings.NewReplacer("MiB", "Mib", "GiB", "Gib").Replace(name)
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Do carries the operation out. Values are the texts of the flags that were given, by flag name. A list without a limit is fetched page by page.
func (c *Client) Do(ctx context.Context, o *Operation, args []string, values map[string][]string) (json.RawMessage, error) {
	path := o.op.Path
	for i, name := range o.Args {
		path = strings.Replace(path, "{"+name+"}", url.PathEscape(args[i]), 1)
	}
	query, body, err := o.request(values)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	if err := c.Call(ctx, o.op.Method, path, query, body, &answer); err != nil {
		return nil, err
	}
	list := o.list()
	if list == "" || query.Has("limit") {
		return answer, nil
	}
	return c.follow(ctx, o, path, query, list, answer)
}

// request makes the query and the body of the flags.
func (o *Operation) request(values map[string][]string) (url.Values, any, error) {
	query, members := url.Values{}, map[string]any{}
	for _, f := range o.Flags {
		texts, given := values[f.Name]
		if !given && !f.always {
			continue
		}
		if f.query {
			query[f.path[0]] = texts
			continue
		}
		v, err := f.value(texts)
		if err != nil {
			return nil, nil, usage{fmt.Errorf("--%s: %w", f.Name, err)}
		}
		into := members
		for _, name := range f.path[:len(f.path)-1] {
			if into[name] == nil {
				into[name] = map[string]any{}
			}
			into = into[name].(map[string]any)
		}
		into[f.path[len(f.path)-1]] = v
	}
	maps.Copy(members, o.fixed)
	switch {
	case o.op.Body() == nil:
		return query, nil, nil
	case o.wrap != "":
		return query, map[string]any{o.wrap: []any{members}}, nil
	}
	return query, members, nil
}

// value reads a flag's text as the contract's type.
func (f Flag) value(texts []string) (any, error) {
	if f.Many {
		return append([]string{}, texts...), nil
	}
	text := texts[0]
	if f.kind.Type == "string" {
		return text, nil
	}
	if path, file := strings.CutPrefix(text, "@"); file {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text = string(raw)
	}
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || d.More() {
		return nil, fmt.Errorf("must be %s, not %q", map[string]string{"integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a JSON list",
			"object": "a JSON object"}[f.kind.Type], texts[0])
	}
	return v, nil
}

// list names the member that holds the entries of a list; empty if the operation answers with one thing.
func (o *Operation) list() string {
	s := o.answer()
	if s == nil || o.op.Method != "GET" {
		return ""
	}
	for _, p := range s.Props {
		if p.Schema.Resolve().Type == "array" && strings.HasPrefix(o.op.ID, "list") || p.Name == "findings" {
			return p.Name
		}
	}
	return ""
}

// answer is the schema of what the operation answers when all is well.
func (o *Operation) answer() *contract.Schema {
	for _, status := range []string{"200", "201", "202"} {
		if r := o.op.Responses()[status]; r != nil && r.Schema != nil {
			return r.Schema.Resolve()
		}
	}
	return nil
}

// follow fetches the pages after the first and makes one answer of all.
func (c *Client) follow(ctx context.Context, o *Operation, path string, query url.Values, list string, answer json.RawMessage) (json.RawMessage, error) {
	marker := ""
	for _, p := range o.op.Params() {
		if p.Name == "marker" || p.Name == "before" {
			marker = p.Name
		}
	}
	var all []json.RawMessage
	for {
		var page map[string]json.RawMessage
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, fmt.Errorf("the control plane's answer is not JSON: %w", err)
		}
		var some []json.RawMessage
		if err := json.Unmarshal(page[list], &some); err != nil && page[list] != nil {
			return nil, fmt.Errorf("the control plane's answer has no list %s: %w", list, err)
		}
		all = append(all, some...)
		var next string
		if page["next"] == nil || json.Unmarshal(page["next"], &next) != nil || marker == "" {
			delete(page, "next")
			page[list], _ = json.Marshal(all) // texts that were JSON
			return json.Marshal(page)
		}
		query.Set(marker, next)
		if err := c.Call(ctx, o.op.Method, path, query, nil, &answer); err != nil {
			return nil, err
		}
	}
}

// Verdict is an error when the answer says that something is wrong, although the call went well.
func (o *Operation) Verdict(answer json.RawMessage) error {
	if o.operation != "checkConsistency" {
		return nil
	}
	var report struct{ Findings []json.RawMessage }
	if err := json.Unmarshal(answer, &report); err != nil {
		return err
	}
	if n := len(report.Findings); n > 0 {
		return fmt.Errorf("%d things are not as they should be", n)
	}
	return nil
}

// Exit codes of the command line, so that scripts can tell failures apart.
const (
	ExitFailed   = 1
	ExitUsage    = 2 // a bad argument, flag or value
	ExitNotFound = 3
	ExitConflict = 4 // what is there forbids it: exists, in use, quota, capacity
	ExitDenied   = 5 // who calls may not, or is not known
	ExitAway     = 6 // the control plane does not answer, or cannot now
)

// usage is a value that the contract's types exclude.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// ExitCode gives the exit code of an error.
func ExitCode(err error) int {
	var said *Error
	var away *url.Error
	var wrong usage
	switch {
	case errors.As(err, &wrong):
		return ExitUsage
	case errors.As(err, &said) && said.Status == 404:
		return ExitNotFound
	case errors.As(err, &said) && said.Status == 409:
		return ExitConflict
	case errors.As(err, &said) && (said.Status == 401 || said.Status == 403):
		return ExitDenied
	case errors.As(err, &said) && said.Status == 400:
		return ExitUsage
	case errors.As(err, &said) && said.Status == 503, errors.As(err, &away):
		return ExitAway
	}
	return ExitFailed
}

// Explain adds to an error what an operator can do about it.
func (c *Client) Explain(err error) error {
	switch ExitCode(err) {
	case ExitAway:
		return fmt.Errorf("the control plane at %s does not answer: %w. Does it run there (systemctl status edgecloud-control), and is EDGECLOUD_CA its authority?", c.URL, err)
	case ExitDenied:
		return fmt.Errorf("%w Who calls is the access key %q: of EDGECLOUD_ACCESS_KEY, or of the cloud on --data", err, c.AccessKey)
	}
	return err
}
