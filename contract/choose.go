package contract

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// choose picks among the operations of one method and path: a query flag first, then query values, then the body, else the plain one.
func choose(candidates []*Operation, method string, query url.Values, body []byte) (*Operation, *Mismatch) {
	if len(candidates) == 1 && (!candidates[0].selective() || candidates[0].Method != method) {
		return candidates[0], nil // an alternative method needs no selector
	}
	if o, miss, done := chooseByQuery(candidates, query); done {
		return o, miss
	}
	return chooseByBody(candidates, query, body)
}

// selective tells whether something other than method and path must select the operation.
func (o *Operation) selective() bool {
	return o.Flag != "" && !o.FlagOptional || o.BodyKey != "" || o.BodyMatch != nil || o.QueryMatch != nil
}

func chooseByQuery(candidates []*Operation, query url.Values) (*Operation, *Mismatch, bool) {
	var chosen []*Operation
	for _, o := range candidates {
		if o.Flag != "" && hasFlag(query, o.Flag) || o.QueryMatch != nil && queryMatches(query, o.QueryMatch) {
			chosen = append(chosen, o)
		}
	}
	switch len(chosen) {
	case 0:
		return nil, nil, false
	case 1:
		return chosen[0], nil, true
	}
	return nil, &Mismatch{Reason: Ambiguous, Allowed: selectors(chosen)}, true
}

// hasFlag tells whether a bare key is there: "?start" and "?start=" are the same. Flags keep their case on the wire, but clients differ (bindSg, bindsg).
func hasFlag(query url.Values, flag string) bool {
	if query.Has(flag) {
		return true
	}
	for k := range query {
		if strings.EqualFold(k, flag) {
			return true
		}
	}
	return false
}

func queryMatches(query url.Values, want map[string]string) bool {
	for k, v := range want {
		if !strings.EqualFold(query.Get(k), v) {
			return false
		}
	}
	return true
}

func chooseByBody(candidates []*Operation, query url.Values, body []byte) (*Operation, *Mismatch) {
	members, empty := topLevel(body)
	best, plain, ties := 0, (*Operation)(nil), []*Operation(nil)
	for _, o := range candidates {
		score := o.bodyScore(members, empty)
		switch {
		case score < 0:
			continue
		case score == 0:
			if plain == nil && !o.selective() {
				plain = o
			}
		case score > best:
			best, ties = score, []*Operation{o}
		case score == best:
			ties = append(ties, o)
		}
	}
	if len(ties) > 1 {
		ties = withValue(ties, members)
	}
	switch {
	case len(ties) == 1:
		return ties[0], nil
	case len(ties) > 1:
		return nil, &Mismatch{Reason: Ambiguous, Allowed: selectors(ties)}
	case plain != nil:
		return plain, nil
	}
	return nil, &Mismatch{Reason: NoneSelected, Allowed: selectors(candidates)}
}

// bodyScore: negative excludes the operation, zero says nothing, more is better.
func (o *Operation) bodyScore(members map[string]json.RawMessage, empty bool) int {
	score := 0
	if o.Flag != "" && !o.FlagOptional {
		return -1 // its flag was not there
	}
	if o.QueryMatch != nil {
		return -1
	}
	for k, want := range o.BodyMatch {
		got, ok := members[k]
		if !ok {
			continue
		}
		if !strings.EqualFold(scalarText(got), want) {
			return -1
		}
		score += 2
	}
	if o.BodyKey != "" {
		if _, ok := members[o.BodyKey]; ok {
			score++
		}
	}
	if o.BodyAbsent != "" {
		v, ok := members[o.BodyAbsent]
		if ok && !isZero(v) {
			return -1
		}
		score++
	}
	if o.HasBody != nil {
		if *o.HasBody == empty {
			return -1
		}
		score++
	}
	return score
}

// withValue breaks a tie: an SDK that sends its zero values must not select by them.
func withValue(ties []*Operation, members map[string]json.RawMessage) []*Operation {
	var kept []*Operation
	for _, o := range ties {
		if v, ok := members[o.BodyKey]; ok && !isZero(v) {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		return ties
	}
	return kept
}

func isZero(v json.RawMessage) bool {
	switch string(bytes.TrimSpace(v)) {
	case "", "null", "0", `""`, "[]", "{}", "false":
		return true
	}
	return false
}

func scalarText(v json.RawMessage) string {
	if s, err := strconv.Unquote(string(v)); err == nil {
		return s
	}
	return string(v)
}

// topLevel reads the members of a JSON object. A body that is no object has none; what is wrong with it, validation says.
func topLevel(body []byte) (members map[string]json.RawMessage, empty bool) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, true
	}
	if body[0] != '{' || json.Unmarshal(body, &members) != nil {
		return nil, false
	}
	return members, len(members) == 0
}

func selectors(candidates []*Operation) []string {
	var out []string
	for _, o := range candidates {
		switch {
		case o.Flag != "":
			out = append(out, "?"+o.Flag)
		case o.BodyKey != "":
			out = append(out, o.BodyKey)
		case len(o.QueryMatch) > 0:
			for k, v := range o.QueryMatch {
				out = append(out, k+"="+v)
			}
		default:
			for k, v := range o.BodyMatch {
				out = append(out, k+"="+v)
			}
		}
	}
	return out
}
