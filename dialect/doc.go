// Package dialect is what every door has in common: it reads a request, finds and checks its operation by the contract, learns who calls, runs the handler that
// is bound to the operation, and writes the answer or the fault in the dialect's own form.
//
// A dialect's own folder says how its callers prove who they are, how a fault looks on its wire, and translates each operation into a verb of the cloud. A
// dialect holds no state, no rule and no life cycle.
package dialect
