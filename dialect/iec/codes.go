package iec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"edgecloud/api"
	"edgecloud/contract"
	"edgecloud/fault"
)

// refinement gives a fault the code that the document has for it. Empty fields match any. The status comes with the code (api/iec/errors.json), and the sentence
// stays the fault's own: it names the field, which the document's messages do not.
type refinement struct {
	in     string     // what the operation's key starts with: "iec/vpc." for a resource, "iec/vpc.createVpc" for one operation
	kind   fault.Kind // compared always
	about  string     // the fault's resource, in the cloud's words
	field  string     // the fault's field, in the cloud's words or the wire's
	code   string
	status int // 0: the code's own
}

func (r refinement) matches(op *contract.Operation, x *fault.Fault) bool {
	return r.kind == x.Kind && (r.about == "" || r.about == x.Resource) && (r.field == "" || r.field == x.Field) && (op == nil && r.in == "" || op != nil && strings.HasPrefix(op.Key, r.in))
}

// refinements are all resources' tables: the first row that matches counts, so that in a table the special comes before the general.
var refinements = sync.OnceValue(func() []refinement {
	return slices.Concat(
		// one line a resource
		siteCodes,
		keyPairCodes,
		publicIPCodes,
		bandwidthCodes,
		serverCodes,
		volumeCodes,
		deploymentCodes,
		edgeCloudCodes,
		imageCodes,
		[]refinement{},
		vpcCodes,
		subnetCodes,
		portCodes,
		securityCodes,
		firewallCodes,
		routeTableCodes,
	)
})

// coded is what the document says of an error code.
type coded struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// codes are the service's documented error codes.
var codes = sync.OnceValue(func() map[string]coded {
	all := map[string]coded{}
	text, err := api.FS.ReadFile("iec/errors.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("iec: the embedded errors.json cannot be read: %v", err)) // built in: a test reads it
	}
	return all
})

// refine finds the code for a fault: a resource's own row, else what the document has for a request that breaks the contract, else the general one of its kind.
func refine(op *contract.Operation, x *fault.Fault) answer {
	for _, r := range refinements() {
		if r.matches(op, x) {
			return answer{cmp.Or(r.status, codes()[r.code].Status), r.code}
		}
	}
	if x.Resource == "operation" {
		return answer{answers[x.Kind].status, "IEC.000008"}
	}
	if x.Kind != fault.Invalid || op == nil {
		return answers[x.Kind]
	}
	for _, p := range op.Params() {
		if p.Name != x.Field {
			continue
		}
		switch {
		case p.In == "query" && x.Field == "offset":
			return answer{http.StatusBadRequest, "IEC.020916"}
		case p.In == "query":
			return answer{http.StatusBadRequest, "IEC.000006"}
		case p.In == "path":
			return answer{http.StatusBadRequest, "IEC.000030"}
		}
	}
	return answers[x.Kind]
}
