// Package probe finds out whether guests really run under KVM on this host, and remembers the answer.
//
// A /dev/kvm that opens is no proof, nor is one that runs a few instructions: on some nested machines guests hang under it, or are stopped at the first
// instruction that nobody emulates. So a guest of 512 bytes is started that goes all the way from the BIOS to user mode as boot loaders and kernels do,
// and reports each step, with a time limit. What does not live here: what is done with the answer (agent, doctor).
package probe
