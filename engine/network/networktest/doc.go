// Package networktest states what a network engine does, as tests: Suite for the rows of any engine (the simulated one too), Traffic for packets through a
// real one.
//
// What does not live here: how an engine does it (engine/network/ovn), and hosts to run it on (test/host).
package networktest
