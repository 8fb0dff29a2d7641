package compile

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"

	"edgecloud/contract"
)

// Entries gives the members of a dialect's index archive by name, uncompressed: what the drift test compares.
func (d *Dialect) Entries() (map[string][]byte, []string, error) {
	entries, order := map[string][]byte{}, []string{}
	add := func(name string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		entries[name] = raw
		order = append(order, name)
		return nil
	}
	if err := add(contract.RoutesEntry, d.Operations); err != nil {
		return nil, nil, err
	}
	for _, f := range d.Files {
		if err := add(contract.DocsEntry(f.Name), f); err != nil {
			return nil, nil, err
		}
		bare, err := strip(f)
		if err != nil {
			return nil, nil, err
		}
		if err := add(contract.SchemaEntry(f.Name), bare); err != nil {
			return nil, nil, err
		}
	}
	return entries, order, nil
}

// Archive packs the entries. The same entries give the same bytes with the same Go version.
func (d *Dialect) Archive() ([]byte, error) {
	entries, order, err := d.Entries()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, name := range order {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(entries[name]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// strip leaves what routing and validation need.
func strip(f *contract.File) (*contract.File, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	c := &contract.File{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, err
	}
	c.Title, c.Description, c.Behavior, c.CommonErrors, c.Order = "", "", nil, nil, nil
	for _, s := range c.Schemas {
		stripSchema(s)
	}
	for id, d := range c.Ops {
		bare := &contract.Detail{Params: d.Params, Body: d.Body, Responses: d.Responses}
		for _, p := range bare.Params {
			p.Description, p.Example = "", nil
			stripSchema(p.Schema)
		}
		if bare.Body != nil {
			bare.Body.Description, bare.Body.Examples = "", nil
			stripSchema(bare.Body.Schema)
		}
		for _, r := range bare.Responses {
			r.Description, r.Examples, r.Headers = "", nil, nil
			stripSchema(r.Schema)
		}
		c.Ops[id] = bare
	}
	return c, nil
}

func stripSchema(s *contract.Schema) {
	if s == nil {
		return
	}
	s.Desc, s.Example, s.Values = "", nil, nil
	for _, p := range s.Props {
		stripSchema(p.Schema)
	}
	stripSchema(s.Items)
	stripSchema(s.Extra)
	for _, sub := range append(append([]*contract.Schema{}, s.OneOf...), s.AnyOf...) {
		stripSchema(sub)
	}
}
