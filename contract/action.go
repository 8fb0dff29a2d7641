package contract

import (
	"net/http"
	"net/url"
	"strings"
)

// matchAction finds a Tencent operation: the header X-TC-Action (signature v3), or the parameter Action in the query or the form (signature v1).
func (d *Dialect) matchAction(r *http.Request, query url.Values, body []byte) (*Match, *Mismatch) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, &Mismatch{Reason: WrongMethod, Allowed: []string{http.MethodGet, http.MethodPost}}
	}
	if isForm(r.Header) {
		form, _ := url.ParseQuery(string(body)) // pairs that cannot be read are left out; the signature will not fit then
		for k, v := range form {
			query[k] = append(query[k], v...)
		}
	}
	action := r.Header.Get("X-TC-Action")
	if action == "" {
		action = query.Get("Action")
	}
	if action == "" {
		return nil, &Mismatch{Reason: NoneSelected, Allowed: []string{"X-TC-Action", "Action"}}
	}
	o := d.router.actions[action]
	if o == nil {
		return nil, &Mismatch{Reason: UnknownPath, Action: action}
	}
	return &Match{Operation: o, PathParams: map[string]string{}, Query: query}, nil
}

func isForm(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "application/x-www-form-urlencoded")
}
