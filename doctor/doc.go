// Package doctor looks at a machine and says what keeps an edge cloud from running on it, or from running well, and what to do about each finding.
//
// It changes nothing. KVM is probed with a real guest (engine/hypervisor/probe). What does not live here: mending what it finds (scripts/setup.sh, onebox).
package doctor
