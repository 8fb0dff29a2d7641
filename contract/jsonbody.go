package contract

import "net/http"

// JSONBody is the body as JSON, whatever the form of the request: Tencent's flattened parameters are put together by the action's schema.
func (m *Match) JSONBody(header http.Header, body []byte) []byte {
	if m.Operation.Action == "" {
		return body
	}
	if m.Query.Has("Action") || isForm(header) || len(body) == 0 {
		return m.Operation.FormBody(m.Query)
	}
	return body
}
