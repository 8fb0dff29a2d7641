package contract

import (
	"encoding/json"
	"strings"
)

// Operation is one documented operation of one dialect. Its exported fields are known without decoding any schema.
type Operation struct {
	Key     string `json:"key"`               // unique in all dialects: "bec/v2/vm-instance.createVmInstance"
	Dialect string `json:"dialect"`           // bec, iec, cecstack, tcebms, admin
	Version string `json:"version,omitempty"` // v1, v2; empty where a dialect has one version
	File    string `json:"file"`              // contract file without extension: "vm-instance"
	ID      string `json:"id"`                // operationId; repeats between BEC v1 and v2
	Method  string `json:"method"`
	Path    string `json:"path"` // template, without the #suffix that the files use to write two operations of one path

	Flag         string            `json:"flag,omitempty"`         // x-query-flag: bare query key that selects the operation
	FlagOptional bool              `json:"flagOptional,omitempty"` // x-query-flag-optional: also selected without any flag
	BodyKey      string            `json:"bodyKey,omitempty"`      // x-body-key: member whose presence selects
	BodyMatch    map[string]string `json:"bodyMatch,omitempty"`    // x-body-match: members whose values select
	BodyAbsent   string            `json:"bodyAbsent,omitempty"`   // x-body-absent: selected when the body lacks this member
	HasBody      *bool             `json:"hasBody,omitempty"`      // x-request-has-body: selected by having a body or not
	QueryMatch   map[string]string `json:"queryMatch,omitempty"`   // x-query-match: query values that select
	FixedParams  map[string]string `json:"fixedParams,omitempty"`  // x-path-params: path parameters with a fixed value
	Action       string            `json:"action,omitempty"`       // x-action: Tencent's Action
	Aliases      []string          `json:"aliases,omitempty"`      // x-path-aliases, x-alt-paths: other paths that mean the same
	MergedWith   string            `json:"mergedWith,omitempty"`   // x-merged-with: another page of the same method and path; that operation answers both
	AltMethods   []string          `json:"altMethods,omitempty"`   // x-alt-methods: other methods that mean the same

	Tag        string `json:"tag,omitempty"`
	Summary    string `json:"summary,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
	NoAuth     bool   `json:"noAuth,omitempty"` // security: [] in the file: answers without credentials
	WebSocket  bool   `json:"webSocket,omitempty"`
	Added      string `json:"added,omitempty"` // x-added: not in the vendor's API chapters; says where it comes from

	dialect *Dialect
}

// FileName is the operation's contract file inside its dialect: "v2/vm-instance", "server".
func (o *Operation) FileName() string {
	if o.Version == "" {
		return o.File
	}
	return o.Version + "/" + o.File
}

// LocalID names the operation inside its dialect without ambiguity: "v2/createVmInstance", "createSubnet".
func (o *Operation) LocalID() string {
	if o.Version == "" {
		return o.ID
	}
	return o.Version + "/" + o.ID
}

// ParamNames lists the path parameters in the order of the template.
func (o *Operation) ParamNames() []string {
	var names []string
	for _, segment := range strings.Split(o.Path, "/") {
		if isParam(segment) {
			names = append(names, segment[1:len(segment)-1])
		}
	}
	return names
}

// Detail is what a contract file says about one operation.
type Detail struct {
	Params    []*Param             `json:"params,omitempty"`
	Body      *Body                `json:"body,omitempty"`
	Responses map[string]*Response `json:"responses,omitempty"` // by status: "200", "default"

	// The rest is in the documentation part of the index only.
	Description    string          `json:"description,omitempty"`
	Behavior       []string        `json:"behavior,omitempty"`       // x-behavior: what a schema cannot say; implementers follow it
	Notes          []string        `json:"notes,omitempty"`          // x-doc-notes: slips of the vendor's document, and how they were read
	SDKNotes       []string        `json:"sdkNotes,omitempty"`       // x-sdk-notes, x-client-notes: habits of public clients
	Errors         []ErrorCode     `json:"errors,omitempty"`         // x-errors
	RequestExample string          `json:"requestExample,omitempty"` // x-request-example: "GET /v1/bos/aksk HTTP/1.1"
	Source         json.RawMessage `json:"source,omitempty"`         // x-source: file and lines of the vendor's document
	More           json.RawMessage `json:"more,omitempty"`           // every other extension, as written
}

// Param is a path, query or header parameter.
type Param struct {
	Name        string          `json:"name"`
	In          string          `json:"in"`
	Required    bool            `json:"required,omitempty"`
	Explode     bool            `json:"explode,omitempty"`    // an array is sent as repeated parameters, not joined by commas
	AllowEmpty  bool            `json:"allowEmpty,omitempty"` // allowEmptyValue: present without a value counts
	Schema      *Schema         `json:"schema,omitempty"`
	Description string          `json:"description,omitempty"`
	Example     json.RawMessage `json:"example,omitempty"`
}

// Body is a request body.
type Body struct {
	Required    bool      `json:"required,omitempty"`
	ContentType string    `json:"contentType"`
	Schema      *Schema   `json:"schema,omitempty"`
	Description string    `json:"description,omitempty"`
	Examples    []Example `json:"examples,omitempty"`
}

// Response is one documented answer.
type Response struct {
	ContentType string            `json:"contentType,omitempty"` // empty: no body
	Schema      *Schema           `json:"schema,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"` // name to description
	Ref         string            `json:"ref,omitempty"`     // shared response of the file it was taken from
	Description string            `json:"description,omitempty"`
	Examples    []Example         `json:"examples,omitempty"`
}

// Example is a body from the contract.
type Example struct {
	Name    string          `json:"name,omitempty"` // empty for the main one
	Summary string          `json:"summary,omitempty"`
	Value   json.RawMessage `json:"value"`
}

// ErrorCode is an error that the contract documents for an operation.
type ErrorCode struct {
	Code    string `json:"code"`
	Status  int    `json:"status,omitempty"` // 0 if the document gives none
	Message string `json:"message,omitempty"`
	Meaning string `json:"meaning,omitempty"`
}

// File is one compiled contract file.
type File struct {
	Name    string             `json:"name"` // "v2/vm-instance"
	Schemas map[string]*Schema `json:"schemas,omitempty"`
	Order   []string           `json:"order,omitempty"` // schema names in the order of the file
	Ops     map[string]*Detail `json:"ops,omitempty"`   // by operationId

	Title        string      `json:"title,omitempty"`
	Description  string      `json:"description,omitempty"`
	Behavior     []string    `json:"behavior,omitempty"` // x-common-behavior, x-common
	CommonErrors []ErrorCode `json:"commonErrors,omitempty"`
}

func isParam(segment string) bool {
	return len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}'
}

// SharesPathWith tells whether two operations answer the same method and path, so that only a flag, the body or a parameter's value tells them apart.
func (o *Operation) SharesPathWith(other *Operation) bool {
	return o == other || o.Dialect == other.Dialect && o.Method == other.Method && shape(o.Path) == shape(other.Path)
}

// shape is a template without the names of its parameters.
func shape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if isParam(s) {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}
