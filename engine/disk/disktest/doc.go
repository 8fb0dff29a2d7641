// Package disktest holds the conformance suite of engine/disk: what a second call, an unknown ID, a half-finished call and a concurrent call do.
//
// Every pool passes it, the real and the simulated. What does not live here: tests of one implementation's files.
package disktest
