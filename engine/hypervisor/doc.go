// Package hypervisor runs virtual machines on one host.
//
// The interface is a set of idempotent verbs over machines that are named by their instance's UID. An implementation keeps no state of its own beyond what
// the engine below keeps: after a crash of the caller or of the engine's daemon, List tells what is there. The suite in hypervisortest says what a second
// call, an unknown ID and a half-finished call do; libvirt and sim pass it.
//
// What does not live here: disks (engine/disk), ports (engine/network), what a machine should be (link/spec), when to act (agent).
package hypervisor
