package compile

import (
	"strings"

	"edgecloud/contract"
)

// applyPolicy widens what the documents contradict themselves about, dialect by dialect.
func applyPolicy(o *contract.Operation, d *contract.Detail) {
	if o.Dialect != "bec" {
		return
	}
	for _, p := range d.Params {
		if p.In != "query" {
			continue
		}
		switch p.Name { // api/bec/NOTES.md, 16: sizes of 1 to 1000 everywhere; 0, which the Java SDK sends, is the default
		case "pageSize", "maxKeys":
			p.Schema = bounded(p.Schema, 0, 1000)
		case "pageNo":
			p.Schema = bounded(p.Schema, 0, 1<<31-1)
		}
	}
}

func bounded(s *contract.Schema, low, high float64) *contract.Schema {
	if s == nil {
		s = &contract.Schema{Type: "integer", Format: "int32"}
	}
	c := &contract.Schema{Type: s.Type, Format: s.Format, Ref: s.Ref, Nullable: s.Nullable, Desc: s.Desc, Default: s.Default, Example: s.Example}
	c.Min, c.Max = &low, &high
	return c
}

// passwordPolicy drops the length of passwords where they may travel encrypted: the limits are those of the plain text, 64 hex digits are longer, and the
// handler checks what it has decrypted (api/bec/NOTES.md, 7).
func passwordPolicy(path, member string, s *contract.Schema) {
	if strings.HasPrefix(path, "bec/") && (member == "adminPass" || member == "password") {
		s.MinLen, s.MaxLen, s.Pattern = nil, nil, ""
	}
}
