package contract

import (
	"archive/zip"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

//go:embed all:index
var index embed.FS

// RoutesEntry is the member of a dialect's index that holds its operations.
const RoutesEntry = "routes.json"

// SchemaEntry is the index member with a contract file's schemas.
func SchemaEntry(file string) string { return file + ".json" }

// DocsEntry is the index member with everything about a contract file.
func DocsEntry(file string) string { return file + ".docs.json" }

// Dialects lists the dialects in the order in which they are shown.
func Dialects() []string { return []string{"bec", "iec", "cecstack", "tcebms", "admin"} }

// Dialect is the contract of one API.
type Dialect struct {
	Name string

	archive *zip.Reader
	ops     []*Operation
	byKey   map[string]*Operation
	byLocal map[string]*Operation
	router  router
	files   map[string]*lazyFile
	names   []string
}

type lazyFile struct {
	schemas, docs func() (*File, error)
}

var loaded = func() map[string]func() (*Dialect, error) {
	m := map[string]func() (*Dialect, error){}
	for _, name := range Dialects() {
		m[name] = sync.OnceValues(func() (*Dialect, error) { return load(name) })
	}
	return m
}()

// Load gives the contract of a dialect. The first call builds its routing table; later calls return the same value.
func Load(dialect string) (*Dialect, error) {
	f := loaded[dialect]
	if f == nil {
		return nil, fmt.Errorf("contract: no dialect is called %q", dialect)
	}
	return f()
}

// MustLoad is Load for a dialect that is known to exist: the index is embedded, so a failure is a broken build.
func MustLoad(dialect string) *Dialect {
	d, err := Load(dialect)
	if err != nil {
		panic(err)
	}
	return d
}

func load(name string) (*Dialect, error) {
	raw, err := index.ReadFile("index/" + name + ".zip")
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, fmt.Errorf("contract: index of %s: %w", name, err)
	}
	d := &Dialect{Name: name, archive: archive, byKey: map[string]*Operation{}, byLocal: map[string]*Operation{}, files: map[string]*lazyFile{}}
	if err := d.read(RoutesEntry, &d.ops); err != nil {
		return nil, err
	}
	for _, o := range d.ops {
		o.dialect = d
		d.byKey[o.Key], d.byLocal[o.LocalID()] = o, o
		d.router.add(o)
		d.addFile(o.FileName())
	}
	return d, nil
}

func (d *Dialect) addFile(name string) {
	if d.files[name] != nil {
		return
	}
	d.names = append(d.names, name)
	open := func(entry string) func() (*File, error) {
		return sync.OnceValues(func() (*File, error) {
			f := &File{}
			if err := d.read(entry, f); err != nil {
				return nil, err
			}
			return f, f.Link()
		})
	}
	d.files[name] = &lazyFile{schemas: open(SchemaEntry(name)), docs: open(DocsEntry(name))}
}

func (d *Dialect) read(entry string, into any) error {
	f, err := d.archive.Open(entry)
	if err != nil {
		return fmt.Errorf("contract: index of %s: %w", d.Name, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("contract: index of %s, %s: %w", d.Name, entry, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("contract: index of %s, %s: %w", d.Name, entry, err)
	}
	return nil
}

// Operations lists all operations, file by file, in the order of the files.
func (d *Dialect) Operations() []*Operation { return d.ops }

// Files lists the contract files that have operations: "v2/vm-instance".
func (d *Dialect) Files() []string { return d.names }

// Operation finds an operation by its key ("bec/v2/vm-instance.createVmInstance") or its local ID ("v2/createVmInstance" ); nil if there is none.
func (d *Dialect) Operation(key string) *Operation {
	if o := d.byKey[key]; o != nil {
		return o
	}
	return d.byLocal[key]
}

// File decodes a contract file's schemas and parameters, once.
func (d *Dialect) File(name string) (*File, error) {
	f := d.files[name]
	if f == nil {
		return nil, fmt.Errorf("contract: %s has no file %q", d.Name, name)
	}
	return f.schemas()
}

// Documentation decodes a contract file with its descriptions, notes and examples, once.
func (d *Dialect) Documentation(name string) (*File, error) {
	f := d.files[name]
	if f == nil {
		return nil, fmt.Errorf("contract: %s has no file %q", d.Name, name)
	}
	return f.docs()
}

// detail is the operation's parameters and schemas. The index is embedded and tested, so it panics if the build is broken.
func (o *Operation) detail() *Detail {
	f, err := o.dialect.File(o.FileName())
	if err != nil {
		panic(err)
	}
	return f.Ops[o.ID]
}

// Docs is everything the contract says about the operation.
func (o *Operation) Docs() *Detail {
	f, err := o.dialect.Documentation(o.FileName())
	if err != nil {
		panic(err)
	}
	return f.Ops[o.ID]
}

// Params lists the documented parameters.
func (o *Operation) Params() []*Param { return o.detail().Params }

// Body is the request body; nil if the operation takes none.
func (o *Operation) Body() *Body { return o.detail().Body }

// Responses are the documented answers by status ("200", "default").
func (o *Operation) Responses() map[string]*Response { return o.detail().Responses }

// Errors lists the error codes that the contract gives for this operation.
func (o *Operation) Errors() []ErrorCode { return o.Docs().Errors }
