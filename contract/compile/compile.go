package compile

import (
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"edgecloud/contract"
)

// Dialect is everything compiled of one dialect.
type Dialect struct {
	Name       string
	Operations []*contract.Operation
	Files      []*contract.File // sorted by name, with documentation
}

// All compiles every dialect of the tree.
func All(tree fs.FS) ([]*Dialect, error) {
	var out []*Dialect
	for _, name := range contract.Dialects() {
		d, err := One(tree, name)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// One compiles one dialect.
func One(tree fs.FS, name string) (*Dialect, error) {
	d := &Dialect{Name: name}
	var files []string
	err := fs.WalkDir(tree, name, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(p, ".yaml") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	for _, p := range files {
		raw, err := fs.ReadFile(tree, p)
		if err != nil {
			return nil, err
		}
		if err := d.add(p, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
	}
	return d, nil
}

// file is one document while it is being compiled.
type file struct {
	doc  *yaml.Node
	out  *contract.File
	name string // "v2/vm-instance"
	path string
}

func (d *Dialect) add(p string, raw []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return err
	}
	name := strings.TrimSuffix(strings.TrimPrefix(p, d.Name+"/"), ".yaml")
	f := &file{doc: doc.Content[0], name: name, path: p, out: &contract.File{Name: name, Schemas: map[string]*contract.Schema{}, Ops: map[string]*contract.Detail{}}}
	f.readInfo()
	err := each(get(get(f.doc, "components"), "schemas"), func(k string, v *yaml.Node) error {
		s, err := f.schema(v)
		if err != nil {
			return fmt.Errorf("schema %s: %w", k, err)
		}
		f.out.Schemas[k] = s
		f.out.Order = append(f.out.Order, k)
		return nil
	})
	if err != nil {
		return err
	}
	err = each(get(f.doc, "paths"), func(template string, item *yaml.Node) error {
		return each(item, func(method string, op *yaml.Node) error {
			if !methods[method] {
				return nil
			}
			return d.addOperation(f, template, strings.ToUpper(method), op, get(item, "parameters"))
		})
	})
	if err != nil {
		return err
	}
	d.Files = append(d.Files, f.out)
	return nil
}

var methods = map[string]bool{"get": true, "put": true, "post": true, "delete": true, "patch": true, "head": true}

func (f *file) readInfo() {
	info := get(f.doc, "info")
	f.out.Title, f.out.Description = text(info, "title"), text(info, "description")
	for _, at := range []*yaml.Node{info, f.doc} {
		for _, key := range []string{"x-common", "x-common-behavior", "x-doc-notes"} {
			f.out.Behavior = append(f.out.Behavior, texts(get(at, key))...)
		}
		for _, key := range []string{"x-errors", "x-common-errors"} {
			f.out.CommonErrors = append(f.out.CommonErrors, errorCodes(get(at, key))...)
		}
	}
	f.out.CommonErrors = append(f.out.CommonErrors, errorCodes(get(get(get(get(f.doc, "components"), "responses"), "Error"), "x-errors"))...)
}

func (d *Dialect) addOperation(f *file, template, method string, n, shared *yaml.Node) error {
	o := &contract.Operation{Dialect: d.Name, ID: text(n, "operationId"), Method: method, Summary: text(n, "summary")}
	if o.ID == "" {
		return fmt.Errorf("%s %s has no operationId", method, template)
	}
	if dir, base := path.Split(f.name); dir != "" {
		o.Version, o.File = strings.TrimSuffix(dir, "/"), base
	} else {
		o.File = f.name
	}
	o.Key = d.Name + "/" + f.name + "." + o.ID
	if f.out.Ops[o.ID] != nil {
		return fmt.Errorf("operationId %s repeats", o.ID)
	}
	readRouting(o, template, n)
	o.NoAuth = isEmptyList(get(n, "security")) || get(n, "security") == nil && isEmptyList(get(f.doc, "security"))
	detail, err := f.detail(n, shared)
	if err != nil {
		return fmt.Errorf("%s: %w", o.ID, err)
	}
	applyPolicy(o, detail)
	f.out.Ops[o.ID] = detail
	d.Operations = append(d.Operations, o)
	return nil
}

func isEmptyList(n *yaml.Node) bool {
	return n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0
}

func readRouting(o *contract.Operation, template string, n *yaml.Node) {
	o.Path, _, _ = strings.Cut(template, "#")
	if wire := text(n, "x-wire-path"); wire != "" {
		o.Path = wire
	}
	o.Action = text(n, "x-action")
	o.Flag, o.FlagOptional = text(n, "x-query-flag"), truth(n, "x-query-flag-optional")
	o.BodyKey, o.BodyAbsent = text(n, "x-body-key"), text(n, "x-body-absent")
	o.BodyMatch, o.QueryMatch, o.FixedParams = textMap(get(n, "x-body-match")), textMap(get(n, "x-query-match")), textMap(get(n, "x-path-params"))
	if get(n, "x-request-has-body") != nil {
		has := truth(n, "x-request-has-body")
		o.HasBody = &has
	}
	o.Aliases = append(texts(get(n, "x-path-aliases")), texts(get(n, "x-alt-paths"))...)
	for _, m := range texts(get(n, "x-alt-methods")) {
		o.AltMethods = append(o.AltMethods, strings.ToUpper(m))
	}
	if tags := texts(get(n, "tags")); len(tags) > 0 {
		o.Tag = tags[0]
	}
	o.Deprecated = truth(n, "deprecated")
	o.WebSocket = text(n, "x-protocol") == "websocket"
	o.Added, o.MergedWith = text(n, "x-added"), text(n, "x-merged-with")
}
