package wiregen

import "edgecloud/contract"

// nameInline names bodies and answers that the file describes in place.
func (g *gen) nameInline(o *contract.Operation, d *contract.Detail) {
	if inlineBody(d) {
		g.inlineNames[o.ID+" request"] = g.taken.take(goName(o.ID) + "Request")
	}
	for _, status := range sortedStatuses(d) {
		if !inlineAnswer(d.Responses[status]) {
			continue
		}
		name := goName(o.ID) + "Response"
		if status[0] != '2' {
			name += goName(status)
		}
		g.inlineNames[o.ID+" "+status] = g.taken.take(name)
	}
}

func inlineBody(d *contract.Detail) bool {
	return jsonBody(d) && d.Body.Schema.Ref == "" && d.Body.Schema.Base == ""
}

func jsonBody(d *contract.Detail) bool {
	return d.Body != nil && d.Body.Schema != nil && d.Body.ContentType == "application/json"
}

func inlineAnswer(r *contract.Response) bool {
	return jsonAnswer(r) && r.Schema.Ref == "" && r.Ref == ""
}

func jsonAnswer(r *contract.Response) bool {
	return r.Schema != nil && r.ContentType == "application/json"
}

// inline declares what nameInline named.
func (g *gen) inline(o *contract.Operation, d *contract.Detail) {
	if name := g.inlineNames[o.ID+" request"]; name != "" {
		g.declare(name, d.Body.Schema, request, "is the request body of "+o.ID)
	}
	for _, status := range sortedStatuses(d) {
		if name := g.inlineNames[o.ID+" "+status]; name != "" {
			g.declare(name, d.Responses[status].Schema, answer, "is the answer of "+o.ID+" with status "+status)
		}
	}
}

// bodyName is the type of an operation's request body; empty if it has none.
func (g *gen) bodyName(o *contract.Operation, d *contract.Detail) string {
	switch {
	case !jsonBody(d):
		return ""
	case inlineBody(d):
		return g.inlineNames[o.ID+" request"]
	}
	return g.typeOf(d.Body.Schema, request, "")
}

// answerName is the type of an answer; empty if it has no JSON body, or one that the file shares without naming its schema.
func (g *gen) answerName(o *contract.Operation, d *contract.Detail, status string) string {
	r := d.Responses[status]
	switch {
	case !jsonAnswer(r):
		return ""
	case inlineAnswer(r):
		return g.inlineNames[o.ID+" "+status]
	case r.Schema.Ref == "":
		return ""
	}
	return g.typeOf(r.Schema, answer, "")
}
