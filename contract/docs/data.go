package docs

import (
	"net/http"
	"sort"

	"edgecloud/contract"
)

type frame struct {
	Prefix string
	Title  string
	Crumbs []crumb
}

type crumb struct{ Name, Link string }

type indexPage struct {
	frame
	Dialects []dialectRow
}

type dialectRow struct {
	Name, Title  string
	Built, Total int
	Percent      int
}

func (h *handler) index() indexPage {
	p := indexPage{frame: frame{Prefix: h.prefix, Title: "API reference"}}
	for _, name := range contract.Dialects() {
		d := load(name)
		if d == nil {
			continue
		}
		row := dialectRow{Name: name, Title: titles[name], Total: len(d.Operations())}
		for _, o := range d.Operations() {
			if h.built(o.Key) {
				row.Built++
			}
		}
		row.Percent = row.Built * 100 / max(row.Total, 1)
		p.Dialects = append(p.Dialects, row)
	}
	return p
}

type dialectPage struct {
	frame
	Files []fileRow
}

type fileRow struct {
	Name, Title  string
	Built, Total int
	Operations   []opRow
}

type opRow struct {
	*contract.Operation
	Target string // path with flag or action, as people write it
	Built  bool
}

func (h *handler) dialect(w http.ResponseWriter, name string) {
	d := load(name)
	if d == nil {
		h.notFound(w)
		return
	}
	p := dialectPage{frame: frame{Prefix: h.prefix, Title: titles[name], Crumbs: []crumb{{"API reference", h.prefix + "/"}}}}
	at := map[string]int{}
	for _, file := range d.Files() {
		at[file] = len(p.Files)
		p.Files = append(p.Files, fileRow{Name: name + "/" + file, Title: file})
	}
	for _, o := range d.Operations() {
		row := &p.Files[at[o.FileName()]]
		row.Total++
		if h.built(o.Key) {
			row.Built++
		}
		row.Operations = append(row.Operations, h.row(o))
	}
	h.render(w, "dialect.html", p)
}

func (h *handler) row(o *contract.Operation) opRow {
	target := o.Path
	switch {
	case o.Action != "":
		target = "Action=" + o.Action
	case o.Flag != "":
		target += "?" + o.Flag
	case o.BodyKey != "":
		target += " {" + o.BodyKey + "}"
	}
	return opRow{Operation: o, Target: target, Built: h.built(o.Key)}
}

type filePage struct {
	frame
	File       *contract.File
	Source     string
	Operations []opPage
	Schemas    []namedSchema
}

type opPage struct {
	opRow
	*contract.Detail
	Groups   []paramGroup
	Answers  []answer
	Examples contract.ExampleSet
}

type paramGroup struct {
	In     string
	Params []*contract.Param
}

type answer struct {
	Status string
	*contract.Response
}

type namedSchema struct {
	Name   string
	Schema *contract.Schema
}

func (h *handler) file(w http.ResponseWriter, name, file string) {
	d := load(name)
	if d == nil {
		h.notFound(w)
		return
	}
	f, err := d.Documentation(file)
	if err != nil {
		h.notFound(w)
		return
	}
	p := filePage{File: f, Source: h.prefix + "/" + name + "/" + file + ".yaml",
		frame: frame{Prefix: h.prefix, Title: f.Title, Crumbs: []crumb{{"API reference", h.prefix + "/"}, {titles[name], h.prefix + "/" + name + "/"}}}}
	for _, o := range d.Operations() {
		if o.FileName() == file {
			p.Operations = append(p.Operations, h.operation(o, f.Ops[o.ID]))
		}
	}
	for _, s := range f.Order {
		p.Schemas = append(p.Schemas, namedSchema{s, f.Schemas[s]})
	}
	h.render(w, "file.html", p)
}

func (h *handler) operation(o *contract.Operation, d *contract.Detail) opPage {
	p := opPage{opRow: h.row(o), Detail: d, Examples: o.Examples()}
	for _, in := range []string{"path", "query", "header"} {
		group := paramGroup{In: in}
		for _, param := range d.Params {
			if param.In == in {
				group.Params = append(group.Params, param)
			}
		}
		if len(group.Params) > 0 {
			p.Groups = append(p.Groups, group)
		}
	}
	for status, r := range d.Responses {
		p.Answers = append(p.Answers, answer{status, r})
	}
	sort.Slice(p.Answers, func(i, j int) bool { return p.Answers[i].Status < p.Answers[j].Status })
	return p
}
