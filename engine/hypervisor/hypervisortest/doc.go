// Package hypervisortest holds the conformance suite of engine/hypervisor: what a second call, an unknown ID, a half-finished call and a concurrent call do.
//
// Every hypervisor passes it, the real and the simulated. What does not live here: tests of how one implementation does it.
package hypervisortest
