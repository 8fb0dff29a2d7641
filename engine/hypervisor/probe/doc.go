// Package probe finds out whether guests really run under KVM on this host, and remembers the answer.
//
// A /dev/kvm that opens is no proof: on some nested machines guests hang under it. So a guest of 512 bytes is started that reports back through its exit
// status, with a time limit. What does not live here: what is done with the answer (agent, doctor).
package probe
