// Package cloud is the folder of the domain: what an edge cloud is, in words that no dialect and no engine owns.
//
// Its packages stand on four floors and import only downwards (a test holds this):
//
//	identity place quota audit operation
//	image network volume object
//	compute container baremetal
//	plan balancer desktop monitor metering
//
// In each: model.go (tables and words), one file a verb, lifecycle.go (states and steps), spec.go (what hosts and sites get), observe.go (what they report).
// A verb takes the caller and decides whether the caller may; what a caller may not see is not found. A verb is one transaction.
package cloud
