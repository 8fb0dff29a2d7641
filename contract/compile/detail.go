package compile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"edgecloud/contract"
)

// known are the operation members that have a place of their own in the index; every other x- member is kept as written.
var known = map[string]bool{"x-behavior": true, "x-doc-notes": true, "x-sdk-notes": true, "x-client-notes": true, "x-errors": true, "x-request-example": true,
	"x-source": true, "x-query-flag": true, "x-query-flag-optional": true, "x-body-key": true, "x-body-match": true, "x-body-absent": true, "x-query-match": true,
	"x-path-params": true, "x-request-has-body": true, "x-path-aliases": true, "x-alt-paths": true, "x-alt-methods": true, "x-action": true, "x-wire-path": true,
	"x-added": true, "x-merged-with": true, "x-protocol": true}

func (f *file) detail(n, shared *yaml.Node) (*contract.Detail, error) {
	d := &contract.Detail{
		Description:    text(n, "description"),
		Behavior:       texts(get(n, "x-behavior")),
		Notes:          texts(get(n, "x-doc-notes")),
		SDKNotes:       append(texts(get(n, "x-sdk-notes")), texts(get(n, "x-client-notes"))...),
		Errors:         errorCodes(get(n, "x-errors")),
		RequestExample: text(n, "x-request-example"),
		Responses:      map[string]*contract.Response{},
	}
	if s := get(n, "x-source"); s != nil {
		d.Source = toJSON(s)
	}
	d.More = otherExtensions(n)
	for _, p := range append(items(shared), items(get(n, "parameters"))...) {
		param, err := f.param(p)
		if err != nil {
			return nil, err
		}
		d.Params = append(d.Params, param)
	}
	var err error
	if d.Body, err = f.body(get(n, "requestBody")); err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	err = each(get(n, "responses"), func(status string, r *yaml.Node) error {
		d.Responses[status], err = f.response(r)
		if err != nil {
			return fmt.Errorf("response %s: %w", status, err)
		}
		return nil
	})
	return d, err
}

func otherExtensions(n *yaml.Node) json.RawMessage {
	var b bytes.Buffer
	_ = each(n, func(k string, v *yaml.Node) error {
		if !strings.HasPrefix(k, "x-") || known[k] {
			return nil
		}
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		quote(&b, k)
		b.WriteByte(':')
		writeJSON(&b, v)
		return nil
	})
	if b.Len() == 0 {
		return nil
	}
	b.WriteByte('}')
	return b.Bytes()
}

// component follows a $ref into one kind of the file's components.
func (f *file) component(n *yaml.Node, kind string) (*yaml.Node, string, error) {
	ref := text(n, "$ref")
	if ref == "" {
		return n, "", nil
	}
	name, found := strings.CutPrefix(ref, "#/components/"+kind+"/")
	target := get(get(get(f.doc, "components"), kind), name)
	if !found || target == nil {
		return nil, "", fmt.Errorf("line %d: %s is not in this file", n.Line, ref)
	}
	return target, name, nil
}

func (f *file) param(n *yaml.Node) (*contract.Param, error) {
	n, _, err := f.component(n, "parameters")
	if err != nil {
		return nil, err
	}
	p := &contract.Param{Name: text(n, "name"), In: text(n, "in"), Required: truth(n, "required"), Description: text(n, "description")}
	p.AllowEmpty = truth(n, "allowEmptyValue")
	p.Explode = get(n, "explode") == nil || truth(n, "explode")
	if p.Schema, err = f.schema(get(n, "schema")); err != nil {
		return nil, fmt.Errorf("parameter %s: %w", p.Name, err)
	}
	if e := get(n, "example"); e != nil {
		p.Example = toJSON(e)
	} else if p.Schema != nil {
		p.Example = p.Schema.Example
	}
	return p, nil
}

// content picks the one media type that an operation of these files has; JSON is preferred.
func content(n *yaml.Node) (string, *yaml.Node) {
	c := get(n, "content")
	if j := get(c, "application/json"); j != nil {
		return "application/json", j
	}
	if c == nil || len(c.Content) < 2 {
		return "", nil
	}
	return c.Content[0].Value, deref(c.Content[1])
}

func (f *file) body(n *yaml.Node) (*contract.Body, error) {
	if n == nil {
		return nil, nil
	}
	n, _, err := f.component(n, "requestBodies")
	if err != nil {
		return nil, err
	}
	b := &contract.Body{Required: truth(n, "required"), Description: text(n, "description")}
	media, c := content(n)
	b.ContentType, b.Examples = media, examples(c)
	b.Schema, err = f.schema(get(c, "schema"))
	return b, err
}

func (f *file) response(n *yaml.Node) (*contract.Response, error) {
	n, ref, err := f.component(n, "responses")
	if err != nil {
		return nil, err
	}
	r := &contract.Response{Ref: ref, Description: text(n, "description")}
	_ = each(get(n, "headers"), func(k string, v *yaml.Node) error {
		if h, _, err := f.component(v, "headers"); err == nil {
			if r.Headers == nil {
				r.Headers = map[string]string{}
			}
			r.Headers[k] = text(h, "description")
		}
		return nil
	})
	media, c := content(n)
	r.ContentType, r.Examples = media, examples(c)
	r.Schema, err = f.schema(get(c, "schema"))
	return r, err
}

func examples(c *yaml.Node) []contract.Example {
	var out []contract.Example
	if e := get(c, "example"); e != nil {
		out = append(out, contract.Example{Value: toJSON(e)})
	}
	for _, key := range []string{"examples", "x-more-examples"} {
		_ = each(get(c, key), func(name string, e *yaml.Node) error {
			v := get(e, "value")
			if v == nil {
				v = e
			}
			out = append(out, contract.Example{Name: name, Summary: text(e, "summary"), Value: toJSON(v)})
			return nil
		})
	}
	return out
}

// errorCodes reads the forms in which the files list error codes: a list of objects, or an object that holds such a list.
func errorCodes(n *yaml.Node) []contract.ErrorCode {
	var out []contract.ErrorCode
	for _, e := range items(n) {
		if e.Kind == yaml.ScalarNode {
			out = append(out, contract.ErrorCode{Code: e.Value})
			continue
		}
		status, _ := strconv.Atoi(text(e, "status"))
		out = append(out, contract.ErrorCode{Code: text(e, "code"), Status: status, Message: text(e, "message"), Meaning: text(e, "meaning")})
	}
	_ = each(n, func(_ string, v *yaml.Node) error {
		if v.Kind == yaml.SequenceNode && len(v.Content) > 0 && get(deref(v.Content[0]), "code") != nil {
			out = append(out, errorCodes(v)...)
		}
		return nil
	})
	return out
}
