package contract

import (
	"net/http"
	"strconv"
	"strings"
)

// ValidateResponse checks an answer strictly: a documented status, the content type, required members, exact types, enums, and no member that the contract
// does not name. For use in every test.
func (o *Operation) ValidateResponse(status int, header http.Header, body []byte) []Violation {
	r := o.responseFor(status)
	v := &validator{in: "body", strict: true}
	if r == nil {
		v.fail("status", "", "status", "one of the documented statuses, not %d", status)
		return v.found
	}
	if r.Schema == nil {
		if len(strings.TrimSpace(string(body))) > 0 {
			v.fail("body", "", "type", "no body")
		}
		return v.found
	}
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if r.ContentType != "application/json" {
		return v.found
	}
	if !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		v.fail("header", "Content-Type", "type", "application/json, not %q", media)
	}
	v.found = append(v.found, CheckValue(r.Schema, body)...)
	return v.found
}

// CheckValue validates a JSON value strictly, as answers are.
func CheckValue(s *Schema, raw []byte) []Violation {
	v := &validator{in: "body", strict: true}
	value, ok, err := decode(raw)
	switch {
	case err != nil:
		v.fail("body", "", "type", "valid JSON: %v", err)
	case !ok:
		v.fail("body", "", "required", "%s", s.describe())
	default:
		v.value("", s, value)
	}
	return v.found
}

func (o *Operation) responseFor(status int) *Response {
	responses := o.detail().Responses
	if r := responses[strconv.Itoa(status)]; r != nil {
		return r
	}
	if status >= 400 {
		return responses["default"]
	}
	return nil
}
